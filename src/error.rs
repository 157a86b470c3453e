//! What can go wrong, and THE table of problems: from it alone come the type, the status, the documentation page and the OpenAPI response.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};

macro_rules! problems {
    ($( $variant:ident $name:literal $org:ident $status:literal $title:literal $meaning:literal $remedy:literal; )*) => {
        /// Every problem the API knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $( #[doc = $meaning] $variant, )* }

        /// The table.
        pub const PROBLEMS: &[Entry] = &[ $( Entry {
            code: Code::$variant, name: $name, org: Org::$org, status: $status, title: $title, meaning: $meaning, remedy: $remedy,
        }, )* ];

        impl Code {
            /// This problem's row of the table.
            pub fn entry(self) -> &'static Entry { &PROBLEMS[self as usize] }
        }
    };
}

/// Who standardised a problem type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Org {
    /// The REST guide of the Belgian governments.
    Belgif,
    /// This API.
    Handbooks,
}

/// A row of the table of problems.
#[derive(Debug)]
pub struct Entry {
    pub code: Code,
    /// Last segment of the type's URN and of the documentation page's path.
    pub name: &'static str,
    pub org: Org,
    pub status: u16,
    pub title: &'static str,
    pub meaning: &'static str,
    pub remedy: &'static str,
}

impl Entry {
    /// `urn:problem-type:<org>:<name>`.
    pub fn urn(&self) -> String {
        let org = match self.org {
            Org::Belgif => "belgif",
            Org::Handbooks => "handbooks",
        };
        format!("urn:problem-type:{org}:{}", self.name)
    }

    /// The HTTP status that goes with it.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

problems! {
    BadRequest "badRequest" Belgif 400 "Bad Request"
        "The request does not fit the description of the operation: `issues` names every fault, all at once."
        "Correct each thing that `issues` names (`in` says where it stands, `name` which it is) and send the request again.";
    NoAccessToken "noAccessToken" Belgif 401 "No Access Token"
        "The operation needs a token and the request carries none."
        "Send `Authorization: Bearer <token>`. The token of a download request is the `accessToken` of the answer that created it; keys are given out by who runs the server.";
    InvalidAccessToken "invalidAccessToken" Belgif 401 "Invalid Access Token"
        "The token or key in `Authorization` is not one that opens this resource: it is wrong, cut off, or was revoked."
        "Send the token that belongs to this very resource, or a key of this server, unchanged.";
    ExpiredAccessToken "expiredAccessToken" Belgif 401 "Expired Access Token"
        "The key in `Authorization` was good but has expired."
        "Ask who manages the keys for a new one.";
    MissingScope "missingScope" Belgif 403 "Missing Scope"
        "The key in `Authorization` is good but does not allow this: `requiredScopes` lists what would."
        "Use a key that has one of the `requiredScopes`.";
    LinkInvalid "linkInvalid" Handbooks 403 "Invalid Download Link"
        "The download link was altered, cut off, or signed with a key that is no longer in use."
        "Open the link exactly as it was given, or read the download request again (`GET /v1/downloadRequests/{requestId}` with its token) for a fresh link, or fill in the form again.";
    ResourceNotFound "resourceNotFound" Belgif 404 "Resource Not Found"
        "There is nothing at this address, or nothing in the languages asked for."
        "Follow the links that the API gives (`href`, `next`, those of `/v1`) instead of making addresses; paths have no trailing slash.";
    MethodNotAllowed "methodNotAllowed" Handbooks 405 "Method Not Allowed"
        "The resource exists but does not know this method."
        "Use one of the methods that the `Allow` header lists.";
    NotAcceptable "notAcceptable" Handbooks 406 "Not Acceptable"
        "The resource has no representation that the `Accept` header allows."
        "Send `Accept: application/json`, `*/*`, or no `Accept` at all. A language is never a reason for this answer.";
    RequestTimeout "requestTimeout" Handbooks 408 "Request Timeout"
        "The request did not arrive in time."
        "Send it again, on a new connection.";
    RequestInFlight "requestInFlight" Handbooks 409 "Request Still In Flight"
        "A request with the same `Idempotency-Key` is being worked on at this moment."
        "Wait a second and send the same request with the same key again.";
    Conflict "conflict" Handbooks 409 "Conflict"
        "The write contradicts what is there: an id or number that is taken, or a record that others use."
        "Look at what the detail names, change that or the request, and send it again.";
    LinkExpired "linkExpired" Handbooks 410 "Download Link Expired"
        "The download link was good but its time is over, or the request it belonged to was erased."
        "Read the download request again (`GET /v1/downloadRequests/{requestId}` with its token) for a fresh link, or fill in the form again.";
    Gone "gone" Handbooks 410 "Gone"
        "The resource was published and has been withdrawn; `tombstone` tells when."
        "Take it out of your copy.";
    PayloadTooLarge "payloadTooLarge" Belgif 413 "Payload Too Large"
        "The body is larger than `limit` bytes."
        "Send a smaller body.";
    UriTooLong "uriTooLong" Handbooks 414 "URI Too Long"
        "The address with its query is longer than `limit` bytes."
        "Shorten the query; ask for less in one request.";
    UnsupportedMediaType "unsupportedMediaType" Handbooks 415 "Unsupported Media Type"
        "The body is not of a media type that the operation reads."
        "Send `Content-Type: application/json` and JSON in UTF-8.";
    RangeNotSatisfiable "rangeNotSatisfiable" Handbooks 416 "Range Not Satisfiable"
        "The range asked for lies beyond the end of the file; `Content-Range` tells its size."
        "Ask for a range within the size, or for the whole file.";
    IdempotencyKeyReused "idempotencyKeyReused" Handbooks 422 "Idempotency Key Reused"
        "The `Idempotency-Key` was already used, within 24 hours, for another body."
        "Use a new key for a new request; repeat a request only with the same body.";
    TooManyRequests "tooManyRequests" Belgif 429 "Too Many Requests"
        "Too many requests, or too many wrong keys, came from this address."
        "Wait as many seconds as `Retry-After` says. To read all of the catalogue, follow `/v1` to the ways for mirrors.";
    HeaderTooLarge "headerTooLarge" Handbooks 431 "Request Header Fields Too Large"
        "The header fields are together larger than `limit` bytes."
        "Send fewer or smaller header fields (cookies are not used here).";
    InternalServerError "internalServerError" Belgif 500 "Internal Server Error"
        "Something went wrong on the server; nothing of the request was stored. The cause is in the server's log under the trace id."
        "Try again later; if it stays, tell the operator the `instance` of the problem.";
    ServiceUnavailable "serviceUnavailable" Belgif 503 "Service Unavailable"
        "The server cannot answer for the moment: its database or storage is busy or out of reach. Nothing of the request was stored."
        "Wait as many seconds as `Retry-After` says and send the request again.";
}

/// The kinds of input faults, from the Belgif guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueKind {
    /// It does not fit the schema: type, length, pattern, range.
    SchemaViolation,
    /// It fits the schema but makes no sense here.
    InvalidInput,
    /// There is no such parameter or property.
    UnknownInput,
    /// It names something that does not exist.
    ReferencedResourceNotFound,
}

impl IssueKind {
    fn name(self) -> &'static str {
        match self {
            Self::SchemaViolation => "schemaViolation",
            Self::InvalidInput => "invalidInput",
            Self::UnknownInput => "unknownInput",
            Self::ReferencedResourceNotFound => "referencedResourceNotFound",
        }
    }
}

/// One fault of the input.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    pub kind: IssueKind,
    /// `query`, `path`, `header` or `body`.
    pub place: &'static str,
    /// The parameter, or the JSON pointer within the body.
    pub name: String,
    /// What was given, shortened; never for fields that hold personal data.
    pub value: Option<Value>,
    pub detail: String,
}

/// A value quoted in a problem is cut at this many characters.
const QUOTED: usize = 100;

impl Issue {
    /// A fault at `name` in `place`; `detail` says what is wrong and what would be right.
    pub fn new(kind: IssueKind, place: &'static str, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind, place, name: name.into(), value: None, detail: detail.into() }
    }

    /// Quotes what was given.
    #[must_use]
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.value = Some(match value.into() {
            Value::String(text) => Value::String(quote(&text)),
            other => other,
        });
        self
    }

    fn json(&self) -> Value {
        let mut map = Map::new();
        map.insert("type".into(), format!("urn:problem-type:belgif:input-validation:{}", self.kind.name()).into());
        map.insert("in".into(), self.place.into());
        map.insert("name".into(), quote(&self.name).into());
        if let Some(value) = &self.value {
            map.insert("value".into(), value.clone());
        }
        map.insert("detail".into(), self.detail.clone().into());
        map.into()
    }
}

/// Shortens what a client sent, for quoting it back.
pub fn quote(text: &str) -> String {
    if text.chars().count() <= QUOTED { text.to_owned() } else { text.chars().take(QUOTED).chain(['…']).collect() }
}

/// A problem on its way to the client.
#[derive(Debug)]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    pub issues: Vec<Issue>,
    /// Extension members, for example `limit`.
    pub extra: Vec<(&'static str, Value)>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a handler may fail with.
#[derive(Debug)]
pub enum Error {
    /// Something the client is told in full.
    Problem(Box<Problem>),
    /// Try again later; the cause is for the log.
    Unavailable(String),
    /// A fault of the server; the cause is for the log.
    Internal(String),
}

impl Error {
    /// A problem with its own sentence.
    pub fn problem(code: Code, detail: impl Into<String>) -> Self {
        Self::Problem(Box::new(Problem { code, detail: detail.into(), issues: Vec::new(), extra: Vec::new(), headers: Vec::new() }))
    }

    /// 400 with one issue per fault.
    pub fn bad_request(issues: Vec<Issue>) -> Self {
        let detail = match issues.len() {
            1 => issues[0].detail.clone(),
            n => format!("The request has {n} faults; see issues."),
        };
        Self::Problem(Box::new(Problem { code: Code::BadRequest, detail, issues, extra: Vec::new(), headers: Vec::new() }))
    }

    /// Tells further faults with those of a 400, so that all are told at once.
    #[must_use]
    pub fn and(self, more: Vec<Issue>) -> Self {
        match self {
            Self::Problem(problem) if problem.code == Code::BadRequest => Self::bad_request(problem.issues.into_iter().chain(more).collect()),
            other => other,
        }
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::problem(Code::ResourceNotFound, detail)
    }

    /// 500; `cause` goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// 503; `cause` goes to the log only.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::Unavailable(cause.to_string())
    }

    /// Adds an extension member.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if let Self::Problem(problem) = &mut self {
            problem.extra.push((name, value.into()));
        }
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Self::Problem(problem) = &mut self {
            problem.headers.push((name, value));
        }
        self
    }

    /// What of it goes to the log and never to the client.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Problem(_) => None,
            Self::Unavailable(cause) | Self::Internal(cause) => Some(cause),
        }
    }

    /// What the client is told.
    pub fn into_problem(self) -> Problem {
        let plain = |code: Code, detail: &str, headers| Problem { code, detail: detail.into(), issues: Vec::new(), extra: Vec::new(), headers };
        match self {
            Self::Problem(problem) => *problem,
            Self::Unavailable(_) => plain(
                Code::ServiceUnavailable,
                "The server is busy or cannot reach its database or storage; nothing was stored. Try again in a moment.",
                vec![(actix_web::http::header::RETRY_AFTER, HeaderValue::from_static("5"))],
            ),
            Self::Internal(_) => {
                plain(Code::InternalServerError, "Something went wrong on the server; the operator finds the cause under this trace id.", Vec::new())
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => {
                write!(f, "{}: {}", problem.code.entry().name, problem.detail)?;
                for issue in problem.issues.iter().filter(|_| problem.issues.len() > 1) {
                    write!(f, "\n  {}: {}", issue.name, issue.detail)?;
                }
                Ok(())
            }
            Self::Unavailable(cause) | Self::Internal(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for Error {}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Problem(problem) => problem.code.entry().status(),
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The body is written by [`crate::http::manners`], which knows the trace id and the public address.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    #[serde(rename = "type")]
    kind: String,
    href: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    issues: Vec<Value>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl Problem {
    /// The body of `application/problem+json` (RFC 9457, with Belgif's members).
    pub fn body(&self, base: &str, trace_id: &str) -> Vec<u8> {
        let entry = self.code.entry();
        let body = ProblemBody {
            kind: entry.urn(),
            href: format!("{base}/docs/problems/{}", entry.name),
            title: entry.title,
            status: entry.status,
            detail: &self.detail,
            instance: format!("urn:uuid:{trace_id}"),
            issues: self.issues.iter().map(Issue::json).collect(),
            extra: self.extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_indexed_by_its_codes() {
        for entry in PROBLEMS {
            assert_eq!(entry.code.entry().name, entry.name);
            assert_eq!(entry.status().as_u16(), entry.status);
        }
    }
}
