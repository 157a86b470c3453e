//! Scenarios of lists and items: a question, the ids in order, what must appear and what must not.

use super::{App, ids};

/// A question and what its answer must be.
pub struct Scenario {
    target: String,
    accept_language: Option<&'static str>,
    status: u16,
    ids: Option<Vec<&'static str>>,
    has: Vec<String>,
    lacks: Vec<String>,
}

/// A question; its answer must be 200.
pub fn at(target: impl Into<String>) -> Scenario {
    Scenario { target: target.into(), accept_language: None, status: 200, ids: None, has: Vec::new(), lacks: Vec::new() }
}

impl Scenario {
    /// The `Accept-Language` to ask with.
    pub fn speaking(mut self, accept: &'static str) -> Self {
        self.accept_language = Some(accept);
        self
    }

    /// Another status than 200.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The ids of the items, in order; then `total` is their number.
    pub fn ids(mut self, ids: &[&'static str]) -> Self {
        self.ids = Some(ids.to_vec());
        self
    }

    /// Text that must stand in the body.
    pub fn has<S: Into<String> + Clone>(mut self, texts: &[S]) -> Self {
        self.has.extend(texts.iter().cloned().map(Into::into));
        self
    }

    /// Text that must not.
    pub fn lacks<S: Into<String> + Clone>(mut self, texts: &[S]) -> Self {
        self.lacks.extend(texts.iter().cloned().map(Into::into));
        self
    }
}

/// Runs a table and tells of all rows that fail.
#[track_caller]
pub fn run(app: &App, table: impl IntoIterator<Item = Scenario>) {
    let mut faults = Vec::new();
    for row in table {
        let mut call = app.call("GET", &row.target);
        if let Some(accept) = row.accept_language {
            call = call.header("Accept-Language", accept);
        }
        let answer = call.send();
        let text = answer.text();
        let mut fault = |what: String| faults.push(format!("{}: {what}", row.target));
        if answer.status != row.status {
            fault(format!("answers {} instead of {}: {text}", answer.status, row.status));
            continue;
        }
        if let Some(wanted) = &row.ids {
            let list = answer.json();
            let found = ids(&list);
            if found != *wanted {
                fault(format!("lists {found:?} instead of {wanted:?}"));
            }
            if list.get("next").is_none() && !row.target.contains("after=") && list["total"] != wanted.len() {
                fault(format!("counts {} instead of {}", list["total"], wanted.len()));
            }
        }
        for wanted in row.has.iter().filter(|wanted| !text.contains(wanted.as_str())) {
            fault(format!("lacks {wanted:?}: {text}"));
        }
        for unwanted in row.lacks.iter().filter(|unwanted| text.contains(unwanted.as_str())) {
            fault(format!("has {unwanted:?}: {text}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
