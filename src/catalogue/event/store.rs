//! Writing events, and reading them back: as their editors keep them, and what views need.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{EventDocument, Participant};
use crate::catalogue::noun::group;
use crate::catalogue::record::{Stored, ids, read_stored, referred};
use crate::db::Db;
use crate::db::schema::{event, event_language, event_participant, event_place, event_work, work};
use crate::error::Error;

/// Writes what is particular to an event.
///
/// # Errors
/// A reference to something that is not there; a fault of the database.
pub(super) fn write(document: &EventDocument, db: &mut Db, key: i64) -> Result<(), Error> {
    let (first, last) = document.days().ok_or_else(|| Error::internal("an event was written unchecked"))?;
    // Everything of an event is particular to it, and nothing hangs on it: replaced as a whole.
    diesel::delete(event::table.filter(event::record_key.eq(key))).execute(db)?;
    diesel::insert_into(event::table)
        .values((
            event::record_key.eq(key),
            event::kind.eq(&document.kind),
            event::status.eq(&document.status),
            event::starts_on.eq(&document.starts_on),
            event::ends_on.eq(&document.ends_on),
            event::first_day.eq(first.to_string()),
            event::last_day.eq(last.to_string()),
            event::start_time.eq(&document.start_time),
            event::end_time.eq(&document.end_time),
            event::time_zone.eq(&document.time_zone),
            event::attendance.eq(&document.attendance),
            event::online_url.eq(&document.online_url),
            event::page_url.eq(&document.page_url),
        ))
        .execute(db)?;
    diesel::update(event_place::table.filter(event_place::record_key.eq(key)))
        .set((
            event_place::venue.eq(&document.venue),
            event_place::address.eq(&document.address),
            event_place::postal_code.eq(&document.postal_code),
            event_place::city.eq(&document.city),
            event_place::country.eq(&document.country),
        ))
        .execute(db)?;
    for (position, code) in (1..).zip(&document.languages) {
        diesel::insert_into(event_language::table)
            .values((event_language::event_key.eq(key), event_language::language.eq(code), event_language::position.eq(position)))
            .execute(db)?;
    }
    let works = document.volumes.iter().map(|id| ("volume", id)).chain(document.complements.iter().map(|id| ("complement", id)));
    for (position, (kind, id)) in (1..).zip(works) {
        let work_key = referred(db, kind, id)?;
        diesel::insert_into(event_work::table)
            .values((event_work::event_key.eq(key), event_work::work_key.eq(work_key), event_work::position.eq(position)))
            .execute(db)?;
    }
    for (position, participant) in (1..).zip(&document.participants) {
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

/// Reads some events as their editors keep them.
///
/// # Errors
/// Only of the database.
pub(super) fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, EventDocument)>, Error> {
    let stored = read_stored(db, keys, true)?;
    let mut details = Details::load(db, keys)?;
    let names = ids(db, details.works.values().flatten().map(|(work, _)| *work))?;
    let mut all = Vec::with_capacity(stored.len());
    for Stored { key, id, note, sources, texts, .. } in stored {
        let Some(row) = details.rows.remove(&key) else { continue };
        let place = details.places.remove(&key).unwrap_or_default();
        let works = details.works.remove(&key).unwrap_or_default();
        let named = |kind: &str| works.iter().filter(|(_, of)| of == kind).filter_map(|(work, _)| names.get(work).cloned()).collect();
        let document = EventDocument {
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

#[derive(Queryable)]
pub(super) struct EventRow {
    pub record_key: i64,
    pub kind: String,
    pub status: String,
    pub starts_on: String,
    pub ends_on: Option<String>,
    _first_day: String,
    _last_day: String,
    pub start_time: Option<String>,
    pub end_time: Option<String>,
    pub time_zone: Option<String>,
    pub attendance: Option<String>,
    pub online_url: Option<String>,
    pub page_url: Option<String>,
}

#[derive(Default, Queryable)]
pub(super) struct PlaceRow {
    pub record_key: i64,
    pub venue: Option<String>,
    pub address: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
}

/// What is particular to some events, by key.
pub(super) struct Details {
    pub rows: HashMap<i64, EventRow>,
    pub places: HashMap<i64, PlaceRow>,
    pub languages: HashMap<i64, Vec<String>>,
    /// Key and kind of each work, in order.
    pub works: HashMap<i64, Vec<(i64, String)>>,
    pub participants: HashMap<i64, Vec<Participant>>,
}

impl Details {
    /// Reads them.
    ///
    /// # Errors
    /// Only of the database.
    pub(super) fn load(db: &mut Db, keys: &[i64]) -> Result<Self, Error> {
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
