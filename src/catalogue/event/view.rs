//! Events as the public sees them, and the noun with its question.

use std::sync::LazyLock;

use chrono::Utc;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::store::Details;
use super::{KINDS, Participant};
use crate::catalogue::complement::Complements;
use crate::catalogue::listing::{Condition, SortKey, keys_of};
use crate::catalogue::locale::{LANGUAGES, Language, Text};
use crate::catalogue::noun::{Declared, Embedded, Noun, Reading, Reference, References, embed_all, serve};
use crate::catalogue::volume::Volumes;
use crate::db::Db;
use crate::db::schema::{event, event_language, event_work, record};
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::http::question::{Kind, Param, Question};

/// An event, at the precision its dates are known.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    #[schema(example = "http://127.0.0.1:8080/v1/events/partnerships-presentation-2022")]
    pub href: String,
    #[schema(example = "partnerships-presentation-2022", pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 80)]
    pub id: String,
    pub language: Language,
    /// `presentation`, `webinar`, `workshop`, `conference` or `videoSeries`.
    #[schema(example = "presentation", required = false)]
    pub kind: String,
    /// `scheduled`, `cancelled`, `postponed` or `movedOnline`; whether it is over, its dates tell.
    #[schema(example = "scheduled", required = false)]
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Text>,
    /// First day, as exactly as is known (EDTF level 0).
    #[schema(example = "2022-11-15", required = false)]
    pub starts_on: String,
    /// Last day, when it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<String>,
    /// Local time, `HH:MM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "09:30")]
    pub start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "17:00")]
    pub end_time: Option<String>,
    /// IANA time zone of the times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Europe/Brussels")]
    pub time_zone: Option<String>,
    /// `inPerson`, `online` or `mixed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "inPerson")]
    pub attendance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ES")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
    /// The languages it is held in, when known.
    #[schema(required = false)]
    pub languages: Vec<String>,
    #[schema(required = false)]
    pub participants: Vec<Participant>,
    /// The volumes it presents.
    #[schema(required = false)]
    pub volumes: Vec<Reference>,
    /// The complements it presents.
    #[schema(required = false)]
    pub complements: Vec<Reference>,
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
pub struct Events;

impl Noun for Events {
    const KIND: &'static str = "event";
    const PATH: &'static str = "events";
    const ID: &'static str = "eventId";
    type View = Event;

    fn declared() -> &'static Declared {
        static DECLARED: LazyLock<Declared> = LazyLock::new(|| {
            Declared::new::<Event>(
                &[
                    Param::many("kind", Kind::Code(KINDS), "Only of these kinds.", "presentation"),
                    Param::one("from", Kind::Date, "Only what may touch this day or a later one.", "2022-01-01"),
                    Param::one("to", Kind::Date, "Only what may touch this day or an earlier one; not before `from`.", "2022-12-31"),
                    Param::one(
                        "upcoming",
                        Kind::Flag,
                        "`true`: only what is not over today (UTC); `false`: only what is. Not with `at`, which shows another day: say `from` or `to` then.",
                        "false",
                    ),
                    Param::many(
                        "volume",
                        Kind::Slug,
                        "Only those that present one of these volumes. The id that a volume had before it was renamed leads to it; that of none is refused (400).",
                        "mobility",
                    ),
                    Param::many(
                        "complement",
                        Kind::Slug,
                        "Only those that present one of these complements. The id that a complement had before it was renamed leads to it; that of none is refused (400).",
                        "leadership",
                    ),
                    Param::many("language", Kind::Code(LANGUAGES), "Only those held in one of these languages.", "fr"),
                ],
                &[("startsOn", SortKey::Rank), ("title", SortKey::Title), ("id", SortKey::Id), ("updatedAt", SortKey::UpdatedAt)],
                &["startsOn", "title", "id", "updatedAt"],
                &["startsOn"],
                &["volumes", "complements"],
            )
        });
        &DECLARED
    }

    fn conditions(question: &Question) -> Vec<Condition> {
        let mut all: Vec<Condition> = Vec::new();
        let kinds = question.all("kind").to_vec();
        if !kinds.is_empty() {
            all.push(Box::new(record::key.eq_any(event::table.filter(event::kind.eq_any(kinds)).select(event::record_key))));
        }
        // Days are ten characters, so that text order is the order of time.
        if let Some(from) = question.one("from").map(str::to_owned) {
            all.push(Box::new(record::key.eq_any(event::table.filter(event::last_day.ge(from)).select(event::record_key))));
        }
        if let Some(to) = question.one("to").map(str::to_owned) {
            all.push(Box::new(record::key.eq_any(event::table.filter(event::first_day.le(to)).select(event::record_key))));
        }
        let today = Utc::now().date_naive().to_string();
        match question.one("upcoming") {
            Some("true") => all.push(Box::new(record::key.eq_any(event::table.filter(event::last_day.ge(today)).select(event::record_key)))),
            Some(_) => all.push(Box::new(record::key.eq_any(event::table.filter(event::last_day.lt(today)).select(event::record_key)))),
            None => {}
        }
        for (name, kind) in [("volume", "volume"), ("complement", "complement")] {
            let works = question.all(name).to_vec();
            if !works.is_empty() {
                all.push(Box::new(
                    record::key.eq_any(event_work::table.filter(event_work::work_key.eq_any(keys_of!(kind, works))).select(event_work::event_key)),
                ));
            }
        }
        let languages = question.all("language").to_vec();
        if !languages.is_empty() {
            all.push(Box::new(
                record::key.eq_any(event_language::table.filter(event_language::language.eq_any(languages)).select(event_language::event_key)),
            ));
        }
        all
    }

    fn load(db: &mut Db, keys: &[i64], reading: &Reading) -> Result<Vec<Event>, Error> {
        let mut details = Details::load(db, keys)?;
        let references = References::load(db, details.works.values().flatten().map(|(work, _)| *work))?;
        let served = serve(db, keys, reading)?;
        Ok(served
            .into_iter()
            .filter_map(|record| {
                let key = record.row.key;
                let row = details.rows.remove(&key)?;
                let place = details.places.remove(&key).unwrap_or_default();
                let works = details.works.remove(&key).unwrap_or_default();
                let refer = |kind: &str| {
                    let keys: Vec<i64> = works.iter().filter(|(_, of)| of == kind).map(|(work, _)| *work).collect();
                    references.to(&keys, &record.language, reading)
                };
                Some(Event {
                    href: reading.href(Self::PATH, &record.row.id),
                    language: reading.locale.receipt(&record.language, record.texts.keys()),
                    kind: row.kind,
                    status: row.status,
                    title: reading.locale.text(&record.language, &record.texts, |text| text.title.as_ref()),
                    summary: reading.locale.text(&record.language, &record.texts, |text| text.summary.as_ref()),
                    starts_on: row.starts_on,
                    ends_on: row.ends_on,
                    start_time: row.start_time,
                    end_time: row.end_time,
                    time_zone: row.time_zone,
                    attendance: row.attendance,
                    venue: place.venue,
                    address: place.address,
                    postal_code: place.postal_code,
                    city: place.city,
                    country: place.country,
                    online_url: row.online_url,
                    page_url: row.page_url,
                    languages: details.languages.remove(&key).unwrap_or_default(),
                    participants: details.participants.remove(&key).unwrap_or_default(),
                    volumes: refer("volume"),
                    complements: refer("complement"),
                    created_at: rfc3339(record.row.created_at),
                    updated_at: rfc3339(record.row.updated_at),
                    id: record.row.id,
                    embedded: None,
                })
            })
            .collect())
    }

    fn embed(db: &mut Db, name: &str, views: &[Event], reading: &Reading) -> Result<Embedded, Error> {
        match name {
            "volumes" => embed_all::<Volumes>(db, views.iter().flat_map(|view| &view.volumes), reading),
            _ => embed_all::<Complements>(db, views.iter().flat_map(|view| &view.complements), reading),
        }
    }
}
