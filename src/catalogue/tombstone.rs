//! Tombstones: what once was public and was deleted. Its addresses answer 410 for ever, also while somebody prepares another record of that id, and on
//! every server that the collection is taken to.

use std::collections::BTreeSet;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{public_change, tombstone};
use crate::error::Error;

/// A tombstone: kind, id, when it was deleted.
pub type Tombstone = (String, String, NaiveDateTime);

/// When what was public under an id was deleted.
///
/// # Errors
/// Only of the database.
pub fn find(db: &mut Db, kind: &str, id: &str) -> Result<Option<NaiveDateTime>, Error> {
    let found = tombstone::table.filter(tombstone::kind.eq(kind)).filter(tombstone::id.eq(id));
    Ok(found.select(tombstone::deleted_at).first(db).optional()?)
}

/// All of them, by kind and id.
///
/// # Errors
/// Only of the database.
pub fn all(db: &mut Db) -> Result<Vec<Tombstone>, Error> {
    Ok(tombstone::table.order((tombstone::kind, tombstone::id)).load(db)?)
}

/// Whether there is any.
///
/// # Errors
/// Only of the database.
pub fn any(db: &mut Db) -> Result<bool, Error> {
    Ok(tombstone::table.select(tombstone::id).limit(1).load::<String>(db)?.pop().is_some())
}

/// Sets one; a later one takes the place of an earlier one.
///
/// # Errors
/// Only of the database.
pub fn set(db: &mut Db, kind: &str, id: &str, at: NaiveDateTime) -> Result<(), Error> {
    lift(db, kind, id)?;
    diesel::insert_into(tombstone::table).values((tombstone::kind.eq(kind), tombstone::id.eq(id), tombstone::deleted_at.eq(at))).execute(db)?;
    Ok(())
}

/// Takes it away: another record is public under that id now.
///
/// # Errors
/// Only of the database.
pub fn lift(db: &mut Db, kind: &str, id: &str) -> Result<(), Error> {
    diesel::delete(tombstone::table.filter(tombstone::kind.eq(kind)).filter(tombstone::id.eq(id))).execute(db)?;
    Ok(())
}

/// Sets those of a record that was deleted: one for each id that the public knew it by, unless another record is public under it.
///
/// # Errors
/// Only of the database.
pub fn bury(db: &mut Db, record_key: i64, at: NaiveDateTime) -> Result<(), Error> {
    let rows: Vec<(String, String, Option<String>)> = public_change::table
        .filter(public_change::record_key.eq(record_key))
        .select((public_change::kind, public_change::id, public_change::previous_id))
        .load(db)?;
    let named: BTreeSet<(String, String)> =
        rows.into_iter().flat_map(|(kind, id, previous)| [Some(id), previous].into_iter().flatten().map(move |id| (kind.clone(), id))).collect();
    for (kind, id) in named {
        if !is_public(db, &kind, &id)? {
            set(db, &kind, &id, at)?;
        }
    }
    Ok(())
}

/// Whether a record is public under an id.
///
/// # Errors
/// Only of the database.
pub fn is_public(db: &mut Db, kind: &str, id: &str) -> Result<bool, Error> {
    use crate::db::schema::record;
    let found = record::table.filter(record::kind.eq(kind)).filter(record::id.eq(id)).filter(record::listed.eq(true));
    Ok(found.count().get_result::<i64>(db)? > 0)
}
