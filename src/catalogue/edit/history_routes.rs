//! Routes of histories and of the audit log: a line for each noun at the end.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};

use super::history::{self, AUDITED, AuditPage, HistoryPage, HistoryVersion, Narrowed, Restore, path_of};
use super::precondition::Seen;
use super::routes::{asked, conditions, id_in, parameters, shown, unasked};
use super::write::Edited;
use crate::access::{Scope, require, require_any};
use crate::app::State;
use crate::catalogue::answer::moved;
use crate::db::types::parse_rfc3339;
use crate::error::{Error, Issue, IssueKind};
use crate::format::json;
use crate::http::manners::Site;
use crate::http::negotiate;
use crate::http::pages::{self, Asked, PAGED, paging};
use crate::http::question::{Declaration, Kind, Param};
use crate::openapi::problem_responses;

problem_responses!(pub AuditProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, NotAcceptable, UriTooLong, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub RestoreProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, NotAcceptable, Conflict, PreconditionFailed, UriTooLong, PreconditionRequired, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);

/// The question of the audit log.
static AUDIT: LazyLock<Declaration> = LazyLock::new(|| Declaration {
    params: [
        Param::many("kind", Kind::Code(AUDITED), "Only writes of these kinds of things.", "volume"),
        Param::one("subject", Kind::Words(100), "Only writes of what has, or had, this id.", "mobility"),
        Param::one("author", Kind::Words(100), "Only writes by whoever is named so, or begins so: `key:` and the id of a key, for example.", "key:"),
        Param::one("since", Kind::Instant, "Only what was written at or after this instant.", "2024-05-02T00:00:00Z"),
        Param::one("until", Kind::Instant, "Only what was written before this instant.", "2124-05-02T00:00:00Z"),
    ]
    .into_iter()
    .chain(paging())
    .collect(),
    default_sort: &[],
    select: None,
});

/// Answers a page of the history of a record.
///
/// # Errors
/// 400, 401, 403, 404, or a fault of the database.
pub async fn list_history(request: HttpRequest, kind: &'static str, name: Option<&'static str>) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let id = id_in(&request, name).map_err(|error| error.and(PAGED.faults(&request)))?;
    let path = format!("{}/history", path_of(kind, &id));
    let (state, base) = (State::of(&request)?, Site::of(&request)?.base.clone());
    let asked = Asked::read(request.query_string(), &PAGED, &path, "history", 2, &state.secret)?;
    require(&request, Scope::CatalogueWrite).await?;
    let store = state.store.clone();
    let look = move || {
        let part = store.read(|db| history::page(db, kind, &id, &asked, &base))?;
        Ok(HistoryPage::new(&asked, part, &base, &state.secret))
    };
    let found = web::block(look).await.map_err(Error::unavailable)?;
    moved(&request, found.map(|page| pages::answer(&page, page.next.as_ref(), page.prev.as_ref())), name)
}

/// The number of the version in the path, beside what else is read of the request.
fn version_in<T>(request: &HttpRequest, others: Result<T, Error>) -> Result<(T, i64), Error> {
    let text = request.match_info().get("version").unwrap_or_default();
    let plain = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let number = text.parse().ok().filter(|_| plain);
    let issue = || Issue::new(IssueKind::SchemaViolation, "path", "version", "A version is a whole number from 1 on.").value(text);
    match (others, number) {
        (Ok(others), Some(number)) => Ok((others, number)),
        (Ok(_), None) => Err(Error::bad_request(vec![issue()])),
        (Err(error), Some(_)) => Err(error),
        (Err(error), None) => Err(error.and(vec![issue()])),
    }
}

/// Answers a version of a record.
///
/// # Errors
/// 400, 401, 403, 404, or a fault of the database.
pub async fn find_version(request: HttpRequest, kind: &'static str, name: Option<&'static str>) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let (id, number) = version_in(&request, unasked(&request, name))?;
    require(&request, Scope::CatalogueWrite).await?;
    let (store, base) = (State::of(&request)?.store.clone(), Site::of(&request)?.base.clone());
    let found = web::block(move || store.read(|db| history::version(db, kind, &id, number, &base))).await.map_err(Error::unavailable)?;
    moved(&request, found.map(|version: HistoryVersion| pages::answer(&version, None, None)), name)
}

/// Goes back to a version of a record.
///
/// # Errors
/// 400, 401, 403, 404, 409, 412, 428, or a fault of the database.
pub async fn restore_version(
    request: HttpRequest,
    payload: web::Payload,
    kind: &'static str,
    name: Option<&'static str>,
) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let read = asked(&request, name);
    let read = if is_empty(&request, payload).await { read } else { Err(with_body(read)) };
    let ((id, dry), number) = version_in(&request, read)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let wish = Restore { kind, id, number, seen: Seen::of(&request)?, dry };
    let store = State::of(&request)?.store.clone();
    let done = web::block(move || history::restore(&store, &actor.author(), &wish)).await.map_err(Error::unavailable)?;
    let answer = done.and_then(|edited| match edited {
        Edited { document: Some(document), .. } => shown(&request, StatusCode::OK, &document),
        Edited { document: None, .. } => Err(Error::internal("nothing was restored")),
    });
    moved(&request, answer, name)
}

/// Whether a request has no body; what comes is not read beyond its first bytes.
async fn is_empty(request: &HttpRequest, mut payload: web::Payload) -> bool {
    if let Some(length) = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()) {
        return length.trim() == "0";
    }
    while let Some(piece) = payload.next().await {
        if !piece.is_ok_and(|piece| piece.is_empty()) {
            return false;
        }
    }
    true
}

/// The fault of a body where none is read, beside the others.
fn with_body<T>(others: Result<T, Error>) -> Error {
    let detail = "Nothing is read of a body here: which version comes back, its address says. Send none.";
    let issue = vec![Issue::new(IssueKind::UnknownInput, "body", "", detail)];
    match others {
        Ok(_) => Error::bad_request(issue),
        Err(error) => error.and(issue),
    }
}

/// The parameters of an operation on a history, for the description.
pub fn history_parameters(kind: &str, id: Option<&str>, version: bool, writes: bool) -> Vec<Parameter> {
    let mut all = parameters(kind, id, false, false);
    if version {
        let schema = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Integer))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .maximum(Some(999_999_999_999_999_999i64));
        all.push(
            ParameterBuilder::new()
                .name("version")
                .parameter_in(ParameterIn::Path)
                .required(utoipa::openapi::Required::True)
                .description(Some("Number of the version, as in the history."))
                .schema(Some(schema))
                .example(Some(serde_json::json!(1)))
                .build(),
        );
    } else {
        all.extend(PAGED.parameters());
    }
    if writes {
        all.extend(conditions(true, true));
    }
    all
}

/// Read the audit log
///
/// Who wrote what and when, newest first: every write of the catalogue, and of keys. Nothing is ever taken out of it, and it never names who requested a download. For keys with `catalogue:write` or `keys:manage`.
#[utoipa::path(get, path = "/v1/auditLog", tag = "Operations", operation_id = "listAuditEntries", params(AuditQuestion), security(("accessKey" = [])),
    responses((status = 200, description = "A page of the log.", body = AuditPage, headers(("Cache-Control" = String, description = "`no-store`"))), AuditProblems))]
pub async fn list_audit_entries(request: HttpRequest) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let (state, base) = (State::of(&request)?, Site::of(&request)?.base.clone());
    let asked = Asked::read(request.query_string(), &AUDIT, "auditLog", "auditLog", 1, &state.secret)?;
    let question = &asked.question;
    let instant = |name: &str| question.one(name).and_then(parse_rfc3339);
    let wanted = Narrowed {
        kinds: question.all("kind").to_vec(),
        subject: question.one("subject").map(str::to_owned),
        author: question.one("author").map(str::to_owned),
        since: instant("since"),
        until: instant("until"),
    };
    require_any(&request, &[Scope::CatalogueWrite, Scope::KeysManage]).await?;
    let store = state.store.clone();
    let look = move || -> Result<AuditPage, Error> {
        let part = store.read(|db| history::audit_page(db, &wanted, &asked))?;
        Ok(AuditPage::new(&asked, part, &base, &state.secret))
    };
    let page = web::block(look).await.map_err(Error::unavailable)??;
    Ok(pages::answer(&page, page.next.as_ref(), page.prev.as_ref()))
}

/// The question of the audit log, for the description.
pub struct AuditQuestion;

impl utoipa::IntoParams for AuditQuestion {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        AUDIT.parameters()
    }
}

/// The history of a noun's records.
macro_rules! remembered {
    ($module:ident, $kind:tt, $tag:tt, $id:expr, $schema:ident, $list:tt, $version:tt, $restore:tt, $a:tt, $ids:tt $find:tt $back:tt) => {
        #[doc = concat!("The history of ", $a, ".")]
        pub mod $module {
            use actix_web::{HttpRequest, HttpResponse, web};
            use utoipa::openapi::path::{Parameter, ParameterIn};

            use super::{RestoreProblems, find_version, history_parameters, list_history, restore_version};
            use crate::catalogue::edit::history::{HistoryPage, HistoryVersion};
            use crate::catalogue::edit::routes::ReadDocumentProblems;
            use crate::catalogue::edit::schema::$schema;
            use crate::error::Error;

            const ID: Option<&str> = $id;

            /// The parameters of the list, for the description.
            pub struct Listing;

            impl utoipa::IntoParams for Listing {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    history_parameters($kind, ID, false, false)
                }
            }

            /// The parameters of a version, for the description.
            pub struct Finding;

            impl utoipa::IntoParams for Finding {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    history_parameters($kind, ID, true, false)
                }
            }

            /// The parameters of the way back, for the description.
            pub struct Restoring;

            impl utoipa::IntoParams for Restoring {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    history_parameters($kind, ID, true, true)
                }
            }

            #[utoipa::path(get, path = $list, tag = $tag, operation_id = $ids, params(Listing), security(("accessKey" = [])),
                summary = concat!("Read the history of ", $a),
                description = "Its versions, newest first: who wrote each, when, and what it changed (JSON Patch). That of a deleted record too.",
                responses((status = 200, description = "A page of the history.", body = HistoryPage,
                    headers(("Cache-Control" = String, description = "`no-store`"))), ReadDocumentProblems))]
            pub async fn list(request: HttpRequest) -> Result<HttpResponse, Error> {
                list_history(request, $kind, ID).await
            }

            #[utoipa::path(get, path = $version, tag = $tag, operation_id = $find, params(Finding), security(("accessKey" = [])),
                summary = concat!("Read a version of ", $a),
                description = "One version, with the whole document as it was.",
                responses((status = 200, description = "The version.", body = HistoryVersion,
                    headers(("Cache-Control" = String, description = "`no-store`"))), ReadDocumentProblems))]
            pub async fn version(request: HttpRequest) -> Result<HttpResponse, Error> {
                find_version(request, $kind, ID).await
            }

            #[utoipa::path(post, path = $restore, tag = $tag, operation_id = $back, params(Restoring), security(("accessKey" = [])),
                summary = concat!("Restore a version of ", $a),
                description = "The document of that version becomes the present one, as a new version; id and files stay as they are, and what was to happen at a time that has passed is left out.",
                responses((status = 200, description = "The document as it is now.", body = $schema, headers(
                    ("ETag" = String, description = "Strong: a hash of the bytes."), ("Cache-Control" = String, description = "`no-store`"))),
                    (status = 204, description = "It is so; the client prefers not to be shown it.", headers(
                        ("ETag" = String, description = "The document's."), ("Preference-Applied" = String, description = "`return=minimal`"))),
                    RestoreProblems))]
            pub async fn restore(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
                restore_version(request, payload, $kind, ID).await
            }
        }
    };
}

remembered!(collections, "collection", "Collection", None, CollectionAsEdited, "/v1/collection/history", "/v1/collection/history/{version}",
    "/v1/collection/history/{version}/restore", "the collection", "listCollectionHistory" "findCollectionVersion" "restoreCollectionVersion");
remembered!(volumes, "volume", "Volumes", Some("volumeId"), VolumeAsEdited, "/v1/volumes/{volumeId}/history", "/v1/volumes/{volumeId}/history/{version}",
    "/v1/volumes/{volumeId}/history/{version}/restore", "a volume", "listVolumeHistory" "findVolumeVersion" "restoreVolumeVersion");
remembered!(complements, "complement", "Complements", Some("complementId"), ComplementAsEdited, "/v1/complements/{complementId}/history", "/v1/complements/{complementId}/history/{version}",
    "/v1/complements/{complementId}/history/{version}/restore", "a complement", "listComplementHistory" "findComplementVersion" "restoreComplementVersion");
remembered!(themes, "theme", "Themes", Some("themeId"), ThemeAsEdited, "/v1/themes/{themeId}/history", "/v1/themes/{themeId}/history/{version}",
    "/v1/themes/{themeId}/history/{version}/restore", "a theme", "listThemeHistory" "findThemeVersion" "restoreThemeVersion");
remembered!(languages, "language", "Languages", Some("languageCode"), LanguageAsEdited, "/v1/languages/{languageCode}/history", "/v1/languages/{languageCode}/history/{version}",
    "/v1/languages/{languageCode}/history/{version}/restore", "a language", "listLanguageHistory" "findLanguageVersion" "restoreLanguageVersion");
remembered!(events, "event", "Events", Some("eventId"), EventAsEdited, "/v1/events/{eventId}/history", "/v1/events/{eventId}/history/{version}",
    "/v1/events/{eventId}/history/{version}/restore", "an event", "listEventHistory" "findEventVersion" "restoreEventVersion");
remembered!(testimonies, "testimony", "Testimonies", Some("testimonyId"), TestimonyAsEdited, "/v1/testimonies/{testimonyId}/history", "/v1/testimonies/{testimonyId}/history/{version}",
    "/v1/testimonies/{testimonyId}/history/{version}/restore", "a testimony", "listTestimonyHistory" "findTestimonyVersion" "restoreTestimonyVersion");
remembered!(supporters, "supporter", "Supporters", Some("supporterId"), SupporterAsEdited, "/v1/supporters/{supporterId}/history", "/v1/supporters/{supporterId}/history/{version}",
    "/v1/supporters/{supporterId}/history/{version}/restore", "a supporter", "listSupporterHistory" "findSupporterVersion" "restoreSupporterVersion");

/// The operations, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    collections::list,
    collections::version,
    collections::restore,
    volumes::list,
    volumes::version,
    volumes::restore,
    complements::list,
    complements::version,
    complements::restore,
    themes::list,
    themes::version,
    themes::restore,
    languages::list,
    languages::version,
    languages::restore,
    events::list,
    events::version,
    events::restore,
    testimonies::list,
    testimonies::version,
    testimonies::restore,
    supporters::list,
    supporters::version,
    supporters::restore,
    list_audit_entries,
))]
pub struct Described;
