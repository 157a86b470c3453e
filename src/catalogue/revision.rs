//! The catalogue's revision: one number that every catalogue write moves in its own transaction. Caches and feeds hang on it.

use chrono::{DateTime, NaiveDateTime};
use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::catalogue_revision as table;
use crate::db::types::now;
use crate::error::Error;

/// Where the catalogue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    pub number: i64,
    pub moved_at: NaiveDateTime,
}

/// The present revision; number 0 before anything was written.
///
/// # Errors
/// Only of the database.
pub fn current(db: &mut Db) -> Result<Revision, Error> {
    let row: Option<(i64, NaiveDateTime)> = table::table.select((table::revision, table::moved_at)).first(db).optional()?;
    Ok(row.map_or(Revision { number: 0, moved_at: DateTime::UNIX_EPOCH.naive_utc() }, |(number, moved_at)| Revision { number, moved_at }))
}

/// Moves the revision. The row is locked until the transaction ends, so catalogue writes come one after another, whichever database it is.
///
/// # Errors
/// Only of the database.
pub fn advance(db: &mut Db) -> Result<Revision, Error> {
    let at = now();
    let moved =
        diesel::update(table::table.filter(table::id.eq(1))).set((table::revision.eq(table::revision + 1), table::moved_at.eq(at))).execute(db)?;
    if moved == 0 {
        diesel::insert_into(table::table).values((table::id.eq(1), table::revision.eq(1), table::moved_at.eq(at))).execute(db)?;
    }
    current(db)
}
