//! `If-Match`: who changes a record says which version of it was seen (RFC 9110 section 13.1.1, RFC 6585 section 3).

use actix_web::HttpRequest;
use actix_web::http::header::{EntityTag, IF_MATCH};
use serde_json::Value;

use crate::catalogue::history;
use crate::db::Db;
use crate::error::{Code, Error, Issue, IssueKind};
use crate::http::conditional;
use crate::http::patch;

/// How far back the version that somebody has is looked for.
const VERSIONS: i64 = 200;

/// The versions that a change may be made of.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Whatever is there.
    Any,
    /// One of these.
    Tags(Vec<EntityTag>),
}

/// A document's bytes, as they are sent.
pub fn bytes(document: &Value) -> Vec<u8> {
    document.to_string().into_bytes()
}

/// The strong ETag of a document.
pub fn etag(document: &Value) -> EntityTag {
    conditional::etag(&bytes(document))
}

/// A document with its id, as editors read it. The collection is one, and has none.
pub fn with_id(kind: &str, id: &str, document: Value) -> Value {
    let mut document = document;
    if let Some(map) = document.as_object_mut().filter(|_| kind != "collection") {
        map.shift_insert(0, "id".into(), id.into());
    }
    document
}

/// What to say of weak ETags, which no precondition of a write is held by, whatever they name.
fn weak(tags: &[EntityTag]) -> Option<&'static str> {
    let any = tags.iter().any(|tag| tag.weak);
    any.then_some("If-Match takes strong ETags alone, and one that begins with W/ never fits; send it without the W/, as the server gave it.")
}

impl Seen {
    /// Reads the header.
    ///
    /// # Errors
    /// 428 when there is none, 400 when it is none.
    pub fn of(request: &HttpRequest) -> Result<Self, Error> {
        Self::read(request, "the document that you have read (GET …/document)")
    }

    /// The same for what an edition has one of, a `file` or a `cover`.
    ///
    /// # Errors
    /// The same.
    pub fn of_part(request: &HttpRequest, part: &str) -> Result<Self, Error> {
        Self::read(request, &format!("the {part}, which is its SHA-256 in quotes (while there is none, that of the work's document, GET …/document)"))
    }

    /// `whose`: the ETag of what is to be sent.
    fn read(request: &HttpRequest, whose: &str) -> Result<Self, Error> {
        let values: Vec<&str> = request.headers().get_all(IF_MATCH).map(|value| value.to_str().unwrap_or("?")).collect();
        if values.is_empty() {
            let detail = format!("This needs If-Match: send the ETag of {whose}, or '*' to overwrite whatever is there.");
            return Err(Error::problem(Code::PreconditionRequired, detail));
        }
        let text = values.join(",");
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        // An entity tag of ours has no comma.
        let tags: Option<Vec<EntityTag>> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(|tag| tag.parse().ok()).collect();
        match tags.filter(|tags| !tags.is_empty()) {
            Some(tags) => Ok(Self::Tags(tags)),
            None => {
                let detail = "If-Match must be '*' or ETags with their quotes, such as \"Zq1rXb0uC0mYb2vK7yQm3Q\".";
                Err(Error::bad_request(vec![Issue::new(IssueKind::SchemaViolation, "header", "If-Match", detail).value(text)]))
            }
        }
    }

    /// Lets a file be replaced or taken away that is the one that was seen, by the SHA-256 that is its ETag.
    ///
    /// # Errors
    /// 412 with the present one.
    pub fn hold_file(&self, sha256: &str) -> Result<(), Error> {
        let now = EntityTag::new_strong(sha256.to_owned());
        match self {
            Self::Any => Ok(()),
            Self::Tags(tags) if tags.iter().any(|tag| tag.strong_eq(&now)) => Ok(()),
            Self::Tags(tags) => {
                let detail = weak(tags).unwrap_or("The edition has another one than If-Match names; the ETag of a file or a cover is its SHA-256.");
                Err(Error::problem(Code::PreconditionFailed, detail).with("etag", now.to_string()))
            }
        }
    }

    /// Lets a change pass that is made of the present version.
    ///
    /// # Errors
    /// 412 with what changed since.
    pub fn hold(&self, db: &mut Db, key: i64, kind: &str, present: &Value) -> Result<(), Error> {
        self.hold_part(db, key, present, |id, document| Some(with_id(kind, id, document)))
    }

    /// The same of a part of a record: `part` takes it out of a document of the record, which had an id then.
    ///
    /// # Errors
    /// 412 with what changed since.
    pub fn hold_part(&self, db: &mut Db, key: i64, present: &Value, part: impl Fn(&str, Value) -> Option<Value>) -> Result<(), Error> {
        let Self::Tags(tags) = self else { return Ok(()) };
        let now = etag(present);
        if tags.iter().any(|tag| tag.strong_eq(&now)) {
            return Ok(());
        }
        if let Some(detail) = weak(tags) {
            return Err(Error::problem(Code::PreconditionFailed, detail).with("etag", now.to_string()));
        }
        let mut changed = None;
        for version in history::versions(db, &[key], None, VERSIONS)? {
            let Some(then) = version.document()?.and_then(|document| part(&version.id, document)) else { continue };
            if tags.iter().any(|tag| tag.strong_eq(&etag(&then))) {
                changed = Some((version, patch::diff(&then, present)));
                break;
            }
        }
        let error = match changed {
            Some((version, operations)) => Error::problem(
                Code::PreconditionFailed,
                format!("Somebody changed this since version {}, which you have; 'changed' tells what.", version.version),
            )
            .with("changed", operations),
            None => Error::problem(Code::PreconditionFailed, "This is not, and never was, the version that If-Match names."),
        };
        Err(error.with("etag", now.to_string()))
    }
}
