//! Every kind of record behind one door, for what treats them all alike: history, files, mirrors.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::Value;

use super::collection::{CollectionDocument, Collections};
use super::complement::{ComplementDocument, Complements};
use super::event::{EventDocument, Events};
use super::language::{LanguageDocument, Languages};
use super::noun::{Noun, Reading};
use super::pen::{Action, Pen};
use super::record::{self, CHUNK, Document, Faults};
use super::supporter::SupporterDocument;
use super::testimony::{Testimonies, TestimonyDocument};
use super::theme::{ThemeDocument, Themes};
use super::volume::{VolumeDocument, Volumes};
use crate::db::Db;
use crate::db::schema::record as table;
use crate::error::Error;

/// All kinds: what others refer to stands before them.
pub const KINDS: &[&str] = &["language", "theme", "volume", "complement", "event", "testimony", "supporter", "collection"];

/// The kinds that the public reads by an address of their own; supporters are part of the collection.
pub const PUBLIC: &[&str] = &["collection", "complement", "event", "language", "testimony", "theme", "volume"];

/// Runs the same text for the kind that a word names.
macro_rules! each_kind {
    ($kind:expr, |$document:ident| $body:expr) => {
        match $kind {
            "collection" => {
                type $document = CollectionDocument;
                $body
            }
            "language" => {
                type $document = LanguageDocument;
                $body
            }
            "theme" => {
                type $document = ThemeDocument;
                $body
            }
            "volume" => {
                type $document = VolumeDocument;
                $body
            }
            "complement" => {
                type $document = ComplementDocument;
                $body
            }
            "event" => {
                type $document = EventDocument;
                $body
            }
            "testimony" => {
                type $document = TestimonyDocument;
                $body
            }
            "supporter" => {
                type $document = SupporterDocument;
                $body
            }
            other => Err(Error::internal(format!("there is no kind '{other}'"))),
        }
    };
}

fn values<D: Document>(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, Value)>, Error> {
    let mut all = Vec::with_capacity(keys.len());
    for part in keys.chunks(CHUNK) {
        for (key, _, document) in D::read(db, part)? {
            all.push((key, serde_json::to_value(document).map_err(Error::internal)?));
        }
    }
    Ok(all)
}

/// The documents of some records of a kind, as their editors keep them.
///
/// # Errors
/// Only of the database.
pub fn documents(db: &mut Db, kind: &str, keys: &[i64]) -> Result<Vec<(i64, Value)>, Error> {
    each_kind!(kind, |D| values::<D>(db, keys))
}

/// The document of a record.
///
/// # Errors
/// 404 when it is not there; a fault of the database.
pub fn document(db: &mut Db, kind: &str, key: i64) -> Result<Value, Error> {
    let found = documents(db, kind, &[key])?.pop();
    found.map(|(_, document)| document).ok_or_else(|| Error::not_found(format!("There is no such {kind}.")))
}

fn parse<D: Document>(document: Value) -> Result<D, Error> {
    serde_json::from_value(document).map_err(Error::internal)
}

/// Writes a document that is known to be one of its kind, for example one that was kept.
///
/// # Errors
/// A reference to something that is not there; a fault of the database.
pub fn write(pen: &mut Pen<'_>, kind: &str, id: &str, document: Value, action: Action) -> Result<i64, Error> {
    each_kind!(kind, |D| pen.write(id, &parse::<D>(document)?, action))
}

/// Writes a document past the pen, into a database that keeps no history.
///
/// # Errors
/// A reference to something that is not there; a fault of the database.
pub fn put(db: &mut Db, kind: &str, id: &str, document: Value, at: NaiveDateTime) -> Result<i64, Error> {
    each_kind!(kind, |D| record::write(db, id, &parse::<D>(document)?, at))
}

/// What is wrong with a document, beyond its shape.
///
/// # Errors
/// When it has not the shape of its kind.
pub fn check(kind: &str, id: &str, document: Value) -> Result<Faults, Error> {
    each_kind!(kind, |D| Ok(record::check(id, &parse::<D>(document)?)))
}

fn views<N: Noun>(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<(i64, Value)>, Error> {
    let rows: Vec<(i64, String)> = table::table.filter(table::key.eq_any(keys)).select((table::key, table::id)).load(db)?;
    let by_id: HashMap<String, i64> = rows.into_iter().map(|(key, id)| (id, key)).collect();
    let mut all = Vec::with_capacity(keys.len());
    for view in N::load(db, keys, reading)? {
        let value = serde_json::to_value(view).map_err(Error::internal)?;
        // The collection is one, and its representation names no id.
        let key = match value.get("id").and_then(Value::as_str) {
            Some(id) => by_id.get(id).copied(),
            None => keys.first().copied(),
        };
        all.extend(key.map(|key| (key, value)));
    }
    Ok(all)
}

/// The representations of some listed records of a kind, in the order of `keys`; what cannot be read in the reader's languages is left out.
///
/// # Errors
/// Only of the database.
pub fn public(db: &mut Db, kind: &str, keys: &[i64], reading: &Reading) -> Result<Vec<(i64, Value)>, Error> {
    match kind {
        "collection" => views::<Collections>(db, keys, reading),
        "language" => views::<Languages>(db, keys, reading),
        "theme" => views::<Themes>(db, keys, reading),
        "volume" => views::<Volumes>(db, keys, reading),
        "complement" => views::<Complements>(db, keys, reading),
        "event" => views::<Events>(db, keys, reading),
        "testimony" => views::<Testimonies>(db, keys, reading),
        _ => Ok(Vec::new()),
    }
}

/// The path below `/v1` of a public record.
pub fn path(kind: &str, id: &str) -> String {
    match super::noun::path_of(kind) {
        Some(path) => format!("{path}/{id}"),
        None => kind.to_owned(),
    }
}
