//! What a client prefers to be shown after a write (RFC 7240).

use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderName, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const MINIMAL: &str = "return=minimal";
const WHOLE: &str = "return=representation";

/// The answer as it is, or with `Prefer: return=minimal` without the new state: where it is and its entity tag alone. The first preference counts.
pub fn preferred(request: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    let all = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok()).flat_map(|value| value.split([',', ';']));
    let applied = all.map(str::trim).find_map(|one| [MINIMAL, WHOLE].into_iter().find(|known| one.eq_ignore_ascii_case(known)));
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
