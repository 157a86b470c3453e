//! Editions one by one: a change of one is a change of the document of its work, so that history, mirrors and rules are those of the work.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use utoipa::openapi::path::Parameter;

use super::MAX_DOCUMENT;
use super::body::understand_edition;
use super::precondition::Seen;
use super::routes::{ChangeProblems, DeleteProblems, ReadDocumentProblems, Sent, WRITE, conditions, document_answer, issues_of, shown};
use super::write::{self, Change};
use crate::access::{Scope, require};
use crate::app::State;
use crate::catalogue::answer::moved;
use crate::catalogue::described::{code_parameter, path_parameter};
use crate::catalogue::every;
use crate::catalogue::locale::LANGUAGES;
use crate::catalogue::pen::{self, Action, Author, Pen};
use crate::catalogue::publication::EditionDocument;
use crate::catalogue::publication::file::{Kind, find as find_edition};
use crate::catalogue::publication::routes::edition_in;
use crate::db::Db;
use crate::error::Error;
use crate::format::json;
use crate::http::body::read_json_of;
use crate::http::manners::Site;
use crate::http::question::no_question;
use crate::http::{negotiate, patch, path_slug};
use crate::openapi::problem_responses;

problem_responses!(pub MakeProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, NotAcceptable, Conflict, PayloadTooLarge, UriTooLong, UnsupportedMediaType, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);

/// A change of an edition that is asked for.
struct Wish {
    kind: Kind,
    id: String,
    /// The language in the path; none for an edition that is to be made.
    language: Option<String>,
    seen: Seen,
    change: Change,
    dry: bool,
}

/// An edition as its editors read it: its language, and its document unless it was deleted.
struct Edited {
    language: String,
    document: Option<Value>,
}

fn work(pen: &mut Pen<'_>, wish: Wish) -> Result<Edited, Error> {
    let Wish { kind, id, language, seen, change, .. } = wish;
    let key = write::find(pen.db, kind.name(), &id)?;
    let mut document = every::document(pen.db, kind.name(), key)?;
    let mut at = None;
    let body = match (language, change) {
        (None, Change::Create(body) | Change::Replace(body) | Change::Patch(body)) => body,
        (None, Change::Delete) => return Err(Error::internal("an edition without a language is to be deleted")),
        (Some(language), change) => {
            let (place, present) = among(pen.db, kind, &id, &document, &language)?;
            seen.hold_part(pen.db, key, &present, |_, then| edition_of(&then, &language).map(|(_, edition)| edition.clone()))?;
            at = Some(place);
            match change {
                Change::Delete => {
                    if let Some(all) = document.get_mut("editions").and_then(Value::as_array_mut) {
                        all.remove(place);
                    }
                    every::write(pen, kind.name(), &id, document, Action::Updated)?;
                    return Ok(Edited { language, document: None });
                }
                Change::Patch(changes) => {
                    let mut merged = present;
                    patch::merge(&mut merged, &changes);
                    merged
                }
                Change::Create(body) | Change::Replace(body) => body,
            }
        }
    };
    let language = understand_edition(pen.db, kind.name(), &id, &mut document, at, &body)?;
    every::write(pen, kind.name(), &id, document, Action::Updated)?;
    let document = every::document(pen.db, kind.name(), key)?;
    let (_, edition) = among(pen.db, kind, &id, &document, &language)?;
    Ok(Edited { language, document: Some(edition) })
}

fn edition_of<'a>(document: &'a Value, language: &str) -> Option<(usize, &'a Value)> {
    document.get("editions")?.as_array()?.iter().enumerate().find(|(_, edition)| edition["language"] == language)
}

/// An edition and its place among those of its work.
///
/// # Errors
/// 404 with the languages that there are.
fn among(db: &mut Db, kind: Kind, id: &str, document: &Value, language: &str) -> Result<(usize, Value), Error> {
    match edition_of(document, language) {
        Some((at, edition)) => Ok((at, edition.clone())),
        None => Err(find_edition(db, kind, id, language).err().unwrap_or_else(|| Error::internal("an edition that its document lacks"))),
    }
}

/// Does what is asked for, or tells what would come of it.
async fn carry_out(request: &HttpRequest, author: Author, wish: Wish) -> Result<Edited, Error> {
    let store = State::of(request)?.store.clone();
    web::block(move || pen::attempt(&store, &author, wish.dry, |pen| work(pen, wish))).await.map_err(Error::unavailable)?
}

fn name_of(kind: Kind) -> &'static str {
    if kind == Kind::Volume { "volumeId" } else { "complementId" }
}

/// The parameters of an operation, for the description.
fn parameters(kind: Kind, item: bool, writes: bool, shows: bool) -> Vec<Parameter> {
    let id = if kind == Kind::Volume { "strategy" } else { "leadership" };
    let mut all = vec![path_parameter(name_of(kind), "Id of the work.", id)];
    if item {
        all.push(code_parameter("languageCode", "Language of the edition (BCP 47).", LANGUAGES, "fr"));
    }
    all.extend(conditions(writes, writes && item).into_iter().filter(|one| shows || one.name != "Prefer"));
    all
}

async fn document(request: HttpRequest, kind: Kind) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let faults = no_question(&request).err().map(issues_of).unwrap_or_default();
    let (id, language) = edition_in(&request, name_of(kind), faults)?;
    require(&request, Scope::CatalogueWrite).await?;
    let store = State::of(&request)?.store.clone();
    let found = web::block(move || {
        store.read(|db| {
            let key = write::find(db, kind.name(), &id)?;
            let document = every::document(db, kind.name(), key)?;
            Ok(among(db, kind, &id, &document, &language)?.1)
        })
    });
    let found = found.await.map_err(Error::unavailable)?;
    moved(&request, found.and_then(|document| document_answer(&request, &document)), Some(name_of(kind)))
}

async fn create(request: HttpRequest, payload: web::Payload, kind: Kind) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let id = path_slug(&request, name_of(kind)).map_err(|error| error.and(WRITE.faults(&request)))?;
    let question = WRITE.parse(request.query_string()).map_err(Error::bad_request)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let dry = question.one("dryRun") == Some("true");
    let body = read_json_of(&request, payload, &["application/json"], MAX_DOCUMENT).await?;
    let wish = Wish { kind, id: id.clone(), language: None, seen: Seen::Any, change: Change::Create(body), dry };
    let answer = carry_out(&request, actor.author(), wish).await.and_then(|edited| {
        let Edited { language, document: Some(document) } = edited else { return Err(Error::internal("nothing was made")) };
        let mut response = shown(&request, if dry { StatusCode::OK } else { StatusCode::CREATED }, &document)?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        let address = format!("{}/v1/{}/{id}/editions/{language}", Site::of(&request)?.base, kind.path());
        response.headers_mut().insert(LOCATION, HeaderValue::from_str(&address).map_err(Error::internal)?);
        Ok(response)
    });
    moved(&request, answer, Some(name_of(kind)))
}

/// Work, language and whether it is only to be tried.
fn asked(request: &HttpRequest, kind: Kind) -> Result<(String, String, bool), Error> {
    let question = WRITE.parse(request.query_string());
    let faults = question.as_ref().err().cloned().unwrap_or_default();
    let (id, language) = edition_in(request, name_of(kind), faults)?;
    Ok((id, language, question.is_ok_and(|question| question.one("dryRun") == Some("true"))))
}

async fn change(request: HttpRequest, payload: web::Payload, kind: Kind, sent: Sent) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let (id, language, dry) = asked(&request, kind)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let seen = Seen::of(&request)?;
    let body = read_json_of(&request, payload, sent.types(), MAX_DOCUMENT).await?;
    let wish = Wish { kind, id, language: Some(language), seen, change: sent.change(body), dry };
    let answer = carry_out(&request, actor.author(), wish).await.and_then(|edited| match edited.document {
        Some(document) => shown(&request, StatusCode::OK, &document),
        None => Err(Error::internal("nothing is left")),
    });
    moved(&request, answer, Some(name_of(kind)))
}

async fn delete(request: HttpRequest, kind: Kind) -> Result<HttpResponse, Error> {
    let (id, language, dry) = asked(&request, kind)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let seen = Seen::of(&request)?;
    let done = carry_out(&request, actor.author(), Wish { kind, id, language: Some(language), seen, change: Change::Delete, dry }).await;
    moved(&request, done.map(|_| HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish()), Some(name_of(kind)))
}

/// A JSON merge patch of an edition.
#[derive(utoipa::ToSchema)]
#[schema(value_type = Object, example = json!({"isbn": "978-2-930772-00-4", "externalUrl": null}))]
pub struct EditionPatch(#[expect(dead_code, reason = "its schema is what it is for")] Value);

macro_rules! described {
    ($($name:ident: $kind:ident, $item:literal, $writes:literal, $shows:literal;)*) => {
        $(
            /// The parameters, for the description.
            pub struct $name;

            impl utoipa::IntoParams for $name {
                fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
                    super::parameters(Kind::$kind, $item, $writes, $shows)
                }
            }
        )*
    };
}

macro_rules! editions_of {
    ($module:ident, $kind:ident, $tag:tt, $list:tt, $item:tt, $document:tt, $a:tt,
        $create:tt $find:tt $put:tt $patch:tt $delete:tt) => {
        #[doc = concat!("Editing the editions of ", $a, ".")]
        pub mod $module {
            use super::{
                ChangeProblems, DeleteProblems, EditionDocument, EditionPatch, Error, HttpRequest, HttpResponse, Kind, MakeProblems, ReadDocumentProblems, Sent, web,
            };

            described! {
                Making: $kind, false, true, true;
                Finding: $kind, true, false, false;
                Changing: $kind, true, true, true;
                Deleting: $kind, true, true, false;
            }

            #[utoipa::path(post, path = $list, tag = $tag, operation_id = $create, params(Making), security(("accessKey" = [])),
                summary = concat!("Make an edition of ", $a),
                description = "In the language that stands in it; there is one edition a language. Its PDF is put afterwards, at `…/file`.",
                request_body(content = EditionDocument, description = "The edition, with its `language`."),
                responses(
                    (status = 200, description = "What `dryRun` would make.", body = EditionDocument, headers(("ETag" = String, description = "The edition document's."))),
                    (status = 201, description = "It was made.", body = EditionDocument, headers(
                        ("Location" = String, description = "Its address, absolute."), ("ETag" = String, description = "Strong: a hash of the bytes."),
                        ("Cache-Control" = String, description = "`no-store`"))),
                    (status = 204, description = "It was made, or would be (`dryRun`); the client prefers not to be shown it.", headers(
                        ("Location" = String, description = "Its address, absolute."), ("ETag" = String, description = "The edition document's."),
                        ("Preference-Applied" = String, description = "`return=minimal`"))),
                    MakeProblems))]
            pub async fn create(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
                super::create(request, payload, Kind::$kind).await
            }

            #[utoipa::path(get, path = $document, tag = $tag, operation_id = $find, params(Finding), security(("accessKey" = [])),
                summary = concat!("Read the document of an edition of ", $a),
                description = "What its editors keep: what PUT takes. Its `ETag` is what `If-Match` wants.",
                responses((status = 200, description = "The document.", body = EditionDocument, headers(
                    ("ETag" = String, description = "Strong: a hash of the bytes."), ("Cache-Control" = String, description = "`no-store`"))), ReadDocumentProblems))]
            pub async fn document(request: HttpRequest) -> Result<HttpResponse, Error> {
                super::document(request, Kind::$kind).await
            }

            #[utoipa::path(put, path = $item, tag = $tag, operation_id = $put, params(Changing), security(("accessKey" = [])),
                summary = concat!("Replace the document of an edition of ", $a),
                description = "What is not sent is gone afterwards; the PDF stays, it has an address of its own (`…/file`). The language is that of the path.",
                request_body(content = EditionDocument, description = "The whole document."),
                responses(
                    (status = 200, description = "The document as it is now.", body = EditionDocument, headers(
                        ("ETag" = String, description = "Strong: a hash of the bytes."), ("Cache-Control" = String, description = "`no-store`"))),
                    (status = 204, description = "It is so; the client prefers not to be shown it.", headers(
                        ("ETag" = String, description = "The document's."), ("Preference-Applied" = String, description = "`return=minimal`"))),
                    ChangeProblems))]
            pub async fn put(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
                super::change(request, payload, Kind::$kind, Sent::Whole).await
            }

            #[utoipa::path(patch, path = $item, tag = $tag, operation_id = $patch, params(Changing), security(("accessKey" = [])),
                summary = concat!("Change the document of an edition of ", $a),
                description = "A JSON merge patch (RFC 7396) of the document: what is sent takes the place of what is there, null takes it away.",
                request_body(description = "What is to change.",
                    content((EditionPatch = "application/merge-patch+json"), (EditionPatch = "application/json"))),
                responses(
                    (status = 200, description = "The document as it is now.", body = EditionDocument, headers(
                        ("ETag" = String, description = "Strong: a hash of the bytes."), ("Cache-Control" = String, description = "`no-store`"))),
                    (status = 204, description = "It is so; the client prefers not to be shown it.", headers(
                        ("ETag" = String, description = "The document's."), ("Preference-Applied" = String, description = "`return=minimal`"))),
                    ChangeProblems))]
            pub async fn patch(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
                super::change(request, payload, Kind::$kind, Sent::Patch).await
            }

            #[utoipa::path(delete, path = $item, tag = $tag, operation_id = $delete, params(Deleting), security(("accessKey" = [])),
                summary = concat!("Delete an edition of ", $a),
                description = "One that has a PDF, or that somebody asked for, is not deleted: the problem tells why.",
                responses((status = 204, description = "It is no more."), DeleteProblems))]
            pub async fn delete(request: HttpRequest) -> Result<HttpResponse, Error> {
                super::delete(request, Kind::$kind).await
            }
        }
    };
}

editions_of!(volumes, Volume, "Volumes", "/v1/volumes/{volumeId}/editions", "/v1/volumes/{volumeId}/editions/{languageCode}",
    "/v1/volumes/{volumeId}/editions/{languageCode}/document", "a volume",
    "createVolumeEdition" "findVolumeEditionDocument" "updateVolumeEdition" "patchVolumeEdition" "deleteVolumeEdition");
editions_of!(complements, Complement, "Complements", "/v1/complements/{complementId}/editions", "/v1/complements/{complementId}/editions/{languageCode}",
    "/v1/complements/{complementId}/editions/{languageCode}/document", "a complement",
    "createComplementEdition" "findComplementEditionDocument" "updateComplementEdition" "patchComplementEdition" "deleteComplementEdition");

/// The operations, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    volumes::create,
    volumes::document,
    volumes::put,
    volumes::patch,
    volumes::delete,
    complements::create,
    complements::document,
    complements::put,
    complements::patch,
    complements::delete,
))]
pub struct Described;
