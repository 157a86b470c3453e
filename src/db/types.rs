//! Values that both databases hold alike.

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};

/// The present instant as both databases can keep it: UTC, whole microseconds (Postgres keeps no more, SQLite would keep nanoseconds).
/// The only clock of what is stored; no column has a default time.
pub fn now() -> NaiveDateTime {
    Utc::now().trunc_subsecs(6).naive_utc()
}

/// An instant on the wire: RFC 3339, UTC with `Z`, fractions only where there are any.
pub fn rfc3339(at: NaiveDateTime) -> String {
    at.and_utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Reads an RFC 3339 instant with any offset.
pub fn parse_rfc3339(text: &str) -> Option<NaiveDateTime> {
    let at: DateTime<Utc> = DateTime::parse_from_rfc3339(text).ok()?.into();
    Some(at.trunc_subsecs(6).naive_utc())
}
