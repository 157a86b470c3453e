//! What a volume and a complement share: they are two kinds of work, with texts, editions, files, contributors and states.

pub mod cover;
pub mod edition;
pub mod file;
pub mod routes;
pub mod store;
pub mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::{self, FigureDocument, PartDocument};
use super::record::{Faults, Schedule, State, Texts};
use crate::error::quote;

/// What somebody may be to it.
pub const ROLES: &[&str] = &["author", "coordinator", "supervisor", "communication", "design", "partner", "publisher"];
/// How an edition's file is obtained.
pub const ACCESS: &[&str] = &["form", "open"];

/// Someone who made a work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContributorDocument {
    pub name: String,
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

/// A work in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EditionDocument {
    pub language: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isbn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doi: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_url: Option<String>,
    pub access: String,
    /// SHA-256 of its cover: of the image as it was sent to `…/cover`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{64}$", max_length = 64)]
    pub cover: Option<String>,
}

/// A volume or a complement as its editors keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    #[serde(default)]
    pub state: State,
    /// When the server is to publish it (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_at: Option<String>,
    /// When the server is to withdraw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdraw_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
    /// Ids of themes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub themes: Vec<String>,
    /// Ids of the volumes that a complement deepens; a volume has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub texts: Texts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contributors: Vec<ContributorDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub editions: Vec<EditionDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<PartDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<FigureDocument>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

impl WorkDocument {
    /// When it is to be published and withdrawn.
    pub fn schedule(&self) -> Schedule<'_> {
        Schedule { publish_at: self.publish_at.as_deref(), withdraw_at: self.withdraw_at.as_deref() }
    }

    /// What is wrong with it, for volumes and complements alike.
    pub fn check(&self, faults: &mut Faults) {
        if self.number.is_some_and(|number| !(1..=1_000_000).contains(&number)) {
            faults.add("number", "a number is 1 to 1000000");
        }
        if self.year.is_some_and(|year| !(1900..=2999).contains(&year)) {
            faults.add("year", "a year is 1900 to 2999");
        }
        faults.date("publishedOn", self.published_on.as_ref());
        faults.date("expectedOn", self.expected_on.as_ref());
        faults.url("pageUrl", self.page_url.as_ref());
        if let Some(language) = &self.source_language {
            faults.language("sourceLanguage", language);
        }
        for (index, contributor) in self.contributors.iter().enumerate() {
            faults.code(&format!("contributors[{index}].role"), &contributor.role, ROLES);
            if contributor.name.trim().is_empty() {
                faults.add(format!("contributors[{index}].name"), "a name is needed");
            }
        }
        for (index, edition) in self.editions.iter().enumerate() {
            edition.check(&format!("editions[{index}]"), faults);
            if self.editions[..index].iter().any(|other| other.language == edition.language) {
                faults.add(format!("editions[{index}].language"), "there is one edition a language");
            }
        }
        parts::check(&self.contents, "contents", parts::CONTENT_KINDS, faults);
        parts::check_figures(&self.figures, faults);
    }
}

impl EditionDocument {
    fn check(&self, at: &str, faults: &mut Faults) {
        faults.language(&format!("{at}.language"), &self.language);
        faults.code(&format!("{at}.access"), &self.access, ACCESS);
        faults.date(&format!("{at}.publishedOn"), self.published_on.as_ref());
        faults.url(&format!("{at}.externalUrl"), self.external_url.as_ref());
        if let Some(isbn) = self.isbn.as_ref().filter(|isbn| !is_isbn(isbn)) {
            let what = "is no ISBN: 13 digits (978 or 979) or 10, with or without hyphens, the last of which is their check digit";
            faults.add(format!("{at}.isbn"), format!("'{}' {what}", quote(isbn)));
        }
        if let Some(doi) = self.doi.as_ref().filter(|doi| !is_doi(doi)) {
            faults.add(format!("{at}.doi"), format!("'{}' is no DOI such as 10.1000/182; leave out what stands before '10.'", quote(doi)));
        }
        // Open to read, and nowhere to read it: a reader could do nothing with that.
        if self.access == "open" && self.external_url.is_none() {
            let what = "'open' needs 'externalUrl', where anyone can read it: the files kept here are given through the form only";
            faults.add(format!("{at}.access"), what);
        }
        if self.pages.is_some() != self.pages_source.is_some() {
            faults.add(format!("{at}.pagesSource"), "pages and pagesSource go together");
        }
        if let Some(source) = &self.pages_source {
            faults.code(&format!("{at}.pagesSource"), source, &["file", "unofficial"]);
        }
        if self.cover.as_ref().is_some_and(|sha256| sha256.len() != 64 || !sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))) {
            faults.add(format!("{at}.cover"), "a cover is named by its SHA-256, 64 hexadecimal digits in lower case");
        }
        if self.pages.is_some_and(|pages| !(1..=1_000_000).contains(&pages)) {
            faults.add(format!("{at}.pages"), "pages are 1 to 1000000");
        }
    }
}

/// Whether it is an ISBN whose check digit is right (ISO 2108), hyphens or spaces between its groups or not.
fn is_isbn(text: &str) -> bool {
    let grouped = text.split(['-', ' ']).all(|group| !group.is_empty());
    let digits: Vec<u32> =
        text.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_digit(10).unwrap_or(if c == 'X' { 10 } else { 99 })).collect();
    // X stands for ten, and only as the check digit of ten.
    let plain = |digits: &[u32]| digits.iter().all(|digit| *digit < 10);
    grouped
        && match digits.as_slice() {
            [head @ .., check] if head.len() == 9 => {
                plain(head)
                    && *check <= 10
                    && (2..=10).rev().zip(head).map(|(weight, digit)| weight * digit).sum::<u32>().wrapping_add(*check) % 11 == 0
            }
            all @ [9, 7, 8 | 9, ..] if all.len() == 13 => {
                plain(all) && [1, 3].into_iter().cycle().zip(all).map(|(weight, digit)| weight * digit).sum::<u32>() % 10 == 0
            }
            _ => false,
        }
}

/// Whether it is a DOI: `10.`, the number of who registered it, a slash and what they call it (ISO 26324).
fn is_doi(text: &str) -> bool {
    let Some((registrant, name)) = text.strip_prefix("10.").and_then(|rest| rest.split_once('/')) else { return false };
    let mut parts = registrant.split('.');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.next().is_some_and(|first| first.len() >= 4 && number(first))
        && parts.all(number)
        && !name.is_empty()
        && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isbns() {
        for good in ["978-2-930772-00-4", "9782930772004", "978 2 930772 00 4", "0-306-40615-2", "080442957X"] {
            assert!(is_isbn(good), "{good}");
        }
        for bad in
            ["", "978-2-930772-00-5", "0-306-40615-3", "08044295X7", "978-2-930772-00-X", "978--2930772004", "1234567890123", "ISBN 0306406152"]
        {
            assert!(!is_isbn(bad), "{bad}");
        }
    }

    #[test]
    fn dois() {
        for good in ["10.1000/182", "10.1000.10/a/b(c)", "10.25518/2034-0001"] {
            assert!(is_doi(good), "{good}");
        }
        for bad in ["", "182", "10.1/182", "10.1000/", "10.1000", "10.x000/1", "10.1000./1", "10.1000/a b", "https://doi.org/10.1000/182"] {
            assert!(!is_doi(bad), "{bad}");
        }
    }
}
