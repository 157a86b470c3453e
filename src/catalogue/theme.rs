//! Themes: what the volumes are about.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer;
use super::listing::{Condition, SortKey};
use super::locale::{Language, Text};
use super::noun::{Declared, Noun, Reading, serve};
use super::record::{Document, Faults, Head, Schedule, Stored, Texts, read_stored};
use crate::db::Db;
use crate::db::schema::theme;
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::http::question::Question;
use crate::openapi::{ListProblems, ReadProblems};

/// A theme as its editors keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ThemeDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concept_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub texts: Texts,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

impl Document for ThemeDocument {
    const KIND: &'static str = "theme";

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
        faults.url("conceptUri", self.concept_uri.as_ref());
    }

    fn write(&self, db: &mut Db, key: i64) -> Result<(), Error> {
        let known: i64 = theme::table.filter(theme::record_key.eq(key)).count().get_result(db)?;
        if known == 0 {
            diesel::insert_into(theme::table).values((theme::record_key.eq(key), theme::concept_uri.eq(&self.concept_uri))).execute(db)?;
        } else {
            diesel::update(theme::table.filter(theme::record_key.eq(key))).set(theme::concept_uri.eq(&self.concept_uri)).execute(db)?;
        }
        Ok(())
    }

    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error> {
        let mut uris: BTreeMap<i64, Option<String>> =
            theme::table.filter(theme::record_key.eq_any(keys)).load::<(i64, Option<String>)>(db)?.into_iter().collect();
        let stored = read_stored(db, keys, true)?;
        Ok(stored
            .into_iter()
            .map(|one| {
                let position = one.position();
                let Stored { key, id, note, sources, texts, .. } = one;
                (key, id, Self { position, concept_uri: uris.remove(&key).flatten(), note, texts, sources })
            })
            .collect())
    }
}

/// A theme of the collection.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Theme {
    #[schema(example = "http://127.0.0.1:8080/v1/themes/mobility")]
    pub href: String,
    #[schema(example = "mobility", pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 80)]
    pub id: String,
    pub language: Language,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    /// The concept of the Data 4 Wallonia taxonomy that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concept_uri: Option<String>,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub created_at: String,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub updated_at: String,
}

/// The noun.
pub struct Themes;

impl Noun for Themes {
    const KIND: &'static str = "theme";
    const PATH: &'static str = "themes";
    const ID: &'static str = "themeId";
    type View = Theme;

    fn declared() -> &'static Declared {
        static DECLARED: LazyLock<Declared> = LazyLock::new(|| {
            Declared::new::<Theme>(
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

    fn load(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<Theme>, Error> {
        let mut uris: BTreeMap<i64, Option<String>> =
            theme::table.filter(theme::record_key.eq_any(keys)).load::<(i64, Option<String>)>(db)?.into_iter().collect();
        let served = serve(db, keys, reading)?;
        Ok(served
            .into_iter()
            .map(|record| Theme {
                href: reading.href(Self::PATH, &record.row.id),
                language: reading.locale.receipt(&record.language, record.texts.keys()),
                title: reading.locale.text(&record.language, &record.texts, |text| text.title.as_ref()),
                summary: reading.locale.text(&record.language, &record.texts, |text| text.summary.as_ref()),
                concept_uri: uris.remove(&record.row.key).flatten(),
                created_at: rfc3339(record.row.created_at),
                updated_at: rfc3339(record.row.updated_at),
                id: record.row.id,
            })
            .collect())
    }
}

crate::catalogue::described::documented!(Themes, Theme, ThemesPage, ListThemes, FindThemes);

/// List the themes
///
/// The themes in their order.
#[utoipa::path(get, path = "/v1/themes", tag = "Themes", operation_id = "listThemes", params(ListThemes),
    responses((status = 200, description = "A page of themes.", body = ThemesPage), ListProblems))]
pub async fn list_themes(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::list::<Themes>(request).await
}

/// Read a theme
///
/// One theme.
#[utoipa::path(get, path = "/v1/themes/{themeId}", tag = "Themes", operation_id = "findTheme", params(FindThemes),
    responses((status = 200, description = "The theme.", body = Theme), ReadProblems))]
pub async fn find_theme(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::item::<Themes>(request).await
}
