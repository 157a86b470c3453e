//! The representation that volumes and complements share.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::edition::{Attachments, Edition, load_rows};
use crate::catalogue::locale::{Language, Text};
use crate::catalogue::noun::{Reading, Reference, References, group, serve};
use crate::catalogue::parts::{self, Figure, Part};
use crate::db::Db;
use crate::db::schema::{complement_volume, event, event_work, record, testimony_work, work, work_contributor, work_theme};
use crate::db::types::rfc3339;
use crate::error::Error;

/// Someone who made a work, and as what.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contributor {
    #[schema(example = "Audrey Lebas")]
    pub name: String,
    /// `author`, `coordinator`, `supervisor`, `communication`, `design`, `partner` or `publisher`.
    #[schema(example = "author")]
    pub role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

/// What a volume and a complement share.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Publication {
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/mobility")]
    pub href: String,
    /// Stable id, chosen by the editor.
    #[schema(example = "mobility", pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 80)]
    pub id: String,
    pub language: Language,
    /// Its number in the series.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 4)]
    pub number: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 2020)]
    pub year: Option<i32>,
    /// `announced` (public before its file) or `published`.
    #[schema(example = "published", required = false)]
    pub status: String,
    /// The title as the collection lists it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// The title exactly as on its own page or cover, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_title: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    /// How it was announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announcement: Option<Text>,
    /// As exactly as is known (EDTF level 0: `2017`, `2017-09` or `2018-09-25`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2021-09-15")]
    pub published_on: Option<String>,
    /// When it was announced for (EDTF level 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2022-11")]
    pub expected_on: Option<String>,
    /// The language it was written in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "fr")]
    pub source_language: Option<String>,
    /// Its page on the publisher's site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
    #[schema(required = false)]
    pub themes: Vec<Reference>,
    #[schema(required = false)]
    pub contributors: Vec<Contributor>,
    #[schema(required = false)]
    pub editions: Vec<Edition>,
    /// What it contains, in order.
    #[schema(required = false)]
    pub contents: Vec<Part>,
    #[schema(required = false)]
    pub figures: Vec<Figure>,
    #[schema(required = false)]
    pub events: Vec<Reference>,
    #[schema(required = false)]
    pub testimonies: Vec<Reference>,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub created_at: String,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub updated_at: String,
}

/// A loaded work: its shared representation, and the volumes or complements it is tied to.
pub struct Loaded {
    pub publication: Publication,
    pub tied: Vec<Reference>,
}

type Pairs = HashMap<i64, Vec<i64>>;

#[derive(Queryable)]
struct WorkRow {
    record_key: i64,
    number: Option<i32>,
    year: Option<i32>,
    published_on: Option<String>,
    expected_on: Option<String>,
    source_language: Option<String>,
    page_url: Option<String>,
}

/// Loads works in the order of `keys`, with a fixed number of queries however many they are.
///
/// # Errors
/// Only of the database.
pub fn load(db: &mut Db, keys: &[i64], kind: &str, path: &str, reading: &Reading) -> Result<Vec<Loaded>, Error> {
    let served = serve(db, keys, reading)?;
    let rows: Vec<WorkRow> = work::table
        .filter(work::record_key.eq_any(keys))
        .select((work::record_key, work::number, work::year, work::published_on, work::expected_on, work::source_language, work::page_url))
        .load(db)?;
    let mut rows: HashMap<i64, WorkRow> = rows.into_iter().map(|row| (row.record_key, row)).collect();
    let contributors: Vec<(i64, i32, String, String, Option<String>)> =
        work_contributor::table.filter(work_contributor::work_key.eq_any(keys)).order(work_contributor::position).load(db)?;
    let mut contributors = group(contributors.into_iter().map(|(key, _, name, role, organization)| (key, Contributor { name, role, organization })));
    let editions = load_rows(db, keys)?;
    let mut attached = Attachments::load(db, &editions)?;
    let mut editions = group(editions.into_iter().map(|row| (row.work_key, row)));
    let contents = parts::load(db, keys)?;
    let figures = parts::load_figures(db, keys)?;

    let themes: Pairs = group(
        work_theme::table
            .filter(work_theme::work_key.eq_any(keys))
            .order(work_theme::position)
            .select((work_theme::work_key, work_theme::theme_key))
            .load(db)?,
    );
    let events: Pairs = group(
        event_work::table
            .inner_join(event::table.on(event::record_key.eq(event_work::event_key)))
            .filter(event_work::work_key.eq_any(keys))
            .order((event::first_day, event::record_key))
            .select((event_work::work_key, event_work::event_key))
            .load(db)?,
    );
    let testimonies: Pairs = group(
        testimony_work::table
            .inner_join(record::table.on(record::key.eq(testimony_work::testimony_key)))
            .filter(testimony_work::work_key.eq_any(keys))
            .order((record::rank, record::key))
            .select((testimony_work::work_key, testimony_work::testimony_key))
            .load(db)?,
    );
    let tied: Pairs = if kind == "volume" {
        group(
            complement_volume::table
                .inner_join(record::table.on(record::key.eq(complement_volume::complement_key)))
                .filter(complement_volume::volume_key.eq_any(keys))
                .order((record::rank, record::key))
                .select((complement_volume::volume_key, complement_volume::complement_key))
                .load(db)?,
        )
    } else {
        group(
            complement_volume::table
                .filter(complement_volume::complement_key.eq_any(keys))
                .order(complement_volume::position)
                .select((complement_volume::complement_key, complement_volume::volume_key))
                .load(db)?,
        )
    };
    let references = References::load(db, [&themes, &events, &testimonies, &tied].into_iter().flat_map(|pairs| pairs.values().flatten().copied()))?;

    let mut loaded = Vec::with_capacity(served.len());
    for record in served {
        let key = record.row.key;
        let Some(row) = rows.remove(&key) else { continue };
        let language = record.language.as_str();
        let text = |of: fn(&crate::catalogue::record::TextDocument) -> Option<&String>| reading.locale.text(language, &record.texts, of);
        let refer = |pairs: &Pairs| references.to(pairs.get(&key).map_or(&[], Vec::as_slice), language, reading);
        let publication = Publication {
            href: reading.href(path, &record.row.id),
            language: reading.locale.receipt(language, record.texts.keys()),
            number: row.number,
            year: row.year,
            status: record.row.state.clone(),
            title: text(|t| t.title.as_ref()),
            full_title: text(|t| t.full_title.as_ref()),
            subtitle: text(|t| t.subtitle.as_ref()),
            summary: text(|t| t.summary.as_ref()),
            announcement: text(|t| t.announcement.as_ref()),
            published_on: row.published_on,
            expected_on: row.expected_on,
            source_language: row.source_language,
            page_url: row.page_url,
            themes: refer(&themes),
            contributors: contributors.remove(&key).unwrap_or_default(),
            editions: editions
                .remove(&key)
                .unwrap_or_default()
                .into_iter()
                .map(|row| Edition::new(row, &mut attached, path, kind, &record.row.id, reading))
                .collect(),
            contents: contents.get(&key).map(|parts| parts::view(parts, reading.locale, language)).unwrap_or_default(),
            figures: figures.get(&key).map(|figures| parts::view_figures(figures, reading.locale, language)).unwrap_or_default(),
            events: refer(&events),
            testimonies: refer(&testimonies),
            created_at: rfc3339(record.row.created_at),
            updated_at: rfc3339(record.row.updated_at),
            id: record.row.id,
        };
        loaded.push(Loaded { publication, tied: refer(&tied) });
    }
    Ok(loaded)
}
