//! Reading download requests.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::view::ConsentChoice;
use crate::catalogue::locale::LANGUAGES;
use crate::db::Db;
use crate::db::schema::{consent, download_item, download_request, edition};
use crate::download::offer::{self, Offer};
use crate::error::Error;

/// A request as it is stored, without what is personal.
pub struct Stored {
    pub id: String,
    pub language: String,
    pub privacy_notice: String,
    pub purpose: Option<String>,
    pub created_at: NaiveDateTime,
    /// The key of each item and its edition, in the order they were asked for.
    pub items: Vec<(i64, Offer)>,
    pub consents: Vec<ConsentChoice>,
}

/// The key of a request.
///
/// # Errors
/// Only of the database.
pub fn key_of(db: &mut Db, id: &str) -> Result<Option<i64>, Error> {
    Ok(download_request::table.filter(download_request::id.eq(id)).select(download_request::key).first(db).optional()?)
}

/// The newest request with one of these hashes of who asked for what (one for each accepted secret), made at or after `since`.
///
/// # Errors
/// Only of the database.
pub fn repeated(db: &mut Db, repeat_hashes: &[String], since: NaiveDateTime) -> Result<Option<i64>, Error> {
    Ok(download_request::table
        .filter(download_request::repeat_hash.eq_any(repeat_hashes))
        .filter(download_request::created_at.ge(since))
        .order(download_request::key.desc())
        .select(download_request::key)
        .first(db)
        .optional()?)
}

/// A request by its key.
///
/// # Errors
/// Only of the database.
pub fn load(db: &mut Db, key: i64) -> Result<Stored, Error> {
    type Found = (String, String, String, Option<String>, NaiveDateTime);
    let (id, language, privacy_notice, purpose, created_at): Found = download_request::table
        .filter(download_request::key.eq(key))
        .select((
            download_request::id,
            download_request::language,
            download_request::privacy_notice,
            download_request::purpose,
            download_request::created_at,
        ))
        .first(db)?;
    let items: Vec<(i64, i64, i64)> = download_item::table
        .inner_join(edition::table.on(edition::key.eq(download_item::edition_key)))
        .filter(download_item::request_key.eq(key))
        .order(download_item::position)
        .select((download_item::key, edition::key, edition::work_key))
        .load(db)?;
    let mut works: Vec<i64> = items.iter().map(|(_, _, work)| *work).collect();
    works.sort_unstable();
    works.dedup();
    let chain: Vec<String> = std::iter::once(language.as_str()).chain(LANGUAGES.iter().copied()).map(str::to_owned).collect();
    let mut offers: HashMap<i64, Offer> = offer::of_works(db, &works, &chain)?.into_iter().map(|offer| (offer.edition_key, offer)).collect();
    let consents: Vec<(String, bool)> =
        consent::table.filter(consent::request_key.eq(key)).order(consent::version).select((consent::version, consent::given)).load(db)?;
    Ok(Stored {
        id,
        language,
        privacy_notice,
        purpose,
        created_at,
        items: items.into_iter().filter_map(|(item, edition, _)| Some((item, offers.remove(&edition)?))).collect(),
        consents: consents.into_iter().map(|(text, given)| ConsentChoice { text, given }).collect(),
    })
}
