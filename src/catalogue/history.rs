//! What was: every state of every record by revision, and who wrote it.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::Value;

use super::pen::{Action, Author};
use super::record::{CHUNK, Kept, kept};
use super::{every, face, revision};
use crate::db::schema::{audit_entry, catalogue_revision, record, record_version};
use crate::db::types::now;
use crate::db::{Db, Store};
use crate::each_dialect;
use crate::error::Error;

/// How many rows one statement inserts.
const ROWS: usize = 200;

#[derive(Insertable)]
#[diesel(table_name = record_version, treat_none_as_default_value = false)]
struct VersionRow {
    record_key: i64,
    kind: String,
    id: String,
    revision: i64,
    version: i64,
    action: &'static str,
    author: String,
    at: NaiveDateTime,
    document: Option<String>,
    kept: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = audit_entry, treat_none_as_default_value = false)]
struct AuditRow<'a> {
    at: NaiveDateTime,
    author: &'a str,
    action: &'a str,
    kind: &'a str,
    subject: &'a str,
    revision: Option<i64>,
}

/// Adds a line to the audit log: of a write that is none of the catalogue, such as that of a key. It never names who requested a download.
///
/// # Errors
/// Only of the database.
pub fn audit(db: &mut Db, author: &Author, action: &str, kind: &str, subject: &str, revision: Option<i64>) -> Result<(), Error> {
    let row = AuditRow { at: now(), author: author.as_str(), action, kind, subject, revision };
    each_dialect!(db, |conn| diesel::insert_into(audit_entry::table).values(&row).execute(conn))?;
    Ok(())
}

/// A record that is no more.
pub struct Ended {
    pub key: i64,
    pub kind: String,
    pub id: String,
    /// The last version it had.
    pub version: i64,
}

/// Keeps the states that some records have after a revision.
///
/// # Errors
/// Only of the database.
pub fn keep(
    db: &mut Db,
    written: &HashMap<i64, Action>,
    ended: &[Ended],
    author: &Author,
    revision: i64,
    at: NaiveDateTime,
    audited: bool,
) -> Result<(), Error> {
    let mut rows: Vec<VersionRow> = Vec::new();
    let mut keys: Vec<i64> = written.keys().copied().collect();
    keys.sort_unstable();
    for part in keys.chunks(CHUNK) {
        let records: Vec<(i64, String, String, i64)> = record::table
            .filter(record::key.eq_any(part))
            .order(record::key)
            .select((record::key, record::kind, record::id, record::version))
            .load(db)?;
        let mut keeps = kept(db, part)?;
        let mut documents: HashMap<i64, Value> = HashMap::new();
        for kind in every::KINDS {
            let of: Vec<i64> = records.iter().filter(|record| record.1 == *kind).map(|record| record.0).collect();
            if !of.is_empty() {
                documents.extend(every::documents(db, kind, &of)?);
            }
        }
        for (key, kind, id, version) in records {
            let (Some(document), Some(kept), Some(action)) = (documents.remove(&key), keeps.remove(&key), written.get(&key)) else { continue };
            rows.push(VersionRow {
                record_key: key,
                kind,
                id,
                revision,
                version,
                action: action.code(),
                author: author.as_str().to_owned(),
                at,
                document: Some(document.to_string()),
                kept: Some(serde_json::to_string(&kept).map_err(Error::internal)?),
            });
        }
    }
    rows.extend(ended.iter().map(|one| VersionRow {
        record_key: one.key,
        kind: one.kind.clone(),
        id: one.id.clone(),
        revision,
        version: one.version + 1,
        action: Action::Deleted.code(),
        author: author.as_str().to_owned(),
        at,
        document: None,
        kept: None,
    }));
    for part in rows.chunks(ROWS) {
        each_dialect!(db, |conn| diesel::insert_into(record_version::table).values(part).execute(conn))?;
    }
    if audited {
        let lines: Vec<AuditRow<'_>> = rows
            .iter()
            .map(|row| AuditRow { at, author: author.as_str(), action: row.action, kind: &row.kind, subject: &row.id, revision: Some(revision) })
            .collect();
        for part in lines.chunks(ROWS) {
            each_dialect!(db, |conn| diesel::insert_into(audit_entry::table).values(part).execute(conn))?;
        }
    }
    Ok(())
}

/// Brings a database up to date whose records have no history yet, or whose public faces another program made: what they are now is what history
/// begins with, and what differs for the public is a change like any other.
///
/// # Errors
/// Only of the database.
pub fn begin(store: &Store) -> Result<(), Error> {
    let maker: Option<String> = store.read(|db| Ok(catalogue_revision::table.select(catalogue_revision::faces).first::<Option<String>>(db)?))?;
    if maker.as_deref() == Some(face::MAKER) {
        return Ok(());
    }
    store.write(|db| {
        revision::take(db)?;
        let nameless: BTreeSet<i64> = record::table
            .filter(diesel::dsl::not(record::key.eq_any(record_version::table.select(record_version::record_key))))
            .select(record::key)
            .load::<i64>(db)?
            .into_iter()
            .collect();
        let all: BTreeSet<i64> = record::table.select(record::key).load::<i64>(db)?.into_iter().collect();
        if !all.is_empty() {
            let next = revision::current(db)?.number + 1;
            let at = now();
            let written = nameless.iter().map(|key| (*key, Action::Created)).collect();
            keep(db, &written, &[], &Author::program(), next, at, false)?;
            let changes = face::compare(db, &all, &face::Done::default(), next, at)?;
            if changes > 0 || !nameless.is_empty() {
                revision::advance(db)?;
            }
        }
        made_by_this_program(db)
    })
}

/// Notes that the stored faces are of this program.
///
/// # Errors
/// Only of the database.
pub fn made_by_this_program(db: &mut Db) -> Result<(), Error> {
    diesel::update(catalogue_revision::table).set(catalogue_revision::faces.eq(face::MAKER)).execute(db)?;
    Ok(())
}

/// A kept state of a record.
#[derive(Clone, Debug, Queryable)]
pub struct Version {
    pub record_key: i64,
    pub kind: String,
    pub id: String,
    pub revision: i64,
    pub version: i64,
    pub action: String,
    pub author: String,
    pub at: NaiveDateTime,
    document: Option<String>,
    kept: Option<String>,
}

/// The columns of [`Version`].
pub const VERSION: (
    record_version::record_key,
    record_version::kind,
    record_version::id,
    record_version::revision,
    record_version::version,
    record_version::action,
    record_version::author,
    record_version::at,
    record_version::document,
    record_version::kept,
) = (
    record_version::record_key,
    record_version::kind,
    record_version::id,
    record_version::revision,
    record_version::version,
    record_version::action,
    record_version::author,
    record_version::at,
    record_version::document,
    record_version::kept,
);

impl Version {
    /// The document then; nothing when the record came to its end.
    ///
    /// # Errors
    /// When what is stored is no JSON.
    pub fn document(&self) -> Result<Option<Value>, Error> {
        self.document.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)
    }

    /// What the server kept beside it.
    ///
    /// # Errors
    /// When what is stored is no JSON.
    pub fn kept(&self) -> Result<Option<Kept>, Error> {
        self.kept.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)
    }
}

/// The number of the first version of a record: versions go on where a deleted record of that id had come to its end.
///
/// # Errors
/// Only of the database.
pub fn first_version(db: &mut Db, kind: &str, id: &str) -> Result<i64, Error> {
    let last: Option<i64> = record_version::table
        .filter(record_version::kind.eq(kind))
        .filter(record_version::id.eq(id))
        .filter(record_version::document.is_null())
        .select(diesel::dsl::max(record_version::version))
        .first(db)?;
    Ok(last.unwrap_or_default() + 1)
}

/// The keys of a record and of those that were deleted before it was made under their id: its earlier lives.
///
/// # Errors
/// Only of the database.
pub fn lives(db: &mut Db, record_key: i64) -> Result<Vec<i64>, Error> {
    let mut keys = vec![record_key];
    let mut key = record_key;
    loop {
        let first: Option<(String, String, i64)> = record_version::table
            .filter(record_version::record_key.eq(key))
            .order(record_version::version)
            .select((record_version::kind, record_version::id, record_version::version))
            .first(db)
            .optional()?;
        let Some((kind, id, version)) = first.filter(|(.., version)| *version > 1) else { return Ok(keys) };
        let before: Option<i64> = record_version::table
            .filter(record_version::kind.eq(kind))
            .filter(record_version::id.eq(id))
            .filter(record_version::version.eq(version - 1))
            .filter(record_version::document.is_null())
            .order(record_version::revision.desc())
            .select(record_version::record_key)
            .first(db)
            .optional()?;
        let Some(before) = before.filter(|before| !keys.contains(before)) else { return Ok(keys) };
        keys.push(before);
        key = before;
    }
}

/// The states of a record in its lives, newest first, those before `below` when that is given; at most `limit`.
///
/// # Errors
/// Only of the database.
pub fn versions(db: &mut Db, lives: &[i64], below: Option<i64>, limit: i64) -> Result<Vec<Version>, Error> {
    let mut query = record_version::table.filter(record_version::record_key.eq_any(lives)).into_boxed::<crate::db::Backend>();
    if let Some(below) = below {
        query = query.filter(record_version::version.lt(below));
    }
    Ok(query.order(record_version::revision.desc()).limit(limit).select(VERSION).load(db)?)
}

/// The versions of a record that came after one, the oldest of them first.
///
/// # Errors
/// Only of the database.
pub fn versions_above(db: &mut Db, lives: &[i64], above: i64, limit: i64) -> Result<Vec<Version>, Error> {
    let versions = record_version::table.filter(record_version::record_key.eq_any(lives)).filter(record_version::version.gt(above));
    Ok(versions.order(record_version::revision).limit(limit).select(VERSION).load(db)?)
}

/// The state that each record had at a revision, of those that were there.
///
/// # Errors
/// Only of the database.
pub fn everything_at(db: &mut Db, at: i64) -> Result<Vec<Version>, Error> {
    let latest: Vec<(i64, Option<i64>)> = record_version::table
        .filter(record_version::revision.le(at))
        .group_by(record_version::record_key)
        .select((record_version::record_key, diesel::dsl::max(record_version::revision)))
        .load(db)?;
    let latest: HashMap<i64, i64> = latest.into_iter().filter_map(|(key, revision)| Some((key, revision?))).collect();
    let mut keys: Vec<i64> = latest.keys().copied().collect();
    keys.sort_unstable();
    let mut all = Vec::with_capacity(keys.len());
    for part in keys.chunks(CHUNK) {
        // No more than the revisions that are the last of one of these: what came before them is not read.
        let last: BTreeSet<i64> = part.iter().filter_map(|key| latest.get(key).copied()).collect();
        let rows: Vec<Version> = record_version::table
            .filter(record_version::record_key.eq_any(part))
            .filter(record_version::revision.eq_any(last))
            .order((record_version::record_key, record_version::revision))
            .select(VERSION)
            .load(db)?;
        all.extend(rows.into_iter().filter(|row| latest.get(&row.record_key) == Some(&row.revision) && row.document.is_some()));
    }
    Ok(all)
}

/// The revision that the catalogue had at an instant; nothing when that is before its history.
///
/// # Errors
/// Only of the database.
pub fn revision_at(db: &mut Db, at: NaiveDateTime) -> Result<Option<i64>, Error> {
    Ok(record_version::table.filter(record_version::at.le(at)).select(diesel::dsl::max(record_version::revision)).first(db)?)
}

/// The first revision that history knows.
///
/// # Errors
/// Only of the database.
pub fn first_revision(db: &mut Db) -> Result<Option<i64>, Error> {
    Ok(record_version::table.select(diesel::dsl::min(record_version::revision)).first(db)?)
}
