//! Editions: a work in one language, and the file of it.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::EditionDocument;
use super::cover::{self, Cover, Whole};
use crate::catalogue::noun::Reading;
use crate::db::schema::{edition, edition_file, stored_file};
use crate::db::types::rfc3339;
use crate::db::{Backend, Db};
use crate::error::Error;

/// A row of the table, as other parts of the catalogue read it.
#[derive(Clone, Debug, Queryable)]
pub struct Row {
    pub key: i64,
    pub work_key: i64,
    pub language: String,
    title: Option<String>,
    published_on: Option<String>,
    pages: Option<i32>,
    pages_source: Option<String>,
    isbn: Option<String>,
    doi: Option<String>,
    handle: Option<String>,
    external_url: Option<String>,
    access: String,
    pub cover: Option<String>,
}

impl Row {
    /// The edition as its editors keep it.
    pub fn into_document(self) -> EditionDocument {
        EditionDocument {
            language: self.language,
            title: self.title,
            published_on: self.published_on,
            pages: self.pages,
            pages_source: self.pages_source,
            isbn: self.isbn,
            doi: self.doi,
            handle: self.handle,
            external_url: self.external_url,
            access: self.access,
            cover: self.cover,
        }
    }
}

/// The editions of some works, in the order they were made.
///
/// # Errors
/// Only of the database.
pub fn load_rows(db: &mut Db, works: &[i64]) -> Result<Vec<Row>, Error> {
    Ok(edition::table.filter(edition::work_key.eq_any(works)).order(edition::key).load(db)?)
}

/// That the public may have a file: its work is published, and so is the text in the language of its edition, where there is one.
macro_rules! is_open {
    () => {{
        use diesel::dsl::{exists, not};
        use $crate::db::schema::{edition, edition_file, record, record_text};
        exists(
            edition::table
                .inner_join(record::table.on(record::key.eq(edition::work_key)))
                .filter(edition::key.eq(edition_file::edition_key))
                .filter(record::state.eq("published"))
                .filter(not(exists(
                    record_text::table
                        .filter(record_text::record_key.eq(edition::work_key))
                        .filter(record_text::language.eq(edition::language))
                        .filter(record_text::state.eq("draft")),
                ))),
        )
    }};
}
pub(crate) use is_open;

/// The present files of some editions, by edition.
///
/// # Errors
/// Only of the database.
pub fn load_files(db: &mut Db, editions: &[i64]) -> Result<HashMap<i64, File>, Error> {
    files(db, editions, false)
}

/// Those of them that the public may have.
///
/// # Errors
/// Only of the database.
pub fn load_open_files(db: &mut Db, editions: &[i64]) -> Result<HashMap<i64, File>, Error> {
    files(db, editions, true)
}

fn files(db: &mut Db, editions: &[i64], open: bool) -> Result<HashMap<i64, File>, Error> {
    type Found = (i64, String, i64, String, i32, String, NaiveDateTime);
    let mut query = edition_file::table
        .inner_join(stored_file::table.on(stored_file::sha256.eq(edition_file::sha256)))
        .filter(edition_file::edition_key.eq_any(editions))
        .filter(edition_file::detached_at.is_null())
        .into_boxed::<Backend>();
    if open {
        query = query.filter(is_open!());
    }
    let rows: Vec<Found> = query
        .select((
            edition_file::edition_key,
            stored_file::sha256,
            stored_file::bytes,
            stored_file::media_type,
            stored_file::pages,
            edition_file::file_name,
            edition_file::attached_at,
        ))
        .load(db)?;
    Ok(rows
        .into_iter()
        .map(|(key, sha256, bytes, media_type, pages, file_name, at)| {
            (key, File { file_name, media_type, bytes, sha256, pages, added_at: rfc3339(at) })
        })
        .collect())
}

/// The PDF of an edition.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct File {
    #[schema(example = "smart-city-handbook-4-fr.pdf")]
    pub file_name: String,
    #[schema(example = "application/pdf")]
    pub media_type: String,
    /// Size.
    #[schema(example = 5242880)]
    pub bytes: i64,
    /// SHA-256 of the bytes, in lower-case hexadecimal.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// Pages, counted in the file.
    #[schema(example = 70)]
    pub pages: i32,
    /// When it became the file of this edition.
    #[schema(example = "2026-11-22T09:00:00Z")]
    pub added_at: String,
}

/// A work in one language: the thing that is requested and downloaded.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Edition {
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/strategy/editions/nl")]
    pub href: String,
    /// The language of the edition (BCP 47).
    #[schema(example = "nl")]
    pub language: String,
    /// The title on its cover, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Smart City: De praktische gids")]
    pub title: Option<String>,
    /// As exactly as is known (EDTF level 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2018-09")]
    pub published_on: Option<String>,
    /// Pages: of the file when there is one, else as others tell it (`pagesSource`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 70)]
    pub pages: Option<i32>,
    /// `file` when counted in the file, `unofficial` when a third party shows the figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "unofficial")]
    pub pages_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isbn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doi: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_url: Option<String>,
    /// `form`: through a download request. `open`: anyone can read it at `externalUrl`; a file that this API has of it is given through a download
    /// request all the same.
    #[schema(example = "form", required = false)]
    pub access: String,
    /// Its cover, in the sizes it is served in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cover: Option<Cover>,
    /// The PDF, once there is one; a request made before waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
    /// The download form of this work, and the place to send it to.
    #[schema(required = false)]
    pub obtain: Obtain,
}

/// What hangs on some editions: their files and their covers.
#[derive(Default)]
pub struct Attachments {
    files: HashMap<i64, File>,
    covers: HashMap<String, Whole>,
}

impl Attachments {
    /// Those of some editions, in a fixed number of queries.
    ///
    /// # Errors
    /// Only of the database.
    pub fn load(db: &mut Db, rows: &[Row]) -> Result<Self, Error> {
        let files = load_open_files(db, &rows.iter().map(|row| row.key).collect::<Vec<_>>())?;
        Ok(Self { files, covers: cover::load(db, rows.iter().filter_map(|row| row.cover.as_deref()))? })
    }
}

/// How an edition is obtained.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Obtain {
    /// The form as data.
    #[schema(example = "http://127.0.0.1:8080/v1/downloadForm?volume=strategy")]
    pub form: String,
    /// Where the filled form is posted.
    #[schema(example = "http://127.0.0.1:8080/v1/downloadRequests")]
    pub request: String,
    /// Whether the file can be had now; if not, a request waits for it. That of an announced work is had once the work is published.
    pub available: bool,
}

impl Edition {
    /// The view of an edition of the work `id`, whose collection has the path `path` and whose kind is `kind`.
    pub fn new(row: Row, attached: &mut Attachments, path: &str, kind: &str, id: &str, reading: &Reading) -> Self {
        let base = reading.base;
        let file = attached.files.remove(&row.key);
        let href = format!("{base}/v1/{path}/{id}/editions/{}", row.language);
        let whole = row.cover.as_ref().and_then(|sha256| attached.covers.get(sha256));
        let (pages, pages_source) = match &file {
            Some(file) => (Some(file.pages), Some("file".to_owned())),
            None => (row.pages, row.pages_source),
        };
        Self {
            cover: whole.and_then(|whole| Cover::new(whole, &href)),
            href,
            language: row.language,
            title: row.title,
            published_on: row.published_on,
            pages,
            pages_source,
            isbn: row.isbn,
            doi: row.doi,
            handle: row.handle,
            external_url: row.external_url,
            access: row.access,
            obtain: Obtain {
                form: format!("{base}/v1/downloadForm?{kind}={id}"),
                request: format!("{base}/v1/downloadRequests"),
                available: file.is_some(),
            },
            file,
        }
    }
}
