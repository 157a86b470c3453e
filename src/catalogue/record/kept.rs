//! What is kept of a record beside its document: dates, former ids, files.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::instant_of;
use crate::catalogue::publication::edition;
use crate::db::Db;
use crate::db::schema::{record, record_text, renamed_id};
use crate::db::types::rfc3339;
use crate::error::Error;

/// What the server keeps of a record by itself, beside its document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    /// Instants are RFC 3339, UTC.
    pub created_at: String,
    pub updated_at: String,
    /// When the words of each language last changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
    /// Ids that it had before, which still lead to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_ids: Vec<String>,
    /// The present files of its editions, by language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<KeptFile>,
}

/// The present file of an edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptFile {
    pub language: String,
    pub sha256: String,
    pub file_name: String,
    pub media_type: String,
    pub bytes: i64,
    pub pages: i32,
    pub attached_at: String,
}

/// What the server keeps of some records, at most [`super::CHUNK`].
///
/// # Errors
/// Only of the database.
pub fn kept(db: &mut Db, keys: &[i64]) -> Result<HashMap<i64, Kept>, Error> {
    let rows: Vec<(i64, NaiveDateTime, NaiveDateTime)> =
        record::table.filter(record::key.eq_any(keys)).select((record::key, record::created_at, record::updated_at)).load(db)?;
    let mut all: HashMap<i64, Kept> = rows
        .into_iter()
        .map(|(key, created, updated)| (key, Kept { created_at: rfc3339(created), updated_at: rfc3339(updated), ..Kept::default() }))
        .collect();
    let texts: Vec<(i64, String, NaiveDateTime)> = record_text::table
        .filter(record_text::record_key.eq_any(keys))
        .select((record_text::record_key, record_text::language, record_text::updated_at))
        .load(db)?;
    for (key, language, at) in texts {
        if let Some(kept) = all.get_mut(&key) {
            kept.texts.insert(language, rfc3339(at));
        }
    }
    let renamed: Vec<(i64, String)> = renamed_id::table
        .filter(renamed_id::record_key.eq_any(keys))
        .order(renamed_id::old_id)
        .select((renamed_id::record_key, renamed_id::old_id))
        .load(db)?;
    for (key, old) in renamed {
        if let Some(kept) = all.get_mut(&key) {
            kept.old_ids.push(old);
        }
    }
    let editions = edition::load_rows(db, keys)?;
    let mut files = edition::load_files(db, &editions.iter().map(|row| row.key).collect::<Vec<_>>())?;
    for edition in editions {
        if let (Some(file), Some(kept)) = (files.remove(&edition.key), all.get_mut(&edition.work_key)) {
            kept.files.push(KeptFile {
                language: edition.language,
                sha256: file.sha256,
                file_name: file.file_name,
                media_type: file.media_type,
                bytes: file.bytes,
                pages: file.pages,
                attached_at: file.added_at,
            });
        }
    }
    all.values_mut().for_each(|kept| kept.files.sort_by(|a, b| a.language.cmp(&b.language)));
    Ok(all)
}

/// Has a record carry the dates that another server kept. Its old ids and files are made by those who can.
///
/// # Errors
/// Only of the database.
pub fn set_dates(db: &mut Db, key: i64, kept: &Kept) -> Result<(), Error> {
    let (created, updated) = (instant_of(&kept.created_at), instant_of(&kept.updated_at));
    if let (Some(created), Some(updated)) = (created, updated) {
        diesel::update(record::table.filter(record::key.eq(key)))
            .set((record::created_at.eq(created), record::updated_at.eq(updated)))
            .execute(db)?;
    }
    for (language, at) in &kept.texts {
        if let Some(at) = instant_of(at) {
            diesel::update(record_text::table.filter(record_text::record_key.eq(key)).filter(record_text::language.eq(language)))
                .set(record_text::updated_at.eq(at))
                .execute(db)?;
        }
    }
    Ok(())
}
