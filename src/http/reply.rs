//! The last step of a public answer: a representation made ready once, sent as often as it is asked for, or 304 to who has it already.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, EntityTag, HeaderMap, HeaderName, HeaderValue, HttpDate};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::conditional::{etag, not_modified};
use super::encoding::{Coding, WORTH};
use super::manners;
use super::range::{self, Part};
use crate::error::Error;

/// How long a public answer may be used without asking again, and how long while asking.
pub const CACHE: &str = "max-age=60, stale-while-revalidate=300";

/// For one reader, or one moment: nobody keeps it.
pub const NO_STORE: &str = "no-store";
/// The revision of the catalogue that an answer was made at.
pub const CATALOGUE_REVISION: HeaderName = HeaderName::from_static("catalogue-revision");
/// The digest of a representation (RFC 9530).
pub const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// The framework's `Date` is made twice a second.
const LATELY: Duration = Duration::from_secs(2);

/// About how long the header fields of an answer are, in bytes.
const LINES: usize = 1024;

fn digest(body: &[u8]) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(&format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))).map_err(Error::internal)
}

/// A representation, complete but for its coding.
pub struct Reply {
    pub body: Vec<u8>,
    pub media_type: &'static str,
    pub modified: Option<SystemTime>,
    pub vary: &'static str,
    /// What else describes the content; not sent with a 304, which has none.
    pub headers: Vec<(HeaderName, String)>,
    /// How long it may be used: [`CACHE`], or less.
    pub keep: &'static str,
    /// The catalogue's revision it was made at.
    pub revision: Option<i64>,
    /// It is large: it can be had in parts, and its digest is told (RFC 9530).
    pub large: bool,
}

/// A representation, ready to be sent: its bytes in one coding, and all that its headers say.
#[derive(Debug)]
pub struct Prepared {
    pub body: Bytes,
    etag: EntityTag,
    tag: HeaderValue,
    modified: Option<SystemTime>,
    /// Whoever asks the same later may be sent it too, as long as it holds true.
    pub shared: bool,
    /// It can be had in parts.
    large: bool,
    /// Sent with the bytes and with a 304 alike.
    always: Vec<(HeaderName, HeaderValue)>,
    /// Sent with the bytes alone.
    content: Vec<(HeaderName, HeaderValue)>,
    /// The same fields as they are sent, from when they are first wanted so.
    lines: OnceLock<Lines>,
}

/// Header fields as they are sent: first what a 304 says too, then what is said of the content.
#[derive(Debug)]
struct Lines {
    text: Bytes,
    always: usize,
}

/// Writes a header field as it is sent.
pub fn write_field(text: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
        text.extend_from_slice(part);
    }
}

impl Reply {
    /// Makes it ready as it is.
    ///
    /// # Errors
    /// When a header's value is none: a fault of the server.
    pub fn prepare(self) -> Result<Prepared, Error> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(Error::internal);
        let etag = etag(&self.body);
        let mut always = vec![(header::CACHE_CONTROL, HeaderValue::from_static(self.keep)), (header::VARY, HeaderValue::from_static(self.vary))];
        if let Some(modified) = self.modified {
            always.push((header::LAST_MODIFIED, value(&HttpDate::from(modified).to_string())?));
        }
        if let Some(revision) = self.revision {
            always.push((CATALOGUE_REVISION, revision.into()));
        }
        let mut content = vec![(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type))];
        if self.large {
            content.push((REPR_DIGEST, digest(&self.body)?));
            content.push((header::ACCEPT_RANGES, HeaderValue::from_static("bytes")));
        }
        for (name, text) in self.headers {
            // What a 304 says of it goes over what the client has kept (RFC 9111 section 3.2).
            let list = if name == header::CONTENT_SECURITY_POLICY { &mut always } else { &mut content };
            list.push((name, value(&text)?));
        }
        Ok(Prepared {
            body: self.body.into(),
            tag: value(&etag.to_string())?,
            etag,
            modified: self.modified,
            shared: self.keep != NO_STORE,
            large: self.large,
            always,
            content,
            lines: OnceLock::new(),
        })
    }
}

impl Prepared {
    /// The same in another coding; `None` where that does not pay. It takes a while: call it off the async threads.
    pub fn coded(&self, coding: Coding) -> Option<Self> {
        let name = coding.name().filter(|_| self.body.len() >= WORTH)?;
        let body = coding.encode(&self.body)?;
        let etag = etag(&body);
        let tag = HeaderValue::from_str(&etag.to_string()).ok()?;
        let mut content = self.content.clone();
        content.push((header::CONTENT_ENCODING, HeaderValue::from_static(name)));
        // The digest is that of the representation as it is chosen, its coding included (RFC 9530 section 3).
        for (_, value) in content.iter_mut().filter(|(name, _)| *name == REPR_DIGEST) {
            *value = digest(&body).ok()?;
        }
        Some(Self {
            body: body.into(),
            etag,
            tag,
            modified: self.modified,
            shared: self.shared,
            large: self.large,
            always: self.always.clone(),
            content,
            lines: OnceLock::new(),
        })
    }

    /// The same for one reader's eyes: nobody keeps it.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.shared = false;
        self.always.retain(|(name, _)| name != header::CACHE_CONTROL);
        self.always.push((header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE)));
        self
    }

    /// About how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        let header = size_of::<(HeaderName, HeaderValue)>();
        let texts: usize = self.always.iter().chain(&self.content).map(|(_, value)| value.len()).sum();
        size_of::<Self>() + self.body.len() + texts + LINES + header * (self.always.len() + self.content.len())
    }

    /// Whether it changed so lately that its `Last-Modified` may be later than a `Date` that is not quite fresh.
    pub fn changed_lately(&self) -> bool {
        self.modified.is_some_and(|at| at.elapsed().is_ok_and(|since| since < LATELY))
    }

    /// Whether the client has it already.
    pub fn is_fresh(&self, request: &impl HttpMessage) -> bool {
        // By far the most frequent condition is the tag as it was given.
        request.headers().get(header::IF_NONE_MATCH).is_some_and(|given| given == self.tag) || not_modified(request, &self.etag, self.modified)
    }

    /// The header fields of an answer with the bytes, or of one without them, as they are sent; those that every answer has are among them.
    pub fn lines(&self, fresh: bool) -> Bytes {
        let lines = self.lines.get_or_init(|| {
            let mut text = Vec::with_capacity(LINES);
            write_field(&mut text, &header::ETAG, self.tag.as_bytes());
            for (name, value) in manners::fixed(|name| self.always.iter().any(|(own, _)| own == name)) {
                write_field(&mut text, &name, value.as_bytes());
            }
            self.always.iter().for_each(|(name, value)| write_field(&mut text, name, value.as_bytes()));
            let always = text.len();
            self.content.iter().for_each(|(name, value)| write_field(&mut text, name, value.as_bytes()));
            write_field(&mut text, &header::CONTENT_LENGTH, self.body.len().to_string().as_bytes());
            Lines { text: text.into(), always }
        });
        if fresh { lines.text.slice(..lines.always) } else { lines.text.clone() }
    }

    /// Writes the header fields of an answer with the bytes, or of one without them.
    fn head(&self, fresh: bool, headers: &mut HeaderMap) {
        headers.insert(header::ETAG, self.tag.clone());
        for (name, value) in &self.always {
            headers.insert(name.clone(), value.clone());
        }
        if !fresh {
            for (name, value) in &self.content {
                // `Link` may stand several times.
                headers.append(name.clone(), value.clone());
            }
        }
    }

    /// Sends it, or the part that is asked for, or 304 to who has it already.
    pub fn send(&self, request: &HttpRequest) -> HttpResponse {
        let fresh = self.is_fresh(request);
        if self.large && !fresh {
            let length = self.body.len() as u64;
            match range::wanted(request, length, &self.etag, self.modified.unwrap_or(SystemTime::UNIX_EPOCH)) {
                Part::Whole => {}
                Part::Beyond => return HttpResponse::from_error(range::beyond(length)),
                Part::Bytes(first, last) => {
                    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                    let part = self.body.slice(place(first)..place(last + 1).min(self.body.len()));
                    let mut response = HttpResponse::with_body(StatusCode::PARTIAL_CONTENT, BoxBody::new(part));
                    self.head(false, response.headers_mut());
                    if let Ok(value) = HeaderValue::from_str(&format!("bytes {first}-{last}/{length}")) {
                        response.headers_mut().insert(header::CONTENT_RANGE, value);
                    }
                    return response;
                }
            }
        }
        let mut response = if fresh {
            HttpResponse::new(StatusCode::NOT_MODIFIED)
        } else {
            HttpResponse::with_body(StatusCode::OK, BoxBody::new(self.body.clone()))
        };
        self.head(fresh, response.headers_mut());
        response
    }
}
