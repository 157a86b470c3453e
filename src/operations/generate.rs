//! The hidden verb `generate`: a catalogue of any size, the same each time, to measure with. Everything in it is made up.

use std::collections::BTreeMap;

use crate::catalogue::pen::{self, Action, Author};
use crate::catalogue::publication::{ContributorDocument, EditionDocument, WorkDocument};
use crate::catalogue::record::{self, TextDocument};
use crate::catalogue::revision;
use crate::catalogue::theme::ThemeDocument;
use crate::catalogue::volume::VolumeDocument;
use crate::db::Store;
use crate::error::{Code, Error};

/// Volumes written in one transaction.
const CHUNK: u32 = 1_000;
const THEMES: u32 = 12;
const LANGUAGES: [&str; 3] = ["fr", "nl", "en"];
const WORDS: [&str; 16] = [
    "territoire",
    "données",
    "mobilité",
    "citoyens",
    "énergie",
    "gouvernance",
    "stratégie",
    "commune",
    "projet",
    "réseau",
    "évaluation",
    "partenaire",
    "service",
    "quartier",
    "climat",
    "méthode",
];

/// Fills an empty database and says what it did. Each volume has three languages, three themes and two editions.
///
/// # Errors
/// When something is in the database already; a fault of the database.
pub fn run(store: &Store, volumes: u32) -> Result<String, Error> {
    if store.read(revision::current)?.number > 0 {
        return Err(Error::problem(Code::BadRequest, "only an empty database is filled with made-up volumes; this one has been written to"));
    }
    let author = Author::command("generate");
    pen::with(store, &author, |pen| {
        for number in 1..=THEMES {
            pen.write(&format!("theme-{number}"), &theme(number), Action::Created)?;
        }
        Ok(())
    })?;
    for first in (1..=volumes).step_by(CHUNK as usize) {
        pen::with(store, &author, |pen| {
            for number in first..=volumes.min(first + CHUNK - 1) {
                pen.write(&format!("volume-{number}"), &volume(number), Action::Created)?;
            }
            Ok(())
        })?;
    }
    store.tidy()?;
    Ok(format!("{volumes} made-up volumes"))
}

fn theme(number: u32) -> ThemeDocument {
    let texts = LANGUAGES.iter().map(|language| ((*language).to_owned(), text(&format!("Thème {number} ({language})"), None))).collect();
    ThemeDocument { position: i32::try_from(number).ok(), concept_uri: None, note: None, texts, sources: BTreeMap::new() }
}

fn volume(number: u32) -> VolumeDocument {
    // The same for the same number, and scattered over the words, years and themes (Knuth's multiplicative hash).
    let mixed = number.wrapping_mul(2_654_435_761);
    let word = |shift: u32| WORDS[(mixed >> shift) as usize % WORDS.len()];
    let year = 1990 + i32::try_from(mixed % 40).unwrap_or_default();
    let texts = LANGUAGES
        .iter()
        .map(|language| {
            let title = format!("{} et {} {number} ({language})", word(4), word(9));
            let summary =
                format!("Un volume inventé sur {}, {} et {}, pour mesurer combien de temps prend une réponse.", word(14), word(19), word(24));
            ((*language).to_owned(), text(&title, Some(summary)))
        })
        .collect();
    let themes = (0..3).map(|n| format!("theme-{}", 1 + (mixed / 7 + n * 5) % THEMES)).collect();
    let edition = |language: &str| EditionDocument {
        language: language.into(),
        title: None,
        published_on: Some(year.to_string()),
        pages: None,
        pages_source: None,
        isbn: None,
        doi: None,
        handle: None,
        external_url: None,
        cover: None,
        access: "form".into(),
    };
    VolumeDocument(WorkDocument {
        number: i32::try_from(number).ok(),
        year: Some(year),
        state: record::State::Published,
        publish_at: None,
        withdraw_at: None,
        published_on: Some(year.to_string()),
        expected_on: None,
        source_language: Some("fr".into()),
        page_url: None,
        themes,
        volumes: Vec::new(),
        note: None,
        texts,
        contributors: vec![ContributorDocument { name: "Nobody".into(), role: "author".into(), organization: None }],
        editions: vec![edition("fr"), edition("nl")],
        contents: Vec::new(),
        figures: Vec::new(),
        sources: BTreeMap::new(),
    })
}

fn text(title: &str, summary: Option<String>) -> TextDocument {
    TextDocument { title: Some(title.to_owned()), summary, ..TextDocument::default() }
}
