//! What every answer gets, whatever happened: a trace id, CORS, security headers, a problem instead of a bare error, one line in the log.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::limit::{Limit, MINUTE, Standing};
use super::{MAX_HEADERS, MAX_URI};
use crate::error::{Code, Error, PROBLEMS, Problem};

/// Media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";
const TRACE_ID: HeaderName = HeaderName::from_static("belgov-trace-id");
const RELATED_TRACE_ID: HeaderName = HeaderName::from_static("belgov-related-trace-id");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// The header fields that scripts in browsers may read.
pub const EXPOSED: &str = "Allow, ETag, Link, Location, Preference-Applied, Content-Language, Content-Disposition, Content-Range, Accept-Ranges, Retry-After, RateLimit, RateLimit-Policy, Catalogue-Revision, Repr-Digest, BelGov-Trace-Id, BelGov-Related-Trace-Id";
const REQUEST_HEADERS: &str = "Accept, Accept-Language, Authorization, BelGov-Trace-Id, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Match, If-Range, Last-Event-ID, Prefer, Range";

/// What the manners need to know of the server.
#[derive(Clone)]
pub struct Site {
    /// The public address, without a slash at its end; every link starts with it.
    pub base: String,
    pub trusted_proxies: Vec<IpNet>,
    /// How many requests an address may make.
    pub limit: Arc<Limit>,
}

impl Site {
    /// Where the client of a request for the API stands; nothing when there is no limit. What costs nothing is not counted.
    pub fn standing(&self, path: &str, headers: &HeaderMap, peer: Option<SocketAddr>, costs: bool) -> Option<Standing> {
        let address = || client_address(headers, peer, &self.trusted_proxies);
        match is_api(path) {
            true if costs => self.limit.count(address),
            true => self.limit.look(address),
            false => None,
        }
    }
}

/// The id of a request, new and random, never the caller's.
#[derive(Clone, Copy)]
pub struct TraceId([u8; 36]);

impl TraceId {
    /// A new one.
    pub fn new() -> Self {
        let mut text = [0; 36];
        Uuid::new_v4().hyphenated().encode_lower(&mut text);
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        // Hexadecimal digits and hyphens.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Default for TraceId {
    fn default() -> Self {
        Self::new()
    }
}

/// The middleware around everything.
///
/// # Errors
/// Never in practice: the router and the resources turn every error into an answer.
pub async fn manners(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let trace = TraceId::new();
    // The request itself must not be held while it is routed: the router needs it for itself alone.
    let site = request.app_data::<web::Data<Site>>().cloned();
    // Whoever asks what may be asked, as browsers do before a script may, is not counted and not refused.
    let counts = request.method() != Method::OPTIONS;
    let mut standing = site.as_ref().and_then(|site| site.standing(request.path(), request.headers(), request.peer_addr(), counts));
    let refused = over_limit(request.uri(), request.headers()).or_else(|| too_many(standing.filter(|_| counts)?));
    let mut response = match refused {
        // Not `into_response`, which would forget the error and with it what it says.
        Some(error) => ServiceResponse::new(request.into_parts().0, HttpResponse::from_error(error)),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    let http = response.request().clone();
    let Some(site) = site else { return Ok(response) };
    if let (StatusCode::NOT_MODIFIED, Some(counted)) = (response.status(), standing) {
        standing = site.limit.give_back(counted, || client_address(http.headers(), http.peer_addr(), &site.trusted_proxies));
    }
    if http.method() == Method::OPTIONS && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response = preflight(&http, &response);
    } else if (response.status().is_client_error() || response.status().is_server_error()) && !says_itself(&response) {
        response = as_problem(&http, &response, &site, trace.as_str());
    }
    finish(http.headers(), http.peer_addr(), response.headers_mut(), &site, &trace, standing);
    let bytes = match response.response().body().size() {
        _ if http.method() == Method::HEAD => 0,
        BodySize::Sized(bytes) => bytes,
        // What is sent without a copy has its length in its fields alone.
        _ => response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or_default(),
    };
    log_access(http.method(), &logged_path(&http), response.status(), bytes, started, &trace);
    Ok(response)
}

/// The middleware around each resource: a panic of a handler is a 500 like any other, and the connection lives on.
///
/// # Errors
/// What the handler answers with.
pub async fn calm(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let http = request.request().clone();
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(answer) => answer.map(ServiceResponse::map_into_boxed_body),
        // The panic hook has told the cause already.
        Err(_) => Ok(ServiceResponse::new(http, HttpResponse::from_error(Error::internal("a handler panicked"))).map_into_boxed_body()),
    }
}

/// What is wrong with the size of a request's head, if anything is.
pub fn over_limit(uri: &Uri, headers: &HeaderMap) -> Option<Error> {
    let uri = uri.path_and_query().map_or(0, |uri| uri.as_str().len());
    if uri > MAX_URI {
        return Some(Error::problem(Code::UriTooLong, format!("The address is {uri} bytes long; the limit is {MAX_URI}.")).with("limit", MAX_URI));
    }
    let headers: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    (headers > MAX_HEADERS).then(|| {
        Error::problem(Code::HeaderTooLarge, format!("The header fields are {headers} bytes together; the limit is {MAX_HEADERS}."))
            .with("limit", MAX_HEADERS)
    })
}

/// OPTIONS of any resource: the methods that its 405 lists, and for a CORS preflight what it may go on with.
fn preflight(http: &HttpRequest, refused: &ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let allow = with_options(refused.headers());
    let mut answer = HttpResponse::NoContent();
    answer.insert_header((header::ALLOW, allow.clone()));
    if http.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        answer
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, allow))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"));
    }
    ServiceResponse::new(http.clone(), answer.finish())
}

fn with_options(headers: &HeaderMap) -> String {
    let mut methods: Vec<String> = headers
        .get_all(header::ALLOW)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|method| method.trim().to_owned())
        .filter(|method| !method.is_empty())
        .collect();
    methods.push("OPTIONS".into());
    methods.sort();
    methods.dedup();
    methods.join(", ")
}

/// Whether a handler answered in its own words, as the health of the server does; errors, and what the framework refuses, have no body yet.
fn says_itself(response: &ServiceResponse<BoxBody>) -> bool {
    response.response().error().is_none() && matches!(response.response().body().size(), BodySize::Sized(1..))
}

/// Any error, whichever layer made it, as `application/problem+json`.
fn as_problem(http: &HttpRequest, response: &ServiceResponse<BoxBody>, site: &Site, trace: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let problem = match response.response().error().and_then(actix_web::Error::as_error::<Error>) {
        Some(error) => {
            if let Some(cause) = error.cause() {
                log::error!("{trace} {} {}: {cause}", http.method(), logged_path(http));
            }
            shallow(error)
        }
        None => bare(status, http),
    };
    let mut answer = HttpResponse::build(problem.code.entry().status());
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer.insert_header((header::ALLOW, with_options(response.headers())));
    }
    for (name, value) in &problem.headers {
        answer.insert_header((name.clone(), value.clone()));
    }
    // Another `Accept` would have been answered otherwise.
    if status == StatusCode::NOT_ACCEPTABLE {
        answer.insert_header((header::VARY, "Accept"));
    }
    if status == StatusCode::UNAUTHORIZED {
        // RFC 6750 section 3.1: who sent no token is told of no fault in it.
        let wrong = if problem.code == Code::NoAccessToken { "" } else { ", error=\"invalid_token\"" };
        answer.insert_header((header::WWW_AUTHENTICATE, format!("Bearer realm=\"handbooks\"{wrong}")));
    }
    if problem.code == Code::MissingScope {
        answer.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"handbooks\", error=\"insufficient_scope\""));
    }
    // What is left of an unread body must not be taken for the next request.
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        answer.force_close();
    }
    answer
        .insert_header((header::CONTENT_TYPE, PROBLEM_JSON))
        .insert_header((header::CONTENT_LANGUAGE, "en"))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    ServiceResponse::new(http.clone(), answer.body(problem.body(&site.base, trace)))
}

/// The problem of an error that is held by reference.
fn shallow(error: &Error) -> Problem {
    match error {
        Error::Problem(problem) => Problem {
            code: problem.code,
            detail: problem.detail.clone(),
            issues: problem.issues.clone(),
            extra: problem.extra.clone(),
            headers: problem.headers.clone(),
        },
        Error::Unavailable(_) => Error::Unavailable(String::new()).into_problem(),
        Error::Internal(_) => Error::Internal(String::new()).into_problem(),
    }
}

/// An error that the router or the framework made.
fn bare(status: StatusCode, http: &HttpRequest) -> Problem {
    let detail = match status {
        StatusCode::NOT_FOUND if http.path().len() > 1 && http.path().ends_with('/') => {
            "There is nothing here; paths have no trailing slash.".to_owned()
        }
        StatusCode::NOT_FOUND => "There is nothing at this address; /v1 links to everything there is.".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => {
            format!("{} is not a method of this resource; Allow lists those that are.", crate::error::quote(http.method().as_str()))
        }
        _ => String::new(),
    };
    let entry = PROBLEMS
        .iter()
        .find(|entry| entry.status == status.as_u16())
        .unwrap_or_else(|| if status.is_client_error() { Code::BadRequest.entry() } else { Code::InternalServerError.entry() });
    let detail = if detail.is_empty() { entry.meaning.to_owned() } else { detail };
    Problem { code: entry.code, detail, issues: Vec::new(), extra: Vec::new(), headers: Vec::new() }
}

/// What is wrong with the number of requests from an address, if anything is.
fn too_many(standing: Standing) -> Option<Error> {
    let Standing { quota, left: None, reset, .. } = standing else { return None };
    let detail = format!(
        "More than {quota} requests came from this address within a minute; go on in {reset} s. Who reads all of the catalogue has it in one answer at /v1/catalogue, and what changed since at /v1/changes; an answer that is not modified (304) costs nothing."
    );
    Some(Error::problem(Code::TooManyRequests, detail).header(header::RETRY_AFTER, reset.into()))
}

/// Whether a path is one of the API, whose answers tell where a client stands with its requests.
pub fn is_api(path: &str) -> bool {
    // As the router reads it.
    let path = if path.contains('%') { percent_decode_str(path).decode_utf8_lossy() } else { path.into() };
    path.strip_prefix("/v1").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What every answer says, always in the same words.
const FIXED: [(HeaderName, &str); 6] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (CORP, "cross-origin"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

/// The fixed fields of an answer that says `has` itself: a policy of its own goes before ours.
pub fn fixed(has: impl Fn(&HeaderName) -> bool) -> impl Iterator<Item = (HeaderName, &'static str)> {
    FIXED.into_iter().filter(move |(name, _)| *name != header::CONTENT_SECURITY_POLICY || !has(name))
}

/// Says what no other answer says: its trace id, and what hangs on the request.
pub fn own(
    request: &HeaderMap,
    peer: Option<SocketAddr>,
    site: &Site,
    trace: &TraceId,
    standing: Option<Standing>,
    mut say: impl FnMut(HeaderName, &[u8]),
) {
    say(TRACE_ID, &trace.0);
    // As in draft-ietf-httpapi-ratelimit-headers: what is left, and in how many seconds it is whole again; how many, and for how many seconds.
    if let Some(Standing { quota, left, reset, .. }) = standing {
        say(RATE_LIMIT, format!("\"address\";r={};t={reset}", left.unwrap_or_default()).as_bytes());
        say(RATE_LIMIT_POLICY, format!("\"address\";q={quota};w={MINUTE}").as_bytes());
    }
    // Echoed only if it is short and plain, so that nobody writes into our headers or logs.
    if let Some(related) = request.get(TRACE_ID).filter(|v| (1..=100).contains(&v.len()) && v.as_bytes().iter().all(u8::is_ascii_graphic)) {
        say(RELATED_TRACE_ID, related.as_bytes());
    }
    if scheme_is_https(request, peer, &site.trusted_proxies) {
        say(header::STRICT_TRANSPORT_SECURITY, b"max-age=31536000; includeSubDomains");
    }
}

/// Says when an answer was made. The framework's own `Date` is up to half a second old, and no `Last-Modified` may be later (RFC 9110 section 8.8.2.1).
pub fn date(headers: &mut HeaderMap) {
    if let Ok(now) = HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::now())) {
        headers.insert(header::DATE, now);
    }
}

/// What every answer says that comes from the router.
fn finish(request: &HeaderMap, peer: Option<SocketAddr>, headers: &mut HeaderMap, site: &Site, trace: &TraceId, standing: Option<Standing>) {
    date(headers);
    let has_policy = headers.contains_key(header::CONTENT_SECURITY_POLICY);
    for (name, value) in fixed(|_| has_policy) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    own(request, peer, site, trace, standing, |name, value| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    });
}

/// Whether the peer is a proxy whose word is taken.
fn trusted(peer: Option<SocketAddr>, proxies: &[IpNet]) -> bool {
    let peer = peer.map(|peer| peer.ip().to_canonical());
    peer.is_some_and(|peer| proxies.iter().any(|net| net.contains(&peer)))
}

/// The address a request comes from: the peer's, or what the outermost trusted proxy says of it.
pub fn client_address(headers: &HeaderMap, peer: Option<SocketAddr>, proxies: &[IpNet]) -> Option<IpAddr> {
    let mut address = peer?.ip().to_canonical();
    if !trusted(peer, proxies) {
        return Some(address);
    }
    // Each proxy adds who came to it at the end; what stands before the last that is not ours can be made up.
    let told = headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    for hop in told.collect::<Vec<_>>().into_iter().rev() {
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        address = hop.to_canonical();
        if !proxies.iter().any(|net| net.contains(&address)) {
            break;
        }
    }
    Some(address)
}

fn scheme_is_https(request: &HeaderMap, peer: Option<SocketAddr>, proxies: &[IpNet]) -> bool {
    !proxies.is_empty()
        && trusted(peer, proxies)
        && request
            .get("x-forwarded-proto")
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.rsplit(',').next().is_some_and(|last| last.trim() == "https"))
}

/// The path as the log may have it: the token of a download link is a key and is left out.
fn logged_path(http: &HttpRequest) -> String {
    match http.match_pattern() {
        Some(pattern) if pattern.contains("Token}") => pattern,
        _ => shortened(http.path()).into_owned(),
    }
}

/// How keys of this server begin.
pub const KEY_PREFIX: &str = "hbk_";

/// A path as a line of the log has it: shortened, and without a key that somebody wrote into it by mistake.
pub fn shortened(path: &str) -> Cow<'_, str> {
    if let Some(at) = path.find(KEY_PREFIX) {
        return Cow::Owned(format!("{}{KEY_PREFIX}…", crate::error::quote(&path[..at])));
    }
    if path.len() <= 100 { Cow::Borrowed(path) } else { Cow::Owned(crate::error::quote(path)) }
}

/// The line of a request in the log.
pub fn log_access(method: &Method, path: &str, status: StatusCode, bytes: u64, started: Instant, trace: &TraceId) {
    log::info!(
        target: "access",
        method = method.as_str(), path = path, status = status.as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX), bytes = bytes, trace = trace.as_str();
        "request"
    );
}
