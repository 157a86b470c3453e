//! Routes of download requests: what is asked, and where the answer comes from.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use uuid::Uuid;

use super::create::{self, Create, Outcome};
use super::idempotency::{self, Keyed};
use super::read::{self, NewRequest};
use super::rules::{self, DownloadRequestForm};
use super::view::{DownloadRequest, Issuer};
use super::{query, store, token};
use crate::access::{self, Scope};
use crate::app::State;
use crate::catalogue::locale::Locale;
use crate::catalogue::pen::Author;
use crate::catalogue::revision;
use crate::db::Db;
use crate::db::types::now;
use crate::download::shelf::Shelf;
use crate::error::{Code, Error, Issue, IssueKind, quote};
use crate::format::json;
use crate::http::body::read_json;
use crate::http::manners::Site;
use crate::http::negotiate;
use crate::http::question::no_question;
use crate::openapi::problem_responses;

problem_responses!(pub CreateProblems: BadRequest, NotAcceptable, RequestInFlight, PayloadTooLarge, UriTooLong, UnsupportedMediaType, IdempotencyKeyReused, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub RequestProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, NotAcceptable, UriTooLong, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub EraseProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, UriTooLong, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);

/// What concerns a person is kept by nobody on the way.
const NO_STORE: (actix_web::http::header::HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// Ask for handbooks
///
/// Sends the download form. The answer has a link for each edition whose file is there; an edition without a file waits, the request is kept,
/// and the link appears at its `href` once the file is there. Nothing is sent by mail: every field about the visitor is optional, and no consent is a condition.
///
/// `privacyNotice` and `consents` quote the versions that the visitor was shown, which must be those in force (`GET /v1/downloadForm` has them):
/// another version is 400 with an issue that names the present one. An edition that is not on offer is 400 `referencedResourceNotFound`, naming the languages that exist.
///
/// With an `Idempotency-Key`, the same key and body get the very same answer for 24 hours; another body is 422, one still in flight 409.
/// The key is random and belongs to no account: whoever has key and body gets the answer. Without a key, the same form with the same `requester`
/// (an `email` included) sent again within ten minutes gets the request that is there, with 200.
#[utoipa::path(post, path = "/v1/downloadRequests", tag = "Downloads", operation_id = "createDownloadRequest",
    params(("Idempotency-Key" = Option<String>, Header, pattern = "^[A-Za-z0-9_-]{16,64}$", min_length = 16, max_length = 64,
        description = "Makes it safe to send the request again: a new random key, a UUID for example, for each new request.", example = "019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11")),
    request_body(content = DownloadRequestForm, description = "The filled form, at most 64 KiB.", example = json!(rules::example())),
    responses(
        (status = 201, description = "The request was made, or this is the very same answer as before to the same `Idempotency-Key`.", body = DownloadRequest,
            headers(("Location" = String, description = "The address of the request, absolute."), ("Cache-Control" = String, description = "`no-store`"))),
        (status = 200, description = "The same person asked for the same within the last ten minutes: the request that is there.", body = DownloadRequest,
            headers(("Cache-Control" = String, description = "`no-store`"))),
        CreateProblems))]
pub async fn create_download_request(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
    let state = State::of(&request)?;
    let site = Site::of(&request)?;
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let (form, key, body) = understood(&request, payload).await?;

    let language = form.language.map_or_else(|| Locale::of(None, None, &request, &state.chain).requested, str::to_owned);
    let keyed = key.map(|key| Keyed::new(&state.secret, &key, &body));
    let create = Create::new(form, language, keyed, issuer(&state, &site))?;
    // Held until the database is done, even when the client has gone.
    let guard = match (create.key_hash(), create.repeat_hash()) {
        (Some(key), _) => Some(state.in_flight.enter(key).ok_or_else(idempotency::in_flight)?),
        (None, Some(hash)) => Some(state.in_flight.enter_in_turn(hash).await),
        (None, None) => None,
    };
    let made = state.desk.make(&state.store, create, guard).await?;
    let mut response = match made.outcome {
        // `Location` has a meaning for 201 alone (RFC 9110 section 10.2.2); the answer's `href` says the same.
        Outcome::Created => {
            let mut response = HttpResponse::Created();
            response.insert_header((LOCATION, issuer(&state, &site).href(&made.id)));
            response
        }
        Outcome::Repeated => HttpResponse::Ok(),
    };
    Ok(response.insert_header(NO_STORE).insert_header((CONTENT_TYPE, json::MEDIA_TYPE)).body(made.answer))
}

/// Query, headers and body, with the faults of all three at once.
async fn understood(request: &HttpRequest, payload: web::Payload) -> Result<(NewRequest, Option<String>, Value), Error> {
    let mut issues: Vec<Issue> = Vec::new();
    let mut told = |error: Error| match error {
        Error::Problem(problem) if problem.code == Code::BadRequest => {
            issues.extend(problem.issues);
            Ok(())
        }
        other => Err(other),
    };
    if let Err(error) = no_question(request) {
        told(error)?;
    }
    let body = match read_json(request, payload).await {
        Ok(body) => Some(body),
        Err(error) => {
            told(error)?;
            None
        }
    };
    let key = idempotency::key(request).unwrap_or_else(|issue| {
        issues.push(*issue);
        None
    });
    let form = body.as_ref().and_then(|body| {
        let (form, faults) = read::read(body);
        issues.extend(faults);
        form
    });
    match (form, body) {
        (Some(form), Some(body)) if issues.is_empty() => return Ok((form, key, body)),
        // A form with faults is refused as it is, but what it refers to is looked up first: all faults are told at once.
        (Some(form), _) => {
            let store = State::of(request)?.store.clone();
            let referred = web::block(move || {
                store.read(|db| {
                    let mut shelf = Shelf::default();
                    shelf.turn_to(revision::current(db)?.number, now().date());
                    create::referred(db, &mut shelf, &form)
                })
            })
            .await
            .map_err(Error::unavailable)??;
            issues.extend(referred.err().unwrap_or_default());
        }
        _ => {}
    }
    Err(Error::bad_request(issues))
}

fn issuer(state: &State, site: &Site) -> Issuer {
    Issuer { base: site.base.clone(), secret: state.secret.clone() }
}

/// The request in the path, which the token in the header must open, or a key with the scope. Whether it exists is asked later, so that nothing is
/// learnt without the token. And who opens it, as the audit log names them.
async fn opened(request: &HttpRequest, state: &State, scope: Scope) -> Result<(String, Author), Error> {
    let id = request.match_info().get("requestId").unwrap_or_default();
    // One spelling: the one that is given out.
    let well = Uuid::try_parse(id).is_ok_and(|uuid| uuid.hyphenated().to_string() == id);
    let mut issues = Vec::new();
    if !well {
        let detail = format!("'{}' cannot be the id of a download request, which is a UUID in lower case.", quote(id));
        issues.push(Issue::new(IssueKind::SchemaViolation, "path", "requestId", detail).value(id));
    }
    if let Err(Error::Problem(problem)) = no_question(request) {
        issues.extend(problem.issues);
    }
    if !issues.is_empty() {
        return Err(Error::bad_request(issues));
    }
    let author = match access::optional(request, scope).await? {
        Some(actor) => actor.author(),
        None => {
            token::check(request, &state.secret, id)?;
            Author::requester()
        }
    };
    Ok((id.to_owned(), author))
}

fn absent(id: &str) -> Error {
    Error::not_found(format!("There is no download request '{id}' any more; it was erased."))
}

/// Read a download request
///
/// The request with fresh links, for who has its token, or a key with the scope `downloads:read`. An edition that waited for its file has its link here once the file is there.
#[utoipa::path(get, path = "/v1/downloadRequests/{requestId}", tag = "Downloads", operation_id = "findDownloadRequest", security(("requestToken" = []), ("accessKey" = [])),
    params(("requestId" = String, Path, format = "uuid", pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", min_length = 36, max_length = 36,
        description = "The id of the request.", example = "019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11")),
    responses(
        (status = 200, description = "The request.", body = DownloadRequest, headers(("Cache-Control" = String, description = "`no-store`"))),
        RequestProblems))]
pub async fn find_download_request(request: HttpRequest) -> Result<HttpResponse, Error> {
    let state = State::of(&request)?;
    let site = Site::of(&request)?;
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let (id, _) = opened(&request, &state, Scope::DownloadsRead).await?;
    let (store, issuer) = (state.store.clone(), issuer(&state, &site));
    let view = web::block(move || {
        store.read(|db| {
            let key = query::key_of(db, &id)?.ok_or_else(|| absent(&id))?;
            Ok(issuer.represent(query::load(db, key)?, now(), false))
        })
    })
    .await
    .map_err(Error::unavailable)??;
    let body = serde_json::to_vec(&view).map_err(Error::internal)?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).insert_header((CONTENT_TYPE, json::MEDIA_TYPE)).body(body))
}

/// Erase a download request
///
/// Erases the request and all that hangs on it: who asked, what was asked for, consents, and the answer kept for its `Idempotency-Key`. Its links open no more (410).
/// For who has its token, or a key with the scope `downloads:erase`.
#[utoipa::path(delete, path = "/v1/downloadRequests/{requestId}", tag = "Downloads", operation_id = "deleteDownloadRequest", security(("requestToken" = []), ("accessKey" = [])),
    params(("requestId" = String, Path, format = "uuid", pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", min_length = 36, max_length = 36,
        description = "The id of the request.", example = "019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11")),
    responses(
        (status = 204, description = "The request is erased.", headers(("Cache-Control" = String, description = "`no-store`"))),
        EraseProblems))]
pub async fn delete_download_request(request: HttpRequest) -> Result<HttpResponse, Error> {
    let state = State::of(&request)?;
    let (id, author) = opened(&request, &state, Scope::DownloadsErase).await?;
    let erase = move |db: &mut Db| if store::erase(db, &id, &author)? { Ok(()) } else { Err(absent(&id)) };
    state.store.queue(erase).await?;
    Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish())
}
