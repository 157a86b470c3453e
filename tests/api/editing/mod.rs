//! Editing: documents, preconditions, ids, files and histories, as editors use them.

use serde_json::Value;

use crate::support::keys::{bearer, make_key};
use crate::support::{Answer, App};

mod covers;
mod documents;
mod editions;
mod faults;
mod files;
mod history;
mod random;

/// An editor at work.
pub struct Editor<'a> {
    pub app: &'a App,
    pub key: String,
}

impl<'a> Editor<'a> {
    pub fn new(app: &'a App) -> Self {
        Self { app, key: make_key(app, &["catalogue:write"]) }
    }

    pub fn call(&self, method: &str, target: &str) -> crate::support::client::Call<'a> {
        self.app.call(method, target).header("Authorization", &bearer(&self.key))
    }

    pub fn get(&self, target: &str) -> Answer {
        self.call("GET", target).send()
    }

    /// A document and its ETag.
    pub fn document(&self, path: &str) -> (Value, String) {
        let answer = self.get(&format!("{path}/document")).expect(200);
        let tag = answer.header("etag").expect("an ETag").to_owned();
        (answer.json(), tag)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path).json(body).send()
    }

    pub fn put(&self, path: &str, tag: &str, body: &Value) -> Answer {
        self.call("PUT", path).header("If-Match", tag).json(body).send()
    }

    pub fn patch(&self, path: &str, tag: &str, body: &Value) -> Answer {
        self.call("PATCH", path).header("If-Match", tag).header("Content-Type", "application/merge-patch+json").body(body.to_string()).send()
    }

    pub fn delete(&self, path: &str, tag: &str) -> Answer {
        self.call("DELETE", path).header("If-Match", tag).send()
    }

    /// The revision that the catalogue has.
    pub fn revision(&self) -> i64 {
        self.app.state.store.read(|db| Ok(handbooks::catalogue::revision::current(db)?.number)).expect("a revision")
    }
}

/// A volume that fits everywhere.
pub fn volume(id: &str, number: i32) -> Value {
    serde_json::json!({
        "id": id, "number": number, "year": 2026, "state": "draft", "themes": ["mobility"],
        "texts": {"fr": {"title": "Nouveau"}, "nl": {"state": "draft", "title": "Nieuw", "summary": "Kort"}},
        "editions": [{"language": "fr", "access": "form"}],
        "contents": [{"kind": "part", "number": 1, "texts": {"fr": {"title": "Un"}}, "contents": [{"kind": "step", "texts": {"fr": {"title": "Pas"}}}]}],
    })
}
