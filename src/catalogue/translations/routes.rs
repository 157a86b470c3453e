//! The route of translations, for editors.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, VARY};
use actix_web::{HttpRequest, HttpResponse, web};

use super::{STATES, TYPES, Translation, TranslationsPage, Wanted, list, page};
use crate::access::{Scope, require};
use crate::app::State;
use crate::catalogue::locale::LANGUAGES;
use crate::error::{Error, Issue, IssueKind};
use crate::format::{csv, json as format};
use crate::http::manners::Site;
use crate::http::negotiate;
use crate::http::pages::{self, Asked, paging};
use crate::http::question::{Declaration, Kind, Param};
use crate::openapi::problem_responses;

problem_responses!(pub TranslationProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, NotAcceptable, UriTooLong, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);

static QUESTION: LazyLock<Declaration> = LazyLock::new(|| Declaration {
    params: vec![
        Param::many("state", Kind::Code(STATES), "Only in these states.", "missing"),
        Param::many("language", Kind::Code(LANGUAGES), "Only texts in these languages.", "nl"),
        Param::many("type", Kind::Code(TYPES), "Only of these kinds of record.", "volume"),
    ]
    .into_iter()
    .chain(paging())
    .collect(),
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
/// As JSON, page by page; or for a spreadsheet as CSV (RFC 4180, UTF-8 with a mark; the columns are the properties), all of it at once. Drafts are among it, so it needs a key with the scope `catalogue:write`.
#[utoipa::path(get, path = "/v1/translations", tag = "Editing", operation_id = "listTranslations", params(ListTranslations), security(("accessKey" = [])),
    responses(
        (status = 200, description = "The translations.",
            content((TranslationsPage = "application/json"), (String = "text/csv")),
            headers(("Cache-Control" = String, description = "`no-store`"))),
        TranslationProblems))]
pub async fn list_translations(request: HttpRequest) -> Result<HttpResponse, Error> {
    let media = negotiate(&request, &[format::MEDIA_TYPE, csv::MEDIA_TYPE])?;
    let (state, base) = (State::of(&request)?, Site::of(&request)?.base.clone());
    let sheet = media == csv::MEDIA_TYPE;
    let names: Vec<String> = form_urlencoded::parse(request.query_string().as_bytes()).map(|(name, _)| name.into_owned()).collect();
    let paged: Vec<Issue> = ["pageSize", "after"].into_iter().filter(|name| sheet && names.iter().any(|given| given == name)).map(unpaged).collect();
    let asked = match (Asked::read(request.query_string(), &QUESTION, "translations", "translations", 4, &state.secret), paged.is_empty()) {
        (Ok(asked), true) => asked,
        (Ok(_), false) => return Err(Error::bad_request(paged)),
        (Err(error), _) => return Err(error.and(paged)),
    };
    require(&request, Scope::CatalogueWrite).await?;
    let of = |name: &str| asked.question.all(name).to_vec();
    let wanted = Wanted { states: of("state"), languages: of("language"), kinds: of("type") };
    if sheet {
        let rows = web::block(move || state.store.read(|db| list(db, &wanted, &state.chain, &base))).await.map_err(Error::unavailable)??;
        let mut answer = HttpResponse::Ok();
        answer.insert_header((CACHE_CONTROL, "no-store")).insert_header((VARY, "Accept"));
        answer.insert_header((CONTENT_TYPE, csv::CONTENT_TYPE));
        answer.insert_header((CONTENT_DISPOSITION, "attachment; filename=\"translations.csv\""));
        return Ok(answer.body(table(rows.iter().map(|(_, item)| item))));
    }
    let look = move || -> Result<TranslationsPage, Error> {
        let part = state.store.read(|db| page(db, &wanted, &state.chain, &base, &asked))?;
        Ok(TranslationsPage::new(&asked, part, &base, &state.secret))
    };
    let found = web::block(look).await.map_err(Error::unavailable)??;
    let mut answer = pages::answer(&found, found.next.as_ref(), found.prev.as_ref());
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    Ok(answer)
}

fn unpaged(name: &'static str) -> Issue {
    Issue::new(IssueKind::InvalidInput, "query", name, format!("The sheet has all rows at once: leave '{name}' out, or ask for application/json."))
}

/// The rows, after the mark by which spreadsheets know UTF-8.
fn table<'a>(items: impl Iterator<Item = &'a Translation>) -> Vec<u8> {
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
