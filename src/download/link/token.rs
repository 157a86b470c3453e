//! The token of a download link: which item of a request it is for and until when, signed. Nothing of it is stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Days, NaiveDateTime, SubsecRound, Utc};

use crate::secret::Secret;

/// What the path of a link looks like.
pub const PATTERN: &str = "^[A-Za-z0-9_-]{20,200}$";
/// How long a link lives.
const DAYS: Days = Days::new(7);
const PURPOSE: &str = "link";
/// The first byte, for the day the rest changes.
const VERSION: u8 = 1;
const PAYLOAD: usize = 1 + 8 + 8;
const TAG: usize = 16;

/// What a genuine link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The key of the request's item.
    pub item: i64,
    pub expires: DateTime<Utc>,
}

/// When a link that is given now expires, to the second.
pub fn expiry(now: NaiveDateTime) -> DateTime<Utc> {
    let now = now.and_utc().trunc_subsecs(0);
    now.checked_add_days(DAYS).unwrap_or(now)
}

/// Makes the token of a link.
pub fn sign(secret: &Secret, item: i64, expires: DateTime<Utc>) -> String {
    let mut bytes = Vec::with_capacity(PAYLOAD + TAG);
    bytes.push(VERSION);
    bytes.extend(item.to_be_bytes());
    bytes.extend(expires.timestamp().to_be_bytes());
    let tag = secret.mac(PURPOSE, &bytes);
    bytes.extend(&tag[..TAG]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether `text` can be a token at all.
pub fn is_shaped(text: &str) -> bool {
    (20..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// What a token says, if it was signed here, with any accepted secret.
pub fn read(secret: &Secret, token: &str) -> Option<Link> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == PAYLOAD + TAG)?;
    let (payload, tag) = bytes.split_at(PAYLOAD);
    if !secret.verify(PURPOSE, payload, tag) {
        return None;
    }
    let (version, rest) = payload.split_first()?;
    let (item, expires) = rest.split_first_chunk::<8>()?;
    let expires = DateTime::from_timestamp(i64::from_be_bytes(expires.try_into().ok()?), 0)?;
    (*version == VERSION).then_some(Link { item: i64::from_be_bytes(*item), expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_read_and_nothing_else() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let before = Secret::parse(&old).unwrap();
        let after = Secret::parse(&format!("{new},{old}")).unwrap();
        let expires = expiry(crate::db::types::now());
        let token = sign(&before, 42, expires);
        assert!(is_shaped(&token));
        assert_eq!(read(&before, &token), Some(Link { item: 42, expires }));
        assert_eq!(read(&after, &token), Some(Link { item: 42, expires }));
        assert_eq!(read(&Secret::parse(&new).unwrap(), &token), None);
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(&before, std::str::from_utf8(&altered).unwrap()), None, "altered at {at}");
            assert_eq!(read(&before, &token[..at]), None, "cut at {at}");
        }
        assert_eq!(read(&before, &format!("{token}A")), None);
        assert!(!is_shaped("short") && !is_shaped(&"x".repeat(201)) && !is_shaped("with space in the middle"));
    }

    #[test]
    fn links_live_seven_days() {
        let now = crate::db::types::now();
        assert_eq!((expiry(now) - now.and_utc()).num_hours(), 7 * 24 - 1 + i64::from(now.and_utc().timestamp_subsec_micros() == 0));
    }
}
