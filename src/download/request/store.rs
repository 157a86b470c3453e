//! Writing download requests: making, fulfilling, erasing.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::read::NewRequest;
use crate::catalogue::publication::file::lock;
use crate::db::Db;
use crate::db::schema::{consent, download_item, download_request, edition_file, requester};
use crate::download::seal::seal;
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
    /// The keys of the editions, in their order.
    pub editions: &'a [i64],
    pub repeat_hash: Option<&'a str>,
    pub secret: &'a Secret,
    pub at: NaiveDateTime,
}

impl Insert<'_> {
    /// Stores it all and returns its key.
    ///
    /// # Errors
    /// Only of the database, or of the system's randomness.
    pub fn run(&self, db: &mut Db) -> Result<i64, Error> {
        let Self { request, at, .. } = self;
        let with_file = with_file_for_sure(db, self.editions)?;
        let states: Vec<&str> = self.editions.iter().map(|key| if with_file.contains(key) { FULFILLED } else { WAITING }).collect();
        let key: i64 = diesel::insert_into(download_request::table)
            .values((
                download_request::id.eq(self.id),
                download_request::state.eq(if states.contains(&WAITING) { WAITING } else { FULFILLED }),
                download_request::language.eq(self.language),
                download_request::privacy_notice.eq(&request.privacy_notice),
                download_request::purpose.eq(request.purpose),
                download_request::organization_type.eq(request.requester.organization_type),
                download_request::municipality.eq(request.requester.municipality.as_deref()),
                download_request::country.eq(request.requester.country),
                download_request::repeat_hash.eq(self.repeat_hash),
                download_request::created_at.eq(at),
            ))
            .returning(download_request::key)
            .get_result(db)?;
        for ((position, edition), state) in (1..).zip(self.editions).zip(states) {
            diesel::insert_into(download_item::table)
                .values((
                    download_item::request_key.eq(key),
                    download_item::edition_key.eq(edition),
                    download_item::position.eq(position),
                    download_item::state.eq(state),
                    download_item::fulfilled_at.eq((state == FULFILLED).then_some(*at)),
                ))
                .execute(db)?;
        }
        for choice in &request.consents {
            diesel::insert_into(consent::table)
                .values((consent::request_key.eq(key), consent::version.eq(&choice.text), consent::given.eq(choice.given), consent::stated_at.eq(at)))
                .execute(db)?;
        }
        self.requester(db, key)?;
        Ok(key)
    }

    /// Who asks, sealed; no row when nothing was told.
    fn requester(&self, db: &mut Db, key: i64) -> Result<(), Error> {
        let identity = &self.request.requester.identity;
        if identity.is_empty() {
            return Ok(());
        }
        let plain = serde_json::to_vec(identity).map_err(Error::internal)?;
        diesel::insert_into(requester::table)
            .values((
                requester::request_key.eq(key),
                requester::identity.eq(seal(self.secret, IDENTITY, self.id, &plain)?),
                requester::email_hash.eq(identity.email.as_deref().map(|email| self.secret.hash("email", email.to_lowercase().as_bytes()))),
            ))
            .execute(db)?;
        Ok(())
    }
}

/// Which of some editions have a file. Those that have none are held, and asked again: a file that comes meanwhile then sees the request that waits for it.
fn with_file_for_sure(db: &mut Db, editions: &[i64]) -> Result<Vec<i64>, Error> {
    let found = with_file(db, editions)?;
    let mut without: Vec<i64> = editions.iter().copied().filter(|key| !found.contains(key)).collect();
    if without.is_empty() {
        return Ok(found);
    }
    // In one order everywhere, so that two requests never wait for each other.
    without.sort_unstable();
    for key in without {
        lock(db, key)?;
    }
    with_file(db, editions)
}

fn with_file(db: &mut Db, editions: &[i64]) -> Result<Vec<i64>, Error> {
    Ok(edition_file::table
        .filter(edition_file::edition_key.eq_any(editions))
        .filter(edition_file::detached_at.is_null())
        .select(edition_file::edition_key)
        .load(db)?)
}

/// Fulfils what waits for an edition whose file has come, and returns how many requests have all they asked for by that.
///
/// # Errors
/// Only of the database.
pub fn fulfil(db: &mut Db, edition_key: i64, at: NaiveDateTime) -> Result<usize, Error> {
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

/// Erases a request and all that hangs on it (who asked, items, consents, kept answers), and tells whether it was there.
///
/// # Errors
/// Only of the database.
pub fn erase(db: &mut Db, id: &str) -> Result<bool, Error> {
    Ok(diesel::delete(download_request::table.filter(download_request::id.eq(id))).execute(db)? > 0)
}
