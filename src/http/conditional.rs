//! Conditional requests (RFC 9110 section 13): strong ETags made from the bytes, and who may be answered 304.

use std::time::SystemTime;

use actix_web::HttpMessage;
use actix_web::http::header::{EntityTag, Header, IF_MODIFIED_SINCE, IF_NONE_MATCH, IfNoneMatch};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The strong ETag of a representation: it changes only if the bytes do.
pub fn etag(bytes: &[u8]) -> EntityTag {
    EntityTag::new_strong(URL_SAFE_NO_PAD.encode(&Sha256::digest(bytes)[..18]))
}

/// Whether the client has this very representation. `If-None-Match` wins over `If-Modified-Since`.
pub fn not_modified(request: &impl HttpMessage, etag: &EntityTag, modified: Option<SystemTime>) -> bool {
    let headers = request.headers();
    if headers.contains_key(IF_NONE_MATCH) {
        return match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(etag)),
            Err(_) => false,
        };
    }
    let since = headers.get(IF_MODIFIED_SINCE).and_then(|v| v.to_str().ok()).and_then(|v| httpdate::parse_http_date(v).ok());
    match (since, modified) {
        (Some(since), Some(modified)) => truncated(modified) <= since,
        _ => false,
    }
}

/// HTTP dates have whole seconds.
fn truncated(at: SystemTime) -> SystemTime {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(since.as_secs())
}
