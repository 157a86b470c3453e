//! The collection as files, and the loading of it: idempotent, all or nothing, never over an edited database without being told to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use serde_json::Value;

use super::collection::CollectionDocument;
use super::complement::ComplementDocument;
use super::event::EventDocument;
use super::language::LanguageDocument;
use super::pen::{self, Action, Author, Pen};
use super::record::{self, Document};
use super::supporter::SupporterDocument;
use super::testimony::TestimonyDocument;
use super::theme::ThemeDocument;
use super::volume::VolumeDocument;
use crate::db::{Db, Store};
use crate::download::form::texts::{self as consent_texts, ConsentTextDocument};
use crate::error::Error;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/catalogue/seed/collection");

/// A whole collection, as its editors keep it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Everything {
    pub collection: BTreeMap<String, CollectionDocument>,
    pub languages: BTreeMap<String, LanguageDocument>,
    pub themes: BTreeMap<String, ThemeDocument>,
    pub volumes: BTreeMap<String, VolumeDocument>,
    pub complements: BTreeMap<String, ComplementDocument>,
    pub events: BTreeMap<String, EventDocument>,
    pub testimonies: BTreeMap<String, TestimonyDocument>,
    pub supporters: BTreeMap<String, SupporterDocument>,
    pub consent_texts: BTreeMap<String, ConsentTextDocument>,
}

/// What a load did, or would do.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The database was empty; so many records were written.
    Loaded(usize),
    /// The database holds exactly this already.
    Unchanged,
    /// The database holds something else; these are the differences.
    Differs(Vec<String>),
    /// The differences were applied.
    Replaced(Vec<String>),
}

/// The collection that the binary carries.
///
/// # Errors
/// Every fault of its files; a test keeps them without.
pub fn embedded() -> Result<Everything, Vec<String>> {
    let mut files = Vec::new();
    fn walk(dir: &Dir<'_>, files: &mut Vec<(PathBuf, String)>) {
        for file in dir.files() {
            files.push((file.path().to_owned(), String::from_utf8_lossy(file.contents()).into_owned()));
        }
        dir.dirs().for_each(|dir| walk(dir, files));
    }
    walk(&EMBEDDED, &mut files);
    parse(files)
}

/// A collection from a folder of the same layout.
///
/// # Errors
/// Every fault, with its file and place.
pub fn from_folder(folder: &Path) -> Result<Everything, Vec<String>> {
    let mut files = Vec::new();
    fn walk(root: &Path, dir: &Path, files: &mut Vec<(PathBuf, String)>, faults: &mut Vec<String>) {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(e) => return faults.push(format!("{}: {e}", dir.display())),
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                walk(root, &path, files, faults);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                match std::fs::read_to_string(&path) {
                    Ok(text) => files.push((path.strip_prefix(root).unwrap_or(&path).to_owned(), text)),
                    Err(e) => faults.push(format!("{}: {e}", path.display())),
                }
            }
        }
    }
    let mut faults = Vec::new();
    walk(folder, folder, &mut files, &mut faults);
    if files.is_empty() && faults.is_empty() {
        faults.push(format!("{}: no .toml files here", folder.display()));
    }
    match (parse(files), faults.is_empty()) {
        (Ok(everything), true) => Ok(everything),
        (Ok(_), false) => Err(faults),
        (Err(more), _) => Err(faults.into_iter().chain(more).collect()),
    }
}

fn parse(mut files: Vec<(PathBuf, String)>) -> Result<Everything, Vec<String>> {
    files.sort();
    let mut all = Everything::default();
    let mut faults = Vec::new();
    for (path, text) in &files {
        let parts: Vec<String> = path.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let at = path.display().to_string();
        match parts.as_slice() {
            ["collection"] => read(&at, super::collection::ID, text, &mut all.collection, &mut faults),
            ["languages", id] => read(&at, id, text, &mut all.languages, &mut faults),
            ["themes", id] => read(&at, id, text, &mut all.themes, &mut faults),
            ["volumes", id] => read(&at, id, text, &mut all.volumes, &mut faults),
            ["complements", id] => read(&at, id, text, &mut all.complements, &mut faults),
            ["events", id] => read(&at, id, text, &mut all.events, &mut faults),
            ["testimonies", id] => read(&at, id, text, &mut all.testimonies, &mut faults),
            ["supporters", id] => read(&at, id, text, &mut all.supporters, &mut faults),
            ["consentTexts", id] => match toml::from_str::<ConsentTextDocument>(text) {
                Ok(document) => {
                    faults.extend(document.check(id).into_iter().map(|fault| format!("{at}: {fault}")));
                    all.consent_texts.insert((*id).to_owned(), document);
                }
                Err(e) => faults.push(located(&at, text, &e)),
            },
            _ => faults.push(format!("{at}: a file of a collection is collection.toml, or lies in languages, themes, volumes, complements, events, testimonies, supporters or consentTexts")),
        }
    }
    all.check_references(&mut faults);
    if faults.is_empty() { Ok(all) } else { Err(faults) }
}

fn read<D: Document>(at: &str, id: &str, text: &str, into: &mut BTreeMap<String, D>, faults: &mut Vec<String>) {
    match toml::from_str::<D>(text) {
        Ok(document) => {
            faults.extend(record::check(id, &document).0.into_iter().map(|(place, what)| format!("{at}: {place}: {what}")));
            into.insert(id.to_owned(), document);
        }
        Err(e) => faults.push(located(at, text, &e)),
    }
}

/// A fault of the TOML, with the line it stands on.
fn located(at: &str, text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("{at}:{line}: {}", error.message())
}

impl Everything {
    fn check_references(&self, faults: &mut Vec<String>) {
        let mut known = |at: String, id: &String, exists: bool, what: &str| {
            if !exists {
                faults.push(format!("{at}: there is no {what} '{id}'"));
            }
        };
        let works = self.volumes.iter().map(|(id, volume)| (format!("volumes/{id}.toml"), &volume.0));
        for (at, work) in works.chain(self.complements.iter().map(|(id, complement)| (format!("complements/{id}.toml"), &complement.0))) {
            work.themes.iter().for_each(|id| known(format!("{at}: themes"), id, self.themes.contains_key(id), "theme"));
            work.volumes.iter().for_each(|id| known(format!("{at}: volumes"), id, self.volumes.contains_key(id), "volume"));
        }
        for (id, event) in &self.events {
            event.volumes.iter().for_each(|v| known(format!("events/{id}.toml: volumes"), v, self.volumes.contains_key(v), "volume"));
            event.complements.iter().for_each(|c| known(format!("events/{id}.toml: complements"), c, self.complements.contains_key(c), "complement"));
        }
        for (id, testimony) in &self.testimonies {
            testimony.volumes.iter().for_each(|v| known(format!("testimonies/{id}.toml: volumes"), v, self.volumes.contains_key(v), "volume"));
        }
    }

    /// Reads a database's whole collection back.
    ///
    /// # Errors
    /// Only of the database.
    pub fn of(db: &mut Db) -> Result<Self, Error> {
        Ok(Self {
            collection: Document::read_all(db)?,
            languages: Document::read_all(db)?,
            themes: Document::read_all(db)?,
            volumes: Document::read_all(db)?,
            complements: Document::read_all(db)?,
            events: Document::read_all(db)?,
            testimonies: Document::read_all(db)?,
            supporters: Document::read_all(db)?,
            consent_texts: consent_texts::read_all(db)?,
        })
    }

    /// Everything as one tree of values, for comparing.
    fn tree(&self) -> Result<Value, Error> {
        let value = serde_json::json!({
            "collection": self.collection, "languages": self.languages, "themes": self.themes, "volumes": self.volumes,
            "complements": self.complements, "events": self.events, "testimonies": self.testimonies, "supporters": self.supporters,
            "consentTexts": self.consent_texts,
        });
        Ok(value)
    }

    /// What would have to change to make this into `wanted`, a line each. A consent text is never removed, so one that is not wanted is no difference.
    fn differences(&self, wanted: &Self) -> Result<Vec<String>, Error> {
        let mut present = self.clone();
        present.consent_texts.retain(|version, _| wanted.consent_texts.contains_key(version));
        let mut lines = Vec::new();
        compare("", &present.tree()?, &wanted.tree()?, &mut lines);
        Ok(lines)
    }

    fn count(&self) -> usize {
        self.collection.len()
            + self.languages.len()
            + self.themes.len()
            + self.volumes.len()
            + self.complements.len()
            + self.events.len()
            + self.testimonies.len()
            + self.supporters.len()
            + self.consent_texts.len()
    }
}

/// Loads `wanted` in one transaction: into an empty database, or over what is there when `replace` says so.
///
/// # Errors
/// A fault of the database, or something that cannot be removed because requests hang on it; then nothing was changed.
pub fn load(store: &Store, wanted: &Everything, replace: bool) -> Result<Outcome, Error> {
    let author = Author::command(if replace { "seed --replace" } else { "seed" });
    pen::with(store, &author, |pen| {
        let present = Everything::of(pen.db)?;
        let differences = present.differences(wanted)?;
        if differences.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        let empty = present.count() == 0;
        if !empty && !replace {
            return Ok(Outcome::Differs(differences));
        }
        consent_texts::write(pen.db, &present.consent_texts, &wanted.consent_texts, pen.at)?;
        // What others refer to is written first and removed last.
        write_changed(pen, &present.languages, &wanted.languages)?;
        write_changed(pen, &present.themes, &wanted.themes)?;
        write_changed(pen, &present.volumes, &wanted.volumes)?;
        write_changed(pen, &present.complements, &wanted.complements)?;
        write_changed(pen, &present.events, &wanted.events)?;
        write_changed(pen, &present.testimonies, &wanted.testimonies)?;
        write_changed(pen, &present.supporters, &wanted.supporters)?;
        write_changed(pen, &present.collection, &wanted.collection)?;
        remove_missing(pen, &present.collection, &wanted.collection)?;
        remove_missing(pen, &present.supporters, &wanted.supporters)?;
        remove_missing(pen, &present.testimonies, &wanted.testimonies)?;
        remove_missing(pen, &present.events, &wanted.events)?;
        remove_missing(pen, &present.complements, &wanted.complements)?;
        remove_missing(pen, &present.volumes, &wanted.volumes)?;
        remove_missing(pen, &present.themes, &wanted.themes)?;
        remove_missing(pen, &present.languages, &wanted.languages)?;
        Ok(if empty { Outcome::Loaded(wanted.count()) } else { Outcome::Replaced(differences) })
    })
}

/// What [`load`] with `replace` would change, a line each.
///
/// # Errors
/// Only of the database.
pub fn preview(store: &Store, wanted: &Everything) -> Result<Vec<String>, Error> {
    store.read(|db| Everything::of(db)?.differences(wanted))
}

fn write_changed<D: Document>(pen: &mut Pen<'_>, present: &BTreeMap<String, D>, wanted: &BTreeMap<String, D>) -> Result<(), Error> {
    for (id, document) in wanted {
        if present.get(id) != Some(document) {
            pen.write(id, document, Action::Updated)?;
        }
    }
    Ok(())
}

fn remove_missing<D: Document>(pen: &mut Pen<'_>, present: &BTreeMap<String, D>, wanted: &BTreeMap<String, D>) -> Result<(), Error> {
    for id in present.keys().filter(|id| !wanted.contains_key(*id)) {
        pen.remove(D::KIND, id)?;
    }
    Ok(())
}

fn compare(at: &str, present: &Value, wanted: &Value, lines: &mut Vec<String>) {
    match (present, wanted) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let place = if at.is_empty() { key.clone() } else { format!("{at}/{key}") };
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => compare(&place, a, b, lines),
                    (Some(_), None) => lines.push(format!("- {place}")),
                    (None, Some(_)) => lines.push(format!("+ {place}")),
                    (None, None) => {}
                }
            }
        }
        (a, b) if a == b => {}
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{at}/{index}"), a, b, lines);
            }
        }
        (a, b) => lines.push(format!("~ {at}: {} → {}", short(a), short(b))),
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    crate::error::quote(&text)
}
