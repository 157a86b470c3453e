//! The collection itself: its introduction, whom it is for, what it offers, why it exists, who supports it.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer;
use super::listing::{Condition, SortKey};
use super::locale::{Language, Text};
use super::noun::{Declared, Noun, Reading, serve};
use super::parts::{self, Figure, FigureDocument, Paragraph, PartDocument};
use super::record::{Document, Faults, Head, Schedule, Stored, Texts, read_stored};
use super::supporter::{self, Supporter};
use crate::db::Db;
use crate::db::schema::collection;
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::http::question::Question;
use crate::openapi::ReadProblems;

/// The id of the one record.
pub const ID: &str = "collection";

/// The collection as its editors keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CollectionDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub texts: Texts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<PartDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<FigureDocument>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

type Row = (i64, Option<String>, Option<String>);

impl Document for CollectionDocument {
    const KIND: &'static str = "collection";

    fn head(&self) -> Head<'_> {
        Head {
            position: None,
            state: Default::default(),
            note: self.note.as_deref(),
            sources: &self.sources,
            texts: &self.texts,
            schedule: Schedule::default(),
            title: None,
        }
    }

    fn pieces(&self) -> Option<(&[PartDocument], &[FigureDocument])> {
        Some((&self.blocks, &self.figures))
    }

    fn check(&self, faults: &mut Faults) {
        faults.date("updatedOn", self.updated_on.as_ref());
        faults.url("pageUrl", self.page_url.as_ref());
        parts::check(&self.blocks, "blocks", parts::BLOCK_KINDS, faults);
        parts::check_figures(&self.figures, faults);
    }

    fn write(&self, db: &mut Db, key: i64) -> Result<(), Error> {
        diesel::delete(collection::table.filter(collection::record_key.eq(key))).execute(db)?;
        diesel::insert_into(collection::table)
            .values((collection::record_key.eq(key), collection::updated_on.eq(&self.updated_on), collection::page_url.eq(&self.page_url)))
            .execute(db)?;
        parts::write(db, key, &self.blocks)?;
        parts::write_figures(db, key, &self.figures)
    }

    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error> {
        let rows: Vec<Row> = collection::table.filter(collection::record_key.eq_any(keys)).load(db)?;
        let mut rows: HashMap<i64, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
        let stored = read_stored(db, keys, true)?;
        let mut blocks = parts::load(db, keys)?;
        let mut figures = parts::load_figures(db, keys)?;
        Ok(stored
            .into_iter()
            .filter_map(|Stored { key, id, note, sources, texts, .. }| {
                let (_, updated_on, page_url) = rows.remove(&key)?;
                let document = Self {
                    updated_on,
                    page_url,
                    note,
                    texts,
                    blocks: blocks.remove(&key).unwrap_or_default(),
                    figures: figures.remove(&key).unwrap_or_default(),
                    sources,
                };
                Some((key, id, document))
            })
            .collect())
    }
}

/// The collection: all that its own page says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Collection {
    #[schema(example = "http://127.0.0.1:8080/v1/collection")]
    pub href: String,
    pub language: Language,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// Its tag line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introduction: Option<Text>,
    /// When the publisher last updated its page, as exactly as is known (EDTF level 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2024")]
    pub updated_on: Option<String>,
    /// Its page on the publisher's site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
    /// What it consists of.
    #[schema(required = false)]
    pub composition: Vec<Paragraph>,
    /// Whom it is for.
    #[schema(required = false)]
    pub audiences: Vec<Paragraph>,
    /// What every volume offers.
    #[schema(required = false)]
    pub offers: Vec<Paragraph>,
    /// Why it exists.
    #[schema(required = false)]
    pub context: Vec<Paragraph>,
    /// Measured or claimed numbers, each with its date and who says so.
    #[schema(required = false)]
    pub figures: Vec<Figure>,
    /// The principles it follows.
    #[schema(required = false)]
    pub principles: Vec<Paragraph>,
    /// The publisher's support missions.
    #[schema(required = false)]
    pub missions: Vec<Paragraph>,
    #[schema(required = false)]
    pub supporters: Vec<Supporter>,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub created_at: String,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub updated_at: String,
}

/// The noun; it has one record.
pub struct Collections;

impl Noun for Collections {
    const KIND: &'static str = "collection";
    const PATH: &'static str = "collection";
    const ID: &'static str = "";
    type View = Collection;

    fn declared() -> &'static Declared {
        static DECLARED: LazyLock<Declared> = LazyLock::new(|| Declared::new::<Collection>(&[], &[("id", SortKey::Id)], &["id"], &["id"], &[]));
        &DECLARED
    }

    fn conditions(_question: &Question) -> Vec<Condition> {
        Vec::new()
    }

    fn load(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<Collection>, Error> {
        let mut rows: HashMap<i64, Row> =
            collection::table.filter(collection::record_key.eq_any(keys)).load::<Row>(db)?.into_iter().map(|row| (row.0, row)).collect();
        let blocks = parts::load(db, keys)?;
        let figures = parts::load_figures(db, keys)?;
        let mut views = Vec::new();
        for record in serve(db, keys, reading)? {
            let Some((key, updated_on, page_url)) = rows.remove(&record.row.key) else { continue };
            let served = record.language.as_str();
            let blocks = blocks.get(&key).map_or(&[][..], Vec::as_slice);
            let paragraphs = |kind: &str| parts::view_paragraphs(blocks, kind, reading.locale, served);
            views.push(Collection {
                href: format!("{}/v1/collection", reading.base),
                language: reading.locale.receipt(served, record.texts.keys()),
                title: reading.locale.text(served, &record.texts, |text| text.title.as_ref()),
                subtitle: reading.locale.text(served, &record.texts, |text| text.subtitle.as_ref()),
                introduction: reading.locale.text(served, &record.texts, |text| text.summary.as_ref()),
                updated_on,
                page_url,
                composition: paragraphs("composition"),
                audiences: paragraphs("audience"),
                offers: paragraphs("offer"),
                context: paragraphs("context"),
                figures: parts::view_figures(figures.get(&key).map_or(&[], Vec::as_slice), reading.locale, served),
                principles: paragraphs("principle"),
                missions: paragraphs("mission"),
                supporters: supporter::load(db, served, reading)?,
                created_at: rfc3339(record.row.created_at),
                updated_at: rfc3339(record.row.updated_at),
            });
        }
        Ok(views)
    }
}

/// The question of the collection.
struct FindCollection;

impl utoipa::IntoParams for FindCollection {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        Collections::declared().item.parameters()
    }
}

/// Read the collection
///
/// The collection itself: name, introduction, audiences, what each volume offers, context with its dated figures, principles, supporters, last update.
#[utoipa::path(get, path = "/v1/collection", tag = "Collection", operation_id = "findCollection", params(FindCollection),
    responses((status = 200, description = "The collection.", body = Collection), ReadProblems))]
pub async fn find_collection(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::single::<Collections>(request, ID.to_owned()).await
}
