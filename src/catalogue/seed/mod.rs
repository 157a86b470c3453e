//! The collection as files, and the loading of it: idempotent, all or nothing, never over an edited database without being told to.

pub mod apply;
pub mod cells;
mod differences;
pub mod kept;
pub mod read;
pub mod sheet;
pub mod spell;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDateTime;
use include_dir::{Dir, include_dir};
use serde::Serialize;
use serde_json::Value;

use self::apply::{Manner, Present, apply, plan};
use self::kept::{Filed, Place};
use self::read::Files;
use super::collection::CollectionDocument;
use super::complement::ComplementDocument;
use super::event::EventDocument;
use super::language::LanguageDocument;
use super::pen::{self, Author};
use super::publication::file::Kind;
use super::record::Document;
use super::supporter::SupporterDocument;
use super::testimony::TestimonyDocument;
use super::theme::ThemeDocument;
use super::volume::VolumeDocument;
use crate::db::{Db, Store};
use crate::download::form::texts::{self as consent_texts, ConsentTextDocument};
use crate::error::Error;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/catalogue/seed/collection");

/// The kinds of record and the folders of their files: what others refer to stands before them.
pub const FOLDERS: &[(&str, &str)] = &[
    ("collection", "collection"),
    ("language", "languages"),
    ("theme", "themes"),
    ("volume", "volumes"),
    ("complement", "complements"),
    ("event", "events"),
    ("testimony", "testimonies"),
    ("supporter", "supporters"),
];

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
    /// What another server kept of the records, when the files came from one.
    pub kept: BTreeMap<Place, Filed>,
    /// What was public there and was deleted, and when.
    pub tombstones: BTreeMap<Place, NaiveDateTime>,
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
    let mut texts = BTreeMap::new();
    fn walk(dir: &Dir<'_>, texts: &mut BTreeMap<String, String>) {
        for file in dir.files() {
            texts.insert(file.path().to_string_lossy().replace('\\', "/"), String::from_utf8_lossy(file.contents()).into_owned());
        }
        dir.dirs().for_each(|dir| walk(dir, texts));
    }
    walk(&EMBEDDED, &mut texts);
    whole(Files::of(texts))
}

/// A collection from a folder of the same layout.
///
/// # Errors
/// Every fault, with its file and line.
pub fn from_folder(folder: &Path) -> Result<Everything, Vec<String>> {
    whole(Files::folder(folder))
}

/// Files that refer to nothing but each other.
fn whole(mut files: Files) -> Result<Everything, Vec<String>> {
    files.check_references(&BTreeSet::new());
    files.finish()
}

fn value_of<D: Serialize>(all: &BTreeMap<String, D>, id: &str) -> Result<Option<Value>, Error> {
    all.get(id).map(serde_json::to_value).transpose().map_err(Error::internal)
}

impl Everything {
    /// Reads a database's whole collection back; what the server keeps of it is not among it.
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
            kept: BTreeMap::new(),
            tombstones: BTreeMap::new(),
        })
    }

    /// The document of a record.
    ///
    /// # Errors
    /// Never of a document.
    pub fn value(&self, kind: &str, id: &str) -> Result<Option<Value>, Error> {
        match kind {
            "collection" => value_of(&self.collection, id),
            "language" => value_of(&self.languages, id),
            "theme" => value_of(&self.themes, id),
            "volume" => value_of(&self.volumes, id),
            "complement" => value_of(&self.complements, id),
            "event" => value_of(&self.events, id),
            "testimony" => value_of(&self.testimonies, id),
            "supporter" => value_of(&self.supporters, id),
            _ => Ok(None),
        }
    }

    /// The numbers of the works of a kind that have one, by id.
    pub fn numbers(&self, kind: Kind) -> BTreeMap<String, i32> {
        match kind {
            Kind::Volume => self.volumes.iter().filter_map(|(id, volume)| Some((id.clone(), volume.0.number?))).collect(),
            Kind::Complement => self.complements.iter().filter_map(|(id, complement)| Some((id.clone(), complement.0.number?))).collect(),
        }
    }

    /// Works whose number another one before them has: kind, id, number, the other one.
    pub fn same_numbers(&self) -> Vec<(Kind, String, i32, String)> {
        let mut all = Vec::new();
        for kind in Kind::ALL {
            let mut seen: BTreeMap<i32, String> = BTreeMap::new();
            for (id, number) in self.numbers(kind) {
                match seen.get(&number) {
                    Some(first) => all.push((kind, id, number, first.clone())),
                    None => drop(seen.insert(number, id)),
                }
            }
        }
        all
    }

    /// The ids of a kind.
    pub fn ids(&self, kind: &str) -> Vec<&String> {
        match kind {
            "collection" => self.collection.keys().collect(),
            "language" => self.languages.keys().collect(),
            "theme" => self.themes.keys().collect(),
            "volume" => self.volumes.keys().collect(),
            "complement" => self.complements.keys().collect(),
            "event" => self.events.keys().collect(),
            "testimony" => self.testimonies.keys().collect(),
            "supporter" => self.supporters.keys().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether there is such a record.
    pub fn has(&self, kind: &str, id: &str) -> bool {
        match kind {
            "collection" => self.collection.contains_key(id),
            "language" => self.languages.contains_key(id),
            "theme" => self.themes.contains_key(id),
            "volume" => self.volumes.contains_key(id),
            "complement" => self.complements.contains_key(id),
            "event" => self.events.contains_key(id),
            "testimony" => self.testimonies.contains_key(id),
            "supporter" => self.supporters.contains_key(id),
            _ => false,
        }
    }

    /// All that records refer to: file, property, kind and id.
    pub fn references(&self) -> Vec<(String, &'static str, &'static str, String)> {
        let mut all = Vec::new();
        let mut add = |file: String, place: &'static str, kind: &'static str, ids: &[String]| {
            all.extend(ids.iter().map(|id| (file.clone(), place, kind, id.clone())));
        };
        let volumes = self.volumes.iter().map(|(id, volume)| (format!("volumes/{id}.toml"), &volume.0));
        for (file, work) in volumes.chain(self.complements.iter().map(|(id, complement)| (format!("complements/{id}.toml"), &complement.0))) {
            add(file.clone(), "themes", "theme", &work.themes);
            add(file, "volumes", "volume", &work.volumes);
        }
        for (id, event) in &self.events {
            add(format!("events/{id}.toml"), "volumes", "volume", &event.volumes);
            add(format!("events/{id}.toml"), "complements", "complement", &event.complements);
        }
        for (id, testimony) in &self.testimonies {
            add(format!("testimonies/{id}.toml"), "volumes", "volume", &testimony.volumes);
        }
        all
    }

    /// The covers of all editions: file, place in it, SHA-256.
    pub fn covers(&self) -> Vec<(String, String, String)> {
        let volumes = self.volumes.iter().map(|(id, volume)| (format!("volumes/{id}.toml"), &volume.0));
        let complements = self.complements.iter().map(|(id, complement)| (format!("complements/{id}.toml"), &complement.0));
        volumes
            .chain(complements)
            .flat_map(|(file, work)| {
                let covers = work.editions.iter().enumerate().filter_map(|(index, edition)| Some((index, edition.cover.clone()?)));
                covers.map(move |(index, sha256)| (file.clone(), format!("editions[{index}].cover"), sha256)).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Takes the covers away that are none of these.
    pub fn keep_covers(&mut self, known: &BTreeSet<String>) {
        let works = self.volumes.values_mut().map(|volume| &mut volume.0).chain(self.complements.values_mut().map(|complement| &mut complement.0));
        for edition in works.flat_map(|work| &mut work.editions) {
            edition.cover = edition.cover.take().filter(|sha256| known.contains(sha256));
        }
    }

    /// The files of the collection, by their path in its folder.
    ///
    /// # Errors
    /// Never of documents.
    pub fn spelled(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut files = BTreeMap::new();
        for (kind, folder) in FOLDERS {
            for id in self.ids(kind) {
                let name = if *kind == "collection" { "collection.toml".to_owned() } else { format!("{folder}/{id}.toml") };
                files.extend(self.value(kind, id)?.map(|document| (name, spell::document(&document))));
            }
        }
        for (version, text) in &self.consent_texts {
            files.insert(format!("consentTexts/{version}.toml"), spell::document(&serde_json::to_value(text).map_err(Error::internal)?));
        }
        Ok(files)
    }

    /// How many records and texts there are.
    pub fn count(&self) -> usize {
        FOLDERS.iter().map(|(kind, _)| self.ids(kind).len()).sum::<usize>() + self.consent_texts.len()
    }
}

/// Loads `wanted` in one transaction: into an empty database, or over what is there when `replace` says so.
///
/// # Errors
/// A fault of the database, or something that cannot be removed because requests hang on it; then nothing was changed.
pub fn load(store: &Store, wanted: &Everything, replace: bool) -> Result<Outcome, Error> {
    let author = Author::command(if replace { "seed --replace" } else { "seed" });
    let manner = Manner { keep: false, files: false };
    pen::with(store, &author, |pen| {
        let present = Present::of(pen.db)?;
        let empty = present.all.count() == 0;
        if !empty && !replace {
            let differences = plan(&present, wanted, manner)?;
            return Ok(if differences.is_empty() { Outcome::Unchanged } else { Outcome::Differs(differences) });
        }
        let differences = apply(pen, wanted, manner, &mut || {})?.differences;
        Ok(match (differences.is_empty(), empty) {
            (true, _) => Outcome::Unchanged,
            (false, true) => Outcome::Loaded(wanted.count()),
            (false, false) => Outcome::Replaced(differences),
        })
    })
}

/// What [`load`] with `replace` would change, a line each.
///
/// # Errors
/// Only of the database.
pub fn preview(store: &Store, wanted: &Everything) -> Result<Vec<String>, Error> {
    store.read(|db| plan(&Present::of(db)?, wanted, Manner { keep: false, files: false }))
}
