//! Translations: of every record and language, whether its text is there, whether it is behind the text it was translated from, and what becomes of it.

pub mod routes;

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::locale::{Chain, LANGUAGES};
use super::noun::path_of;
use super::record::{CHUNK, State};
use crate::db::Db;
use crate::db::schema::{record, record_text, work};
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::http::pages::{Asked, Part, paged};

/// The kinds of record that have texts, those that are translated most first.
pub const TYPES: &[&str] = &["volume", "complement", "event", "testimony", "theme", "supporter", "language", "collection"];
/// What may be said of a translation.
pub const STATES: &[&str] = &["missing", "stale", "draft", "scheduled", "published"];

/// The text of a record in one language, or the want of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Translation {
    /// The record; a supporter is part of the collection.
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/mobility")]
    pub href: String,
    /// `volume`, `complement`, `event`, `testimony`, `theme`, `supporter`, `language` or `collection`.
    #[serde(rename = "type")]
    #[schema(example = "volume")]
    pub kind: String,
    #[schema(example = "mobility")]
    pub id: String,
    /// Its title in the source language, else in the first language that has one.
    #[schema(example = "La mobilité de demain")]
    pub title: String,
    /// The language of this text (BCP 47).
    #[schema(example = "nl")]
    pub language: String,
    /// The language that the others are translated from: as the record declares it, else the first of the fallback languages that it has a text in.
    #[schema(example = "fr")]
    pub source_language: String,
    /// `missing`; `stale` when the words of the source (its contents and figures among them) changed after the words of this text; else what becomes of it: `draft`, `scheduled` or `published`.
    #[schema(example = "missing")]
    pub state: String,
    /// What becomes of a stale text: `draft`, `scheduled` or `published`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "published")]
    pub publication: Option<String>,
    /// When its words last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime)]
    pub updated_at: Option<String>,
    /// When the words of the source last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime)]
    pub source_updated_at: Option<String>,
    /// When it is to be published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub publish_at: Option<String>,
}

paged!(
    /// A page of the translations.
    TranslationsPage of Translation
);

struct Text {
    draft: bool,
    title: String,
    updated_at: NaiveDateTime,
    publish_at: Option<NaiveDateTime>,
}

type RecordRow = (i64, i64, String, String, Option<NaiveDateTime>);

/// A translation, with the numbers of its place in the list: those of its kind, its record's rank and key, and its language.
type Placed = (Vec<i64>, Translation);

/// Which translations are wanted; nothing named means all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub states: Vec<String>,
    pub languages: Vec<String>,
    pub kinds: Vec<String>,
}

/// The translations that are wanted, in the order of the lists of their records.
///
/// # Errors
/// Only of the database.
pub fn list(db: &mut Db, wanted: &Wanted, chain: &Chain, base: &str) -> Result<Vec<Placed>, Error> {
    let among = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|one| one == value);
    let mut all = load(db, &wanted.kinds, chain, base)?;
    all.retain(|(_, one)| among(&wanted.states, &one.state) && among(&wanted.languages, &one.language));
    Ok(all)
}

/// A page of them.
///
/// # Errors
/// Only of the database.
pub fn page(db: &mut Db, wanted: &Wanted, chain: &Chain, base: &str, asked: &Asked) -> Result<Part<Translation>, Error> {
    let all = list(db, wanted, chain, base)?;
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    asked.part(total, |place, limit| {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let beyond = |at: &Vec<i64>| place.numbers.as_ref().is_none_or(|numbers| if place.backward { at < numbers } else { at > numbers });
        let left = all.iter().filter(|(at, _)| beyond(at));
        Ok(if place.backward { left.rev().take(limit).cloned().collect() } else { left.take(limit).cloned().collect() })
    })
}

fn load(db: &mut Db, kinds: &[String], chain: &Chain, base: &str) -> Result<Vec<Placed>, Error> {
    let mut all = Vec::new();
    let wanted = (0..).zip(TYPES).filter(|(_, kind)| kinds.is_empty() || kinds.iter().any(|one| one == *kind));
    for (number, kind) in wanted {
        let records: Vec<RecordRow> = record::table
            .filter(record::kind.eq(kind))
            .order((record::rank, record::key))
            .select((record::key, record::rank, record::id, record::state, record::publish_at))
            .load(db)?;
        for part in records.chunks(CHUNK) {
            let keys: Vec<i64> = part.iter().map(|(key, ..)| *key).collect();
            let mut texts = texts_of(db, &keys)?;
            let declared: Vec<(i64, Option<String>)> =
                work::table.filter(work::record_key.eq_any(&keys)).select((work::record_key, work::source_language)).load(db)?;
            let mut declared: HashMap<i64, String> = declared.into_iter().filter_map(|(key, language)| Some((key, language?))).collect();
            for row in part {
                let texts = texts.remove(&row.0).unwrap_or_default();
                let of_record = translations(kind, row, &texts, declared.remove(&row.0), chain, base);
                all.extend((0..).zip(of_record).map(|(language, one)| (vec![number, row.1, row.0, language], one)));
            }
        }
    }
    Ok(all)
}

fn texts_of(db: &mut Db, keys: &[i64]) -> Result<HashMap<i64, BTreeMap<String, Text>>, Error> {
    type Row = (i64, String, String, String, NaiveDateTime, Option<NaiveDateTime>);
    let rows: Vec<Row> = record_text::table
        .filter(record_text::record_key.eq_any(keys))
        .select((
            record_text::record_key,
            record_text::language,
            record_text::state,
            record_text::title,
            record_text::updated_at,
            record_text::publish_at,
        ))
        .load(db)?;
    let mut all: HashMap<i64, BTreeMap<String, Text>> = HashMap::new();
    for (key, language, state, title, updated_at, publish_at) in rows {
        all.entry(key).or_default().insert(language, Text { draft: state == "draft", title, updated_at, publish_at });
    }
    Ok(all)
}

/// What becomes of a text, and when: one that waits for its record is published with it.
fn publication(text: &Text, state: State, record_at: Option<NaiveDateTime>) -> (&'static str, Option<NaiveDateTime>) {
    let waits = state == State::Draft;
    match (text.draft, waits) {
        (true, false) if text.publish_at.is_some() => ("scheduled", text.publish_at),
        // Both must have come.
        (true, true) if text.publish_at.is_some() && record_at.is_some() => ("scheduled", text.publish_at.max(record_at)),
        (false, true) if record_at.is_some() => ("scheduled", record_at),
        (false, false) => ("published", None),
        _ => ("draft", None),
    }
}

fn translations(
    kind: &str,
    (_, _, id, state, record_at): &RecordRow,
    texts: &BTreeMap<String, Text>,
    declared: Option<String>,
    chain: &Chain,
    base: &str,
) -> Vec<Translation> {
    let first = || chain.languages().iter().find(|language| texts.contains_key(language.as_str())).cloned();
    let source = declared.or_else(first).unwrap_or_else(|| chain.first().to_owned());
    let origin = texts.get(&source);
    let title =
        origin.or_else(|| chain.languages().iter().find_map(|language| texts.get(language))).map(|text| text.title.clone()).unwrap_or_default();
    let href = match path_of(kind) {
        Some(path) => format!("{base}/v1/{path}/{id}"),
        None => format!("{base}/v1/collection"),
    };
    LANGUAGES
        .iter()
        .map(|language| {
            let text = texts.get(*language);
            let becomes = text.map(|text| publication(text, State::of(state), *record_at));
            let stale = *language != source && text.zip(origin).is_some_and(|(text, origin)| origin.updated_at > text.updated_at);
            Translation {
                href: href.clone(),
                kind: kind.to_owned(),
                id: id.clone(),
                title: title.clone(),
                language: (*language).to_owned(),
                source_language: source.clone(),
                state: if stale { "stale" } else { becomes.map_or("missing", |(state, _)| state) }.to_owned(),
                publication: becomes.filter(|_| stale).map(|(state, _)| state.to_owned()),
                updated_at: text.map(|text| rfc3339(text.updated_at)),
                source_updated_at: origin.map(|text| rfc3339(text.updated_at)),
                publish_at: becomes.and_then(|(_, at)| at).map(rfc3339),
            }
        })
        .collect()
}
