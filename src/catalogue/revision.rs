//! The catalogue's revision: one number that every catalogue write moves in its own transaction. Caches and feeds hang on it.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use diesel::prelude::*;

use crate::cache::{Present, Stamp};
use crate::db::schema::catalogue_revision as table;
use crate::db::types::now;
use crate::db::{Db, Store, hold_revision, tell_after_commit};
use crate::error::Error;

/// Where the catalogue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    pub number: i64,
    pub moved_at: NaiveDateTime,
}

/// The present revision; number 0 before anything was written.
///
/// # Errors
/// Only of the database.
pub fn current(db: &mut Db) -> Result<Revision, Error> {
    let row: Option<(i64, NaiveDateTime)> = table::table.select((table::revision, table::moved_at)).first(db).optional()?;
    Ok(row.map_or(Revision { number: 0, moved_at: DateTime::UNIX_EPOCH.naive_utc() }, |(number, moved_at)| Revision { number, moved_at }))
}

/// Moves the revision. The row is locked until the transaction ends, so catalogue writes come one after another, whichever database it is.
/// After the commit this process knows of it at once.
///
/// # Errors
/// Only of the database.
pub fn advance(db: &mut Db) -> Result<Revision, Error> {
    let at = now();
    let moved =
        diesel::update(table::table.filter(table::id.eq(1))).set((table::revision.eq(table::revision + 1), table::moved_at.eq(at))).execute(db)?;
    if moved == 0 {
        diesel::insert_into(table::table).values((table::id.eq(1), table::revision.eq(1), table::moved_at.eq(at))).execute(db)?;
    }
    let revision = current(db)?;
    tell_after_commit(revision.number);
    Ok(revision)
}

/// Takes back the date of a revision that nobody outside can tell from the one before: `Last-Modified` is of what is shown.
///
/// # Errors
/// Only of the database.
pub fn unseen(db: &mut Db, before: Revision) -> Result<Revision, Error> {
    diesel::update(table::table.filter(table::id.eq(1))).set(table::moved_at.eq(before.moved_at)).execute(db)?;
    current(db)
}

/// The present revision, which no other transaction moves until this one ends. Those that hold it still do not wait for each other.
///
/// # Errors
/// Only of the database.
pub fn hold_still(db: &mut Db) -> Result<i64, Error> {
    Ok(hold_revision(db, false)?)
}

/// Keeps all others from moving the revision, and from holding it still, until this transaction ends. For a write that does not know yet whether it
/// will change anything.
///
/// # Errors
/// Only of the database.
pub fn take(db: &mut Db) -> Result<(), Error> {
    hold_revision(db, true)?;
    Ok(())
}

/// How often the database is asked whether another process has moved the revision: several times within [`crate::cache::TRUSTED`].
const OFTEN: Duration = Duration::from_millis(200);

/// Keeps [`Present`] true: by word of this process's own writes, and by asking the database what others wrote. It ends with this.
pub struct Watch {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch, and knows the present revision when it returns.
    ///
    /// # Errors
    /// When the database cannot be asked, or the system gives no thread.
    pub fn start(store: &Store) -> Result<(Self, Arc<Present>), String> {
        let present = Arc::new(Present::default());
        let mut db = Some(store.target().connect()?);
        ask(db.as_mut(), &present).map_err(|e| e.to_string())?;
        let heard = Arc::clone(&present);
        store.listen(move |revision| heard.moved(Stamp::new(revision, today())));

        let (end, ended) = channel();
        let (target, watched) = (store.target().clone(), Arc::clone(&present));
        let thread = std::thread::Builder::new().name("revision".into()).spawn(move || {
            while ended.recv_timeout(OFTEN) == Err(RecvTimeoutError::Timeout) {
                if db.is_none() {
                    // Why it cannot be had is told once, by those who want to read.
                    db = target.connect().inspect(|_| log::info!("the catalogue's revision can be read again")).ok();
                }
                if let Err(error) = ask(db.as_mut(), &watched)
                    && db.take().is_some()
                {
                    log::warn!("the catalogue's revision cannot be read, so nothing is answered from memory: {error}");
                }
            }
        });
        Ok((Self { end: Some(end), thread: Some(thread.map_err(|e| e.to_string())?) }, present))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the watch on the revision ended in a panic");
        }
    }
}

fn ask(db: Option<&mut Db>, present: &Present) -> Result<(), Error> {
    let db = db.ok_or_else(|| Error::unavailable("no connection"))?;
    let (before, asked) = (present.known(), Instant::now());
    let revision = current(db)?;
    present.confirm(before, Stamp::new(revision.number, today()), asked);
    Ok(())
}

fn today() -> i32 {
    Utc::now().date_naive().num_days_from_ce()
}
