//! The last step of a public answer: coding, ETag, 304 or bytes.

use std::time::SystemTime;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HttpDate};
use actix_web::{HttpRequest, HttpResponse};

use super::conditional::{etag, not_modified};
use super::encoding::encode;

/// How long a public answer may be used without asking again, and how long while asking.
pub const CACHE: &str = "max-age=60, stale-while-revalidate=300";

/// A representation, complete.
pub struct Reply {
    pub body: Vec<u8>,
    pub media_type: &'static str,
    pub modified: Option<SystemTime>,
    pub vary: &'static str,
    /// What else describes the content; not sent with a 304, which has none.
    pub headers: Vec<(HeaderName, String)>,
}

/// Sends a representation, or 304 to who has it already.
pub fn reply(request: &HttpRequest, reply: Reply) -> HttpResponse {
    let (body, coding) = encode(request, reply.body);
    let tag = etag(&body);
    let fresh = not_modified(request, &tag, reply.modified);
    let mut response = HttpResponse::build(if fresh { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response.insert_header((header::ETAG, tag.to_string())).insert_header((header::CACHE_CONTROL, CACHE)).insert_header((header::VARY, reply.vary));
    if let Some(modified) = reply.modified {
        response.insert_header((header::LAST_MODIFIED, HttpDate::from(modified).to_string()));
    }
    if fresh {
        return response.finish();
    }
    for (name, value) in reply.headers {
        response.append_header((name, value));
    }
    if let Some(coding) = coding {
        response.insert_header((header::CONTENT_ENCODING, coding));
    }
    response.insert_header((header::CONTENT_TYPE, reply.media_type)).body(body)
}
