//! What every noun of the catalogue shares: identity, state, order, dates, texts by language, sources.

mod kept;
mod store;

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::kept::{Kept, KeptFile, kept, set_dates};
pub use self::store::{CHUNK, ROW, Row, Stored, find, former, ids, key_of, load_texts, read_stored, referred, remove, write};
use super::locale::LANGUAGES;
use super::parts::{FigureDocument, PartDocument};
use crate::db::Db;
use crate::db::schema::record;
use crate::error::Error;
use crate::http::is_slug;

/// Where a record stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkState)]
pub enum State {
    /// Seen by editors only.
    Draft,
    /// Public before its file is there.
    Announced,
    /// Public.
    #[default]
    Published,
    /// Was public; a tombstone stands in its place.
    Withdrawn,
}

impl State {
    /// The code as it is stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Announced => "announced",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads a stored code; the database's CHECK leaves no other.
    pub fn of(code: &str) -> Self {
        match code {
            "draft" => Self::Draft,
            "announced" => Self::Announced,
            "withdrawn" => Self::Withdrawn,
            _ => Self::Published,
        }
    }

    /// Whether lists show it to the public.
    pub fn listed(self) -> bool {
        matches!(self, Self::Announced | Self::Published)
    }
}

/// The texts of a record in one language. Which of them a noun uses, its document says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextDocument {
    /// `draft` or `published`; published when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// When a draft is to be published (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl TextDocument {
    /// Whether the public may read it, once its record is public.
    pub fn is_published(&self) -> bool {
        self.state.as_deref() != Some("draft")
    }

    /// The words alone, without what becomes of them.
    fn words(&self) -> Self {
        Self { state: None, publish_at: None, ..self.clone() }
    }
}

/// The texts by language.
pub type Texts = BTreeMap<String, TextDocument>;

/// A record as its editors keep it. Documents are what the seed's files hold, and what every write takes.
pub trait Document: Serialize + for<'de> Deserialize<'de> + Clone + PartialEq {
    /// The kind of record.
    const KIND: &'static str;
    /// What all records share.
    fn head(&self) -> Head<'_>;
    /// The place in the default order of its list.
    fn rank(&self) -> i64 {
        self.head().position.map_or(UNRANKED, i64::from)
    }
    /// Its year, of what has one.
    fn year(&self) -> Option<i32> {
        None
    }
    /// What it contains and the figures it gives, of what has such pieces.
    fn pieces(&self) -> Option<(&[PartDocument], &[FigureDocument])> {
        None
    }
    /// What is wrong with it, beyond what the shared parts tell.
    fn check(&self, faults: &mut Faults);
    /// Writes what is particular to it; the shared parts are written already.
    ///
    /// # Errors
    /// A reference to something that is not there, or a fault of the database.
    fn write(&self, db: &mut Db, key: i64) -> Result<(), Error>;
    /// Reads some records of this kind back, at most [`CHUNK`]: key, id, document.
    ///
    /// # Errors
    /// Only of the database.
    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error>;
    /// Reads all records of this kind, by id.
    ///
    /// # Errors
    /// Only of the database.
    fn read_all(db: &mut Db) -> Result<BTreeMap<String, Self>, Error> {
        let keys: Vec<i64> = record::table.filter(record::kind.eq(Self::KIND)).order(record::key).select(record::key).load(db)?;
        let mut all = BTreeMap::new();
        for part in keys.chunks(CHUNK) {
            all.extend(Self::read(db, part)?.into_iter().map(|(_, id, document)| (id, document)));
        }
        Ok(all)
    }
}

/// The rank of what has no place: after all that has.
pub const UNRANKED: i64 = 1_000_000_000;

/// The shared part of a document.
pub struct Head<'a> {
    pub position: Option<i32>,
    pub state: State,
    pub note: Option<&'a str>,
    pub sources: &'a BTreeMap<String, String>,
    pub texts: &'a Texts,
    /// When it is to be published and withdrawn, of what has a life of its own.
    pub schedule: Schedule<'a>,
    /// Title of the record in languages whose text has none of its own (a testimony is titled by its person).
    pub title: Option<&'a str>,
}

/// When a record is to be published, and withdrawn again (RFC 3339, UTC).
#[derive(Clone, Copy, Debug, Default)]
pub struct Schedule<'a> {
    pub publish_at: Option<&'a str>,
    pub withdraw_at: Option<&'a str>,
}

/// What the stricter of the two databases keeps in an index, in bytes, with room for the other columns.
const INDEXED: usize = 2_400;

/// Faults found in a document, each with the place it stands at.
#[derive(Debug, Default)]
pub struct Faults(pub Vec<(String, String)>);

impl Faults {
    /// Notes a fault at `place` (`texts.fr.title`).
    pub fn add(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.0.push((place.into(), what.into()));
    }

    /// Notes a date that is none.
    pub fn date(&mut self, place: &str, date: Option<&String>) {
        if let Some(text) = date.filter(|text| super::date::span(text).is_none()) {
            self.add(place, format!("'{text}' is not a date such as 2017, 2017-09 or 2018-09-25"));
        }
    }

    /// Notes an instant that is none.
    pub fn instant(&mut self, place: impl Into<String>, instant: Option<&str>) {
        if let Some(text) = instant.filter(|text| instant_of(text).is_none()) {
            self.add(place, format!("'{}' is not an instant such as 2026-11-26T08:00:00Z", crate::error::quote(text)));
        }
    }

    /// Notes a code that is not one of `codes`.
    pub fn code(&mut self, place: &str, code: &str, codes: &[&str]) {
        if !codes.contains(&code) {
            self.add(place, format!("'{code}' is none of {}", codes.join(", ")));
        }
    }

    /// Notes a language that the API does not speak.
    pub fn language(&mut self, place: &str, code: &str) {
        self.code(place, code, LANGUAGES);
    }

    /// Notes a URL that is none.
    pub fn url(&mut self, place: &str, url: Option<&String>) {
        if let Some(text) = url.filter(|text| !url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))) {
            self.add(place, format!("'{text}' is not a URL that starts with http:// or https://"));
        }
    }
}

/// All that is wrong with a document.
pub fn check<D: Document>(id: &str, document: &D) -> Faults {
    let mut faults = Faults::default();
    if !is_slug(id) {
        faults.add("id", "an id is lower-case letters and digits in groups joined by single hyphens, at most 80 characters");
    }
    let head = document.head();
    if head.position.is_some_and(|position| !(0..=1_000_000).contains(&position)) {
        faults.add("position", "a position is 0 to 1000000");
    }
    if head.texts.is_empty() {
        faults.add("texts", "a record needs its texts in at least one language");
    }
    for (language, text) in head.texts {
        faults.language(&format!("texts.{language}"), language);
        if let Some(state) = &text.state {
            faults.code(&format!("texts.{language}.state"), state, &["draft", "published"]);
        }
        faults.instant(format!("texts.{language}.publishAt"), text.publish_at.as_deref());
        if text.publish_at.is_some() && text.is_published() {
            faults.add(format!("texts.{language}.publishAt"), "only a text that is a draft (state = \"draft\") is published later");
        }
        let title = text.title.as_deref().or(head.title).unwrap_or_default();
        if title.trim().is_empty() || title.chars().count() > 500 {
            faults.add(format!("texts.{language}.title"), "a title of 1 to 500 characters is needed");
        }
        if fold(title).len() > INDEXED {
            faults.add(format!("texts.{language}.title"), "a title is too long once its characters are written in full");
        }
        let all = [&text.title, &text.full_title, &text.subtitle, &text.summary, &text.announcement, &text.role];
        if all.into_iter().flatten().any(|value| value.chars().any(|c| c.is_control() && c != '\n')) {
            faults.add(format!("texts.{language}"), "texts hold no control characters other than line breaks");
        }
    }
    let Schedule { publish_at, withdraw_at } = head.schedule;
    faults.instant("publishAt", publish_at);
    faults.instant("withdrawAt", withdraw_at);
    if publish_at.is_some() && !matches!(head.state, State::Draft | State::Announced) {
        faults.add("publishAt", "only a draft or an announced work is published later; to publish it now, take publishAt away");
    }
    if withdraw_at.is_some() && head.state == State::Withdrawn {
        faults.add("withdrawAt", "it has been withdrawn already");
    }
    if let (Some(publish), Some(withdraw)) = (publish_at.and_then(instant_of), withdraw_at.and_then(instant_of))
        && withdraw <= publish
    {
        faults.add("withdrawAt", "a work is withdrawn after it was published");
    }
    document.check(&mut faults);
    faults
}

/// An instant that a document may name, in the years that both databases order alike.
pub fn instant_of(text: &str) -> Option<NaiveDateTime> {
    crate::db::types::parse_rfc3339(text).filter(|at| (2000..=2999).contains(&chrono::Datelike::year(at)))
}

/// The key that both databases sort and search by: decomposed, without marks, in lower case, single spaces.
pub fn fold(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    use unicode_normalization::char::is_combining_mark;
    let plain: String =
        text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).collect();
    plain.replace('œ', "oe").replace('æ', "ae").replace('ß', "ss").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding() {
        assert_eq!(fold("  L’Évaluation\n de  l'Œuvre"), "l'evaluation de l'oeuvre");
        assert_eq!(fold("STRASSE ß"), "strasse ss");
    }
}
