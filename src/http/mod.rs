//! Manners that all routes share: reading a question, negotiation, paging, conditional requests, headers, problems. Knows no noun.

pub mod body;
pub mod conditional;
pub mod cursor;
pub mod encoding;
pub mod fields;
pub mod front;
pub mod limit;
pub mod manners;
pub mod outlet;
pub mod pages;
pub mod patch;
pub mod prefer;
pub mod question;
pub mod range;
pub mod reply;
pub mod select;
pub mod shape;

use actix_web::HttpRequest;

use crate::error::{Error, Issue, IssueKind, quote};

/// The longest address read, in bytes.
pub const MAX_URI: usize = 16 * 1024;
/// All header fields together, in bytes.
pub const MAX_HEADERS: usize = 16 * 1024;
/// The largest JSON body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The pattern of an id (contract section 1).
pub const SLUG_PATTERN: &str = "^[a-z0-9]+(-[a-z0-9]+)*$";
/// The longest id.
pub const SLUG_MAX: usize = 80;

/// Whether `text` can be an id at all.
pub fn is_slug(text: &str) -> bool {
    text.len() <= SLUG_MAX && text.split('-').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// An id from the path. One that cannot exist is refused before any query.
///
/// # Errors
/// 400 `schemaViolation` in `path`.
pub fn path_slug(request: &HttpRequest, name: &'static str) -> Result<String, Error> {
    let text = request.match_info().get(name).unwrap_or_default();
    if is_slug(text) {
        return Ok(text.to_owned());
    }
    let detail = format!(
        "'{}' cannot be an id: lower-case letters and digits in groups joined by single hyphens, at most {SLUG_MAX} characters.",
        quote(text)
    );
    Err(Error::bad_request(vec![Issue::new(IssueKind::SchemaViolation, "path", name, detail).value(text)]))
}

/// The nearest of `names` to what was written, when it is near enough to be meant.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written_folded = written.to_ascii_lowercase();
    names
        .into_iter()
        // The distance is at least the difference in length, and takes as long as both lengths multiplied: what was written may be very long.
        .filter(|name| name.len().abs_diff(written.len()) <= tolerance(name))
        .map(|name| (strsim::damerau_levenshtein(&written_folded, &name.to_ascii_lowercase()), name))
        .filter(|(distance, name)| *distance <= tolerance(name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How far from a name what was written may be to be meant.
fn tolerance(name: &str) -> usize {
    1 + name.len() / 4
}

/// "Did you mean …?" or the list of what there is.
pub fn suggestion<'a>(written: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = nearest(written, names.clone()) {
        return format!("Did you mean '{name}'?");
    }
    let all: Vec<_> = names.into_iter().collect();
    if all.is_empty() { "There are none here.".into() } else { format!("There are: {}.", all.join(", ")) }
}

/// Refuses an `Accept` that allows none of `offered` (the first is preferred) and returns the one to answer with.
///
/// # Errors
/// 406 with what there is.
pub fn negotiate(request: &HttpRequest, offered: &[&'static str]) -> Result<&'static str, Error> {
    use actix_web::http::header::{ACCEPT, Accept, Header};
    if !request.headers().contains_key(ACCEPT) {
        return Ok(offered[0]);
    }
    // A header that cannot be parsed is as good as none (RFC 9110 section 12.5.1 lets a server disregard it).
    let Ok(accept) = Accept::parse(request) else { return Ok(offered[0]) };
    if accept.is_empty() {
        return Ok(offered[0]);
    }
    let quality = |offer: &str| {
        let (kind, subtype) = offer.split_once('/').unwrap_or((offer, ""));
        accept
            .iter()
            .filter_map(|range| {
                let mime = &range.item;
                let precision = match (mime.type_().as_str(), mime.subtype().as_str()) {
                    (t, s) if t == kind && (s == subtype || mime.essence_str() == offer) => 2,
                    (t, "*") if t == kind => 1,
                    ("*", "*") => 0,
                    _ => return None,
                };
                Some((precision, range.quality))
            })
            .max_by_key(|(precision, _)| *precision)
            .map_or(actix_web::http::header::Quality::ZERO, |(_, quality)| quality)
    };
    let mut best = None;
    for offer in offered {
        let q = quality(offer);
        if q > actix_web::http::header::Quality::ZERO && best.is_none_or(|(_, best_q)| q > best_q) {
            best = Some((*offer, q));
        }
    }
    best.map(|(offer, _)| offer).ok_or_else(|| {
        Error::problem(crate::error::Code::NotAcceptable, format!("This resource can be had as {}.", offered.join(", ")))
            .with("available", offered.to_vec())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_from_every_name_is_not_compared_with_them() {
        let names = ["europe/brussels", "mobility"];
        assert_eq!(nearest("mobilty", names), Some("mobility"));
        assert_eq!(nearest("governance", names), None);
        // Compared letter by letter, this would take minutes.
        assert_eq!(nearest(&"m".repeat(5_000_000), names), None);
    }

    #[test]
    fn slugs() {
        for good in ["a", "mobility", "a-b-1", &"x".repeat(80)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-", "a-", "-a", "a--b", "A", "é", "a b", "a\0", &"x".repeat(81)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }

    #[test]
    fn nearest_names() {
        assert_eq!(nearest("langage", ["language", "lang", "theme"]), Some("language"));
        assert_eq!(nearest("zzzzzz", ["language", "lang", "theme"]), None);
    }
}
