//! The public changes, in the order of their commits.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::place::{Feed, Place};
use crate::catalogue::every;
use crate::catalogue::face::{WHOLE, whole_locale};
use crate::catalogue::noun::Reading;
use crate::db::Db;
use crate::db::schema::{public_change, public_face, record};
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::secret::Secret;

/// A public change.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The place after this change, for `after` or `Last-Event-ID`.
    #[schema(pattern = "^[A-Za-z0-9_-]{16,1000}$")]
    pub cursor: String,
    /// The revision of the catalogue that brought it.
    #[schema(example = 12)]
    pub revision: i64,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime)]
    pub at: String,
    /// `published`, `updated`, `unpublished`, `withdrawn`, `deleted`, `renamed` or `fileReplaced`.
    #[schema(example = "published")]
    pub change: String,
    /// `collection`, `volume`, `complement`, `theme`, `language`, `event` or `testimony`.
    #[serde(rename = "type")]
    #[schema(example = "volume")]
    pub kind: String,
    /// Its id when it changed.
    #[schema(example = "mobility")]
    pub id: String,
    /// Its id before, when it was renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,
    /// The language that it concerns; absent when it concerns all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "fr")]
    pub language: Option<String>,
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/mobility")]
    pub href: String,
    /// With `embed=record`, unless it is gone by now: the present hash of the record, as `/v1/digest` counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// With `embed=record`, unless it is gone by now: the present record in all languages, its addresses relative to the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub record: Option<Value>,
}

/// A page of changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangesPage {
    /// This page.
    #[serde(rename = "self")]
    pub this: String,
    pub items: Vec<Change>,
    /// The place after all that this page has looked at, to go on from; there on an empty page too.
    #[schema(pattern = "^[A-Za-z0-9_-]{16,1000}$")]
    pub cursor: String,
    /// The next page, when there is more already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The revision of the catalogue at this moment.
    #[schema(example = 12)]
    pub revision: i64,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub place: Place,
    /// From the end on instead.
    pub from_now: bool,
    /// All, when empty.
    pub kinds: Vec<String>,
    pub size: i64,
    pub embed: bool,
}

/// What was found: the changes, and the place after all that was looked at.
pub struct Found {
    pub feed: Feed,
    pub items: Vec<Change>,
    pub after: Place,
    pub more: bool,
}

type Row = (i64, i64, chrono::NaiveDateTime, String, String, i64, String, Option<String>, Option<String>);

/// Whether there is anything to tell after the place, or the place itself is to be refused.
///
/// # Errors
/// Only of the database.
pub fn any(db: &mut Db, wanted: &Wanted) -> Result<bool, Error> {
    if wanted.from_now {
        return Ok(true);
    }
    match wanted.place.check(db) {
        Err(Error::Problem(_)) => return Ok(true),
        other => other?,
    }
    Ok(!rows(db, wanted, 1)?.is_empty())
}

fn rows(db: &mut Db, wanted: &Wanted, size: i64) -> Result<Vec<Row>, Error> {
    let columns = (
        public_change::sequence,
        public_change::revision,
        public_change::at,
        public_change::change,
        public_change::kind,
        public_change::record_key,
        public_change::id,
        public_change::previous_id,
        public_change::language,
    );
    let after = public_change::table.filter(public_change::sequence.gt(wanted.place.after)).order(public_change::sequence).limit(size);
    if wanted.kinds.is_empty() {
        return Ok(after.select(columns).load(db)?);
    }
    Ok(after.filter(public_change::kind.eq_any(&wanted.kinds)).select(columns).load(db)?)
}

/// The changes after a place.
///
/// # Errors
/// 410 for a place that is not of this database; a fault of the database.
pub fn find(db: &mut Db, wanted: &Wanted, base: &str, secret: &Secret) -> Result<Found, Error> {
    let feed = Feed::read(db)?;
    if wanted.from_now {
        return Ok(Found { feed, items: Vec::new(), after: feed.end, more: false });
    }
    wanted.place.check(db)?;
    let mut found = rows(db, wanted, wanted.size + 1)?;
    let size = usize::try_from(wanted.size).unwrap_or(usize::MAX);
    let more = found.len() > size;
    found.truncate(size);
    let after = found.last().filter(|_| more).map_or(feed.end, |row| Place::after(row.0, row.2));
    let mut records = if wanted.embed { records(db, &found)? } else { HashMap::new() };
    let items = found
        .into_iter()
        .map(|(sequence, revision, at, change, kind, key, id, previous_id, language)| {
            let (etag, record) = records.get_mut(&key).map(|(etag, record)| (etag.clone(), record.clone())).unzip();
            Change {
                cursor: Place::after(sequence, at).cursor(secret),
                revision,
                at: rfc3339(at),
                href: format!("{base}/v1/{}", every::path(&kind, &id)),
                change,
                kind,
                id,
                previous_id,
                language,
                etag,
                record,
            }
        })
        .collect();
    Ok(Found { feed, items, after, more })
}

/// The present faces and representations of what changed, of what is still there.
fn records(db: &mut Db, found: &[Row]) -> Result<HashMap<i64, (String, Value)>, Error> {
    let mut by_kind: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (_, _, _, _, kind, key, ..) in found {
        let keys = by_kind.entry(kind).or_default();
        if !keys.contains(key) {
            keys.push(*key);
        }
    }
    let mut all = HashMap::new();
    for (kind, keys) in by_kind {
        let listed: Vec<i64> = record::table.filter(record::key.eq_any(&keys)).filter(record::listed.eq(true)).select(record::key).load(db)?;
        let etags: HashMap<i64, String> = public_face::table
            .filter(public_face::record_key.eq_any(&listed))
            .filter(public_face::language.eq(WHOLE))
            .select((public_face::record_key, public_face::etag))
            .load::<(i64, String)>(db)?
            .into_iter()
            .collect();
        for (key, value) in every::public(db, kind, &listed, &Reading { locale: &whole_locale(), base: "" })? {
            if let Some(etag) = etags.get(&key) {
                all.insert(key, (etag.clone(), value));
            }
        }
    }
    Ok(all)
}
