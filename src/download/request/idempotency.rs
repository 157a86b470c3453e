//! `Idempotency-Key`: the same key and body get the same answer, for a day. A key belongs to nobody in particular: the API knows no callers here, so
//! whoever has both the key and the body gets the answer, and a key is to be random.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;
use chrono::{Days, NaiveDateTime};
use diesel::prelude::*;
use serde_json::Value;
use tokio::sync::Notify;

use crate::db::Db;
use crate::db::schema::idempotency as table;
use crate::download::seal::{open, seal};
use crate::each_dialect;
use crate::error::{Code, Error, Issue, IssueKind};
use crate::secret::Secret;

/// What a key looks like.
pub const PATTERN: &str = "^[A-Za-z0-9_-]{16,64}$";
const HEADER: &str = "idempotency-key";
const PURPOSE: &str = "idempotency";
/// How long an answer is kept.
const KEPT: Days = Days::new(1);
/// How many answers that are past their day each request takes away with it.
const SWEPT: i64 = 20;

/// Requests that are being worked on in this process, by the hash of their key.
#[derive(Debug, Default)]
pub struct InFlight {
    keys: Mutex<HashSet<String>>,
    landed: Notify,
}

impl InFlight {
    /// Enters `key`, unless it is in already. It leaves when the guard goes.
    pub fn enter(self: &Arc<Self>, key: &str) -> Option<Guard> {
        self.keys().insert(key.to_owned()).then(|| Guard { of: Arc::clone(self), key: key.to_owned() })
    }

    /// Enters `key` as soon as it is not in.
    pub async fn enter_in_turn(self: &Arc<Self>, key: &str) -> Guard {
        loop {
            let mut landed = std::pin::pin!(self.landed.notified());
            // Listening begins before looking, so that no landing is missed.
            landed.as_mut().enable();
            if let Some(guard) = self.enter(key) {
                return guard;
            }
            landed.await;
        }
    }

    /// A panic elsewhere leaves the set whole.
    fn keys(&self) -> MutexGuard<'_, HashSet<String>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds a key in [`InFlight`].
#[derive(Debug)]
pub struct Guard {
    of: Arc<InFlight>,
    key: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.of.keys().remove(&self.key);
        self.of.landed.notify_waiters();
    }
}

/// The key of a request.
///
/// # Errors
/// What is wrong with it.
pub fn key(request: &HttpRequest) -> Result<Option<String>, Box<Issue>> {
    let mut given = request.headers().get_all(HEADER);
    let Some(first) = given.next() else { return Ok(None) };
    let fault = |detail: &str| Box::new(Issue::new(IssueKind::SchemaViolation, "header", "Idempotency-Key", detail));
    if given.next().is_some() {
        return Err(fault("Idempotency-Key stands more than once; leave one."));
    }
    let well = |text: &str| (16..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    match first.to_str() {
        Ok(text) if well(text) => Ok(Some(text.to_owned())),
        _ => Err(fault("Idempotency-Key must be 16 to 64 letters, digits, '-' or '_', without quotes; a UUID is good.")),
    }
}

/// A key with the body it came with, hashed: neither is kept in the clear.
#[derive(Clone, Debug)]
pub struct Keyed {
    pub key_hash: String,
    body_hash: String,
    /// The same under every accepted secret.
    hashes: Vec<(String, String)>,
}

/// An answer that was given.
#[derive(Debug)]
pub enum Kept {
    /// To the same body: these were its bytes.
    Same(Vec<u8>),
    /// To another body.
    Other,
}

/// A row that was kept: the hash of the key, that of the body, the sealed answer.
pub type Row = (String, String, String);

/// An answer to be kept.
#[derive(Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
pub struct Keeping {
    key_hash: String,
    body_hash: String,
    request_key: i64,
    status: i32,
    answer: String,
    created_at: NaiveDateTime,
}

impl Keyed {
    /// Hashes `key` and `body`, in which the order of properties means nothing.
    pub fn new(secret: &Secret, key: &str, body: &Value) -> Self {
        let body = canonical(body).to_string();
        let hashes: Vec<(String, String)> =
            secret.hashes(PURPOSE, key.as_bytes()).into_iter().zip(secret.hashes("idempotencyBody", body.as_bytes())).collect();
        let (key_hash, body_hash) = hashes.first().cloned().unwrap_or_default();
        Self { key_hash, body_hash, hashes }
    }

    /// What was kept under this key.
    ///
    /// # Errors
    /// When its secret is no longer accepted.
    pub fn open(&self, secret: &Secret, (key_hash, body_hash, answer): Row) -> Result<Kept, Error> {
        if !self.hashes.contains(&(key_hash.clone(), body_hash)) {
            return Ok(Kept::Other);
        }
        Ok(Kept::Same(open(secret, PURPOSE, &key_hash, &answer)?))
    }

    /// An answer as it is to be kept: sealed, because it holds the request's token.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn keeping(&self, secret: &Secret, request_key: i64, answer: &[u8], at: NaiveDateTime) -> Result<Keeping, Error> {
        Ok(Keeping {
            key_hash: self.key_hash.clone(),
            body_hash: self.body_hash.clone(),
            request_key,
            status: 201,
            answer: seal(secret, PURPOSE, &self.key_hash, answer)?,
            created_at: at,
        })
    }
}

/// What is kept under some keys, in their order. What is older than a day is gone.
///
/// # Errors
/// Only of the database.
pub fn find_all(db: &mut Db, keyed: &[&Keyed], at: NaiveDateTime) -> Result<Vec<Option<Row>>, Error> {
    if keyed.is_empty() {
        return Ok(Vec::new());
    }
    let hashes: Vec<&str> = keyed.iter().flat_map(|one| one.hashes.iter().map(|(key, _)| key.as_str())).collect();
    let rows: Vec<Row> = table::table
        .filter(table::key_hash.eq_any(hashes))
        .filter(table::created_at.ge(oldest(at)))
        .order(table::created_at)
        .select((table::key_hash, table::body_hash, table::answer))
        .load(db)?;
    // The newest, when a secret was changed within a day.
    let rows: HashMap<&str, &Row> = rows.iter().map(|row| (row.0.as_str(), row)).collect();
    Ok(keyed.iter().map(|one| one.hashes.iter().find_map(|(key, _)| rows.get(key.as_str())).map(|row| (*row).clone())).collect())
}

/// Keeps some answers, and takes away what is past its day: under their keys, and some more.
///
/// # Errors
/// Of the database; or when another process was quicker with one of the keys.
pub fn keep_all(db: &mut Db, mut keepings: Vec<Keeping>, at: NaiveDateTime) -> Result<(), Error> {
    if keepings.is_empty() {
        return Ok(());
    }
    let many = i64::try_from(keepings.len()).unwrap_or(i64::MAX).saturating_mul(SWEPT);
    let mut old: Vec<String> =
        table::table.filter(table::created_at.lt(oldest(at))).order(table::created_at).limit(many).select(table::key_hash).load(db)?;
    if !old.is_empty() {
        old.extend(keepings.iter().map(|keeping| keeping.key_hash.clone()));
        diesel::delete(table::table.filter(table::key_hash.eq_any(old)).filter(table::created_at.lt(oldest(at)))).execute(db)?;
    }
    // In one order everywhere, so that two writers with the same keys do not wait for each other in a circle.
    keepings.sort_unstable_by(|a, b| a.key_hash.cmp(&b.key_hash));
    each_dialect!(db, |conn| diesel::insert_into(table::table).values(keepings).execute(conn))?;
    Ok(())
}

fn oldest(at: NaiveDateTime) -> NaiveDateTime {
    at.checked_sub_days(KEPT).unwrap_or(at)
}

/// With the properties of all objects in one order.
fn canonical(value: &Value) -> Value {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

/// 409: the same key is being worked on at this moment.
pub fn in_flight() -> Error {
    use actix_web::http::header::{HeaderValue, RETRY_AFTER};
    Error::problem(
        Code::RequestInFlight,
        "A request with the same Idempotency-Key is being worked on; its answer can be had in a moment, with the same request.",
    )
    .header(RETRY_AFTER, HeaderValue::from_static("1"))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys() {
        let of = |value: &str| key(&TestRequest::default().insert_header((HEADER, value)).to_http_request());
        assert_eq!(of("0123456789abcdef").unwrap().as_deref(), Some("0123456789abcdef"));
        assert!(key(&TestRequest::default().to_http_request()).unwrap().is_none());
        let long = "x".repeat(65);
        for bad in ["", "short", "\"0123456789abcdef\"", "0123456789abcdef ÿ", long.as_str()] {
            assert!(of(bad).is_err(), "{bad}");
        }
        let twice = TestRequest::default().append_header((HEADER, "0123456789abcdef")).append_header((HEADER, "0123456789abcdef")).to_http_request();
        assert!(key(&twice).is_err());
    }

    #[test]
    fn the_order_of_properties_means_nothing_and_that_of_items_does() {
        let secret = Secret::parse(&"s".repeat(32)).unwrap();
        let hash = |body: Value| Keyed::new(&secret, "key", &body).body_hash;
        assert_eq!(hash(json!({"a": {"b": 1, "c": 2}, "d": [1, 2]})), hash(json!({"d": [1, 2], "a": {"c": 2, "b": 1}})));
        assert_ne!(hash(json!({"d": [1, 2]})), hash(json!({"d": [2, 1]})));
    }

    #[actix_web::test]
    async fn one_at_a_time() {
        let flights = Arc::new(InFlight::default());
        let first = flights.enter("a").unwrap();
        assert!(flights.enter("a").is_none());
        assert!(flights.enter("b").is_some());
        let second = {
            let flights = Arc::clone(&flights);
            actix_web::rt::spawn(async move { drop(flights.enter_in_turn("a").await) })
        };
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap();
        assert!(flights.enter("a").is_some());
    }
}
