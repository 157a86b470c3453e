//! Testimonies: what readers say of a volume.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer;
use super::listing::{Condition, SortKey, keys_of};
use super::locale::{Language, Text};
use super::noun::{Declared, Embedded, Noun, Reading, Reference, References, embed_all, group, serve};
use super::record::{Document, Faults, Head, Schedule, Stored, Texts, ids, read_stored, referred};
use super::volume::Volumes;
use crate::db::Db;
use crate::db::schema::{record, testimony, testimony_work};
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::http::question::{Kind, Param, Question};
use crate::openapi::{ListProblems, ReadProblems};

/// A testimony as its editors keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestimonyDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    pub person: String,
    pub organization: String,
    /// Ids of volumes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub texts: Texts,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

impl Document for TestimonyDocument {
    const KIND: &'static str = "testimony";

    fn head(&self) -> Head<'_> {
        Head {
            position: self.position,
            state: Default::default(),
            note: self.note.as_deref(),
            sources: &self.sources,
            texts: &self.texts,
            schedule: Schedule::default(),
            title: Some(&self.person),
        }
    }

    fn check(&self, faults: &mut Faults) {
        for (name, value) in [("person", &self.person), ("organization", &self.organization)] {
            if value.trim().is_empty() {
                faults.add(name, "a name is needed");
            }
        }
        for (language, text) in &self.texts {
            if text.title.is_some() {
                faults.add(format!("texts.{language}.title"), "a testimony is titled by its person");
            }
            if text.role.is_none() {
                faults.add(format!("texts.{language}.role"), "the person's role is needed");
            }
        }
    }

    fn write(&self, db: &mut Db, key: i64) -> Result<(), Error> {
        let values = (testimony::person.eq(&self.person), testimony::organization.eq(&self.organization));
        let known: i64 = testimony::table.filter(testimony::record_key.eq(key)).count().get_result(db)?;
        if known == 0 {
            diesel::insert_into(testimony::table).values((testimony::record_key.eq(key), values.0, values.1)).execute(db)?;
        } else {
            diesel::update(testimony::table.filter(testimony::record_key.eq(key))).set(values).execute(db)?;
        }
        diesel::delete(testimony_work::table.filter(testimony_work::testimony_key.eq(key))).execute(db)?;
        for (position, id) in (1..).zip(&self.volumes) {
            let volume = referred(db, "volume", id)?;
            diesel::insert_into(testimony_work::table)
                .values((testimony_work::testimony_key.eq(key), testimony_work::work_key.eq(volume), testimony_work::position.eq(position)))
                .execute(db)?;
        }
        Ok(())
    }

    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error> {
        let rows: Vec<(i64, String, String)> = testimony::table.filter(testimony::record_key.eq_any(keys)).load(db)?;
        let mut rows: BTreeMap<i64, (String, String)> = rows.into_iter().map(|(key, person, organization)| (key, (person, organization))).collect();
        let pairs: Vec<(i64, i64)> = testimony_work::table
            .filter(testimony_work::testimony_key.eq_any(keys))
            .order(testimony_work::position)
            .select((testimony_work::testimony_key, testimony_work::work_key))
            .load(db)?;
        let names = ids(db, pairs.iter().map(|(_, work)| *work))?;
        let mut volumes = group(pairs.into_iter().filter_map(|(key, work)| Some((key, names.get(&work)?.clone()))));
        let stored = read_stored(db, keys, false)?;
        Ok(stored
            .into_iter()
            .filter_map(|one| {
                let position = one.position();
                let Stored { key, id, note, sources, texts, .. } = one;
                let (person, organization) = rows.remove(&key)?;
                Some((key, id, Self { position, person, organization, volumes: volumes.remove(&key).unwrap_or_default(), note, texts, sources }))
            })
            .collect())
    }
}

/// What a reader says of a volume.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Testimony {
    #[schema(example = "http://127.0.0.1:8080/v1/testimonies/benoit-muller")]
    pub href: String,
    #[schema(example = "benoit-muller", pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 80)]
    pub id: String,
    pub language: Language,
    #[schema(example = "Benoit Muller", required = false)]
    pub person: String,
    #[schema(example = "Idelux", required = false)]
    pub organization: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Text>,
    /// The gist, in our words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    /// The volumes it is about.
    #[schema(required = false)]
    pub volumes: Vec<Reference>,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub created_at: String,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime, required = false)]
    pub updated_at: String,
    /// Related resources by their `href`, when `embed` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Object>>)]
    pub embedded: Option<Embedded>,
}

/// The noun.
pub struct Testimonies;

impl Noun for Testimonies {
    const KIND: &'static str = "testimony";
    const PATH: &'static str = "testimonies";
    const ID: &'static str = "testimonyId";
    type View = Testimony;

    fn declared() -> &'static Declared {
        static DECLARED: LazyLock<Declared> = LazyLock::new(|| {
            Declared::new::<Testimony>(
                &[Param::many(
                    "volume",
                    Kind::Slug,
                    "Only those about one of these volumes. The id that a volume had before it was renamed leads to it; that of none is refused (400).",
                    "strategy",
                )],
                &[("position", SortKey::Rank), ("person", SortKey::Title), ("id", SortKey::Id), ("updatedAt", SortKey::UpdatedAt)],
                &["position", "person", "id", "updatedAt"],
                &["position"],
                &["volumes"],
            )
        });
        &DECLARED
    }

    fn conditions(question: &Question) -> Vec<Condition> {
        let volumes = question.all("volume").to_vec();
        if volumes.is_empty() {
            return Vec::new();
        }
        vec![Box::new(record::key.eq_any(
            testimony_work::table.filter(testimony_work::work_key.eq_any(keys_of!("volume", volumes))).select(testimony_work::testimony_key),
        ))]
    }

    fn load(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<Testimony>, Error> {
        let rows: Vec<(i64, String, String)> = testimony::table.filter(testimony::record_key.eq_any(keys)).load(db)?;
        let mut rows: BTreeMap<i64, (String, String)> = rows.into_iter().map(|(key, person, organization)| (key, (person, organization))).collect();
        let pairs: Vec<(i64, i64)> = testimony_work::table
            .filter(testimony_work::testimony_key.eq_any(keys))
            .order(testimony_work::position)
            .select((testimony_work::testimony_key, testimony_work::work_key))
            .load(db)?;
        let references = References::load(db, pairs.iter().map(|(_, work)| *work))?;
        let volumes = group(pairs);
        let served = serve(db, keys, reading)?;
        Ok(served
            .into_iter()
            .filter_map(|record| {
                let (person, organization) = rows.remove(&record.row.key)?;
                Some(Testimony {
                    href: reading.href(Self::PATH, &record.row.id),
                    language: reading.locale.receipt(&record.language, record.texts.keys()),
                    person,
                    organization,
                    role: reading.locale.text(&record.language, &record.texts, |text| text.role.as_ref()),
                    summary: reading.locale.text(&record.language, &record.texts, |text| text.summary.as_ref()),
                    volumes: references.to(volumes.get(&record.row.key).map_or(&[], Vec::as_slice), &record.language, reading),
                    created_at: rfc3339(record.row.created_at),
                    updated_at: rfc3339(record.row.updated_at),
                    id: record.row.id,
                    embedded: None,
                })
            })
            .collect())
    }

    fn embed(db: &mut Db, _name: &str, views: &[Testimony], reading: &Reading) -> Result<Embedded, Error> {
        embed_all::<Volumes>(db, views.iter().flat_map(|view| &view.volumes), reading)
    }
}

crate::catalogue::described::documented!(Testimonies, Testimony, TestimoniesPage, ListTestimonies, FindTestimonies);

/// List the testimonies
///
/// The testimonies in their order.
#[utoipa::path(get, path = "/v1/testimonies", tag = "Testimonies", operation_id = "listTestimonies", params(ListTestimonies),
    responses((status = 200, description = "A page of testimonies.", body = TestimoniesPage), ListProblems))]
pub async fn list_testimonies(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::list::<Testimonies>(request).await
}

/// Read a testimony
///
/// One testimony.
#[utoipa::path(get, path = "/v1/testimonies/{testimonyId}", tag = "Testimonies", operation_id = "findTestimony", params(FindTestimonies),
    responses((status = 200, description = "The testimony.", body = Testimony), ReadProblems))]
pub async fn find_testimony(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::item::<Testimonies>(request).await
}
