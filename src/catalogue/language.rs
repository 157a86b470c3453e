//! Languages of the collection, with their names in each other.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer;
use super::listing::{Condition, SortKey};
use super::locale::{self, Text};
use super::noun::{Declared, Noun, Reading, serve};
use super::record::{Document, Faults, Head, Schedule, Stored, Texts, read_stored};
use crate::db::Db;
use crate::db::schema::language;
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::http::question::Question;
use crate::openapi::{ListProblems, ReadProblems};

/// A language as its editors keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LanguageDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    pub native_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub texts: Texts,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

impl Document for LanguageDocument {
    const KIND: &'static str = "language";

    fn head(&self) -> Head<'_> {
        Head {
            position: self.position,
            state: Default::default(),
            note: self.note.as_deref(),
            sources: &self.sources,
            texts: &self.texts,
            schedule: Schedule::default(),
            title: None,
        }
    }

    fn check(&self, faults: &mut Faults) {
        if self.native_name.trim().is_empty() {
            faults.add("nativeName", "a name is needed");
        }
    }

    fn write(&self, db: &mut Db, key: i64) -> Result<(), Error> {
        let known: i64 = language::table.filter(language::record_key.eq(key)).count().get_result(db)?;
        if known == 0 {
            diesel::insert_into(language::table).values((language::record_key.eq(key), language::native_name.eq(&self.native_name))).execute(db)?;
        } else {
            diesel::update(language::table.filter(language::record_key.eq(key))).set(language::native_name.eq(&self.native_name)).execute(db)?;
        }
        Ok(())
    }

    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error> {
        let mut names: BTreeMap<i64, String> =
            language::table.filter(language::record_key.eq_any(keys)).load::<(i64, String)>(db)?.into_iter().collect();
        let stored = read_stored(db, keys, true)?;
        Ok(stored
            .into_iter()
            .map(|one| {
                let position = one.position();
                let Stored { key, id, note, sources, texts, .. } = one;
                (key, id, Self { position, native_name: names.remove(&key).unwrap_or_default(), note, texts, sources })
            })
            .collect())
    }
}

/// A language that texts or editions are in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CatalogueLanguage)]
pub struct Language {
    #[schema(example = "http://127.0.0.1:8080/v1/languages/nl")]
    pub href: String,
    /// BCP 47 code.
    #[schema(example = "nl", pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 80)]
    pub id: String,
    pub language: locale::Language,
    /// Its name in the language served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// Its name in itself.
    #[schema(example = "Nederlands", required = false)]
    pub native_name: String,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub created_at: String,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub updated_at: String,
}

/// The noun.
pub struct Languages;

impl Noun for Languages {
    const KIND: &'static str = "language";
    const PATH: &'static str = "languages";
    const ID: &'static str = "languageCode";
    type View = Language;

    fn declared() -> &'static Declared {
        static DECLARED: LazyLock<Declared> = LazyLock::new(|| {
            Declared::new::<Language>(
                &[],
                &[("position", SortKey::Rank), ("title", SortKey::Title), ("id", SortKey::Id), ("updatedAt", SortKey::UpdatedAt)],
                &["position", "title", "id", "updatedAt"],
                &["position"],
                &[],
            )
        });
        &DECLARED
    }

    fn conditions(_question: &Question) -> Vec<Condition> {
        Vec::new()
    }

    fn load(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<Language>, Error> {
        let mut names: BTreeMap<i64, String> =
            language::table.filter(language::record_key.eq_any(keys)).load::<(i64, String)>(db)?.into_iter().collect();
        let served = serve(db, keys, reading)?;
        Ok(served
            .into_iter()
            .map(|record| Language {
                href: reading.href(Self::PATH, &record.row.id),
                language: reading.locale.receipt(&record.language, record.texts.keys()),
                title: reading.locale.text(&record.language, &record.texts, |text| text.title.as_ref()),
                native_name: names.remove(&record.row.key).unwrap_or_default(),
                created_at: rfc3339(record.row.created_at),
                updated_at: rfc3339(record.row.updated_at),
                id: record.row.id,
            })
            .collect())
    }
}

crate::catalogue::described::documented!(Languages, Language, LanguagesPage, ListLanguages, FindLanguages);

/// List the languages
///
/// The languages of the collection in their order.
#[utoipa::path(get, path = "/v1/languages", tag = "Languages", operation_id = "listLanguages", params(ListLanguages),
    responses((status = 200, description = "A page of languages.", body = LanguagesPage), ListProblems))]
pub async fn list_languages(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::list::<Languages>(request).await
}

/// Read a language
///
/// One language.
#[utoipa::path(get, path = "/v1/languages/{languageCode}", tag = "Languages", operation_id = "findLanguage", params(FindLanguages),
    responses((status = 200, description = "The language.", body = Language), ReadProblems))]
pub async fn find_language(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::item::<Languages>(request).await
}
