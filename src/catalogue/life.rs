//! Publishing and withdrawing on time: what a document says in `publishAt` and `withdrawAt` the server does, once, whichever of several servers on the
//! same database comes first, and after having been down at the next start.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::NaiveDateTime;
use diesel::dsl::min;
use diesel::prelude::*;
use serde_json::{Map, Value};

use super::every;
use super::pen::{self, Action, Author, Pen};
use super::revision;
use crate::db::schema::{record, record_text};
use crate::db::types::now;
use crate::db::{Db, Store};
use crate::error::Error;

/// How often the database is asked what is due.
const OFTEN: Duration = Duration::from_millis(500);

/// Carries out what is due as long as it is there.
pub struct Clock {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    /// Begins to look. What came due while no server was running is done at once. After each new revision, whoever wrote it, `then` is done as well.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(store: &Store, then: impl Fn(&Store) -> Result<(), Error> + Send + 'static) -> Result<Self, String> {
        let (end, ended) = channel();
        let store = store.clone();
        let thread = std::thread::Builder::new().name("clock".into()).spawn(move || {
            let (mut failing, mut followed) = (false, None);
            loop {
                let looked = carry_out(&store).and_then(|done| {
                    let revision = store.read(revision::current)?.number;
                    if followed != Some(revision) {
                        then(&store)?;
                        followed = Some(revision);
                    }
                    Ok(done)
                });
                match looked {
                    Ok(done) => {
                        failing = false;
                        if done > 0 {
                            log::info!("published or withdrawn on time: {done} records");
                        }
                    }
                    // Told once, and tried again.
                    Err(error) if !std::mem::replace(&mut failing, true) => log::warn!("what is due cannot be carried out: {error}"),
                    Err(_) => {}
                }
                if ended.recv_timeout(OFTEN) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
        });
        Ok(Self { end: Some(end), thread: Some(thread.map_err(|e| e.to_string())?) })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.end.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the clock ended in a panic");
        }
    }
}

/// Carries out what is due now, and tells how many records it was.
///
/// # Errors
/// Only of the database.
pub fn carry_out(store: &Store) -> Result<usize, Error> {
    if !store.read(|db| Ok(next(db)?.is_some_and(|due| due <= now())))? {
        return Ok(0);
    }
    // Looked up again by whoever holds the pen: another server may have been quicker.
    pen::with(store, &Author::clock(), |pen| {
        let due = due(pen.db, pen.at)?;
        for (key, what) in &due {
            turn(pen, *key, what)?;
        }
        Ok(due.len())
    })
}

/// When the next thing is due.
fn next(db: &mut Db) -> Result<Option<NaiveDateTime>, Error> {
    let times: [Option<NaiveDateTime>; 3] = [
        record::table.filter(record::publish_at.is_not_null()).select(min(record::publish_at)).first(db)?,
        record::table.filter(record::withdraw_at.is_not_null()).select(min(record::withdraw_at)).first(db)?,
        record_text::table.filter(record_text::publish_at.is_not_null()).select(min(record_text::publish_at)).first(db)?,
    ];
    Ok(times.into_iter().flatten().min())
}

/// What is due of a record.
#[derive(Default)]
struct Due {
    publish: bool,
    withdraw: bool,
    languages: Vec<String>,
}

fn due(db: &mut Db, at: NaiveDateTime) -> Result<BTreeMap<i64, Due>, Error> {
    let mut all: BTreeMap<i64, Due> = BTreeMap::new();
    for key in record::table.filter(record::publish_at.le(at)).select(record::key).load::<i64>(db)? {
        all.entry(key).or_default().publish = true;
    }
    for key in record::table.filter(record::withdraw_at.le(at)).select(record::key).load::<i64>(db)? {
        all.entry(key).or_default().withdraw = true;
    }
    let texts: Vec<(i64, String)> =
        record_text::table.filter(record_text::publish_at.le(at)).select((record_text::record_key, record_text::language)).load(db)?;
    for (key, language) in texts {
        all.entry(key).or_default().languages.push(language);
    }
    Ok(all)
}

fn turn(pen: &mut Pen<'_>, key: i64, due: &Due) -> Result<(), Error> {
    let (kind, id): (String, String) = record::table.filter(record::key.eq(key)).select((record::kind, record::id)).first(pen.db)?;
    let mut document = every::document(pen.db, &kind, key)?;
    let Some(map) = document.as_object_mut() else { return Ok(()) };
    if due.publish {
        map.remove("publishAt");
        map.insert("state".into(), "published".into());
    }
    if due.withdraw {
        map.remove("withdrawAt");
        // What is a draft still was not public, so there is nothing to withdraw.
        if map.get("state").is_none_or(|state| state != "draft") {
            map.insert("state".into(), "withdrawn".into());
        }
    }
    if let Some(texts) = map.get_mut("texts").and_then(Value::as_object_mut) {
        for code in &due.languages {
            publish_text(texts.get_mut(code).and_then(Value::as_object_mut));
        }
    }
    every::write(pen, &kind, &id, document, if due.withdraw { Action::Withdrawn } else { Action::Published })?;
    Ok(())
}

fn publish_text(text: Option<&mut Map<String, Value>>) {
    if let Some(text) = text {
        text.remove("publishAt");
        text.remove("state");
    }
}

/// A document as it would be if all that is a draft in it were published: for previews.
pub fn published(mut document: Value) -> Value {
    if let Some(map) = document.as_object_mut() {
        map.remove("publishAt");
        if map.get("state").is_some_and(|state| state == "draft") {
            map.insert("state".into(), "published".into());
        }
        let texts = map.get_mut("texts").and_then(Value::as_object_mut);
        texts.into_iter().flat_map(Map::values_mut).for_each(|text| publish_text(text.as_object_mut()));
    }
    document
}
