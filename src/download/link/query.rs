//! The file behind a download link.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::catalogue::publication::edition::is_open;
use crate::db::Db;
use crate::db::schema::{download_item, edition_file, stored_file};
use crate::error::Error;

/// The present file of an edition.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Behind {
    pub sha256: String,
    pub bytes: i64,
    pub media_type: String,
    pub file_name: String,
    pub attached_at: NaiveDateTime,
}

/// What an item of a request has to offer now: nothing when the request was erased, or the edition has no file that the public may have.
///
/// # Errors
/// Only of the database.
pub fn behind(db: &mut Db, item: i64) -> Result<Option<Behind>, Error> {
    Ok(download_item::table
        .inner_join(edition_file::table.on(edition_file::edition_key.eq(download_item::edition_key)))
        .inner_join(stored_file::table.on(stored_file::sha256.eq(edition_file::sha256)))
        .filter(download_item::key.eq(item))
        .filter(is_open!())
        .filter(edition_file::detached_at.is_null())
        .select((stored_file::sha256, stored_file::bytes, stored_file::media_type, edition_file::file_name, edition_file::attached_at))
        .first(db)
        .optional()?)
}
