//! Writing download requests: making, fulfilling, erasing.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::read::{Identity, NewRequest};
use crate::catalogue::history::audit;
use crate::catalogue::noun::group;
use crate::catalogue::pen::{Action, Author};
use crate::catalogue::publication::edition::{is_open, load_open_files};
use crate::catalogue::revision;
use crate::db::schema::{consent, download_item, download_request, edition_file, requester};
use crate::db::types::now;
use crate::db::{Db, Store};
use crate::download::seal::seal;
use crate::each_dialect;
use crate::error::Error;
use crate::secret::Secret;

/// What sealed identities are sealed for.
pub const IDENTITY: &str = "identity";
const WAITING: &str = "waiting";
const FULFILLED: &str = "fulfilled";

/// A request whose references are known to exist.
pub struct Insert<'a> {
    pub id: &'a str,
    pub request: &'a NewRequest,
    /// The language of the answer.
    pub language: &'a str,
    /// The keys of the editions, in their order, and whether each has its file.
    pub editions: Vec<(i64, bool)>,
    pub repeat_hash: Option<&'a str>,
    pub sealed: Option<&'a Sealed>,
}

/// Who asks, as it is stored.
pub struct Sealed {
    identity: String,
    email_hash: Option<String>,
}

impl Sealed {
    /// Seals who asks for the request `id`; nothing when nothing was told.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn of(identity: &Identity, secret: &Secret, id: &str) -> Result<Option<Self>, Error> {
        if identity.is_empty() {
            return Ok(None);
        }
        let plain = serde_json::to_vec(identity).map_err(Error::internal)?;
        Ok(Some(Self {
            identity: seal(secret, IDENTITY, id, &plain)?,
            email_hash: identity.email.as_deref().map(|email| secret.hash("email", email.to_lowercase().as_bytes())),
        }))
    }
}

/// The keys of what was stored of a request.
pub struct Keys {
    pub request: i64,
    /// In the order of the editions.
    pub items: Vec<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = download_request, treat_none_as_default_value = false)]
struct RequestRow<'a> {
    id: &'a str,
    state: &'static str,
    language: &'a str,
    privacy_notice: &'a str,
    purpose: Option<&'a str>,
    organization_type: Option<&'a str>,
    municipality: Option<&'a str>,
    country: Option<&'a str>,
    repeat_hash: Option<&'a str>,
    created_at: NaiveDateTime,
}

#[derive(Insertable)]
#[diesel(table_name = download_item, treat_none_as_default_value = false)]
struct ItemRow {
    request_key: i64,
    edition_key: i64,
    position: i32,
    state: &'static str,
    fulfilled_at: Option<NaiveDateTime>,
}

#[derive(Insertable)]
#[diesel(table_name = consent, treat_none_as_default_value = false)]
struct ConsentRow<'a> {
    request_key: i64,
    version: &'a str,
    given: bool,
    stated_at: NaiveDateTime,
}

#[derive(Insertable)]
#[diesel(table_name = requester, treat_none_as_default_value = false)]
struct RequesterRow<'a> {
    request_key: i64,
    identity: &'a str,
    email_hash: Option<&'a str>,
}

/// Stores requests with all that belongs to them, a statement for each table however many they are, and returns their keys in their order.
///
/// # Errors
/// Only of the database.
pub fn insert_all(db: &mut Db, inserts: &[Insert<'_>], at: NaiveDateTime) -> Result<Vec<Keys>, Error> {
    if inserts.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<RequestRow<'_>> = inserts.iter().map(|insert| insert.row(at)).collect();
    each_dialect!(db, |conn| diesel::insert_into(download_request::table).values(&rows).execute(conn))?;
    let ids: Vec<&str> = inserts.iter().map(|insert| insert.id).collect();
    let keys: Vec<(String, i64)> =
        download_request::table.filter(download_request::id.eq_any(ids)).select((download_request::id, download_request::key)).load(db)?;
    let keys: HashMap<String, i64> = keys.into_iter().collect();
    let lost = || Error::internal("a request that was stored is not there");
    let keys: Vec<i64> = inserts.iter().map(|insert| keys.get(insert.id).copied().ok_or_else(lost)).collect::<Result<_, _>>()?;

    let mut items: Vec<ItemRow> = Vec::with_capacity(inserts.len());
    let mut consents: Vec<ConsentRow<'_>> = Vec::new();
    let mut requesters: Vec<RequesterRow<'_>> = Vec::with_capacity(inserts.len());
    for (insert, key) in inserts.iter().zip(&keys) {
        items.extend((1..).zip(&insert.editions).map(|(position, (edition, available))| ItemRow {
            request_key: *key,
            edition_key: *edition,
            position,
            state: if *available { FULFILLED } else { WAITING },
            fulfilled_at: available.then_some(at),
        }));
        let choices = insert.request.consents.iter();
        consents.extend(choices.map(|choice| ConsentRow { request_key: *key, version: &choice.text, given: choice.given, stated_at: at }));
        requesters.extend(insert.sealed.map(|who| RequesterRow {
            request_key: *key,
            identity: &who.identity,
            email_hash: who.email_hash.as_deref(),
        }));
    }
    each_dialect!(db, |conn| diesel::insert_into(download_item::table).values(&items).execute(conn))?;
    if !consents.is_empty() {
        each_dialect!(db, |conn| diesel::insert_into(consent::table).values(&consents).execute(conn))?;
    }
    if !requesters.is_empty() {
        each_dialect!(db, |conn| diesel::insert_into(requester::table).values(&requesters).execute(conn))?;
    }
    let stored: Vec<(i64, i64)> = download_item::table
        .filter(download_item::request_key.eq_any(&keys))
        .order((download_item::request_key, download_item::position))
        .select((download_item::request_key, download_item::key))
        .load(db)?;
    let mut stored = group(stored);
    Ok(keys.into_iter().map(|request| Keys { request, items: stored.remove(&request).unwrap_or_default() }).collect())
}

impl<'a> Insert<'a> {
    fn row(&self, at: NaiveDateTime) -> RequestRow<'a> {
        let request = self.request;
        RequestRow {
            id: self.id,
            state: if self.editions.iter().all(|(_, available)| *available) { FULFILLED } else { WAITING },
            language: self.language,
            privacy_notice: &request.privacy_notice,
            purpose: request.purpose,
            organization_type: request.requester.organization_type,
            municipality: request.requester.municipality.as_deref(),
            country: request.requester.country,
            repeat_hash: self.repeat_hash,
            created_at: at,
        }
    }
}

/// Fulfils what waits for files that the public may have by now, because their works were published.
///
/// # Errors
/// Only of the database.
pub fn fulfil_published(store: &Store) -> Result<usize, Error> {
    let due = |db: &mut Db| -> Result<Vec<i64>, Error> {
        Ok(edition_file::table
            .filter(edition_file::detached_at.is_null())
            .filter(
                edition_file::edition_key.eq_any(download_item::table.filter(download_item::state.eq(WAITING)).select(download_item::edition_key)),
            )
            .filter(is_open!())
            .select(edition_file::edition_key)
            .load(db)?)
    };
    if store.read(due)?.is_empty() {
        return Ok(0);
    }
    store.write(|db| {
        // The catalogue holds still meanwhile, as it does while requests are stored.
        revision::take(db)?;
        let at = now();
        due(db)?.into_iter().try_fold(0, |sum, edition| Ok(sum + fulfil(db, edition, at)?))
    })
}

/// Fulfils what waits for an edition whose file has come, if the public may have it, and returns how many requests have all they asked for by that.
///
/// # Errors
/// Only of the database.
pub fn fulfil(db: &mut Db, edition_key: i64, at: NaiveDateTime) -> Result<usize, Error> {
    if load_open_files(db, &[edition_key])?.is_empty() {
        return Ok(0);
    }
    let waiting = || download_item::table.filter(download_item::state.eq(WAITING));
    let requests: Vec<i64> = waiting().filter(download_item::edition_key.eq(edition_key)).select(download_item::request_key).load(db)?;
    diesel::update(waiting().filter(download_item::edition_key.eq(edition_key)))
        .set((download_item::state.eq(FULFILLED), download_item::fulfilled_at.eq(at)))
        .execute(db)?;
    let mut fulfilled = 0;
    for part in requests.chunks(crate::catalogue::record::CHUNK) {
        fulfilled += diesel::update(
            download_request::table
                .filter(download_request::key.eq_any(part))
                .filter(download_request::state.eq(WAITING))
                .filter(download_request::key.ne_all(waiting().filter(download_item::request_key.eq_any(part)).select(download_item::request_key))),
        )
        .set(download_request::state.eq(FULFILLED))
        .execute(db)?;
    }
    Ok(fulfilled)
}

/// Erases a request and all that hangs on it (who asked, items, consents, kept answers), and tells whether it was there. The audit log keeps the id, and
/// whose key it was, if it was one: nothing of who had asked.
///
/// # Errors
/// Only of the database.
pub fn erase(db: &mut Db, id: &str, author: &Author) -> Result<bool, Error> {
    let erased = diesel::delete(download_request::table.filter(download_request::id.eq(id))).execute(db)? > 0;
    if erased {
        audit(db, author, Action::Deleted.code(), "downloadRequest", id, None)?;
    }
    Ok(erased)
}
