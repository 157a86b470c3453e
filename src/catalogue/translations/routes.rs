//! The route of translations, for editors.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, web};

use super::{STATES, TYPES, Translation, TranslationsPage, load};
use crate::access::{Scope, require};
use crate::app::State;
use crate::catalogue::locale::LANGUAGES;
use crate::error::Error;
use crate::format::{csv, json as format};
use crate::http::manners::Site;
use crate::http::negotiate;
use crate::http::question::{Declaration, Kind, Param};
use crate::openapi::problem_responses;

problem_responses!(pub TranslationProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, NotAcceptable, UriTooLong, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);

static QUESTION: LazyLock<Declaration> = LazyLock::new(|| Declaration {
    params: vec![
        Param::many("state", Kind::Code(STATES), "Only in these states.", "missing"),
        Param::many("language", Kind::Code(LANGUAGES), "Only texts in these languages.", "nl"),
        Param::many("type", Kind::Code(TYPES), "Only of these kinds of record.", "volume"),
    ],
    default_sort: &[],
    select: None,
});

/// The question of translations.
struct ListTranslations;

impl utoipa::IntoParams for ListTranslations {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        QUESTION.parameters()
    }
}

/// List the translations
///
/// Every record in every language: what is missing, what is stale because the words it was translated from have changed since, what is a draft, scheduled or published.
/// The whole list at once, as JSON or, for a spreadsheet, as CSV (RFC 4180, UTF-8 with a mark; the columns are the properties). Drafts are among it, so it needs a key with the scope `catalogue:write`.
#[utoipa::path(get, path = "/v1/translations", tag = "Editing", operation_id = "listTranslations", params(ListTranslations), security(("accessKey" = [])),
    responses(
        (status = 200, description = "The translations.",
            content((TranslationsPage = "application/json"), (String = "text/csv")),
            headers(("Cache-Control" = String, description = "`no-store`"))),
        TranslationProblems))]
pub async fn list_translations(request: HttpRequest) -> Result<HttpResponse, Error> {
    let media = negotiate(&request, &[format::MEDIA_TYPE, csv::MEDIA_TYPE])?;
    let question = QUESTION.parse(request.query_string()).map_err(Error::bad_request)?;
    require(&request, Scope::CatalogueWrite).await?;
    let state = State::of(&request)?;
    let base = Site::of(&request)?.base.clone();
    let (store, chain, at) = (state.store.clone(), state.chain.clone(), base.clone());
    let wanted = |name: &str| question.all(name).to_vec();
    let (states, languages, types) = (wanted("state"), wanted("language"), wanted("type"));
    let mut items = web::block(move || {
        let kinds: Vec<&str> = TYPES.iter().copied().filter(|kind| types.is_empty() || types.iter().any(|wanted| wanted == kind)).collect();
        store.read(|db| load(db, &kinds, &chain, &at))
    })
    .await
    .map_err(Error::unavailable)??;
    let among = |wanted: &[String], value: &String| wanted.is_empty() || wanted.contains(value);
    items.retain(|item| among(&states, &item.state) && among(&languages, &item.language));
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CACHE_CONTROL, "no-store")).insert_header((VARY, "Accept"));
    if media == csv::MEDIA_TYPE {
        answer.insert_header((CONTENT_TYPE, csv::CONTENT_TYPE));
        answer.insert_header((CONTENT_DISPOSITION, "attachment; filename=\"translations.csv\""));
        return Ok(answer.body(table(&items)));
    }
    let asked = question.canonical(&[]);
    let this = if asked.is_empty() { format!("{base}/v1/translations") } else { format!("{base}/v1/translations?{asked}") };
    let page = TranslationsPage { this, total: i64::try_from(items.len()).unwrap_or(i64::MAX), items };
    Ok(answer.content_type(format::MEDIA_TYPE).body(serde_json::to_vec(&page).map_err(Error::internal)?))
}

/// The rows, after the mark by which spreadsheets know UTF-8.
fn table(items: &[Translation]) -> Vec<u8> {
    let mut table = csv::Table::begin(&COLUMNS);
    for item in items {
        let optional = |value: &'_ Option<String>| value.clone().unwrap_or_default();
        let cells = [
            item.kind.clone(),
            item.id.clone(),
            item.title.clone(),
            item.language.clone(),
            item.source_language.clone(),
            item.state.clone(),
            optional(&item.publication),
            optional(&item.updated_at),
            optional(&item.source_updated_at),
            optional(&item.publish_at),
            item.href.clone(),
        ];
        table.row(cells.iter().map(String::as_str));
    }
    ["\u{feff}".as_bytes(), &table.end()].concat()
}

const COLUMNS: [&str; 11] =
    ["type", "id", "title", "language", "sourceLanguage", "state", "publication", "updatedAt", "sourceUpdatedAt", "publishAt", "href"];
