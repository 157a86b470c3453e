//! The verbs `key create`, `key list` and `key revoke`.

use std::fmt::Write;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::access::routes::named;
use crate::access::store::{self, Wanted};
use crate::access::{Scope, key};
use crate::catalogue::pen::Author;
use crate::db::Store;
use crate::db::types::{now, parse_rfc3339, rfc3339};
use crate::error::{Code, Error};

/// Makes a key and returns it: it is shown this once.
///
/// # Errors
/// A sentence for a name that is none; a fault of the database.
pub fn create(store: &Store, name: &str, owner: Option<&str>, scopes: &[Scope], expires: Option<NaiveDateTime>) -> Result<String, Error> {
    let checked = |option: &str, text: &str| match named(text) {
        Ok(()) => Ok(text.trim().to_owned()),
        Err(wrong) => Err(Error::problem(Code::BadRequest, format!("{option} must be {wrong}"))),
    };
    let owner = owner.map(|owner| checked("--owner", owner)).transpose()?;
    let wanted = Wanted { name: checked("--name", name)?, owner, scopes: scopes.to_vec(), expires_at: expires };
    let (_, key) = store.write(|db| store::create(db, &wanted, &Author::command("key create")))?;
    Ok(key)
}

/// The keys, a line each.
///
/// # Errors
/// Only of the database.
pub fn list(store: &Store) -> Result<String, Error> {
    let all = store.read(store::list)?;
    let mut lines = String::new();
    for one in all {
        let scopes: Vec<&str> = one.scopes.iter().map(|scope| scope.name()).collect();
        let state = match (one.revoked_at, one.expires_at) {
            (Some(at), _) => format!("revoked {}", rfc3339(at)),
            (None, Some(at)) if at <= now() => format!("expired {}", rfc3339(at)),
            (None, Some(at)) => format!("until {}", rfc3339(at)),
            (None, None) => "without end".into(),
        };
        let used = one.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("used {}", rfc3339(at)));
        let owner = one.owner.as_deref().unwrap_or("-");
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{}\t{}\t{owner}\t{}\t{state}\t{used}\tby {}", one.id, one.name, scopes.join(" "), one.created_by);
    }
    Ok(lines)
}

/// Revokes a key.
///
/// # Errors
/// When there is none of this id; a fault of the database.
pub fn revoke(store: &Store, id: &str) -> Result<String, Error> {
    if !key::is_id(id) {
        // Not quoted: it may be a whole key.
        return Err(Error::not_found("this is no id of a key: it is ten lower-case letters and digits, the part of the key after 'hbk_'".to_owned()));
    }
    if store.write(|db| store::revoke(db, id, &Author::command("key revoke")))? {
        return Ok(format!("the key {id} opens nothing any more"));
    }
    Err(Error::not_found(format!("there is no key '{id}'; `handbooks key list` names them")))
}

/// Reads `--expires`: a day, an instant, or a number of days from now.
///
/// # Errors
/// What would be right.
pub fn expires(text: &str) -> Result<NaiveDateTime, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()).filter(|days| (1..=36_500).contains(days));
    let at = match days {
        Some(days) => now().checked_add_signed(TimeDelta::days(days.into())),
        None => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN)).or_else(|| parse_rfc3339(text)),
    };
    at.filter(|at| *at > now()).ok_or_else(|| "it must lie in the future, such as 2027-12-31, 2027-12-31T12:00:00Z or 90d".into())
}

/// Reads `--scope`.
///
/// # Errors
/// The scopes there are.
pub fn scope(text: &str) -> Result<Scope, String> {
    Scope::of(text).ok_or_else(|| format!("there are: {}", Scope::NAMES.join(", ")))
}
