//! Complements: short documents that deepen a single notion of a volume.

pub mod routes;

use std::sync::LazyLock;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::Events;
use super::listing::{Condition, SortKey, keys_of};
use super::noun::{Declared, Embedded, Noun, Reading, Reference, embed_all};
use super::parts::{FigureDocument, PartDocument};
use super::publication::view::{Publication, load};
use super::publication::{WorkDocument, store};
use super::record::{Document, Faults, Head, UNRANKED};
use super::testimony::Testimonies;
use super::theme::Themes;
use super::volume::{self, Volumes};
use crate::db::Db;
use crate::db::schema::{complement_volume, record};
use crate::error::Error;
use crate::http::question::{Kind, Param, Question};

/// A complement as its editors keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ComplementDocument(pub WorkDocument);

impl Document for ComplementDocument {
    const KIND: &'static str = "complement";

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

    /// Those whose number is not known stand last.
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
        if self.0.volumes.is_empty() {
            faults.add("volumes", "a complement deepens at least one volume");
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

/// A complement to one or several volumes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Complement {
    #[serde(flatten)]
    pub publication: Publication,
    /// The volumes it deepens.
    #[schema(required = false)]
    pub volumes: Vec<Reference>,
    /// Related resources by their `href`, when `embed` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Object>>)]
    pub embedded: Option<Embedded>,
}

/// The noun.
pub struct Complements;

impl Noun for Complements {
    const KIND: &'static str = "complement";
    const PATH: &'static str = "complements";
    const ID: &'static str = "complementId";
    type View = Complement;

    fn declared() -> &'static Declared {
        static DECLARED: LazyLock<Declared> = LazyLock::new(|| {
            let mut filters = volume::filters();
            filters.push(Param::many("volume", Kind::Slug, "Only those that deepen one of these volumes. The id that a volume had before it was renamed leads to it; that of none is refused (400).", "strategy"));
            Declared::new::<Complement>(
                &filters,
                &[("number", SortKey::Rank), ("title", SortKey::Title), ("id", SortKey::Id), ("updatedAt", SortKey::UpdatedAt)],
                &["number", "title", "id", "updatedAt"],
                &["number"],
                &["themes", "volumes", "events", "testimonies"],
            )
        });
        &DECLARED
    }

    fn conditions(question: &Question) -> Vec<Condition> {
        let mut all = volume::conditions(question);
        let volumes = question.all("volume").to_vec();
        if !volumes.is_empty() {
            all.push(Box::new(
                record::key.eq_any(
                    complement_volume::table
                        .filter(complement_volume::volume_key.eq_any(keys_of!("volume", volumes)))
                        .select(complement_volume::complement_key),
                ),
            ));
        }
        all
    }

    fn load(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<Complement>, Error> {
        let loaded = load(db, keys, Self::KIND, Self::PATH, reading)?;
        Ok(loaded.into_iter().map(|one| Complement { publication: one.publication, volumes: one.tied, embedded: None }).collect())
    }

    fn embed(db: &mut Db, name: &str, views: &[Complement], reading: &Reading) -> Result<Embedded, Error> {
        match name {
            "themes" => embed_all::<Themes>(db, views.iter().flat_map(|view| &view.publication.themes), reading),
            "volumes" => embed_all::<Volumes>(db, views.iter().flat_map(|view| &view.volumes), reading),
            "events" => embed_all::<Events>(db, views.iter().flat_map(|view| &view.publication.events), reading),
            _ => embed_all::<Testimonies>(db, views.iter().flat_map(|view| &view.publication.testimonies), reading),
        }
    }
}
