//! What was: the versions of a record with what each changed, and going back to one of them; and the audit log of all writes.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::body::{Present, understand, without_passed};
use super::precondition::{Seen, with_id};
use super::write::{self, Edited};
use crate::catalogue::history::{self, Version};
use crate::catalogue::pen::{self, Action, Author};
use crate::catalogue::{collection, every, listing};
use crate::db::schema::{audit_entry, record_version};
use crate::db::types::rfc3339;
use crate::db::{Backend, Db, Store};
use crate::error::{Code, Error};
use crate::http::pages::{Asked, Part, paged};
use crate::http::patch;

/// An operation of JSON Patch.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PatchOperation)]
pub struct Operation {
    pub op: String,
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub value: Option<Value>,
}

/// A version of a record, with what it changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// This version with its document, absolute.
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/mobility/history/1")]
    pub href: String,
    #[schema(example = 1)]
    pub version: i64,
    /// The revision of the catalogue that it came with.
    #[schema(example = 1)]
    pub revision: i64,
    /// The id that the record had then.
    #[schema(example = "mobility")]
    pub id: String,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime)]
    pub at: String,
    /// Who wrote it: a key, the command line, the clock, or the program itself.
    #[schema(example = "key:0a1b2c3d4e (Editors' site)")]
    pub author: String,
    /// `created`, `updated`, `deleted`, `renamed`, `restored`, `fileAdded`, `fileRemoved`, `coverAdded`, `coverRemoved`, `published` or `withdrawn`.
    #[schema(example = "updated")]
    pub action: String,
    /// What makes this version of the one before (JSON Patch): of the document, and of `/files`, the present files of its editions.
    pub changes: Vec<Operation>,
}

/// A version of a record, whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryVersion {
    #[serde(flatten)]
    pub entry: HistoryEntry,
    /// The document as it was; absent when the record came to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub document: Option<Value>,
    /// The files that its editions had then, by language.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub files: Option<Value>,
}

paged!(
    /// A page of a history, newest first.
    HistoryPage of HistoryEntry
);

/// A line of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime)]
    pub at: String,
    /// Who wrote: a key, the command line, the clock, the program itself, or `requester` (whoever erased a download request of their own, and is never named).
    #[schema(example = "key:0a1b2c3d4e (Editors' site)")]
    pub author: String,
    #[schema(example = "updated")]
    pub action: String,
    /// The kind of what was written: that of a record, `consentText`, `downloadRequest` (only that it was erased), or `key`.
    #[schema(example = "volume")]
    pub kind: String,
    /// Its id; the version of a consent text.
    #[schema(example = "mobility")]
    pub subject: String,
    /// The revision of the catalogue that it came with, if it was a write of the catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    pub revision: Option<i64>,
}

paged!(
    /// A page of the audit log, newest first.
    AuditPage of AuditEntry
);

/// The state that versions are compared by: the document, and the present files.
fn state(version: &Version) -> Result<Value, Error> {
    let Some(document) = version.document()? else { return Ok(Value::Null) };
    let mut state = with_id(&version.kind, &version.id, document);
    let files: serde_json::Map<String, Value> = version
        .kept()?
        .map(|kept| kept.files)
        .unwrap_or_default()
        .into_iter()
        .map(|file| {
            let facts = json!({"fileName": file.file_name, "bytes": file.bytes, "pages": file.pages, "sha256": file.sha256});
            (file.language, facts)
        })
        .collect();
    if let Some(map) = state.as_object_mut().filter(|_| !files.is_empty()) {
        map.insert("files".into(), files.into());
    }
    Ok(state)
}

fn entry(version: &Version, before: Option<&Version>, base: &str, id: &str) -> Result<HistoryEntry, Error> {
    let then = match before {
        Some(before) => state(before)?,
        None => Value::Null,
    };
    let changes = patch::diff(&then, &state(version)?)
        .into_iter()
        .map(|one| Operation {
            // What came to its end has no state: all of it was taken away.
            op: if one["value"].is_null() { "remove" } else { one["op"].as_str().unwrap_or_default() }.to_owned(),
            path: one["path"].as_str().unwrap_or_default().to_owned(),
            value: one.get("value").filter(|value| !value.is_null()).cloned(),
        })
        .collect();
    let path = if version.kind == collection::ID { collection::ID.to_owned() } else { path_of(&version.kind, id) };
    Ok(HistoryEntry {
        href: format!("{base}/v1/{path}/history/{}", version.version),
        version: version.version,
        revision: version.revision,
        id: version.id.clone(),
        at: rfc3339(version.at),
        author: version.author.clone(),
        action: version.action.clone(),
        changes,
    })
}

/// The path of a record below `/v1`, also of those that the public reads elsewhere.
pub fn path_of(kind: &str, id: &str) -> String {
    if kind == "supporter" { format!("supporters/{id}") } else { every::path(kind, id) }
}

/// The key of a record that is, or of the last one that was, under an id.
fn key_of(db: &mut Db, kind: &str, id: &str) -> Result<i64, Error> {
    let error = match write::find(db, kind, id) {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    let renamed = matches!(&error, Error::Problem(problem) if problem.code != Code::ResourceNotFound || !problem.extra.is_empty());
    if renamed || error.cause().is_some() {
        return Err(error);
    }
    let ended: Option<i64> = record_version::table
        .filter(record_version::kind.eq(kind))
        .filter(record_version::id.eq(id))
        .order(record_version::key.desc())
        .select(record_version::record_key)
        .first(db)
        .optional()?;
    ended.ok_or(error)
}

/// A page of the versions of a record, newest first, those of its earlier lives among them.
///
/// # Errors
/// 404, or a fault of the database.
pub fn page(db: &mut Db, kind: &str, id: &str, asked: &Asked, base: &str) -> Result<Part<HistoryEntry>, Error> {
    let key = key_of(db, kind, id)?;
    let lives = history::lives(db, key)?;
    let total = record_version::table.filter(record_version::record_key.eq_any(&lives)).count().get_result(db)?;
    // A cursor names its record by what stays when it is renamed.
    if asked.numbers().is_some_and(|numbers| !numbers.first().is_some_and(|key| lives.contains(key))) {
        return Err(asked.foreign());
    }
    asked.part(total, |place, limit| {
        let (found, wanted) = if place.backward {
            let mut found = history::versions_above(db, &lives, place.number().unwrap_or_default(), limit)?;
            let wanted = found.len();
            found.reverse();
            if let Some(oldest) = found.last().map(|last| last.version) {
                found.extend(history::versions(db, &lives, Some(oldest), 1)?);
            }
            (found, wanted)
        } else {
            let found = history::versions(db, &lives, place.number(), limit.saturating_add(1))?;
            (found, usize::try_from(limit).unwrap_or(usize::MAX))
        };
        let described = found.iter().enumerate().take(wanted).map(|(index, version)| {
            let entry = entry(version, found.get(index + 1), base, id)?;
            Ok((vec![key, version.version], entry))
        });
        let mut items = described.collect::<Result<Vec<_>, Error>>()?;
        if place.backward {
            items.reverse();
        }
        Ok(items)
    })
}

/// One version of a record.
///
/// # Errors
/// 404, or a fault of the database.
pub fn version(db: &mut Db, kind: &str, id: &str, number: i64, base: &str) -> Result<HistoryVersion, Error> {
    let key = key_of(db, kind, id)?;
    let lives = history::lives(db, key)?;
    let found = history::versions(db, &lives, Some(number.saturating_add(1)), 2)?;
    let Some(wanted) = found.first().filter(|first| first.version == number) else { return Err(absent(kind, id, number)) };
    let document = wanted.document()?.map(|document| with_id(kind, &wanted.id, document));
    let files = state(wanted)?.get("files").cloned();
    Ok(HistoryVersion { entry: entry(wanted, found.get(1), base, id)?, document, files })
}

fn absent(kind: &str, id: &str, number: i64) -> Error {
    Error::not_found(format!("The {kind} '{id}' has no version {number}; its history lists those that there are."))
}

/// A version that is to be gone back to.
pub struct Restore {
    pub kind: &'static str,
    pub id: String,
    pub number: i64,
    pub seen: Seen,
    /// Only to know what would come of it.
    pub dry: bool,
}

/// Makes the document of an earlier version the present one; id and files stay as they are, and what was to happen at a time that has passed is left out.
///
/// # Errors
/// 404, 412; 409 when that document would not do today; a fault of the database.
pub fn restore(store: &Store, author: &Author, wish: &Restore) -> Result<Edited, Error> {
    let Restore { kind, ref id, number, ref seen, dry } = *wish;
    pen::attempt(store, author, dry, |pen| {
        let key = write::find(pen.db, kind, id)?;
        let present = with_id(kind, id, every::document(pen.db, kind, key)?);
        seen.hold(pen.db, key, kind, &present)?;
        let lives = history::lives(pen.db, key)?;
        let found = history::versions(pen.db, &lives, Some(number.saturating_add(1)), 1)?;
        let Some(then) = found.first().filter(|first| first.version == number) else { return Err(absent(kind, id, number)) };
        let Some(mut document) = then.document()? else { return Err(absent(kind, id, number)) };
        without_passed(&mut document, pen.at);
        let record = Present { key, id, document: &present };
        let wanted = understand(pen.db, pen.at, kind, Some(&record), &document).map_err(|error| match error {
            Error::Problem(problem) if problem.code == Code::BadRequest => {
                let faults: Vec<&str> = problem.issues.iter().map(|issue| issue.detail.as_str()).collect();
                Error::problem(Code::Conflict, format!("Version {number} would not do today: {}", faults.join(" ")))
            }
            other => other,
        })?;
        let key = every::write(pen, kind, id, wanted.document, Action::Restored)?;
        let document = with_id(kind, id, every::document(pen.db, kind, key)?);
        Ok(Edited { id: id.clone(), document: Some(document) })
    })
}

/// The kinds of what the audit log tells of.
pub const AUDITED: &[&str] =
    &["collection", "volume", "complement", "theme", "language", "event", "testimony", "supporter", "consentText", "downloadRequest", "key"];

/// Which lines of the audit log are wanted.
#[derive(Clone, Debug, Default)]
pub struct Narrowed {
    /// Any of these kinds; none of them means all.
    pub kinds: Vec<String>,
    pub subject: Option<String>,
    /// How the author is called, or how that begins.
    pub author: Option<String>,
    pub since: Option<NaiveDateTime>,
    pub until: Option<NaiveDateTime>,
}

impl Narrowed {
    fn lines(&self) -> audit_entry::BoxedQuery<'static, Backend> {
        let mut lines = audit_entry::table.into_boxed();
        if !self.kinds.is_empty() {
            lines = lines.filter(audit_entry::kind.eq_any(self.kinds.clone()));
        }
        if let Some(subject) = &self.subject {
            lines = lines.filter(audit_entry::subject.eq(subject.clone()));
        }
        if let Some(author) = &self.author {
            let beginning = format!("{}%", listing::literally(author));
            lines = lines.filter(audit_entry::author.like(beginning).escape('\\'));
        }
        if let Some(since) = self.since {
            lines = lines.filter(audit_entry::at.ge(since));
        }
        if let Some(until) = self.until {
            lines = lines.filter(audit_entry::at.lt(until));
        }
        lines
    }
}

/// A page of the audit log, newest first.
///
/// # Errors
/// Only of the database.
pub fn audit_page(db: &mut Db, narrowed: &Narrowed, asked: &Asked) -> Result<Part<AuditEntry>, Error> {
    type Row = (i64, NaiveDateTime, String, String, String, String, Option<i64>);
    let total = narrowed.lines().count().get_result(db)?;
    asked.part(total, |place, limit| {
        let lines = if place.backward { narrowed.lines().order(audit_entry::key) } else { narrowed.lines().order(audit_entry::key.desc()) };
        let lines = match place.number() {
            Some(number) if place.backward => lines.filter(audit_entry::key.gt(number)),
            Some(number) => lines.filter(audit_entry::key.lt(number)),
            None => lines,
        };
        let rows: Vec<Row> = lines
            .limit(limit)
            .select((
                audit_entry::key,
                audit_entry::at,
                audit_entry::author,
                audit_entry::action,
                audit_entry::kind,
                audit_entry::subject,
                audit_entry::revision,
            ))
            .load(db)?;
        let told =
            |(key, at, author, action, kind, subject, revision)| (vec![key], AuditEntry { at: rfc3339(at), author, action, kind, subject, revision });
        Ok(rows.into_iter().map(told).collect())
    })
}
