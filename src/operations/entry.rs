//! The entry: links to everything.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalogue::answer::constant;
use crate::error::Error;
use crate::http::manners::Site;
use crate::openapi::ConstantProblems;

/// Where everything is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// This resource.
    #[serde(rename = "self")]
    #[schema(example = "http://127.0.0.1:8080/v1")]
    pub this: String,
    #[schema(example = "handbooks")]
    pub name: &'static str,
    /// The version of the API's description.
    #[schema(example = "1.0.0")]
    pub version: &'static str,
    pub collection: String,
    pub volumes: String,
    pub complements: String,
    pub themes: String,
    pub languages: String,
    pub events: String,
    pub testimonies: String,
    /// Everything public in one answer.
    pub catalogue: String,
    /// What changed, to be followed.
    pub changes: String,
    /// The proof that a copy is complete.
    pub digest: String,
    pub download_form: String,
    pub download_requests: String,
    /// For editors: it needs a key.
    pub translations: String,
    /// For those who manage keys: it needs one.
    pub keys: String,
    /// For who has a key: every write, and who made it.
    pub audit_log: String,
    pub health: String,
    /// The OpenAPI document.
    pub openapi: String,
    /// Documentation for people.
    pub docs: String,
}

async fn entry(request: &HttpRequest, path: &str) -> Result<HttpResponse, Error> {
    let site = Site::of(request)?;
    let base = &site.base;
    let to = |path: &str| format!("{base}{path}");
    let entry = Entry {
        this: to(path),
        name: "handbooks",
        version: crate::openapi::VERSION,
        collection: to("/v1/collection"),
        volumes: to("/v1/volumes"),
        complements: to("/v1/complements"),
        themes: to("/v1/themes"),
        languages: to("/v1/languages"),
        events: to("/v1/events"),
        testimonies: to("/v1/testimonies"),
        catalogue: to("/v1/catalogue"),
        changes: to("/v1/changes"),
        digest: to("/v1/digest"),
        download_form: to("/v1/downloadForm"),
        download_requests: to("/v1/downloadRequests"),
        translations: to("/v1/translations"),
        keys: to("/v1/keys"),
        audit_log: to("/v1/auditLog"),
        health: to("/health"),
        openapi: to("/openapi.json"),
        docs: to("/docs"),
    };
    constant(request, path, serde_json::to_value(entry).map_err(Error::internal)?).await
}

/// Start here
///
/// Links to everything there is; the same as `/v1`.
#[utoipa::path(get, path = "/", tag = "Entry", operation_id = "findRoot",
    responses((status = 200, description = "Where everything is.", body = Entry), ConstantProblems))]
pub async fn find_root(request: HttpRequest) -> Result<HttpResponse, Error> {
    entry(&request, "/").await
}

/// Start here, in version 1
///
/// Links to everything there is in version 1 of the API.
#[utoipa::path(get, path = "/v1", tag = "Entry", operation_id = "findEntry",
    responses((status = 200, description = "Where everything is.", body = Entry), ConstantProblems))]
pub async fn find_entry(request: HttpRequest) -> Result<HttpResponse, Error> {
    entry(&request, "/v1").await
}
