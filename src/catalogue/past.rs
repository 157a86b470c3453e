//! The catalogue as it was after a revision, and as it would be with its drafts published: read through the same code as the present one, from a
//! small database that is made of the kept states.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web;
use chrono::{NaiveDateTime, NaiveTime};
use diesel::prelude::*;
use tokio::sync::Semaphore;

use super::every;
use super::history::{self, Version};
use super::life;
use super::publication::cover;
use super::record::{self, Kept, KeptFile, instant_of};
use super::revision;
use crate::db::schema::{catalogue_revision, edition, edition_file, record_version, renamed_id, stored_file};
use crate::db::scratch::Scratch;
use crate::db::types::{now, rfc3339};
use crate::db::{Db, Store};
use crate::download::form::texts as consent_texts;
use crate::error::{Error, Issue, IssueKind};
use crate::http::question::Question;

/// How many moments are kept ready.
const KEPT: usize = 4;
/// How many may wait for one to be made.
const QUEUE: usize = 32;

/// Which catalogue is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// As it was: a revision, an instant or a whole day.
    At(String),
    /// As it would be if its drafts were published.
    Preview,
}

impl Moment {
    /// The one that a question names; nothing for the present.
    ///
    /// # Errors
    /// When it names two, or what only the present has.
    pub fn of(question: &Question) -> Result<Option<Self>, Vec<Issue>> {
        let preview = question.one("preview") == Some("true");
        match question.one("at") {
            Some(at) if preview => {
                let detail = "'preview' shows what is to come and 'at' what was; leave one.";
                Err(vec![Issue::new(IssueKind::InvalidInput, "query", "at", detail).value(at)])
            }
            Some(at) if question.one("upcoming").is_some() => {
                let detail = "'upcoming' counts from today, and 'at' shows another day; say 'from' or 'to' with that day instead of 'upcoming'.";
                Err(vec![Issue::new(IssueKind::InvalidInput, "query", "upcoming", detail).value(at)])
            }
            Some(at) => Ok(Some(Self::At(at.to_owned()))),
            None => Ok(preview.then_some(Self::Preview)),
        }
    }
}

/// Of which revision, when that came (a database that was put back to an earlier state comes to the same number again), and whether with its drafts
/// published.
type Name = (i64, NaiveDateTime, bool);
type Ready = (Name, Arc<Scratch>);

/// The moments that were asked for lately.
pub struct Past {
    ready: Arc<Mutex<Vec<Ready>>>,
    /// One is made at a time, even when who asked for it has gone: who asks for the same meanwhile finds it made, and the reads of the present have the
    /// other threads.
    making: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for Past {
    fn default() -> Self {
        Self { ready: Arc::default(), making: Arc::new(Semaphore::new(1)), waiting: Arc::default() }
    }
}

/// One who waits for a moment to be made, until it is dropped.
struct Waiter(Arc<AtomicUsize>);

impl Waiter {
    fn queue(waiting: &Arc<AtomicUsize>) -> Result<Self, Error> {
        let waiter = Self(Arc::clone(waiting));
        if waiting.fetch_add(1, Ordering::AcqRel) >= QUEUE {
            return Err(Error::unavailable("too many wait for the catalogue as it was"));
        }
        Ok(waiter)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Past {
    /// The catalogue of a moment.
    ///
    /// # Errors
    /// 400 for a moment that was not, or not yet; 503 when too many wait for theirs; a fault of the database.
    pub async fn open(&self, store: &Store, moment: &Moment) -> Result<Arc<Scratch>, Error> {
        let (asked, place) = (moment.clone(), store.clone());
        let looked = move || {
            place.read(|db| {
                let revision = match &asked {
                    Moment::At(text) => resolve(db, text)?,
                    Moment::Preview => revision::current(db)?.number,
                };
                Ok((revision, moved_at(db, revision)?))
            })
        };
        let (revision, moved_at) = web::block(looked).await.map_err(Error::unavailable)??;
        let name = (revision, moved_at, *moment == Moment::Preview);
        if let Some(found) = known(&self.ready, name) {
            return Ok(found);
        }
        let waiter = Waiter::queue(&self.waiting)?;
        let turn = Arc::clone(&self.making).acquire_owned().await.map_err(Error::internal)?;
        if let Some(found) = known(&self.ready, name) {
            return Ok(found);
        }
        let (store, all) = (store.clone(), Arc::clone(&self.ready));
        let made = web::block(move || {
            let (versions, images, texts) =
                store.read(|db| Ok((history::everything_at(db, revision)?, cover::load_all(db)?, consent_texts::stored(db)?)))?;
            let made = Scratch::new(|db| {
                texts.put(db)?;
                fill(db, versions, &images, revision, moved_at, name.2)
            });
            let scratch = Arc::new(made?);
            let mut ready = all.lock().unwrap_or_else(PoisonError::into_inner);
            if ready.len() >= KEPT {
                ready.remove(0);
            }
            ready.push((name, Arc::clone(&scratch)));
            drop((turn, waiter));
            Ok(scratch)
        });
        made.await.map_err(Error::unavailable)?
    }
}

/// One that is made already; it was asked for last.
fn known(ready: &Mutex<Vec<Ready>>, name: Name) -> Option<Arc<Scratch>> {
    let mut ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
    let found = ready.iter().position(|(known, _)| *known == name).map(|place| ready.remove(place))?;
    let scratch = Arc::clone(&found.1);
    ready.push(found);
    Some(scratch)
}

fn fault(detail: impl Into<String>, text: &str) -> Error {
    Error::bad_request(vec![Issue::new(IssueKind::InvalidInput, "query", "at", detail).value(text)])
}

/// The revision that a revision's number, an instant or a day (its end, UTC) names.
fn resolve(db: &mut Db, text: &str) -> Result<i64, Error> {
    let present = revision::current(db)?;
    let first = history::first_revision(db)?;
    if let Ok(number) = text.parse::<i64>() {
        return match first {
            Some(first) if (first..=present.number).contains(&number) => Ok(number),
            _ => Err(fault(format!("There is no revision {number}: history goes from {} to {}.", first.unwrap_or_default(), present.number), text)),
        };
    }
    let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let instant = match day {
        Some(day) => day.succ_opt().map(|next| next.and_time(NaiveTime::MIN) - chrono::TimeDelta::microseconds(1)),
        None => crate::db::types::parse_rfc3339(text),
    };
    let Some(instant) = instant else { return Err(fault("It must be a revision, an instant or a day.", text)) };
    if instant > now() {
        return Err(fault("That moment has not passed yet; a day means its end (UTC).", text));
    }
    let begin: Option<NaiveDateTime> = record_version::table.select(diesel::dsl::min(record_version::at)).first(db)?;
    match history::revision_at(db, instant)? {
        Some(revision) => Ok(revision),
        None => Err(fault(begin.map_or("Nothing was written yet.".to_owned(), |begin| format!("History begins at {}.", rfc3339(begin))), text)),
    }
}

fn moved_at(db: &mut Db, revision: i64) -> Result<NaiveDateTime, Error> {
    let last =
        record_version::table.filter(record_version::revision.le(revision)).order((record_version::revision.desc(), record_version::key.desc()));
    match last.select(record_version::at).first(db).optional()? {
        Some(at) => Ok(at),
        // Nothing was written yet.
        None => Ok(revision::current(db)?.moved_at),
    }
}

/// Writes the states into an empty database.
fn fill(db: &mut Db, versions: Vec<Version>, images: &[cover::Whole], revision: i64, moved_at: NaiveDateTime, preview: bool) -> Result<(), Error> {
    // Not the pen: nothing of this is history.
    for image in images {
        cover::put(db, image)?;
    }
    let mut by_kind: HashMap<String, Vec<Version>> = HashMap::new();
    for version in versions {
        by_kind.entry(version.kind.clone()).or_default().push(version);
    }
    for kind in every::KINDS {
        for version in by_kind.remove(*kind).unwrap_or_default() {
            let (Some(document), Some(kept)) = (version.document()?, version.kept()?) else { continue };
            let document = if preview { life::published(document) } else { document };
            let key = every::put(db, kind, &version.id, document, moved_at)?;
            furnish(db, kind, key, &kept)?;
        }
    }
    diesel::update(catalogue_revision::table)
        .set((catalogue_revision::revision.eq(revision), catalogue_revision::moved_at.eq(moved_at)))
        .execute(db)?;
    Ok(())
}

/// Gives a record what was kept beside its document.
fn furnish(db: &mut Db, kind: &str, key: i64, kept: &Kept) -> Result<(), Error> {
    record::set_dates(db, key, kept)?;
    for old in &kept.old_ids {
        diesel::insert_into(renamed_id::table)
            .values((renamed_id::kind.eq(kind), renamed_id::old_id.eq(old), renamed_id::record_key.eq(key)))
            .execute(db)?;
    }
    for file in &kept.files {
        put_file(db, key, file)?;
    }
    Ok(())
}

fn put_file(db: &mut Db, work: i64, file: &KeptFile) -> Result<(), Error> {
    let at = instant_of(&file.attached_at).unwrap_or_else(now);
    let edition: Option<i64> =
        edition::table.filter(edition::work_key.eq(work)).filter(edition::language.eq(&file.language)).select(edition::key).first(db).optional()?;
    let Some(edition) = edition else { return Ok(()) };
    if stored_file::table.filter(stored_file::sha256.eq(&file.sha256)).count().get_result::<i64>(db)? == 0 {
        diesel::insert_into(stored_file::table)
            .values((
                stored_file::sha256.eq(&file.sha256),
                stored_file::bytes.eq(file.bytes),
                stored_file::media_type.eq(&file.media_type),
                stored_file::pages.eq(file.pages),
                stored_file::created_at.eq(at),
            ))
            .execute(db)?;
    }
    diesel::insert_into(edition_file::table)
        .values((
            edition_file::edition_key.eq(edition),
            edition_file::sha256.eq(&file.sha256),
            edition_file::file_name.eq(&file.file_name),
            edition_file::attached_at.eq(at),
        ))
        .execute(db)?;
    Ok(())
}
