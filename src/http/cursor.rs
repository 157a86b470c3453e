//! Cursors: opaque, signed, bound to the question they came with. They live as long as the secret does, so they survive a restart.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Issue, IssueKind};
use crate::secret::Secret;

const PURPOSE: &str = "cursor";
const TAG: usize = 12;

/// The value of one sort key of the record a page ended (or began) with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SortValue {
    Number(i64),
    Text(String),
}

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The sort values of the record at this place, its surrogate key last.
    #[serde(rename = "v")]
    pub values: Vec<SortValue>,
    /// Read towards the start of the list.
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub backward: bool,
    /// Hash of the question.
    #[serde(rename = "q")]
    question: String,
}

fn fingerprint(question: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(question.as_bytes())[..9])
}

impl Cursor {
    /// A place within the list that `question` (its path and canonical form, without paging) asks for.
    pub fn new(question: &str, values: Vec<SortValue>, backward: bool) -> Self {
        Self { values, backward, question: fingerprint(question) }
    }

    /// The token a client gets.
    pub fn encode(&self, secret: &Secret) -> String {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        let tag = secret.mac(PURPOSE, &bytes);
        bytes.extend_from_slice(&tag[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token back.
    ///
    /// # Errors
    /// An issue that says whether the cursor is broken or belongs to another question.
    pub fn decode(token: &str, question: &str, secret: &Secret) -> Result<Self, Box<Issue>> {
        let fault = |detail: &str| Box::new(Issue::new(IssueKind::SchemaViolation, "query", "after", detail).value(token));
        let broken = || fault("This cursor is broken; take it from the 'next' link of an answer, unchanged.");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| broken())?;
        let (body, tag) = bytes.len().checked_sub(TAG).map(|at| bytes.split_at(at)).ok_or_else(broken)?;
        if !secret.verify(PURPOSE, body, tag) {
            return Err(broken());
        }
        let cursor: Self = serde_json::from_slice(body).map_err(|_| broken())?;
        if cursor.question != fingerprint(question) {
            return Err(fault(
                "This cursor belongs to another question (path, filters, order or language); start again without 'after', or follow 'next' unchanged.",
            ));
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_and_only_for_their_question() {
        let secret = Secret::parse(&"s".repeat(32)).unwrap();
        let cursor = Cursor::new("volumes?year=2020", vec![SortValue::Number(4), SortValue::Text("é".into())], false);
        let token = cursor.encode(&secret);
        assert_eq!(Cursor::decode(&token, "volumes?year=2020", &secret).unwrap(), cursor);
        assert!(Cursor::decode(&token, "volumes?year=2021", &secret).unwrap_err().detail.contains("another question"));
        let mut other = token.clone();
        other.replace_range(0..1, if token.starts_with('A') { "B" } else { "A" });
        assert!(Cursor::decode(&other, "volumes?year=2020", &secret).unwrap_err().detail.contains("broken"));
    }
}
