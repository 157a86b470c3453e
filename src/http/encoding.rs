//! Content codings (RFC 9110 section 8.4): gzip for those who take it, where it pays.

use std::io::Write;

use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT_ENCODING, AcceptEncoding, Header, Preference, Quality};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Smaller bodies are sent as they are.
const WORTH: usize = 1024;

/// The body as it goes out, and its coding if it has one. The same body gives the same bytes, so their hash can be a strong ETag.
pub fn encode(request: &HttpRequest, body: Vec<u8>) -> (Vec<u8>, Option<&'static str>) {
    if body.len() < WORTH || !takes_gzip(request) {
        return (body, None);
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::default());
    match encoder.write_all(&body).and_then(|()| encoder.finish()) {
        Ok(packed) => (packed, Some("gzip")),
        Err(_) => (body, None),
    }
}

fn takes_gzip(request: &HttpRequest) -> bool {
    if !request.headers().contains_key(ACCEPT_ENCODING) {
        return false;
    }
    let Ok(accepted) = AcceptEncoding::parse(request) else { return false };
    let quality = |wanted: &str| {
        accepted.iter().find_map(|item| match &item.item {
            Preference::Specific(coding) => (coding.to_string() == wanted).then_some(item.quality),
            Preference::Any => (wanted == "*").then_some(item.quality),
        })
    };
    quality("gzip").or_else(|| quality("*")).is_some_and(|q| q > Quality::ZERO && q >= quality("identity").unwrap_or(Quality::ZERO))
}
