//! Routes of editing, the same for all nouns: a line for each noun at the end.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use super::MAX_DOCUMENT;
use super::precondition::{self, Seen};
use super::write::{self, Change, Edited, Wish};
use crate::access::{Scope, require};
use crate::app::State;
use crate::catalogue::answer::moved;
use crate::catalogue::described::path_parameter;
use crate::catalogue::{collection, every};
use crate::error::Error;
use crate::format::json;
use crate::http::body::read_json_of;
use crate::http::conditional::not_modified;
use crate::http::manners::Site;
use crate::http::prefer::preferred;
use crate::http::question::{Declaration, Kind, Param, no_question};
use crate::http::{negotiate, path_slug};
use crate::openapi::problem_responses;

problem_responses!(pub ReadDocumentProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, NotAcceptable, UriTooLong, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub CreateProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, NotAcceptable, Conflict, PayloadTooLarge, UriTooLong, UnsupportedMediaType, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub ChangeProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, NotAcceptable, Conflict, PreconditionFailed, PayloadTooLarge, UriTooLong, UnsupportedMediaType, PreconditionRequired, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub DeleteProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, Conflict, PreconditionFailed, UriTooLong, PreconditionRequired, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);

const MERGE_PATCH: &str = "application/merge-patch+json";

/// What the parameter `dryRun` does.
pub const DRY_RUN: &str = "`true`: all is checked and the answer shows what would come of it, but nothing is written.";

/// The question of a write.
pub static WRITE: LazyLock<Declaration> =
    LazyLock::new(|| Declaration { params: vec![Param::one("dryRun", Kind::Flag, DRY_RUN, "false")], default_sort: &[], select: None });

/// A header field as a parameter.
pub fn header_parameter(name: &str, required: bool, doc: &str, example: &str) -> Parameter {
    let required = if required { utoipa::openapi::Required::True } else { utoipa::openapi::Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(doc))
        .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String))))
        .example(Some(serde_json::json!(example)))
        .build()
}

/// The parameters of an operation on a record of a kind, for the description.
pub fn parameters(kind: &str, id: Option<&str>, writes: bool, conditional: bool) -> Vec<Parameter> {
    let mut all = Vec::new();
    if let Some(name) = id {
        all.push(path_parameter(name, "Stable id, as in the `href` of the resource.", example_of(kind)));
    }
    all.extend(conditions(writes, conditional));
    all
}

/// What a write may be asked with, and on what condition.
pub(super) fn conditions(writes: bool, conditional: bool) -> Vec<Parameter> {
    let mut all = Vec::new();
    if writes {
        all.extend(WRITE.parameters());
    }
    if conditional {
        let doc = "The `ETag` of the document that the change is made of; `*` for whatever is there.";
        all.push(header_parameter("If-Match", true, doc, "\"Zq1rXb0uC0mYb2vK7yQm3Q\""));
    }
    if writes {
        all.push(prefer_parameter());
    }
    all
}

/// The header field by which a client says what it wants to be shown.
pub fn prefer_parameter() -> Parameter {
    header_parameter("Prefer", false, "`return=minimal`: the answer does not show what was written.", "return=minimal")
}

fn example_of(kind: &str) -> &'static str {
    match kind {
        "language" => "nl",
        "complement" => "leadership",
        "event" => "partnerships-presentation-2022",
        "testimony" => "benoit-muller",
        "supporter" => "accenture",
        _ => "mobility",
    }
}

/// The id in the path; the collection has none.
pub(super) fn id_in(request: &HttpRequest, name: Option<&'static str>) -> Result<String, Error> {
    match name {
        Some(name) => path_slug(request, name),
        None => Ok(collection::ID.to_owned()),
    }
}

/// Path and query of a write, all doubt finished.
pub(super) fn asked(request: &HttpRequest, name: Option<&'static str>) -> Result<(String, bool), Error> {
    let question = WRITE.parse(request.query_string());
    match (id_in(request, name), question) {
        (Ok(id), Ok(question)) => Ok((id, question.one("dryRun") == Some("true"))),
        (Ok(_), Err(issues)) => Err(Error::bad_request(issues)),
        (Err(error), question) => Err(error.and(question.err().unwrap_or_default())),
    }
}

/// The path of a request that asks no more.
pub(super) fn unasked(request: &HttpRequest, name: Option<&'static str>) -> Result<String, Error> {
    match (id_in(request, name), no_question(request)) {
        (Ok(id), Ok(())) => Ok(id),
        (Ok(_), Err(error)) => Err(error),
        (Err(error), question) => Err(error.and(question.err().map(issues_of).unwrap_or_default())),
    }
}

/// Answers the document of a record.
///
/// # Errors
/// 400, 401, 403, 404, or a fault of the database.
pub async fn read_document(request: HttpRequest, kind: &'static str, name: Option<&'static str>) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let id = unasked(&request, name)?;
    require(&request, Scope::CatalogueWrite).await?;
    let store = State::of(&request)?.store.clone();
    let found = web::block(move || store.read(|db| write::read(db, kind, &id))).await.map_err(Error::unavailable)?;
    moved(&request, found.and_then(|document| document_answer(&request, &document)), name)
}

/// A document, or that it is the one that the client has.
pub(super) fn document_answer(request: &HttpRequest, document: &Value) -> Result<HttpResponse, Error> {
    let mut response = whole(StatusCode::OK, document)?;
    if not_modified(request, &precondition::etag(document), None) {
        let tag = response.headers().get(ETAG).cloned();
        response = HttpResponse::NotModified().insert_header((CACHE_CONTROL, "no-store")).finish();
        if let Some(tag) = tag {
            response.headers_mut().insert(ETAG, tag);
        }
    }
    Ok(response)
}

/// The faults of a 400.
pub fn issues_of(error: Error) -> Vec<crate::error::Issue> {
    match error {
        Error::Problem(problem) => problem.issues,
        _ => Vec::new(),
    }
}

/// An answer that shows a document.
pub(super) fn whole(status: StatusCode, document: &Value) -> Result<HttpResponse, Error> {
    let tag = HeaderValue::from_str(&precondition::etag(document).to_string()).map_err(Error::internal)?;
    Ok(HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((ETAG, tag))
        .content_type(json::MEDIA_TYPE)
        .body(precondition::bytes(document)))
}

/// Makes a record of the body.
///
/// # Errors
/// 400, 401, 403, 409, 413, 415, or a fault of the database.
pub async fn create_record(request: HttpRequest, payload: web::Payload, kind: &'static str) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let question = WRITE.parse(request.query_string()).map_err(Error::bad_request)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let dry = question.one("dryRun") == Some("true");
    let body = read_json_of(&request, payload, &["application/json"], MAX_DOCUMENT).await?;
    let wish = Wish { kind, id: String::new(), seen: Seen::Any, change: Change::Create(body), dry };
    let edited = carry_out(&request, actor.author(), wish).await?;
    let Edited { id, document: Some(document) } = edited else { return Err(Error::internal("nothing was made")) };
    let mut response = shown(&request, if dry { StatusCode::OK } else { StatusCode::CREATED }, &document)?;
    if response.status() == StatusCode::OK {
        return Ok(response);
    }
    let base = &Site::of(&request)?.base;
    // Supporters have no representation of their own; their documents do.
    let address = if kind == "supporter" { format!("{base}/v1/supporters/{id}/document") } else { format!("{base}/v1/{}", every::path(kind, &id)) };
    response.headers_mut().insert(LOCATION, HeaderValue::from_str(&address).map_err(Error::internal)?);
    Ok(response)
}

/// How a change is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Whole,
    Patch,
}

impl Sent {
    /// The media types it comes as.
    pub(super) fn types(self) -> &'static [&'static str] {
        if self == Self::Patch { &[MERGE_PATCH, "application/json"] } else { &["application/json"] }
    }

    /// The change that a body is.
    pub(super) fn change(self, body: Value) -> Change {
        if self == Self::Patch { Change::Patch(body) } else { Change::Replace(body) }
    }
}

/// Changes a record.
///
/// # Errors
/// 400, 401, 403, 404, 409, 412, 413, 415, 428, or a fault of the database.
pub async fn change_record(
    request: HttpRequest,
    payload: web::Payload,
    kind: &'static str,
    name: Option<&'static str>,
    sent: Sent,
) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let (id, dry) = asked(&request, name)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let seen = Seen::of(&request)?;
    let body = read_json_of(&request, payload, sent.types(), MAX_DOCUMENT).await?;
    let outcome = carry_out(&request, actor.author(), Wish { kind, id, seen, change: sent.change(body), dry }).await;
    let answer = outcome.and_then(|edited| match edited.document {
        Some(document) => shown(&request, StatusCode::OK, &document),
        None => Err(Error::internal("nothing is left")),
    });
    moved(&request, answer, name)
}

/// Deletes a record.
///
/// # Errors
/// 400, 401, 403, 404, 409, 412, 428, or a fault of the database.
pub async fn delete_record(request: HttpRequest, kind: &'static str, name: Option<&'static str>) -> Result<HttpResponse, Error> {
    let (id, dry) = asked(&request, name)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let seen = Seen::of(&request)?;
    let outcome = carry_out(&request, actor.author(), Wish { kind, id, seen, change: Change::Delete, dry }).await;
    moved(&request, outcome.map(|_| HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish()), name)
}

async fn carry_out(request: &HttpRequest, author: crate::catalogue::pen::Author, wish: Wish) -> Result<Edited, Error> {
    let store = State::of(request)?.store.clone();
    web::block(move || write::carry_out(&store, &author, &wish)).await.map_err(Error::unavailable)?
}

/// The new state, or only that it is so, as the client prefers (RFC 7240).
pub(super) fn shown(request: &HttpRequest, status: StatusCode, document: &Value) -> Result<HttpResponse, Error> {
    Ok(preferred(request, whole(status, document)?))
}

/// Types that describe the parameters of a noun's operations.
macro_rules! described {
    ($name:ident: $kind:tt, $id:expr, $writes:literal, $conditional:literal) => {
        /// The parameters, for the description.
        pub struct $name;

        impl utoipa::IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
                super::parameters($kind, $id, $writes, $conditional)
            }
        }
    };
}

/// What is edited of every noun.
macro_rules! edited {
    ($module:ident, $kind:tt, $tag:tt, $id:expr, $schema:ident, $item:tt, $document:tt, $a:tt,
        $find:tt $put:tt $patch:tt, $ids:expr) => {
        #[doc = concat!("Editing ", $a, ".")]
        pub mod $module {
            use actix_web::{HttpRequest, HttpResponse, Resource, web};

            use super::{ChangeProblems, ReadDocumentProblems, Sent, change_record, read_document};
            use crate::catalogue::edit::schema::$schema;
            use crate::error::Error;

            const ID: Option<&str> = $id;

            described!(Finding: $kind, ID, false, false);
            described!(Changing: $kind, ID, true, true);

            #[utoipa::path(get, path = $document, tag = $tag, operation_id = $find, params(Finding), security(("accessKey" = [])),
                summary = concat!("Read the document of ", $a),
                description = "All that its editors keep, drafts and notes too, in every language: what PUT takes. Its `ETag` is what `If-Match` wants.",
                responses((status = 200, description = "The document.", body = $schema, headers(
                    ("ETag" = String, description = "Strong: a hash of the bytes."), ("Cache-Control" = String, description = "`no-store`"))), ReadDocumentProblems))]
            pub async fn document(request: HttpRequest) -> Result<HttpResponse, Error> {
                read_document(request, $kind, ID).await
            }

            #[utoipa::path(put, path = $item, tag = $tag, operation_id = $put, params(Changing), security(("accessKey" = [])),
                summary = concat!("Replace the document of ", $a),
                description = concat!("What is not sent is gone afterwards. ", $ids),
                request_body(content = $schema, description = "The whole document."),
                responses(
                    (status = 200, description = "The document as it is now.", body = $schema, headers(
                        ("ETag" = String, description = "Strong: a hash of the bytes."), ("Cache-Control" = String, description = "`no-store`"))),
                    (status = 204, description = "It is so; the client prefers not to be shown it.", headers(
                        ("ETag" = String, description = "The document's."), ("Preference-Applied" = String, description = "`return=minimal`"))),
                    ChangeProblems))]
            pub async fn put(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
                change_record(request, payload, $kind, ID, Sent::Whole).await
            }

            #[utoipa::path(patch, path = $item, tag = $tag, operation_id = $patch, params(Changing), security(("accessKey" = [])),
                summary = concat!("Change the document of ", $a),
                description = "A JSON merge patch (RFC 7396) of the document: what is sent takes the place of what is there, null takes it away, lists are replaced whole. Another `id` renames the record.",
                request_body(description = "What is to change.",
                    content((super::MergePatch = "application/merge-patch+json"), (super::MergePatch = "application/json"))),
                responses(
                    (status = 200, description = "The document as it is now.", body = $schema, headers(
                        ("ETag" = String, description = "Strong: a hash of the bytes."), ("Cache-Control" = String, description = "`no-store`"))),
                    (status = 204, description = "It is so; the client prefers not to be shown it.", headers(
                        ("ETag" = String, description = "The document's."), ("Preference-Applied" = String, description = "`return=minimal`"))),
                    ChangeProblems))]
            pub async fn patch(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
                change_record(request, payload, $kind, ID, Sent::Patch).await
            }

            /// Adds what changes it to a resource.
            pub fn changes(it: Resource) -> Resource {
                it.route(web::put().to(put)).route(web::patch().to(patch))
            }
        }
    };
}

/// What is edited of the nouns that there are several of.
macro_rules! made {
    ($module:ident, $kind:tt, $tag:tt, $id:expr, $schema:ident, $list:tt, $item:tt, $a:tt, $create:tt $delete:tt) => {
        #[doc = concat!("Making and deleting ", $a, ".")]
        pub mod $module {
            use actix_web::{HttpRequest, HttpResponse, web};

            use super::{CreateProblems, DeleteProblems, create_record, delete_record};
            use crate::catalogue::edit::schema::$schema;
            use crate::error::Error;

            const ID: Option<&str> = Some($id);

            described!(Making: $kind, None, true, false);
            /// The parameters, for the description.
            pub struct Deleting;

            impl utoipa::IntoParams for Deleting {
                fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
                    super::parameters($kind, ID, true, true).into_iter().filter(|one| one.name != "Prefer").collect()
                }
            }

            #[utoipa::path(post, path = $list, tag = $tag, operation_id = $create, params(Making), security(("accessKey" = [])),
                summary = concat!("Make ", $a),
                description = "A record of the document that is sent, with the `id` that stands in it.",
                request_body(content = $schema, description = "The document, with its `id`."),
                responses(
                    (status = 200, description = "What `dryRun` would make.", body = $schema, headers(("ETag" = String, description = "The document's."))),
                    (status = 201, description = "It was made.", body = $schema, headers(
                        ("Location" = String, description = "Its address, absolute."), ("ETag" = String, description = "Strong: a hash of the bytes."),
                        ("Cache-Control" = String, description = "`no-store`"))),
                    (status = 204, description = "It was made, or would be (`dryRun`); the client prefers not to be shown it.", headers(
                        ("Location" = String, description = "Its address, absolute."), ("ETag" = String, description = "The document's."),
                        ("Preference-Applied" = String, description = "`return=minimal`"))),
                    CreateProblems))]
            pub async fn create(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
                create_record(request, payload, $kind).await
            }

            #[utoipa::path(delete, path = $item, tag = $tag, operation_id = $delete, params(Deleting), security(("accessKey" = [])),
                summary = concat!("Delete ", $a),
                description = "What others refer to is not deleted: the problem names them. What once was public is 410 from then on.",
                responses((status = 204, description = "It is no more."), DeleteProblems))]
            pub async fn delete(request: HttpRequest) -> Result<HttpResponse, Error> {
                delete_record(request, $kind, ID).await
            }
        }
    };
}

/// A JSON merge patch.
#[derive(utoipa::ToSchema)]
#[schema(value_type = Object, example = json!({"note": "To be checked", "pageUrl": null}))]
pub struct MergePatch(#[expect(dead_code, reason = "its schema is what it is for")] Value);

edited!(collections, "collection", "Collection", None, CollectionAsEdited, "/v1/collection", "/v1/collection/document", "the collection",
    "findCollectionDocument" "updateCollection" "patchCollection",
    "It has no `id`; where there is no collection yet, `If-Match: *` makes it.");
edited!(volumes, "volume", "Volumes", Some("volumeId"), VolumeAsEdited, "/v1/volumes/{volumeId}", "/v1/volumes/{volumeId}/document", "a volume",
    "findVolumeDocument" "updateVolume" "patchVolume",
    "Another `id` than that of the path renames the record.");
made!(volumes_made, "volume", "Volumes", "volumeId", VolumeAsEdited, "/v1/volumes", "/v1/volumes/{volumeId}", "a volume", "createVolume" "deleteVolume");
edited!(complements, "complement", "Complements", Some("complementId"), ComplementAsEdited, "/v1/complements/{complementId}",
    "/v1/complements/{complementId}/document", "a complement", "findComplementDocument" "updateComplement" "patchComplement",
    "Another `id` than that of the path renames the record.");
made!(complements_made, "complement", "Complements", "complementId", ComplementAsEdited, "/v1/complements", "/v1/complements/{complementId}",
    "a complement", "createComplement" "deleteComplement");
edited!(themes, "theme", "Themes", Some("themeId"), ThemeAsEdited, "/v1/themes/{themeId}", "/v1/themes/{themeId}/document", "a theme",
    "findThemeDocument" "updateTheme" "patchTheme",
    "Another `id` than that of the path renames the record.");
made!(themes_made, "theme", "Themes", "themeId", ThemeAsEdited, "/v1/themes", "/v1/themes/{themeId}", "a theme", "createTheme" "deleteTheme");
edited!(languages, "language", "Languages", Some("languageCode"), LanguageAsEdited, "/v1/languages/{languageCode}",
    "/v1/languages/{languageCode}/document", "a language", "findLanguageDocument" "updateLanguage" "patchLanguage",
    "Another `id` than that of the path renames the record.");
made!(languages_made, "language", "Languages", "languageCode", LanguageAsEdited, "/v1/languages", "/v1/languages/{languageCode}", "a language",
    "createLanguage" "deleteLanguage");
edited!(events, "event", "Events", Some("eventId"), EventAsEdited, "/v1/events/{eventId}", "/v1/events/{eventId}/document", "an event",
    "findEventDocument" "updateEvent" "patchEvent",
    "Another `id` than that of the path renames the record.");
made!(events_made, "event", "Events", "eventId", EventAsEdited, "/v1/events", "/v1/events/{eventId}", "an event", "createEvent" "deleteEvent");
edited!(testimonies, "testimony", "Testimonies", Some("testimonyId"), TestimonyAsEdited, "/v1/testimonies/{testimonyId}",
    "/v1/testimonies/{testimonyId}/document", "a testimony", "findTestimonyDocument" "updateTestimony" "patchTestimony",
    "Another `id` than that of the path renames the record.");
made!(testimonies_made, "testimony", "Testimonies", "testimonyId", TestimonyAsEdited, "/v1/testimonies", "/v1/testimonies/{testimonyId}",
    "a testimony", "createTestimony" "deleteTestimony");
edited!(supporters, "supporter", "Supporters", Some("supporterId"), SupporterAsEdited, "/v1/supporters/{supporterId}",
    "/v1/supporters/{supporterId}/document", "a supporter", "findSupporterDocument" "updateSupporter" "patchSupporter",
    "Another `id` than that of the path renames the record.");
made!(supporters_made, "supporter", "Supporters", "supporterId", SupporterAsEdited, "/v1/supporters", "/v1/supporters/{supporterId}", "a supporter",
    "createSupporter" "deleteSupporter");

/// The operations, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    collections::document,
    collections::put,
    collections::patch,
    volumes_made::create,
    volumes::document,
    volumes::put,
    volumes::patch,
    volumes_made::delete,
    complements_made::create,
    complements::document,
    complements::put,
    complements::patch,
    complements_made::delete,
    themes_made::create,
    themes::document,
    themes::put,
    themes::patch,
    themes_made::delete,
    languages_made::create,
    languages::document,
    languages::put,
    languages::patch,
    languages_made::delete,
    events_made::create,
    events::document,
    events::put,
    events::patch,
    events_made::delete,
    testimonies_made::create,
    testimonies::document,
    testimonies::put,
    testimonies::patch,
    testimonies_made::delete,
    supporters_made::create,
    supporters::document,
    supporters::put,
    supporters::patch,
    supporters_made::delete,
))]
pub struct Described;
