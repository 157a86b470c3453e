//! `kept.toml`: what the server keeps of each record by itself (dates, former ids, files), so that another server can carry on with it.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{FOLDERS, spell};
use crate::catalogue::record::{self, Kept, instant_of};
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::http::is_slug;

/// Where it lies in the folder of a collection.
pub const NAME: &str = "kept.toml";

const HEAD: &str = "\
# Written by `handbooks export`: what the server keeps of each record by itself. `content` is the fingerprint of the record's file; the dates of change
# hold true for that content alone, so a file that was edited since is dated anew when it is imported. `tombstones` are of what was deleted.
format = 1
";

/// A kind and an id.
pub type Place = (&'static str, String);

/// What was kept of a record, as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Filed {
    /// The fingerprint of the document it was kept of.
    pub content: String,
    /// Whether the document is still that one.
    pub holds: bool,
    pub kept: Kept,
}

impl Filed {
    /// What is to be kept of a record of which `now` is kept, with the texts it has now. `keep`: nothing is taken away. `files`: files are looked at.
    pub fn onto(&self, now: &Kept, new: bool, keep: bool, files: bool) -> Kept {
        let mut kept = now.clone();
        if self.holds || new {
            kept.created_at.clone_from(&self.kept.created_at);
        }
        if self.holds {
            kept.updated_at.clone_from(&self.kept.updated_at);
            for (language, at) in &mut kept.texts {
                if let Some(filed) = self.kept.texts.get(language) {
                    at.clone_from(filed);
                }
            }
        }
        // An old id leads to its record for ever.
        kept.old_ids.extend(self.kept.old_ids.iter().filter(|old| !now.old_ids.contains(old)).cloned());
        kept.old_ids.sort();
        if files {
            kept.files = self.kept.files.clone();
            if keep {
                let missing = |language: &str| !self.kept.files.iter().any(|file| file.language == language);
                kept.files.extend(now.files.iter().filter(|file| missing(&file.language)).cloned());
            }
            kept.files.sort_by(|a, b| a.language.cmp(&b.language));
        }
        kept
    }
}

/// The fingerprint of a document.
///
/// # Errors
/// Never of a document.
pub fn fingerprint(document: &Value) -> Result<String, Error> {
    crate::catalogue::face::etag(document)
}

/// The file as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct KeptFile {
    format: i64,
    #[serde(default)]
    collection: BTreeMap<String, FiledEntry>,
    #[serde(default)]
    languages: BTreeMap<String, FiledEntry>,
    #[serde(default)]
    themes: BTreeMap<String, FiledEntry>,
    #[serde(default)]
    volumes: BTreeMap<String, FiledEntry>,
    #[serde(default)]
    complements: BTreeMap<String, FiledEntry>,
    #[serde(default)]
    events: BTreeMap<String, FiledEntry>,
    #[serde(default)]
    testimonies: BTreeMap<String, FiledEntry>,
    #[serde(default)]
    supporters: BTreeMap<String, FiledEntry>,
    /// By folder and id, when what was public was deleted.
    #[serde(default)]
    tombstones: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FiledEntry {
    content: String,
    created_at: String,
    updated_at: String,
    #[serde(default)]
    texts: BTreeMap<String, String>,
    #[serde(default)]
    old_ids: Vec<String>,
    #[serde(default)]
    files: Vec<record::KeptFile>,
}

impl KeptFile {
    fn all(&self) -> [(&'static str, &BTreeMap<String, FiledEntry>); 8] {
        [
            ("collection", &self.collection),
            ("languages", &self.languages),
            ("themes", &self.themes),
            ("volumes", &self.volumes),
            ("complements", &self.complements),
            ("events", &self.events),
            ("testimonies", &self.testimonies),
            ("supporters", &self.supporters),
        ]
    }

    /// What is wrong with it: place and sentence.
    pub(super) fn check(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        if self.format != 1 {
            faults.push(("format".to_owned(), format!("this program reads format 1, not {}", self.format)));
        }
        for (folder, entries) in self.all() {
            for (id, entry) in entries {
                entry.check(&format!("{folder}.{id}"), matches!(folder, "volumes" | "complements"), &mut faults);
            }
        }
        for (folder, ids) in &self.tombstones {
            if !FOLDERS.iter().any(|(_, known)| known == folder) {
                let folders: Vec<&str> = FOLDERS.iter().map(|(_, known)| *known).collect();
                faults.push((format!("tombstones.{folder}"), format!("there is no such folder; there are: {}", folders.join(", "))));
            }
            for (id, at) in ids {
                let place = format!("tombstones.{folder}.{id}");
                if !is_slug(id) {
                    faults.push((place.clone(), format!("'{}' cannot have been an id", crate::error::quote(id))));
                }
                if instant_of(at).is_none() {
                    faults.push((place, format!("'{}' is not an instant such as 2026-11-26T08:00:00Z", crate::error::quote(at))));
                }
            }
        }
        faults
    }

    /// What was public there and was deleted, and when.
    pub(super) fn tombstones(&self) -> BTreeMap<Place, NaiveDateTime> {
        let all = self.tombstones.iter().filter_map(|(folder, ids)| Some((FOLDERS.iter().find(|(_, known)| known == folder)?.0, ids)));
        all.flat_map(|(kind, ids)| ids.iter().filter_map(move |(id, at)| Some(((kind, id.clone()), instant_of(at)?)))).collect()
    }

    pub(super) fn into_filed(self) -> BTreeMap<Place, Filed> {
        let Self { format: _, collection, languages, themes, volumes, complements, events, testimonies, supporters, tombstones: _ } = self;
        let all = [
            ("collection", collection),
            ("language", languages),
            ("theme", themes),
            ("volume", volumes),
            ("complement", complements),
            ("event", events),
            ("testimony", testimonies),
            ("supporter", supporters),
        ];
        all.into_iter().flat_map(|(kind, entries)| entries.into_iter().map(move |(id, entry)| ((kind, id), entry.into_filed()))).collect()
    }
}

impl FiledEntry {
    fn check(&self, at: &str, work: bool, faults: &mut Vec<(String, String)>) {
        let mut instant = |place: String, text: &str| {
            if instant_of(text).is_none() {
                faults.push((place, format!("'{}' is not an instant such as 2026-11-26T08:00:00Z", crate::error::quote(text))));
            }
        };
        instant(format!("{at}.createdAt"), &self.created_at);
        instant(format!("{at}.updatedAt"), &self.updated_at);
        for (language, text) in &self.texts {
            instant(format!("{at}.texts.{language}"), text);
        }
        for (index, file) in self.files.iter().enumerate() {
            instant(format!("{at}.files[{index}].attachedAt"), &file.attached_at);
        }
        for old in self.old_ids.iter().filter(|old| !is_slug(old)) {
            faults.push((format!("{at}.oldIds"), format!("'{}' cannot have been an id", crate::error::quote(old))));
        }
        if !work && !self.files.is_empty() {
            faults.push((format!("{at}.files"), "only volumes and complements have files".into()));
        }
        for (index, file) in self.files.iter().enumerate() {
            let place = format!("{at}.files[{index}]");
            if file.sha256.len() != 64 || !file.sha256.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')) {
                faults.push((format!("{place}.sha256"), "a SHA-256 is 64 hexadecimal digits in lower case".into()));
            }
            if file.media_type != "application/pdf" {
                faults.push((format!("{place}.mediaType"), "the file of an edition is application/pdf".into()));
            }
            if file.bytes < 1 || file.pages < 1 {
                faults.push((place.clone(), "a file has bytes and pages".into()));
            }
            if file.file_name.trim().is_empty() || file.file_name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\')) {
                faults.push((format!("{place}.fileName"), "this cannot be the name of a file".into()));
            }
            if self.files[..index].iter().any(|other| other.language == file.language) {
                faults.push((format!("{place}.language"), "there is one file an edition".into()));
            }
        }
    }

    fn into_filed(self) -> Filed {
        let Self { content, created_at, updated_at, texts, mut old_ids, mut files } = self;
        old_ids.sort();
        old_ids.dedup();
        files.sort_by(|a, b| a.language.cmp(&b.language));
        Filed { content, holds: false, kept: Kept { created_at, updated_at, texts, old_ids, files } }
    }
}

/// The file as it is written.
///
/// # Errors
/// Never of what was kept.
pub fn spelled(
    kept: &BTreeMap<Place, Kept>,
    tombstones: &BTreeMap<Place, NaiveDateTime>,
    content: impl Fn(&str, &str) -> Result<String, Error>,
) -> Result<String, Error> {
    let mut out = HEAD.to_owned();
    for (kind, folder) in FOLDERS {
        for ((_, id), kept) in kept.iter().filter(|((of, _), _)| of == kind) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\n[{folder}.{}]\ncontent = {}\n", spell::key(id), spell::string(&content(kind, id)?));
            let _ = write!(out, "createdAt = {}\nupdatedAt = {}\n", spell::string(&kept.created_at), spell::string(&kept.updated_at));
            if !kept.texts.is_empty() {
                let _ = writeln!(out, "texts = {}", spell::plain(&json!(kept.texts)));
            }
            if !kept.old_ids.is_empty() {
                let _ = writeln!(out, "oldIds = {}", spell::plain(&json!(kept.old_ids)));
            }
            if !kept.files.is_empty() {
                out.push_str("files = [\n");
                for file in &kept.files {
                    let _ = writeln!(out, "  {},", spell::plain(&json!(file)));
                }
                out.push_str("]\n");
            }
        }
    }
    for (kind, folder) in FOLDERS {
        let mut gone = tombstones.iter().filter(|((of, _), _)| of == kind).peekable();
        if gone.peek().is_some() {
            let _ = write!(out, "\n[tombstones.{folder}]\n");
        }
        for ((_, id), at) in gone {
            let _ = writeln!(out, "{} = {}", spell::key(id), spell::string(&rfc3339(*at)));
        }
    }
    Ok(out)
}
