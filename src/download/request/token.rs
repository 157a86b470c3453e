//! The token of a request: made from its id and the secret, so nothing of it is stored and nothing of it can be guessed.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Code, Error};
use crate::secret::Secret;

const PURPOSE: &str = "requestToken";
/// So that a token found somewhere (a log, a repository) is recognized for what it is.
const PREFIX: &str = "hbr_";
const TAG: usize = 32;

/// The token of the request `id`.
pub fn make(secret: &Secret, id: &str) -> String {
    format!("{PREFIX}{}", secret.hash(PURPOSE, id.as_bytes()))
}

/// Whether `token` is that of the request `id`, under any accepted secret. Takes as long whether there is such a request or not.
pub fn opens(secret: &Secret, id: &str, token: &str) -> bool {
    let tag = token.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    // A shortened tag would verify too: the whole of it is asked for.
    tag.is_some_and(|tag| tag.len() == TAG && secret.verify(PURPOSE, id.as_bytes(), &tag))
}

/// Lets a request pass that carries the token of the download request `id`.
///
/// # Errors
/// 401 without a token, or with another one.
pub fn check(request: &HttpRequest, secret: &Secret, id: &str) -> Result<(), Error> {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
    match given {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => {
            if opens(secret, id, token.trim()) {
                return Ok(());
            }
            Err(Error::problem(Code::InvalidAccessToken, "The token in Authorization is not that of this download request."))
        }
        _ => Err(Error::problem(
            Code::NoAccessToken,
            "A download request opens with its own token: send 'Authorization: Bearer …' with the accessToken of the answer that created it.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_own_request() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let before = Secret::parse(&old).unwrap();
        let after = Secret::parse(&format!("{new},{old}")).unwrap();
        let token = make(&before, "a");
        assert_eq!(token.len(), 4 + 43);
        assert!(opens(&before, "a", &token));
        assert!(opens(&after, "a", &token));
        assert!(!opens(&before, "b", &token));
        assert!(!opens(&Secret::parse(&new).unwrap(), "a", &token));
        for bad in ["", "hbr_", &token[..token.len() - 3], &token[4..], &format!("{token}A"), "hbr_!!"] {
            assert!(!opens(&before, "a", bad), "{bad}");
        }
    }
}
