//! Ordered pieces of a record: the tree of what a work contains, the blocks of the collection's page, and dated figures.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::locale::{Locale, Text};
use super::record::Faults;
use crate::db::Db;
use crate::db::schema::{block, block_text, figure, figure_text};
use crate::error::Error;

/// What a part of a work may be.
pub const CONTENT_KINDS: &[&str] = &["part", "phase", "step", "topic", "tool", "caseStudy", "checklist"];
/// What a block of the collection may be.
pub const BLOCK_KINDS: &[&str] = &["composition", "audience", "offer", "context", "principle", "mission"];
/// What a part or a block may be.
pub const KINDS: &[&str] =
    &["part", "phase", "step", "topic", "tool", "caseStudy", "checklist", "composition", "audience", "offer", "context", "principle", "mission"];
/// What a figure counts.
pub const UNITS: &[&str] = &["percent", "municipalities", "downloads", "copies", "steps", "years", "points"];
/// How exact a figure is.
pub const QUALIFIERS: &[&str] = &["nearly", "moreThan", "lessThan", "barely", "about"];
/// What a figure is about.
pub const SCOPES: &[&str] = &["belgium", "wallonia", "flanders", "brussels", "flandersAndBrussels"];

/// Title and summary of a part in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

type PartTexts = BTreeMap<String, PartText>;

/// A part, with the parts within it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartDocument {
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<i32>,
    #[serde(default)]
    pub texts: PartTexts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub contents: Vec<PartDocument>,
}

/// A figure: a number with its unit, how exact it is, what it is about, when it was measured and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FigureDocument {
    pub key: String,
    pub value: String,
    pub unit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted_from: Option<String>,
    #[serde(default)]
    pub texts: PartTexts,
}

/// Checks parts whose kinds must be of `kinds`.
pub fn check(parts: &[PartDocument], place: &str, kinds: &[&str], faults: &mut Faults) {
    for (index, part) in parts.iter().enumerate() {
        let at = format!("{place}[{index}]");
        faults.code(&format!("{at}.kind"), &part.kind, kinds);
        if part.page.is_some_and(|page| !(1..=1_000_000).contains(&page)) {
            faults.add(format!("{at}.page"), "a page is 1 to 1000000");
        }
        check_texts(&part.texts, &at, faults);
        check(&part.contents, &format!("{at}.contents"), kinds, faults);
    }
}

fn check_texts(texts: &PartTexts, at: &str, faults: &mut Faults) {
    if texts.is_empty() {
        faults.add(format!("{at}.texts"), "a text in at least one language is needed");
    }
    for (language, text) in texts {
        faults.language(&format!("{at}.texts.{language}"), language);
        if text.title.is_none() && text.summary.is_none() {
            faults.add(format!("{at}.texts.{language}"), "a title or a summary is needed");
        }
    }
}

/// Checks figures.
pub fn check_figures(figures: &[FigureDocument], faults: &mut Faults) {
    for (index, figure) in figures.iter().enumerate() {
        let at = format!("figures[{index}]");
        if !crate::http::is_slug(&figure.key) || figures[..index].iter().any(|other| other.key == figure.key) {
            faults.add(format!("{at}.key"), "a key is an id, unique among the figures of its record");
        }
        let decimal = figure.value.split('.').all(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
            && figure.value.matches('.').count() <= 1;
        if !decimal {
            faults.add(format!("{at}.value"), format!("'{}' is not a decimal number such as 13 or 3.64", figure.value));
        }
        faults.code(&format!("{at}.unit"), &figure.unit, UNITS);
        if let Some(code) = &figure.qualifier {
            faults.code(&format!("{at}.qualifier"), code, QUALIFIERS);
        }
        if let Some(code) = &figure.scope {
            faults.code(&format!("{at}.scope"), code, SCOPES);
        }
        faults.date(&format!("{at}.measuredOn"), figure.measured_on.as_ref());
        check_texts(&figure.texts, &at, faults);
        if figure.texts.values().any(|text| text.title.is_none()) {
            faults.add(format!("{at}.texts"), "a figure needs a title that says what it measures, in each of its languages");
        }
    }
}

/// Replaces the parts of a record.
///
/// # Errors
/// Only of the database.
pub fn write(db: &mut Db, record_key: i64, parts: &[PartDocument]) -> Result<(), Error> {
    diesel::delete(block::table.filter(block::record_key.eq(record_key))).execute(db)?;
    let mut position = 0;
    write_level(db, record_key, None, parts, &mut position)
}

fn write_level(db: &mut Db, record_key: i64, parent: Option<i64>, parts: &[PartDocument], position: &mut i32) -> Result<(), Error> {
    for part in parts {
        *position += 1;
        let key: i64 = diesel::insert_into(block::table)
            .values((
                block::record_key.eq(record_key),
                block::parent_key.eq(parent),
                block::position.eq(*position),
                block::kind.eq(&part.kind),
                block::number.eq(part.number),
                block::page.eq(part.page),
            ))
            .returning(block::key)
            .get_result(db)?;
        for (language, text) in &part.texts {
            diesel::insert_into(block_text::table)
                .values((
                    block_text::block_key.eq(key),
                    block_text::language.eq(language),
                    block_text::title.eq(&text.title),
                    block_text::summary.eq(&text.summary),
                ))
                .execute(db)?;
        }
        write_level(db, record_key, Some(key), &part.contents, position)?;
    }
    Ok(())
}

/// Replaces the figures of a record.
///
/// # Errors
/// Only of the database.
pub fn write_figures(db: &mut Db, record_key: i64, figures: &[FigureDocument]) -> Result<(), Error> {
    diesel::delete(figure::table.filter(figure::record_key.eq(record_key))).execute(db)?;
    for (position, document) in (1..).zip(figures) {
        let key: i64 = diesel::insert_into(figure::table)
            .values((
                figure::record_key.eq(record_key),
                figure::id.eq(&document.key),
                figure::position.eq(position),
                figure::value.eq(&document.value),
                figure::unit.eq(&document.unit),
                figure::qualifier.eq(&document.qualifier),
                figure::scope.eq(&document.scope),
                figure::measured_on.eq(&document.measured_on),
                figure::quoted_from.eq(&document.quoted_from),
            ))
            .returning(figure::key)
            .get_result(db)?;
        for (language, text) in &document.texts {
            diesel::insert_into(figure_text::table)
                .values((
                    figure_text::figure_key.eq(key),
                    figure_text::language.eq(language),
                    figure_text::title.eq(text.title.as_deref().unwrap_or_default()),
                    figure_text::summary.eq(&text.summary),
                ))
                .execute(db)?;
        }
    }
    Ok(())
}

#[derive(Queryable)]
struct BlockRow {
    key: i64,
    record_key: i64,
    parent_key: Option<i64>,
    kind: String,
    number: Option<i32>,
    page: Option<i32>,
}

/// The parts of some records, by record, in order.
///
/// # Errors
/// Only of the database.
pub fn load(db: &mut Db, records: &[i64]) -> Result<HashMap<i64, Vec<PartDocument>>, Error> {
    let rows: Vec<BlockRow> = block::table
        .filter(block::record_key.eq_any(records))
        .order((block::record_key, block::position))
        .select((block::key, block::record_key, block::parent_key, block::kind, block::number, block::page))
        .load(db)?;
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let mut texts: HashMap<i64, PartTexts> = HashMap::new();
    let text_rows: Vec<(i64, String, Option<String>, Option<String>)> = block_text::table
        .inner_join(block::table.on(block::key.eq(block_text::block_key)))
        .filter(block::record_key.eq_any(records))
        .select((block_text::block_key, block_text::language, block_text::title, block_text::summary))
        .load(db)?;
    for (key, language, title, summary) in text_rows {
        texts.entry(key).or_default().insert(language, PartText { title, summary });
    }
    // Parents stand before their children; the tree is built from the end, so that each part is complete when its parent takes it.
    let mut children: HashMap<i64, Vec<PartDocument>> = HashMap::new();
    let mut roots: HashMap<i64, Vec<PartDocument>> = HashMap::new();
    for row in rows.into_iter().rev() {
        let mut contents = children.remove(&row.key).unwrap_or_default();
        contents.reverse();
        let part = PartDocument { kind: row.kind, number: row.number, page: row.page, texts: texts.remove(&row.key).unwrap_or_default(), contents };
        match row.parent_key {
            Some(parent) => children.entry(parent).or_default().push(part),
            None => roots.entry(row.record_key).or_default().push(part),
        }
    }
    roots.values_mut().for_each(|parts| parts.reverse());
    Ok(roots)
}

#[derive(Queryable)]
struct FigureRow {
    key: i64,
    record_key: i64,
    id: String,
    value: String,
    unit: String,
    qualifier: Option<String>,
    scope: Option<String>,
    measured_on: Option<String>,
    quoted_from: Option<String>,
}

/// The figures of some records, by record, in order.
///
/// # Errors
/// Only of the database.
pub fn load_figures(db: &mut Db, records: &[i64]) -> Result<HashMap<i64, Vec<FigureDocument>>, Error> {
    let rows: Vec<FigureRow> = figure::table
        .filter(figure::record_key.eq_any(records))
        .order((figure::record_key, figure::position))
        .select((
            figure::key,
            figure::record_key,
            figure::id,
            figure::value,
            figure::unit,
            figure::qualifier,
            figure::scope,
            figure::measured_on,
            figure::quoted_from,
        ))
        .load(db)?;
    let keys: Vec<i64> = rows.iter().map(|row| row.key).collect();
    let mut texts: HashMap<i64, PartTexts> = HashMap::new();
    if !keys.is_empty() {
        let text_rows: Vec<(i64, String, String, Option<String>)> = figure_text::table.filter(figure_text::figure_key.eq_any(&keys)).load(db)?;
        for (key, language, title, summary) in text_rows {
            texts.entry(key).or_default().insert(language, PartText { title: Some(title), summary });
        }
    }
    let mut all: HashMap<i64, Vec<FigureDocument>> = HashMap::new();
    for row in rows {
        all.entry(row.record_key).or_default().push(FigureDocument {
            key: row.id,
            value: row.value,
            unit: row.unit,
            qualifier: row.qualifier,
            scope: row.scope,
            measured_on: row.measured_on,
            quoted_from: row.quoted_from,
            texts: texts.remove(&row.key).unwrap_or_default(),
        });
    }
    Ok(all)
}

/// The words of parts and figures by language, wherever they stand.
fn words<'a>(parts: &'a [PartDocument], figures: &'a [FigureDocument]) -> BTreeMap<&'a str, Vec<&'a PartText>> {
    fn gather<'a>(parts: &'a [PartDocument], all: &mut BTreeMap<&'a str, Vec<&'a PartText>>) {
        for part in parts {
            part.texts.iter().for_each(|(language, text)| all.entry(language).or_default().push(text));
            gather(&part.contents, all);
        }
    }
    let mut all = BTreeMap::new();
    gather(parts, &mut all);
    for (language, text) in figures.iter().flat_map(|figure| &figure.texts) {
        all.entry(language.as_str()).or_default().push(text);
    }
    all.values_mut().for_each(|texts| texts.sort_unstable());
    all
}

/// The languages in which these pieces have other words than those that are stored of the record.
///
/// # Errors
/// Only of the database.
pub fn reworded(db: &mut Db, record_key: i64, parts: &[PartDocument], figures: &[FigureDocument]) -> Result<BTreeSet<String>, Error> {
    let stored_parts = load(db, &[record_key])?.remove(&record_key).unwrap_or_default();
    let stored_figures = load_figures(db, &[record_key])?.remove(&record_key).unwrap_or_default();
    let (before, after) = (words(&stored_parts, &stored_figures), words(parts, figures));
    let languages = before.keys().chain(after.keys());
    Ok(languages.filter(|language| before.get(*language) != after.get(*language)).map(|language| (*language).to_owned()).collect())
}

/// A part of what a work contains, with the parts within it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// `part`, `phase`, `step`, `topic`, `tool`, `caseStudy` or `checklist`.
    #[schema(example = "phase", max_length = 20)]
    pub kind: String,
    /// Its number, as the work counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    /// The page of the handbook it begins on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    /// The language of this part, when it is not that of its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The parts within it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, no_recursion)]
    pub contents: Vec<Part>,
}

/// A paragraph of the collection's page.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Paragraph {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    /// The language of this paragraph, when it is not that of the collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// A number that was measured or claimed, with its unit, its date and who says so.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    #[schema(example = "strategy-implemented")]
    pub id: String,
    /// A decimal number.
    #[schema(example = "13")]
    pub value: String,
    /// `percent`, `municipalities`, `downloads`, `copies`, `steps`, `years` or `points`.
    #[schema(example = "percent")]
    pub unit: String,
    /// How exact it is: `nearly`, `moreThan`, `lessThan`, `barely` or `about`; absent when it is stated as exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "nearly")]
    pub qualifier: Option<String>,
    /// What it is about: `belgium`, `wallonia`, `flanders`, `brussels` or `flandersAndBrussels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "belgium")]
    pub scope: Option<String>,
    /// When it was measured or claimed, as exactly as is known (EDTF level 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2017-02")]
    pub measured_on: Option<String>,
    /// Who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted_from: Option<String>,
    /// What it measures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    /// The language of this figure's texts, when it is not that of its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// The texts of a part, following its record's language: title, summary, and the part's language when it differs.
fn resolve(locale: &Locale, served: &str, texts: &PartTexts) -> (Option<Text>, Option<Text>, Option<String>) {
    let own = locale.resolve_after(served, texts).map_or(served, |(code, _)| code);
    (
        locale.text(own, texts, |text| text.title.as_ref()),
        locale.text(own, texts, |text| text.summary.as_ref()),
        (own != served && !locale.all).then(|| own.to_owned()),
    )
}

/// The view of a tree of parts whose record is served in `served`.
pub fn view(parts: &[PartDocument], locale: &Locale, served: &str) -> Vec<Part> {
    parts
        .iter()
        .map(|part| {
            let (title, summary, language) = resolve(locale, served, &part.texts);
            Part {
                kind: part.kind.clone(),
                number: part.number,
                page: part.page,
                title,
                summary,
                language,
                contents: view(&part.contents, locale, served),
            }
        })
        .collect()
}

/// The view of the blocks of one kind.
pub fn view_paragraphs(parts: &[PartDocument], kind: &str, locale: &Locale, served: &str) -> Vec<Paragraph> {
    parts
        .iter()
        .filter(|part| part.kind == kind)
        .map(|part| {
            let (title, summary, language) = resolve(locale, served, &part.texts);
            Paragraph { title, summary, language }
        })
        .collect()
}

/// The view of figures.
pub fn view_figures(figures: &[FigureDocument], locale: &Locale, served: &str) -> Vec<Figure> {
    figures
        .iter()
        .map(|figure| {
            let (title, summary, language) = resolve(locale, served, &figure.texts);
            Figure {
                id: figure.key.clone(),
                value: figure.value.clone(),
                unit: figure.unit.clone(),
                qualifier: figure.qualifier.clone(),
                scope: figure.scope.clone(),
                measured_on: figure.measured_on.clone(),
                quoted_from: figure.quoted_from.clone(),
                title,
                summary,
                language,
            }
        })
        .collect()
}
