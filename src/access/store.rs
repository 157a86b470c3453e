//! Keys in the database.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{Scope, key};
use crate::catalogue::history::audit;
use crate::catalogue::pen::Author;
use crate::db::schema::access_key;
use crate::db::types::now;
use crate::db::{Backend, Db};
use crate::error::Error;
use crate::http::pages::{Asked, Part};

/// A key as it is kept.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: String,
    pub name: String,
    pub hash: String,
    pub scopes: Vec<Scope>,
    pub created_at: NaiveDateTime,
    pub created_by: String,
    pub expires_at: Option<NaiveDateTime>,
    pub last_used_at: Option<NaiveDateTime>,
    pub revoked_at: Option<NaiveDateTime>,
    pub owner: Option<String>,
}

type Moment = Option<NaiveDateTime>;
type Row = (i64, String, String, String, String, NaiveDateTime, String, Moment, Moment, Moment, Option<String>);

impl From<Row> for Stored {
    fn from((_, id, name, hash, scopes, created_at, created_by, expires_at, last_used_at, revoked_at, owner): Row) -> Self {
        let scopes = scopes.split(' ').filter_map(Scope::of).collect();
        Self { id, name, hash, scopes, created_at, created_by, expires_at, last_used_at, revoked_at, owner }
    }
}

/// A key that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub name: String,
    pub owner: Option<String>,
    pub scopes: Vec<Scope>,
    pub expires_at: Option<NaiveDateTime>,
}

/// Makes a key, and tells it this once.
///
/// # Errors
/// When there is no randomness; a fault of the database.
pub fn create(db: &mut Db, wanted: &Wanted, author: &Author) -> Result<(Stored, String), Error> {
    let fresh = key::make()?;
    let mut scopes = wanted.scopes.clone();
    scopes.sort_unstable();
    scopes.dedup();
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    let at = now();
    diesel::insert_into(access_key::table)
        .values((
            access_key::id.eq(&fresh.id),
            access_key::name.eq(&wanted.name),
            access_key::hash.eq(key::hash(&fresh.key)),
            access_key::scopes.eq(names.join(" ")),
            access_key::created_at.eq(at),
            access_key::created_by.eq(author.as_str()),
            access_key::expires_at.eq(wanted.expires_at),
            access_key::owner.eq(&wanted.owner),
        ))
        .execute(db)?;
    audit(db, author, "keyCreated", "key", &fresh.id, None)?;
    let stored = find(db, &fresh.id)?.ok_or_else(|| Error::internal("a key that was stored is not there"))?;
    Ok((stored, fresh.key))
}

/// The key of an id, whatever became of it.
///
/// # Errors
/// Only of the database.
pub fn find(db: &mut Db, id: &str) -> Result<Option<Stored>, Error> {
    Ok(access_key::table.filter(access_key::id.eq(id)).first::<Row>(db).optional()?.map(Stored::from))
}

/// All keys, in the order they were made.
///
/// # Errors
/// Only of the database.
pub fn list(db: &mut Db) -> Result<Vec<Stored>, Error> {
    Ok(access_key::table.order(access_key::key).load::<Row>(db)?.into_iter().map(Stored::from).collect())
}

/// A page of the keys, in the order they were made, and how many there are.
///
/// # Errors
/// Only of the database.
pub fn page(db: &mut Db, asked: &Asked) -> Result<Part<Stored>, Error> {
    let total = access_key::table.count().get_result(db)?;
    asked.part(total, |at, limit| {
        let mut query = access_key::table.into_boxed::<Backend>().limit(limit);
        query = if at.backward { query.order(access_key::key.desc()) } else { query.order(access_key::key) };
        query = match at.number() {
            Some(number) if at.backward => query.filter(access_key::key.lt(number)),
            Some(number) => query.filter(access_key::key.gt(number)),
            None => query,
        };
        Ok(query.load::<Row>(db)?.into_iter().map(|row| (vec![row.0], Stored::from(row))).collect())
    })
}

/// Revokes a key for good, and tells whether it is there. One that was revoked before stays as it is.
///
/// # Errors
/// Only of the database.
pub fn revoke(db: &mut Db, id: &str, author: &Author) -> Result<bool, Error> {
    let Some(stored) = find(db, id)? else { return Ok(false) };
    if stored.revoked_at.is_none() {
        diesel::update(access_key::table.filter(access_key::id.eq(id))).set(access_key::revoked_at.eq(now())).execute(db)?;
        audit(db, author, "keyRevoked", "key", id, None)?;
    }
    Ok(true)
}

/// Notes that a key was used.
///
/// # Errors
/// Only of the database.
pub fn used(db: &mut Db, id: &str, at: NaiveDateTime) -> Result<(), Error> {
    diesel::update(access_key::table.filter(access_key::id.eq(id))).set(access_key::last_used_at.eq(at)).execute(db)?;
    Ok(())
}
