//! Writing works, and reading them back as their editors keep them.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{ContributorDocument, EditionDocument, WorkDocument};
use crate::catalogue::noun::group;
use crate::catalogue::parts;
use crate::catalogue::record::{Stored, ids, read_stored, referred};
use crate::db::Db;
use crate::db::schema::{complement_volume, download_item, edition, edition_file, work, work_contributor, work_theme};
use crate::db::types::rfc3339;
use crate::error::{Code, Error};

/// Writes what is particular to a work. Editions keep their keys, because files and requests hang on them.
///
/// # Errors
/// A reference to something that is not there; an edition that is in use and would vanish; a fault of the database.
pub fn write(db: &mut Db, key: i64, kind: &str, document: &WorkDocument) -> Result<(), Error> {
    let known: Option<i64> = work::table.filter(work::record_key.eq(key)).select(work::record_key).first(db).optional()?;
    let values = (
        work::kind.eq(kind),
        work::number.eq(document.number),
        work::year.eq(document.year),
        work::published_on.eq(&document.published_on),
        work::expected_on.eq(&document.expected_on),
        work::source_language.eq(&document.source_language),
        work::page_url.eq(&document.page_url),
    );
    if known.is_some() {
        diesel::update(work::table.filter(work::record_key.eq(key))).set(values).execute(db)?;
    } else {
        diesel::insert_into(work::table)
            .values((work::record_key.eq(key), values.0, values.1, values.2, values.3, values.4, values.5, values.6))
            .execute(db)?;
    }

    diesel::delete(work_theme::table.filter(work_theme::work_key.eq(key))).execute(db)?;
    for (position, id) in (1..).zip(&document.themes) {
        let theme = referred(db, "theme", id)?;
        diesel::insert_into(work_theme::table)
            .values((work_theme::work_key.eq(key), work_theme::theme_key.eq(theme), work_theme::position.eq(position)))
            .execute(db)?;
    }
    diesel::delete(complement_volume::table.filter(complement_volume::complement_key.eq(key))).execute(db)?;
    for (position, id) in (1..).zip(&document.volumes) {
        let volume = referred(db, "volume", id)?;
        diesel::insert_into(complement_volume::table)
            .values((complement_volume::complement_key.eq(key), complement_volume::volume_key.eq(volume), complement_volume::position.eq(position)))
            .execute(db)?;
    }
    diesel::delete(work_contributor::table.filter(work_contributor::work_key.eq(key))).execute(db)?;
    for (position, contributor) in (1..).zip(&document.contributors) {
        diesel::insert_into(work_contributor::table)
            .values((
                work_contributor::work_key.eq(key),
                work_contributor::position.eq(position),
                work_contributor::name.eq(&contributor.name),
                work_contributor::role.eq(&contributor.role),
                work_contributor::organization.eq(&contributor.organization),
            ))
            .execute(db)?;
    }
    write_editions(db, key, &document.editions)?;
    parts::write(db, key, &document.contents)?;
    parts::write_figures(db, key, &document.figures)
}

fn write_editions(db: &mut Db, key: i64, editions: &[EditionDocument]) -> Result<(), Error> {
    let known: HashMap<String, i64> =
        edition::table.filter(edition::work_key.eq(key)).select((edition::language, edition::key)).load::<(String, i64)>(db)?.into_iter().collect();
    for (language, edition_key) in &known {
        if !editions.iter().any(|edition| &edition.language == language) {
            let requests: i64 = download_item::table.filter(download_item::edition_key.eq(edition_key)).count().get_result(db)?;
            let held = |what: String| Err(Error::problem(Code::Conflict, format!("The edition '{language}' stays: {what}.")));
            if requests > 0 {
                let asked = if requests == 1 { "a download request asks".to_owned() } else { format!("{requests} download requests ask") };
                return held(format!("{asked} for it"));
            }
            if super::file::present(db, *edition_key)?.is_some() {
                return held("it has a PDF; take that away first (DELETE …/file)".into());
            }
            // Which files it had is in the history of its work.
            diesel::delete(edition_file::table.filter(edition_file::edition_key.eq(edition_key))).execute(db)?;
            diesel::delete(edition::table.filter(edition::key.eq(edition_key))).execute(db)?;
        }
    }
    for document in editions {
        let values = (
            edition::title.eq(&document.title),
            edition::published_on.eq(&document.published_on),
            edition::pages.eq(document.pages),
            edition::pages_source.eq(&document.pages_source),
            edition::isbn.eq(&document.isbn),
            edition::doi.eq(&document.doi),
            edition::handle.eq(&document.handle),
            edition::external_url.eq(&document.external_url),
            edition::access.eq(&document.access),
            edition::cover.eq(&document.cover),
        );
        if let Some(edition_key) = known.get(&document.language) {
            diesel::update(edition::table.filter(edition::key.eq(edition_key))).set(values).execute(db)?;
        } else {
            diesel::insert_into(edition::table)
                .values((
                    edition::work_key.eq(key),
                    edition::language.eq(&document.language),
                    values.0,
                    values.1,
                    values.2,
                    values.3,
                    values.4,
                    values.5,
                    values.6,
                    values.7,
                    values.8,
                    values.9,
                ))
                .execute(db)?;
        }
    }
    Ok(())
}

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

/// Reads some works back: key, id, document.
///
/// # Errors
/// Only of the database.
pub fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, WorkDocument)>, Error> {
    let stored = read_stored(db, keys, true)?;
    let rows: Vec<WorkRow> = work::table
        .filter(work::record_key.eq_any(keys))
        .select((work::record_key, work::number, work::year, work::published_on, work::expected_on, work::source_language, work::page_url))
        .load(db)?;
    let mut rows: HashMap<i64, WorkRow> = rows.into_iter().map(|row| (row.record_key, row)).collect();
    let themes: Vec<(i64, i64)> = work_theme::table
        .filter(work_theme::work_key.eq_any(keys))
        .order(work_theme::position)
        .select((work_theme::work_key, work_theme::theme_key))
        .load(db)?;
    let volumes: Vec<(i64, i64)> = complement_volume::table
        .filter(complement_volume::complement_key.eq_any(keys))
        .order(complement_volume::position)
        .select((complement_volume::complement_key, complement_volume::volume_key))
        .load(db)?;
    let names = ids(db, themes.iter().chain(&volumes).map(|(_, other)| *other))?;
    let named = |pairs: Vec<(i64, i64)>| group(pairs.into_iter().filter_map(|(key, other)| Some((key, names.get(&other)?.clone()))));
    let (mut themes, mut volumes) = (named(themes), named(volumes));
    let contributors: Vec<(i64, i32, String, String, Option<String>)> =
        work_contributor::table.filter(work_contributor::work_key.eq_any(keys)).order(work_contributor::position).load(db)?;
    let mut contributors =
        group(contributors.into_iter().map(|(key, _, name, role, organization)| (key, ContributorDocument { name, role, organization })));
    let mut editions = group(super::edition::load_rows(db, keys)?.into_iter().map(|row| (row.work_key, row.into_document())));
    let mut contents = parts::load(db, keys)?;
    let mut figures = parts::load_figures(db, keys)?;

    let mut all = Vec::with_capacity(stored.len());
    for Stored { key, id, state, note, publish_at, withdraw_at, sources, texts, .. } in stored {
        let Some(row) = rows.remove(&key) else { continue };
        let document = WorkDocument {
            number: row.number,
            year: row.year,
            state,
            publish_at: publish_at.map(rfc3339),
            withdraw_at: withdraw_at.map(rfc3339),
            published_on: row.published_on,
            expected_on: row.expected_on,
            source_language: row.source_language,
            page_url: row.page_url,
            themes: themes.remove(&key).unwrap_or_default(),
            volumes: volumes.remove(&key).unwrap_or_default(),
            note,
            texts,
            contributors: contributors.remove(&key).unwrap_or_default(),
            editions: editions.remove(&key).unwrap_or_default(),
            contents: contents.remove(&key).unwrap_or_default(),
            figures: figures.remove(&key).unwrap_or_default(),
            sources,
        };
        all.push((key, id, document));
    }
    Ok(all)
}
