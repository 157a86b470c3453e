//! Volumes: the numbered handbooks of the collection.

pub mod routes;

use std::sync::LazyLock;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::complement::Complements;
use super::event::Events;
use super::listing::{Condition, SortKey, keys_of};
use super::locale::LANGUAGES;
use super::noun::{Declared, Embedded, Noun, Reading, Reference, embed_all};
use super::parts::{FigureDocument, PartDocument};
use super::publication::view::{Publication, load};
use super::publication::{WorkDocument, store};
use super::record::{Document, Faults, Head, UNRANKED};
use super::testimony::Testimonies;
use super::theme::Themes;
use crate::db::Db;
use crate::db::schema::{edition, record, work, work_theme};
use crate::error::Error;
use crate::http::question::{Kind, Param, Question};

/// A volume as its editors keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VolumeDocument(pub WorkDocument);

impl Document for VolumeDocument {
    const KIND: &'static str = "volume";

    fn head(&self) -> Head<'_> {
        Head {
            position: None,
            state: self.0.state,
            note: self.0.note.as_deref(),
            sources: &self.0.sources,
            texts: &self.0.texts,
            schedule: self.0.schedule(),
            title: None,
        }
    }

    fn rank(&self) -> i64 {
        self.0.number.map_or(UNRANKED, i64::from)
    }

    fn year(&self) -> Option<i32> {
        self.0.year
    }

    fn pieces(&self) -> Option<(&[PartDocument], &[FigureDocument])> {
        Some((&self.0.contents, &self.0.figures))
    }

    fn check(&self, faults: &mut Faults) {
        if self.0.number.is_none() {
            faults.add("number", "a volume has a number");
        }
        if self.0.year.is_none() {
            faults.add("year", "a volume has a year");
        }
        if !self.0.volumes.is_empty() {
            faults.add("volumes", "only a complement deepens volumes");
        }
        self.0.check(faults);
    }

    fn write(&self, db: &mut Db, key: i64) -> Result<(), Error> {
        store::write(db, key, Self::KIND, &self.0)
    }

    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error> {
        Ok(store::read(db, keys)?.into_iter().map(|(key, id, document)| (key, id, Self(document))).collect())
    }
}

/// A volume of the collection.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    #[serde(flatten)]
    pub publication: Publication,
    /// The complements that deepen it.
    #[schema(required = false)]
    pub complements: Vec<Reference>,
    /// Related resources by their `href`, when `embed` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Object>>)]
    pub embedded: Option<Embedded>,
}

/// The filters that volumes and complements share.
pub fn filters() -> Vec<Param> {
    vec![
        Param::many("number", Kind::Integer { min: 1, max: 1_000_000 }, "Only these numbers.", "4"),
        Param::many("year", Kind::Integer { min: 1900, max: 2999 }, "Only of these years.", "2020"),
        Param::many("status", Kind::Code(&["announced", "published"]), "Only in these states.", "published"),
        Param::many(
            "theme",
            Kind::Slug,
            "Only with one of these themes. The id that a theme had before it was renamed leads to it; that of none is refused (400).",
            "mobility",
        ),
        Param::many(
            "language",
            Kind::Code(LANGUAGES),
            "Only with an edition in one of these languages (not the language of the texts: that is `lang`).",
            "nl",
        ),
    ]
}

/// The conditions of those filters.
pub fn conditions(question: &Question) -> Vec<Condition> {
    let mut all: Vec<Condition> = Vec::new();
    let numbers = question.integers("number");
    if !numbers.is_empty() {
        all.push(Box::new(record::key.eq_any(work::table.filter(work::number.assume_not_null().eq_any(numbers)).select(work::record_key))));
    }
    let years = question.integers("year");
    if !years.is_empty() {
        all.push(Box::new(record::year.assume_not_null().eq_any(years)));
    }
    let languages = question.all("language").to_vec();
    if !languages.is_empty() {
        all.push(Box::new(record::key.eq_any(edition::table.filter(edition::language.eq_any(languages)).select(edition::work_key))));
    }
    let themes = question.all("theme").to_vec();
    if !themes.is_empty() {
        all.push(Box::new(
            record::key.eq_any(work_theme::table.filter(work_theme::theme_key.eq_any(keys_of!("theme", themes))).select(work_theme::work_key)),
        ));
    }
    all
}

/// The noun.
pub struct Volumes;

impl Noun for Volumes {
    const KIND: &'static str = "volume";
    const PATH: &'static str = "volumes";
    const ID: &'static str = "volumeId";
    type View = Volume;

    fn declared() -> &'static Declared {
        static DECLARED: LazyLock<Declared> = LazyLock::new(|| {
            Declared::new::<Volume>(
                &filters(),
                &[
                    ("number", SortKey::Rank),
                    ("year", SortKey::Year),
                    ("title", SortKey::Title),
                    ("id", SortKey::Id),
                    ("updatedAt", SortKey::UpdatedAt),
                ],
                &["number", "year", "title", "id", "updatedAt"],
                &["number"],
                &["themes", "complements", "events", "testimonies"],
            )
        });
        &DECLARED
    }

    fn conditions(question: &Question) -> Vec<Condition> {
        conditions(question)
    }

    fn load(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<Volume>, Error> {
        let loaded = load(db, keys, Self::KIND, Self::PATH, reading)?;
        Ok(loaded.into_iter().map(|one| Volume { publication: one.publication, complements: one.tied, embedded: None }).collect())
    }

    fn embed(db: &mut Db, name: &str, views: &[Volume], reading: &Reading) -> Result<Embedded, Error> {
        match name {
            "themes" => embed_all::<Themes>(db, views.iter().flat_map(|view| &view.publication.themes), reading),
            "complements" => embed_all::<Complements>(db, views.iter().flat_map(|view| &view.complements), reading),
            "events" => embed_all::<Events>(db, views.iter().flat_map(|view| &view.publication.events), reading),
            _ => embed_all::<Testimonies>(db, views.iter().flat_map(|view| &view.publication.testimonies), reading),
        }
    }
}
