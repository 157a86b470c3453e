//! The texts that visitors are shown and agree to: privacy notices and consents, by version. A version is never edited; what changes is a new one.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::catalogue::locale::LANGUAGES;
use crate::db::Db;
use crate::db::schema::{consent_text, consent_text_body};
use crate::error::{Code, Error};
use crate::http::is_slug;

/// The purpose of a privacy notice, which every request quotes.
pub const PRIVACY_NOTICE: &str = "privacyNotice";
/// What the audit log calls a text.
pub const AUDITED: &str = "consentText";
/// The purposes that a visitor may consent to, or not.
pub const CONSENTS: &[&str] = &["news"];

/// A text as its editors keep it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsentTextDocument {
    /// `privacyNotice` or a purpose of consent.
    pub purpose: String,
    /// The day it comes into force.
    pub from: String,
    /// The words by language.
    pub texts: BTreeMap<String, Words>,
    /// For those who edit the file; not stored.
    #[serde(default, skip_serializing)]
    pub note: Option<String>,
    /// For those who edit the file; not stored.
    #[serde(default, skip_serializing)]
    pub sources: BTreeMap<String, String>,
}

/// Equal when the same was shown: the note and the sources are of the file alone.
impl PartialEq for ConsentTextDocument {
    fn eq(&self, other: &Self) -> bool {
        self.purpose == other.purpose && self.from == other.from && self.texts == other.texts
    }
}

/// A text in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Words {
    pub title: String,
    pub body: String,
}

impl ConsentTextDocument {
    /// What is wrong with it, a sentence each.
    pub fn check(&self, version: &str) -> Vec<String> {
        let mut faults = Vec::new();
        if !is_slug(version) {
            faults
                .push(format!("'{version}' is no version: lower-case letters and digits in groups joined by single hyphens, at most 80 characters"));
        }
        if self.purpose != PRIVACY_NOTICE && !CONSENTS.contains(&self.purpose.as_str()) {
            faults.push(format!("purpose: '{}' is none of {PRIVACY_NOTICE}, {}", self.purpose, CONSENTS.join(", ")));
        }
        if self.from.len() != 10 || NaiveDate::parse_from_str(&self.from, "%Y-%m-%d").is_err() {
            faults.push(format!("from: '{}' is not a day such as 2026-11-22", self.from));
        }
        if self.texts.is_empty() {
            faults.push("texts: a text is needed in at least one language".into());
        }
        for (language, words) in &self.texts {
            if !LANGUAGES.contains(&language.as_str()) {
                faults.push(format!("texts.{language}: '{language}' is none of {}", LANGUAGES.join(", ")));
            }
            for (name, text) in [("title", &words.title), ("body", &words.body)] {
                if text.trim().is_empty() || text.chars().any(|c| c.is_control() && c != '\n') {
                    faults.push(format!("texts.{language}.{name}: words are needed, without control characters other than line breaks"));
                }
            }
        }
        faults
    }
}

/// All texts by version.
///
/// # Errors
/// Only of the database.
pub fn read_all(db: &mut Db) -> Result<BTreeMap<String, ConsentTextDocument>, Error> {
    let rows: Vec<(String, String, String)> =
        consent_text::table.select((consent_text::version, consent_text::purpose, consent_text::valid_from)).load(db)?;
    let mut words = load_words(db, None)?;
    Ok(rows
        .into_iter()
        .map(|(version, purpose, from)| {
            let texts = words.remove(&version).unwrap_or_default();
            (version, ConsentTextDocument { purpose, from, texts, note: None, sources: BTreeMap::new() })
        })
        .collect())
}

type ByLanguage = BTreeMap<String, Words>;

/// The words of one version, or of all.
fn load_words(db: &mut Db, version: Option<&str>) -> Result<BTreeMap<String, ByLanguage>, Error> {
    let rows: Vec<(String, String, String, String)> = match version {
        Some(version) => consent_text_body::table.filter(consent_text_body::version.eq(version)).load(db)?,
        None => consent_text_body::table.load(db)?,
    };
    let mut all: BTreeMap<String, ByLanguage> = BTreeMap::new();
    for (version, language, title, body) in rows {
        all.entry(version).or_default().insert(language, Words { title, body });
    }
    Ok(all)
}

/// Adds the texts of `wanted` that are not `present`, and returns their versions. What is present and not wanted stays: requests hang on it.
///
/// # Errors
/// When a version exists with other words; a fault of the database.
pub fn write<'a>(
    db: &mut Db,
    present: &BTreeMap<String, ConsentTextDocument>,
    wanted: &'a BTreeMap<String, ConsentTextDocument>,
    at: NaiveDateTime,
) -> Result<Vec<&'a str>, Error> {
    let mut added = Vec::new();
    for (version, document) in wanted {
        match present.get(version) {
            Some(known) if known == document => continue,
            Some(_) => {
                return Err(Error::problem(
                    Code::BadRequest,
                    format!(
                        "The text '{version}' was published with other words, and what was agreed to is never edited: add a new version beside it."
                    ),
                ));
            }
            None => added.push(version.as_str()),
        }
        diesel::insert_into(consent_text::table)
            .values((
                consent_text::version.eq(version),
                consent_text::purpose.eq(&document.purpose),
                consent_text::valid_from.eq(&document.from),
                consent_text::created_at.eq(at),
            ))
            .execute(db)?;
        for (language, words) in &document.texts {
            diesel::insert_into(consent_text_body::table)
                .values((
                    consent_text_body::version.eq(version),
                    consent_text_body::language.eq(language),
                    consent_text_body::title.eq(&words.title),
                    consent_text_body::body.eq(&words.body),
                ))
                .execute(db)?;
        }
    }
    Ok(added)
}

/// A text in force.
#[derive(Clone, Debug)]
pub struct Current {
    pub version: String,
    pub purpose: String,
    pub texts: BTreeMap<String, Words>,
}

/// The text of a purpose that is in force on a day: of those that had begun by then, the newest.
///
/// # Errors
/// Only of the database.
pub fn current(db: &mut Db, purpose: &str, today: NaiveDate) -> Result<Option<Current>, Error> {
    let Some(version) = current_version(db, purpose, today)? else { return Ok(None) };
    let texts = load_words(db, Some(&version))?.remove(&version).unwrap_or_default();
    Ok(Some(Current { version, purpose: purpose.to_owned(), texts }))
}

/// The version of a purpose that is in force on a day.
///
/// # Errors
/// Only of the database.
pub fn current_version(db: &mut Db, purpose: &str, today: NaiveDate) -> Result<Option<String>, Error> {
    Ok(consent_text::table
        .filter(consent_text::purpose.eq(purpose))
        .filter(consent_text::valid_from.le(today.format("%Y-%m-%d").to_string()))
        .order((consent_text::valid_from.desc(), consent_text::created_at.desc(), consent_text::version.desc()))
        .select(consent_text::version)
        .first(db)
        .optional()?)
}

/// The purpose of a version, in force or not.
///
/// # Errors
/// Only of the database.
pub fn purpose_of(db: &mut Db, version: &str) -> Result<Option<String>, Error> {
    Ok(consent_text::table.filter(consent_text::version.eq(version)).select(consent_text::purpose).first(db).optional()?)
}

/// All texts, as they are stored.
pub struct Stored {
    texts: Vec<(String, String, String, NaiveDateTime)>,
    bodies: Vec<(String, String, String, String)>,
}

/// Reads all texts, for another database to have them too.
///
/// # Errors
/// Only of the database.
pub fn stored(db: &mut Db) -> Result<Stored, Error> {
    Ok(Stored { texts: consent_text::table.load(db)?, bodies: consent_text_body::table.load(db)? })
}

impl Stored {
    /// Writes them into a database that has none.
    ///
    /// # Errors
    /// Only of the database.
    pub fn put(&self, db: &mut Db) -> Result<(), Error> {
        for (version, purpose, from, at) in &self.texts {
            diesel::insert_into(consent_text::table)
                .values((
                    consent_text::version.eq(version),
                    consent_text::purpose.eq(purpose),
                    consent_text::valid_from.eq(from),
                    consent_text::created_at.eq(at),
                ))
                .execute(db)?;
        }
        for (version, language, title, body) in &self.bodies {
            diesel::insert_into(consent_text_body::table)
                .values((
                    consent_text_body::version.eq(version),
                    consent_text_body::language.eq(language),
                    consent_text_body::title.eq(title),
                    consent_text_body::body.eq(body),
                ))
                .execute(db)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(purpose: &str, from: &str, title: &str) -> ConsentTextDocument {
        let texts = BTreeMap::from([("fr".to_owned(), Words { title: title.into(), body: "Corps".into() })]);
        ConsentTextDocument { purpose: purpose.into(), from: from.into(), texts, note: Some("x".into()), sources: BTreeMap::new() }
    }

    #[test]
    fn faults_are_told() {
        assert!(document("news", "2026-11-22", "Titre").check("news-1").is_empty());
        assert_eq!(document("spam", "2026-11", " ").check("News 1").len(), 4);
    }

    #[test]
    fn notes_are_not_compared() {
        let mut other = document("news", "2026-11-22", "Titre");
        other.note = None;
        assert_eq!(other, document("news", "2026-11-22", "Titre"));
        assert!(!serde_json::to_string(&document("news", "2026-11-22", "Titre")).unwrap().contains("note"));
    }
}
