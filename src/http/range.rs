//! Which part of a representation a request asks for (RFC 9110 section 14).

use std::time::SystemTime;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_RANGE, EntityTag, Header, HeaderMap, HeaderValue, HttpDate, IF_RANGE, IfRange, RANGE, Range};

use crate::error::{Code, Error};

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole file: nothing else was asked for, or nothing that can be understood.
    Whole,
    /// From the first byte to the last, both included.
    Bytes(u64, u64),
    /// Nothing of what was asked for lies in the file.
    Beyond,
}

/// Reads `Range` and `If-Range` against a file of `length` bytes. Several ranges at once are not served: a server may send the whole file then.
pub fn wanted(request: &HttpRequest, length: u64, etag: &EntityTag, modified: SystemTime) -> Part {
    // For no other method is a range defined (section 14.2).
    if request.method() != Method::GET || !still_fits(request, etag, modified) {
        return Part::Whole;
    }
    match single(request.headers()) {
        None => Part::Whole,
        Some(Range::Bytes(specs)) => match specs.as_slice() {
            [spec] => spec.to_satisfiable_range(length).map_or(Part::Beyond, |(first, last)| Part::Bytes(first, last)),
            _ => Part::Whole,
        },
        Some(Range::Unregistered(..)) => Part::Whole,
    }
}

/// The one range of a request. The parser would leave out in silence what it does not understand of several, so the text is looked at first.
fn single(headers: &HeaderMap) -> Option<Range> {
    let mut given = headers.get_all(RANGE);
    let text = given.next()?.to_str().ok()?;
    let (unit, set) = text.split_once('=')?;
    let set = set.trim();
    let plain = set.bytes().all(|b| b.is_ascii_digit() || b == b'-') && set.bytes().filter(|b| *b == b'-').count() == 1;
    if given.next().is_some() || !unit.eq_ignore_ascii_case("bytes") || !plain {
        return None;
    }
    format!("bytes={set}").parse().ok()
}

/// Whether the client's part belongs to the present file, as far as it asks (section 13.1.5).
fn still_fits(request: &HttpRequest, etag: &EntityTag, modified: SystemTime) -> bool {
    if !request.headers().contains_key(IF_RANGE) {
        return true;
    }
    match IfRange::parse(request) {
        Ok(IfRange::EntityTag(tag)) => tag.strong_eq(etag),
        // To be exactly the date that was given, in whole seconds.
        Ok(IfRange::Date(date)) => date.to_string() == HttpDate::from(modified).to_string(),
        Err(_) => false,
    }
}

/// The problem of a range beyond the end.
pub fn beyond(length: u64) -> Error {
    let error = Error::problem(Code::RangeNotSatisfiable, format!("There are {length} bytes; the range begins after their end."));
    match HeaderValue::from_str(&format!("bytes */{length}")) {
        Ok(total) => error.header(CONTENT_RANGE, total),
        Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::test::TestRequest;

    use super::*;

    fn part(headers: &[(&'static str, &str)]) -> Part {
        let request = headers.iter().fold(TestRequest::get(), |request, (name, value)| request.append_header((*name, *value))).to_http_request();
        wanted(&request, 1000, &EntityTag::new_strong("abc".into()), SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_500))
    }

    #[test]
    fn ranges() {
        for (range, expected) in [
            ("bytes=0-0", Part::Bytes(0, 0)),
            ("bytes=0-499", Part::Bytes(0, 499)),
            ("bytes=500-", Part::Bytes(500, 999)),
            ("bytes=-1", Part::Bytes(999, 999)),
            ("bytes=-5000", Part::Bytes(0, 999)),
            ("bytes=999-5000", Part::Bytes(999, 999)),
            ("Bytes=1-2", Part::Bytes(1, 2)),
            ("bytes=1000-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=0-1,x", Part::Whole),
            ("bytes=5-2", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=99999999999999999999-", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("nonsense", Part::Whole),
        ] {
            assert_eq!(part(&[("range", range)]), expected, "{range}");
        }
        assert_eq!(part(&[]), Part::Whole);
        assert_eq!(part(&[("range", "bytes=0-1"), ("range", "bytes=5-6")]), Part::Whole);
    }

    #[test]
    fn a_part_of_another_file_is_not_completed() {
        let range = ("range", "bytes=0-1");
        for (condition, expected) in [
            ("\"abc\"", Part::Bytes(0, 1)),
            ("W/\"abc\"", Part::Whole),
            ("\"other\"", Part::Whole),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Part::Bytes(0, 1)),
            ("Sun, 06 Nov 1994 08:49:38 GMT", Part::Whole),
            ("nonsense", Part::Whole),
        ] {
            assert_eq!(part(&[range, ("if-range", condition)]), expected, "{condition}");
        }
    }

    #[test]
    fn head_has_no_ranges() {
        let request = TestRequest::with_uri("/").method(Method::HEAD).insert_header((RANGE, "bytes=0-1")).to_http_request();
        assert_eq!(wanted(&request, 1000, &EntityTag::new_strong("abc".into()), SystemTime::UNIX_EPOCH), Part::Whole);
    }
}
