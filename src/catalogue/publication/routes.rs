//! Editions by their own address, under volumes and complements alike.

use actix_web::{HttpRequest, HttpResponse};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::path::Parameter;

use super::edition::{Attachments, Edition, load_rows};
use crate::catalogue::answer::{self, Found};
use crate::catalogue::described::{self, PlainQuestion};
use crate::catalogue::locale::LANGUAGES;
use crate::catalogue::noun::{Noun, Reading, Reference, References};
use crate::db::Db;
use crate::db::schema::record;
use crate::error::{Error, Issue, IssueKind, quote};
use crate::http::{path_slug, suggestion};

/// An edition, with the work it is of.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkEdition {
    #[serde(flatten)]
    pub edition: Edition,
    /// The volume or complement.
    #[schema(required = false)]
    pub work: Reference,
}

/// All editions of a work.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditionsPage {
    /// This list.
    #[serde(rename = "self")]
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/strategy/editions")]
    pub this: String,
    pub items: Vec<WorkEdition>,
    #[schema(example = 2)]
    pub total: i64,
}

/// The parameters of an edition's address, or of the list of editions.
pub fn edition_parameters<N: Noun>(item: bool) -> Vec<Parameter> {
    let (id, language) = if N::KIND == "volume" { ("strategy", "nl") } else { ("leadership", "fr") };
    let mut all = vec![described::path_parameter(N::ID, "Id of the work.", id)];
    if item {
        all.push(described::code_parameter("languageCode", "Language of the edition (BCP 47).", LANGUAGES, language));
    }
    all.extend(PlainQuestion::declaration().parameters());
    all
}

/// Work and language in the path of an edition; `name` is that of the work's id, `others` are the faults found elsewhere.
///
/// # Errors
/// 400 with all faults.
pub fn edition_in(request: &HttpRequest, name: &'static str, others: Vec<Issue>) -> Result<(String, String), Error> {
    let language = request.match_info().get("languageCode").unwrap_or_default();
    let mut issues = Vec::new();
    if !LANGUAGES.contains(&language) {
        let detail = format!("'{}' is not a language of this API. {}", quote(language), suggestion(language, LANGUAGES.iter().copied()));
        issues.push(Issue::new(IssueKind::SchemaViolation, "path", "languageCode", detail).value(language));
    }
    issues.extend(others);
    match path_slug(request, name) {
        Ok(id) if issues.is_empty() => Ok((id, language.to_owned())),
        Ok(_) => Err(Error::bad_request(issues)),
        Err(error) => Err(error.and(issues)),
    }
}

/// Answers one edition of a work of `N`.
///
/// # Errors
/// What a read may fail with.
pub async fn find_edition<N: Noun>(request: HttpRequest) -> Result<HttpResponse, Error> {
    let (id, code) = edition_in(&request, N::ID, PlainQuestion::declaration().faults(&request))?;
    let name = format!("{}/{id}/editions/{code}", N::PATH);
    let outcome = answer::represent(request.clone(), &name, PlainQuestion::declaration(), move |db, reading, _| {
        let mut editions = editions::<N>(db, &id, reading)?;
        let exist: Vec<String> = editions.iter().map(|one| one.edition.language.clone()).collect();
        let Some(at) = exist.iter().position(|language| *language == code) else {
            return Err(Error::not_found(format!("There is no edition of '{id}' in '{code}'.")).with("languages", exist));
        };
        Ok(Found { value: serde_json::to_value(editions.swap_remove(at)).map_err(Error::internal)?, languages: vec![code] })
    })
    .await;
    answer::moved(&request, outcome, Some(N::ID))
}

/// Answers the list of editions of a work of `N`.
///
/// # Errors
/// What a read may fail with.
pub async fn list_editions<N: Noun>(request: HttpRequest) -> Result<HttpResponse, Error> {
    let id = path_slug(&request, N::ID).map_err(|error| error.and(PlainQuestion::declaration().faults(&request)))?;
    let name = format!("{}/{id}/editions", N::PATH);
    let outcome = answer::represent(request.clone(), &name, PlainQuestion::declaration(), move |db, reading, question| {
        let items = editions::<N>(db, &id, reading)?;
        let languages = items.iter().map(|one| one.edition.language.clone()).collect();
        let this = answer::address(&reading.href(N::PATH, &id), "/editions", &question.canonical(&[]));
        let page = EditionsPage { this, total: i64::try_from(items.len()).unwrap_or(i64::MAX), items };
        Ok(Found { value: serde_json::to_value(page).map_err(Error::internal)?, languages })
    })
    .await;
    answer::moved(&request, outcome, Some(N::ID))
}

/// The key of a work that the public sees.
///
/// # Errors
/// 404, 410; a fault of the database.
pub fn visible<N: Noun>(db: &mut Db, id: &str) -> Result<i64, Error> {
    let key = answer::public_key::<N>(db, id)?;
    let listed: i64 = record::table.filter(record::key.eq(key)).filter(record::listed.eq(true)).count().get_result(db)?;
    if listed == 1 { Ok(key) } else { Err(Error::not_found(format!("There is no '{id}' among the {}.", N::PATH))) }
}

fn editions<N: Noun>(db: &mut Db, id: &str, reading: &Reading) -> Result<Vec<WorkEdition>, Error> {
    let key = visible::<N>(db, id)?;
    let work = References::load(db, [key])?;
    let language = reading.locale.chain.first().cloned().unwrap_or_default();
    let Some(work) = work.to(&[key], &language, reading).into_iter().next() else {
        return Err(Error::not_found(format!("There is no '{id}' among the {}.", N::PATH)));
    };
    let rows = load_rows(db, &[key])?;
    let mut attached = Attachments::load(db, &rows)?;
    Ok(rows
        .into_iter()
        .map(|row| WorkEdition { edition: Edition::new(row, &mut attached, N::PATH, N::KIND, id, reading), work: work.clone() })
        .collect())
}
