//! A copy of the catalogue that knows only what `/v1/changes` tells.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::process::Process;
use super::{Answer, App};

/// A server that can be asked.
pub trait Server {
    fn ask(&self, target: &str) -> Answer;
}

impl Server for App {
    fn ask(&self, target: &str) -> Answer {
        self.get(target)
    }
}

impl Server for Process {
    fn ask(&self, target: &str) -> Answer {
        self.get(target)
    }
}

/// The copy.
#[derive(Default)]
pub struct Mirror {
    cursor: Option<String>,
    /// What is held, and the hash of it that the mirror makes itself.
    pub records: BTreeMap<(String, String), (String, Value)>,
    /// Every change that was read: its cursor, kind, type, id and language.
    pub log: Vec<(String, String, String, String, Option<String>)>,
}

impl Mirror {
    /// Reads on to the end, page by page, and tells the changes that came: `kind type/id language`.
    pub fn follow(&mut self, server: &impl Server, page_size: usize) -> Vec<String> {
        let begun = self.log.len();
        loop {
            let after = self.cursor.as_ref().map(|cursor| format!("&after={cursor}")).unwrap_or_default();
            let page = server.ask(&format!("/v1/changes?embed=record&pageSize={page_size}{after}")).ok();
            for change in page["items"].as_array().expect("items") {
                self.take(change);
            }
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            self.cursor = Some(text(&page["cursor"]));
            if page.get("next").is_none() {
                break;
            }
        }
        let told = |(_, change, kind, id, language): &(String, String, String, String, Option<String>)| {
            format!("{change} {kind}/{id} {}", language.as_deref().unwrap_or("-"))
        };
        self.log[begun..].iter().map(told).collect()
    }

    /// Takes one change in, as the documentation says.
    pub fn take(&mut self, change: &Value) {
        let text = |name: &str| change[name].as_str().map(str::to_owned);
        let (kind, id) = (text("type").expect("a type"), text("id").expect("an id"));
        for old in [text("previousId"), Some(id.clone())].into_iter().flatten() {
            self.records.remove(&(kind.clone(), old));
        }
        if let Some(record) = change.get("record") {
            let present = record["id"].as_str().unwrap_or(&id).to_owned();
            let etag = URL_SAFE_NO_PAD.encode(Sha256::digest(serde_json::to_vec(record).expect("JSON")));
            assert_eq!(change["etag"], Value::from(etag.clone()), "the hash of {kind} {present}");
            self.records.insert((kind.clone(), present), (etag, record.clone()));
        }
        self.log.push((text("cursor").expect("a cursor"), text("change").expect("a change"), kind, id, text("language")));
    }

    /// Count and hash of the copy, by the documented recipe.
    pub fn digest(&self) -> (usize, String) {
        let mut lines: Vec<String> = self.records.iter().map(|((kind, id), (etag, _))| format!("{kind} {id} {etag}\n")).collect();
        lines.sort();
        let hash = Sha256::digest(lines.concat());
        (lines.len(), hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Fails when the copy is not the server's catalogue.
    #[track_caller]
    pub fn prove(&self, server: &impl Server) {
        let digest = server.ask("/v1/digest").ok();
        let (count, sha256) = self.digest();
        assert_eq!((&digest["count"], &digest["sha256"]), (&Value::from(count), &Value::from(sha256)), "{:?}", self.log.last());
    }
}
