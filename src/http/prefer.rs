//! What a client prefers to be shown after a write (RFC 7240).

use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderName, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const MINIMAL: &str = "return=minimal";
const WHOLE: &str = "return=representation";

/// The answer as it is, or with `Prefer: return=minimal` without the new state: where it is and its entity tag alone. The first preference counts.
pub fn preferred(request: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    let all = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    // What follows a semicolon belongs to its preference; a value may stand in quotes, and means the same then.
    let plain = |one: &str| one.split(';').next().unwrap_or_default().replace([' ', '\t', '"'], "");
    let applied = all.map(plain).find_map(|one| [MINIMAL, WHOLE].into_iter().find(|known| one.eq_ignore_ascii_case(known)));
    if applied == Some(MINIMAL) {
        let mut brief = HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish();
        for name in [ETAG, LOCATION] {
            if let Some(value) = response.headers().get(&name) {
                brief.headers_mut().insert(name, value.clone());
            }
        }
        response = brief;
    }
    if let Some(applied) = applied {
        response.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static(applied));
    }
    response
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn preferences_are_read_as_rfc_7240_writes_them() {
        for (field, status, applied) in [
            ("return=minimal", 204, Some(MINIMAL)),
            ("respond-async, Return = \"Minimal\"; foo", 204, Some(MINIMAL)),
            ("return=representation, return=minimal", 200, Some(WHOLE)),
            ("foo; return=minimal", 200, None),
            ("return=none", 200, None),
            ("", 200, None),
        ] {
            let request = TestRequest::default().insert_header(("Prefer", field)).to_http_request();
            let answer = preferred(&request, HttpResponse::Ok().insert_header((ETAG, "\"x\"")).body("x"));
            let said = answer.headers().get(PREFERENCE_APPLIED).map(|value| value.to_str().unwrap());
            assert_eq!(
                (answer.status().as_u16(), said, answer.headers().get(ETAG).unwrap().to_str().unwrap()),
                (status, applied, "\"x\""),
                "{field}"
            );
        }
    }
}
