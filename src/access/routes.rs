//! Routes of keys, for those who manage them.

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::key;
use super::store::{self, Stored, Wanted};
use super::{Scope, require};
use crate::app::State;
use crate::db::types::{now, parse_rfc3339, rfc3339};
use crate::error::{Error, Issue, IssueKind, quote};
use crate::format::json as format;
use crate::http::body::read_json;
use crate::http::fields::{Faults, Fields};
use crate::http::manners::Site;
use crate::http::pages::{self, Asked, PAGED, PagedQuestion, paged};
use crate::http::question::no_question;
use crate::http::{negotiate, suggestion};
use crate::openapi::problem_responses;

problem_responses!(pub KeyListProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, NotAcceptable, UriTooLong, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub KeyProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, NotAcceptable, UriTooLong, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub RevokeProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, UriTooLong, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub CreateKeyProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, NotAcceptable, PayloadTooLarge, UriTooLong, UnsupportedMediaType, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);

const NO_STORE: (actix_web::http::header::HeaderName, &str) = (CACHE_CONTROL, "no-store");
/// The longest name.
const NAME: usize = 100;
/// An id, for the description.
const ID_PATTERN: &str = "^[0-9a-hjkmnp-tv-z]{10}$";

/// A key, without what opens anything.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessKey {
    #[schema(example = "http://127.0.0.1:8080/v1/keys/0a1b2c3d4e")]
    pub href: String,
    /// The part of the key after `hbk_`, by which it is known.
    #[schema(example = "0a1b2c3d4e", pattern = "^[0-9a-hjkmnp-tv-z]{10}$")]
    pub id: String,
    /// What it is for.
    #[schema(example = "Editors' site")]
    pub name: String,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Smart City Institute")]
    pub owner: Option<String>,
    /// `catalogue:write`, `downloads:read`, `downloads:erase`, `keys:manage`, `statistics:read`, `partner`.
    #[schema(example = json!(["catalogue:write"]))]
    pub scopes: Vec<String>,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime)]
    pub created_at: String,
    /// Who made it.
    #[schema(example = "command line: key create")]
    pub created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-12-31T00:00:00Z", format = DateTime)]
    pub expires_at: Option<String>,
    /// To the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime)]
    pub last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
}

/// A key that was just made, with the key itself: it is shown this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewAccessKey {
    #[serde(flatten)]
    pub stored: AccessKey,
    /// To be sent as `Authorization: Bearer …`; it is not kept here and cannot be shown again.
    #[schema(example = "hbk_0a1b2c3d4e_0000000000000000000000000000000000000000000000000000abcdef")]
    pub key: String,
}

paged!(
    /// A page of the keys.
    AccessKeysPage of AccessKey
);

/// A key that is asked for.
#[derive(ToSchema)]
#[schema(as = AccessKeyForm, example = json!({"name": "Editors' site", "owner": "Smart City Institute", "scopes": ["catalogue:write"]}))]
#[expect(dead_code, reason = "its schema is what it is for")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[derive(serde::Deserialize)]
pub struct KeyForm {
    /// What it will be for; never the name of a requester.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    name: String,
    /// Who will answer for it: a person or a team.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    owner: Option<String>,
    /// What it will allow.
    #[schema(min_items = 1, max_items = 6)]
    scopes: Vec<ScopeName>,
    /// When it will end (RFC 3339, in the future).
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// The name of a scope.
#[derive(ToSchema, serde::Deserialize)]
#[schema(as = AccessKeyScope)]
pub enum ScopeName {
    #[serde(rename = "catalogue:write")]
    CatalogueWrite,
    #[serde(rename = "downloads:read")]
    DownloadsRead,
    #[serde(rename = "downloads:erase")]
    DownloadsErase,
    #[serde(rename = "keys:manage")]
    KeysManage,
    #[serde(rename = "statistics:read")]
    StatisticsRead,
    #[serde(rename = "partner")]
    Partner,
}

fn view(stored: Stored, base: &str) -> AccessKey {
    AccessKey {
        href: format!("{base}/v1/keys/{}", stored.id),
        id: stored.id,
        name: stored.name,
        owner: stored.owner,
        scopes: stored.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        created_at: rfc3339(stored.created_at),
        created_by: stored.created_by,
        expires_at: stored.expires_at.map(rfc3339),
        last_used_at: stored.last_used_at.map(rfc3339),
        revoked_at: stored.revoked_at.map(rfc3339),
    }
}

/// The parameters of one key's address.
struct KeyPath;

impl utoipa::IntoParams for KeyPath {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
        use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
        let schema =
            ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).pattern(Some(ID_PATTERN)).min_length(Some(10)).max_length(Some(10));
        vec![
            ParameterBuilder::new()
                .name("keyId")
                .parameter_in(ParameterIn::Path)
                .required(utoipa::openapi::Required::True)
                .description(Some("The key's id: what stands after `hbk_`, up to the next `_`."))
                .schema(Some(schema))
                .example(Some(json!("0a1b2c3d4e")))
                .build(),
        ]
    }
}

fn id_in(request: &HttpRequest) -> Result<String, Error> {
    let id = request.match_info().get("keyId").unwrap_or_default();
    let mut issues = Vec::new();
    if !key::is_id(id) {
        let detail = "This cannot be the id of a key: it is ten lower-case letters and digits, the part of the key after 'hbk_'.";
        // Not quoted: it may be a whole key.
        issues.push(Issue::new(IssueKind::SchemaViolation, "path", "keyId", detail));
    }
    if let Err(Error::Problem(problem)) = no_question(request) {
        issues.extend(problem.issues);
    }
    if issues.is_empty() { Ok(id.to_owned()) } else { Err(Error::bad_request(issues)) }
}

async fn ask<T: Send + 'static>(
    request: &HttpRequest,
    work: impl FnOnce(&mut crate::db::Db) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let store = State::of(request)?.store.clone();
    web::block(move || store.read(work)).await.map_err(Error::unavailable)?
}

/// List the keys
///
/// All keys that were made, also expired and revoked ones, in the order they were made. What opens anything is not kept, so it is not among what is told.
#[utoipa::path(get, path = "/v1/keys", tag = "Keys", operation_id = "listKeys", params(PagedQuestion), security(("accessKey" = [])),
    responses((status = 200, description = "A page of the keys.", body = AccessKeysPage, headers(("Cache-Control" = String, description = "`no-store`"))), KeyListProblems))]
pub async fn list_keys(request: HttpRequest) -> Result<HttpResponse, Error> {
    negotiate(&request, &[format::MEDIA_TYPE])?;
    let (state, base) = (State::of(&request)?, Site::of(&request)?.base.clone());
    let asked = Asked::read(request.query_string(), &PAGED, "keys", "keys", 1, &state.secret)?;
    require(&request, Scope::KeysManage).await?;
    let (asked, part) = ask(&request, move |db| store::page(db, &asked).map(|part| (asked, part))).await?;
    let page = AccessKeysPage::new(&asked, part.map(|stored| view(stored, &base)), &base, &state.secret);
    Ok(pages::answer(&page, page.next.as_ref(), page.prev.as_ref()))
}

/// Read a key
///
/// One key, without what opens anything.
#[utoipa::path(get, path = "/v1/keys/{keyId}", tag = "Keys", operation_id = "findKey", params(KeyPath), security(("accessKey" = [])),
    responses((status = 200, description = "The key.", body = AccessKey, headers(("Cache-Control" = String, description = "`no-store`"))), KeyProblems))]
pub async fn find_key(request: HttpRequest) -> Result<HttpResponse, Error> {
    negotiate(&request, &[format::MEDIA_TYPE])?;
    let id = id_in(&request)?;
    require(&request, Scope::KeysManage).await?;
    let base = Site::of(&request)?.base.clone();
    let wanted = id.clone();
    match ask(&request, move |db| store::find(db, &wanted)).await? {
        Some(stored) => Ok(HttpResponse::Ok().insert_header(NO_STORE).json(view(stored, &base))),
        None => Err(absent(&id)),
    }
}

fn absent(id: &str) -> Error {
    Error::not_found(format!("There is no key '{}'.", quote(id)))
}

/// Make a key
///
/// The answer has the key itself, this once. A key of the scope `keys:manage` makes keys of every scope.
#[utoipa::path(post, path = "/v1/keys", tag = "Keys", operation_id = "createKey", security(("accessKey" = [])),
    request_body(content = KeyForm, description = "What the key is for and what it may do."),
    responses(
        (status = 201, description = "The key was made.", body = NewAccessKey,
            headers(("Location" = String, description = "The address of the key, absolute."), ("Cache-Control" = String, description = "`no-store`"))),
        CreateKeyProblems))]
pub async fn create_key(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
    negotiate(&request, &[format::MEDIA_TYPE])?;
    no_question(&request)?;
    let actor = require(&request, Scope::KeysManage).await?;
    let wanted = understood(&read_json(&request, payload).await?)?;
    let state = State::of(&request)?;
    let base = Site::of(&request)?.base.clone();
    let (stored, key) = state.store.queue(move |db| store::create(db, &wanted, &actor.author())).await?;
    let made = NewAccessKey { stored: view(stored, &base), key };
    Ok(HttpResponse::Created().insert_header(NO_STORE).insert_header((LOCATION, made.stored.href.clone())).json(made))
}

fn understood(body: &serde_json::Value) -> Result<Wanted, Error> {
    let faults = Faults::default();
    let mut wanted = Wanted { name: String::new(), owner: None, scopes: Vec::new(), expires_at: None };
    if let Some(fields) = Fields::root(body, &faults) {
        fields.require(&["name", "scopes"]);
        if let Some(name) = fields.text("name", named) {
            wanted.name = name.trim().to_owned();
        }
        wanted.owner = fields.text("owner", named).map(|owner| owner.trim().to_owned());
        if let Some(text) = fields.text("expiresAt", coming) {
            wanted.expires_at = parse_rfc3339(text);
        }
        if let Some(names) = fields.texts("scopes", 1..=Scope::ALL.len(), scope_named) {
            wanted.scopes = names.iter().filter_map(|name| Scope::of(name)).collect();
        }
        fields.finish();
    }
    let issues = faults.into_issues();
    if issues.is_empty() { Ok(wanted) } else { Err(Error::bad_request(issues)) }
}

/// What a name must be.
///
/// # Errors
/// What would be right.
pub fn named(text: &str) -> Result<(), String> {
    let fits = !text.trim().is_empty() && text.chars().count() <= NAME && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(format!("1 to {NAME} characters, not all white space, without control characters")) }
}

fn coming(text: &str) -> Result<(), String> {
    let fits = crate::catalogue::record::instant_of(text).is_some_and(|at| at > now());
    if fits { Ok(()) } else { Err("an instant of RFC 3339 that is still to come, such as 2027-12-31T00:00:00Z".into()) }
}

/// What a scope must be.
///
/// # Errors
/// What would be right.
pub fn scope_named(text: &str) -> Result<(), String> {
    match Scope::of(text) {
        Some(_) => Ok(()),
        None => Err(format!("is no scope. {}", suggestion(text, Scope::NAMES.iter().copied()))),
    }
}

/// Revoke a key
///
/// It opens nothing from this moment on, and stays in the list. To revoke it again changes nothing.
#[utoipa::path(delete, path = "/v1/keys/{keyId}", tag = "Keys", operation_id = "deleteKey", params(KeyPath), security(("accessKey" = [])),
    responses((status = 204, description = "The key is revoked."), RevokeProblems))]
pub async fn delete_key(request: HttpRequest) -> Result<HttpResponse, Error> {
    let id = id_in(&request)?;
    let actor = require(&request, Scope::KeysManage).await?;
    let state = State::of(&request)?;
    let wanted = id.clone();
    if state.store.queue(move |db| store::revoke(db, &wanted, &actor.author())).await? {
        Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish())
    } else {
        Err(absent(&id))
    }
}
