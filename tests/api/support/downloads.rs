//! Download requests and files, as the tests make them.

use diesel::prelude::*;
use handbooks::db::schema::{consent, download_item, download_request, idempotency, requester};
use handbooks::db::{Db, Store};
use handbooks::error::Error;
use handbooks::operations::file::{self, AddFile, Kind};
use serde_json::{Value, json};

use super::{Answer, App};

pub const REQUESTS: &str = "/v1/downloadRequests";

/// The least that a request holds.
pub fn least(volume: &str, language: &str) -> Value {
    json!({"editions": [{"volume": volume, "language": language}], "privacyNotice": "privacy-1"})
}

/// The same by a person whom the server can recognize.
pub fn by_person(volume: &str, language: &str) -> Value {
    let mut body = least(volume, language);
    body["requester"] = json!({"name": "Zoé Peeters", "email": "zoe.peeters@example.org"});
    body
}

/// How many rows there are of requests, requesters, items, consents, kept answers.
pub fn rows(store: &Store) -> [i64; 5] {
    fn count(db: &mut Db) -> Result<[i64; 5], Error> {
        Ok([
            download_request::table.count().get_result(db)?,
            requester::table.count().get_result(db)?,
            download_item::table.count().get_result(db)?,
            consent::table.count().get_result(db)?,
            idempotency::table.count().get_result(db)?,
        ])
    }
    store.read(count).expect("a count")
}

/// A text property that must be there.
#[track_caller]
pub fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}: {value}")).to_owned()
}

impl App {
    /// Posts a form.
    pub fn ask_for(&self, body: &Value) -> Answer {
        self.call("POST", REQUESTS).json(body).send()
    }

    /// Posts a form with an `Idempotency-Key`.
    pub fn ask_with_key(&self, key: &str, body: &Value) -> Answer {
        self.call("POST", REQUESTS).header("Idempotency-Key", key).json(body).send()
    }

    /// What reads or erases a request: its path, and its token as the header has it.
    pub fn opened(&self, method: &str, request: &Value) -> Answer {
        self.call(method, &text(request, "/href")).header("Authorization", &format!("Bearer {}", text(request, "/accessToken"))).send()
    }

    /// Makes a PDF the file of an edition, as the verb does.
    pub fn add_file(&self, kind: Kind, id: &str, language: &str, bytes: &[u8]) -> String {
        let path = self.home.folder.path().join("handbook.pdf");
        std::fs::write(&path, bytes).expect("a file to add");
        let wanted = AddFile { kind, id: id.to_owned(), language: language.to_owned(), path };
        actix_web::rt::System::new().block_on(file::add(&self.state.store, &self.state.storage, wanted)).expect("the file is added")
    }

    /// How many rows there are of requests, requesters, items, consents, kept answers.
    pub fn rows(&self) -> [i64; 5] {
        rows(&self.state.store)
    }

    /// The link of the first edition of a new request.
    pub fn link(&self, volume: &str, language: &str) -> String {
        text(&self.ask_for(&least(volume, language)).expect(201).json(), "/editions/0/link/href")
    }
}
