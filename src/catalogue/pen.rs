//! The one way to write the catalogue: one transaction, at whose end stand the new states of what was written, the public changes that follow from
//! them, the audit log and the moved revision; or nothing, when nothing changed.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

use super::history::{self, Ended};
use super::publication::file::{self, Attached, Kind};
use super::record::{self, Document, Kept, KeptFile, instant_of};
use super::revision::{self, Revision};
use super::tombstone::{self, Tombstone};
use super::{collection, every, face};
use crate::db::schema::{
    complement_volume, download_item, download_request, edition, event_work, record as table, record_text, renamed_id, testimony_work, work_theme,
};
use crate::db::types::now;
use crate::db::{Db, Store};
use crate::error::{Code, Error, quote};
use crate::storage::pdf::Pdf;

/// Who writes, as histories and the audit log name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author(String);

impl Author {
    /// The holder of a key.
    pub fn key(id: &str, name: &str) -> Self {
        Self(format!("key:{id} ({name})"))
    }

    /// Someone at the command line.
    pub fn command(verb: &str) -> Self {
        Self(format!("command line: {verb}"))
    }

    /// The server itself, on time.
    pub fn clock() -> Self {
        Self("clock".into())
    }

    /// The program, for what it finds or brings along.
    pub fn program() -> Self {
        Self("program".into())
    }

    /// Whoever asked for a download, who is never named.
    pub fn requester() -> Self {
        Self("requester".into())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What was done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Created,
    Updated,
    Deleted,
    Renamed,
    Restored,
    FileAdded,
    FileRemoved,
    CoverAdded,
    CoverRemoved,
    /// On time.
    Published,
    /// On time.
    Withdrawn,
}

impl Action {
    /// The code as it is stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
            Self::Restored => "restored",
            Self::FileAdded => "fileAdded",
            Self::FileRemoved => "fileRemoved",
            Self::CoverAdded => "coverAdded",
            Self::CoverRemoved => "coverRemoved",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Writes in a transaction of its own, alone and durably.
///
/// # Errors
/// What `work` returns, and then nothing of it stays; a fault of the database.
pub fn with<T>(store: &Store, author: &Author, work: impl FnOnce(&mut Pen<'_>) -> Result<T, Error>) -> Result<T, Error> {
    store.write(|db| written(db, author, work))
}

/// The same; or, in a dry run, only tells what would come of it, and nothing of it stays.
///
/// # Errors
/// The same.
pub fn attempt<T>(store: &Store, author: &Author, dry: bool, work: impl FnOnce(&mut Pen<'_>) -> Result<T, Error>) -> Result<T, Error> {
    if dry { store.try_out(|db| written(db, author, work)) } else { with(store, author, work) }
}

fn written<T>(db: &mut Db, author: &Author, work: impl FnOnce(&mut Pen<'_>) -> Result<T, Error>) -> Result<T, Error> {
    let mut pen = Pen::begin(db, author)?;
    let done = work(&mut pen)?;
    pen.finish()?;
    Ok(done)
}

/// A write of the catalogue under way.
pub struct Pen<'d> {
    pub db: &'d mut Db,
    /// When all of it happens.
    pub at: NaiveDateTime,
    author: Author,
    written: HashMap<i64, Action>,
    /// Records whose representation may have changed with those that were written.
    near: BTreeSet<i64>,
    /// What records that were written had been before.
    before: HashMap<i64, face::Before>,
    ended: Vec<Ended>,
    done: face::Done,
    /// What was added that is none of the records, and shows: kind and subject.
    beside: Vec<(&'static str, String, Action)>,
    /// To be set once all is written.
    tombstones: Vec<Tombstone>,
}

impl<'d> Pen<'d> {
    /// Takes the pen within a transaction. Whoever else writes the catalogue waits until that ends.
    ///
    /// # Errors
    /// Only of the database.
    pub fn begin(db: &'d mut Db, author: &Author) -> Result<Self, Error> {
        revision::take(db)?;
        Ok(Self {
            db,
            at: now(),
            author: author.clone(),
            written: HashMap::new(),
            near: BTreeSet::new(),
            before: HashMap::new(),
            ended: Vec::new(),
            done: face::Done::default(),
            beside: Vec::new(),
            tombstones: Vec::new(),
        })
    }

    /// Notes that something was added which is none of the records: the revision moves, because it is shown with them, and the audit log has a line of it.
    pub fn added_beside(&mut self, kind: &'static str, subject: &str) {
        self.beside.push((kind, subject.to_owned(), Action::Created));
    }

    /// Sets the tombstone of what another server deleted, with its date.
    pub fn bury(&mut self, kind: &'static str, id: &str, at: NaiveDateTime) {
        self.tombstones.push((kind.to_owned(), id.to_owned(), at));
        self.beside.push((kind, id.to_owned(), Action::Deleted));
    }

    /// Makes a record, or changes it; what is the same already stays untouched. Returns its key.
    ///
    /// # Errors
    /// A reference to something that is not there; an id that leads to another record; a fault of the database.
    pub fn write<D: Document>(&mut self, id: &str, document: &D, action: Action) -> Result<i64, Error> {
        let known = record::find(self.db, D::KIND, id)?;
        let mut present = None;
        let action = match known {
            None => {
                self.free(D::KIND, id)?;
                Action::Created
            }
            Some(key) => {
                present = D::read(self.db, &[key])?.pop().map(|(_, _, document)| document);
                if present.as_ref() == Some(document) {
                    return Ok(key);
                }
                self.look_around(D::KIND, key)?;
                self.remember(key)?;
                action
            }
        };
        let stamp = match known {
            Some(key) => {
                Some(table::table.filter(table::key.eq(key)).select((table::updated_at, table::version)).first::<(NaiveDateTime, i64)>(self.db)?)
            }
            None => None,
        };
        let key = record::write(self.db, id, document, self.at)?;
        // The same may be written in other words: in another order, or with what holds true when nothing is said.
        if let (Some(present), Some((at, version))) = (present, stamp)
            && D::read(self.db, &[key])?.pop().is_some_and(|(_, _, document)| document == present)
        {
            diesel::update(table::table.filter(table::key.eq(key))).set((table::updated_at.eq(at), table::version.eq(version))).execute(self.db)?;
            return Ok(key);
        }
        self.look_around(D::KIND, key)?;
        self.note(key, action);
        Ok(key)
    }

    /// Writes a record with the dates, old ids and files that another server kept. The files must be in the storage.
    ///
    /// # Errors
    /// The same; an old id that another record has.
    pub fn write_kept<D: Document>(&mut self, id: &str, document: &D, kept: &Kept) -> Result<i64, Error> {
        let key = self.write(id, document, Action::Updated)?;
        let Some(present) = record::kept(self.db, &[key])?.remove(&key) else { return Ok(key) };
        if present == *kept {
            return Ok(key);
        }
        self.look_around(D::KIND, key)?;
        // Its dates are those that were kept.
        self.before.remove(&key);
        for old in kept.old_ids.iter().filter(|old| !present.old_ids.contains(old)) {
            self.free(D::KIND, old)?;
            diesel::insert_into(renamed_id::table)
                .values((renamed_id::kind.eq(D::KIND), renamed_id::old_id.eq(old), renamed_id::record_key.eq(key)))
                .execute(self.db)?;
        }
        if let Some(kind) = Kind::of(D::KIND) {
            for file in kept.files.iter().filter(|file| !present.files.contains(file)) {
                self.put_kept_file(kind, key, id, file)?;
            }
        }
        record::set_dates(self.db, key, kept)?;
        self.note(key, Action::Updated);
        Ok(key)
    }

    fn put_kept_file(&mut self, kind: Kind, key: i64, id: &str, kept: &KeptFile) -> Result<(), Error> {
        let at = instant_of(&kept.attached_at).unwrap_or(self.at);
        let pdf = Pdf { sha256: kept.sha256.clone(), bytes: kept.bytes, pages: kept.pages };
        let attached = file::attach(self.db, kind, id, &kept.language, &pdf, &kept.file_name, at)?;
        file::rename(self.db, attached.edition_key, &kept.file_name, at)?;
        self.replaced(key, &kept.language, attached);
        Ok(())
    }

    /// Removes a record.
    ///
    /// # Errors
    /// 404 when it is not there, 409 with those who use it; a fault of the database.
    pub fn remove(&mut self, kind: &str, id: &str) -> Result<(), Error> {
        let key = record::key_of(self.db, kind, id)?;
        let users = users(self.db, key)?;
        if !users.is_empty() {
            let names: Vec<String> = users.iter().take(10).map(|(kind, id)| format!("{kind} '{id}'")).collect();
            let more = if users.len() > names.len() { format!(" and {} more", users.len() - names.len()) } else { String::new() };
            let detail = format!("The {kind} '{id}' is in use by {}{more}. Take it out of them first.", names.join(", "));
            let list: Vec<_> = users.iter().map(|(kind, id)| json!({"type": kind, "id": id})).collect();
            return Err(Error::problem(Code::Conflict, detail).with("users", list));
        }
        if kind == "language" {
            let users = in_language(self.db, key, id)?;
            if !users.is_empty() {
                let who = if users.len() == 1 { "1 record has".to_owned() } else { format!("{} records have", users.len()) };
                let detail = format!("{who} a text or an edition in the language '{id}'. Take those out first.");
                let list: Vec<_> = users.iter().map(|(kind, id)| json!({"type": kind, "id": id})).collect();
                return Err(Error::problem(Code::Conflict, detail).with("users", list));
            }
        }
        if let Some(detail) = held(self.db, kind, key, id)? {
            return Err(Error::problem(Code::Conflict, detail));
        }
        self.look_around(kind, key)?;
        let (version, listed, state): (i64, bool, String) =
            table::table.filter(table::key.eq(key)).select((table::version, table::listed, table::state)).first(self.db)?;
        // The public knows it by each of its names; some may have come with an import.
        if every::PUBLIC.contains(&kind) && (listed || state == "withdrawn") {
            let former: Vec<String> = renamed_id::table.filter(renamed_id::record_key.eq(key)).select(renamed_id::old_id).load(self.db)?;
            self.tombstones.extend(former.into_iter().chain([id.to_owned()]).map(|id| (kind.to_owned(), id, self.at)));
        }
        if record::remove(self.db, kind, id)?.is_none() {
            return Err(Error::problem(Code::Conflict, format!("Something hangs on the {kind} '{id}', so it stays.")));
        }
        self.written.remove(&key);
        self.near.remove(&key);
        self.done.ended.insert(key);
        self.ended.push(Ended { key, kind: kind.to_owned(), id: id.to_owned(), version });
        Ok(())
    }

    /// Gives a record another id; the old one leads to it for ever.
    ///
    /// # Errors
    /// 404 when it is not there, 409 when the new id is taken; a fault of the database.
    pub fn rename(&mut self, kind: &str, old: &str, new: &str) -> Result<(), Error> {
        let key = record::key_of(self.db, kind, old)?;
        if old == new {
            return Ok(());
        }
        if kind == "language" {
            // Texts and editions are in it by its code, and would be in none.
            let detail = format!("The id of the language '{old}' is its code (BCP 47), and is never changed. Make the language '{new}' beside it.");
            return Err(Error::problem(Code::Conflict, detail));
        }
        if record::find(self.db, kind, new)?.is_some() {
            return Err(Error::problem(Code::Conflict, format!("There is another {kind} '{new}' already.")));
        }
        let leads: Option<i64> = record::former(self.db, kind, new)?;
        match leads {
            // Back to a name that it had.
            Some(to) if to == key => {
                diesel::delete(renamed_id::table.filter(renamed_id::kind.eq(kind)).filter(renamed_id::old_id.eq(new))).execute(self.db)?;
            }
            _ => self.free(kind, new)?,
        }
        self.look_around(kind, key)?;
        diesel::insert_into(renamed_id::table)
            .values((renamed_id::kind.eq(kind), renamed_id::old_id.eq(old), renamed_id::record_key.eq(key)))
            .execute(self.db)?;
        self.touch(key)?;
        diesel::update(table::table.filter(table::key.eq(key))).set(table::id.eq(new)).execute(self.db)?;
        self.note(key, Action::Renamed);
        // The documents of those who refer to it name its new id.
        for user in user_keys(self.db, key)? {
            self.touch(user)?;
            self.note(user, Action::Updated);
        }
        Ok(())
    }

    /// Makes a stored PDF the file of an edition.
    ///
    /// # Errors
    /// 404 when there is no such edition; a fault of the database.
    pub fn attach(&mut self, kind: Kind, id: &str, language: &str, pdf: &Pdf, file_name: &str) -> Result<Attached, Error> {
        let attached = file::attach(self.db, kind, id, language, pdf, file_name, self.at)?;
        if attached.changed {
            let key = self.touched(kind, id)?;
            self.replaced(key, language, attached);
            self.note(key, Action::FileAdded);
        }
        Ok(attached)
    }

    /// Gives the file of an edition the name that readers get it under.
    ///
    /// # Errors
    /// 404 when there is no such edition; a fault of the database.
    pub fn call_file(&mut self, kind: Kind, id: &str, language: &str, file_name: &str) -> Result<(), Error> {
        let edition_key = file::find(self.db, kind, id, language)?;
        if file::call(self.db, edition_key, file_name)? {
            let key = self.touched(kind, id)?;
            self.note(key, Action::Updated);
        }
        Ok(())
    }

    /// Takes the file of an edition away, and tells whether there was one. What was requested waits again for the next one.
    ///
    /// # Errors
    /// 404 when there is no such edition; a fault of the database.
    pub fn detach(&mut self, kind: Kind, id: &str, language: &str) -> Result<bool, Error> {
        let detached = file::detach(self.db, kind, id, language, self.at)?;
        if detached {
            let key = self.touched(kind, id)?;
            self.note(key, Action::FileRemoved);
        }
        Ok(detached)
    }

    /// Keeps what was done: versions, faces, changes, audit, revision. `None` when nothing was.
    ///
    /// # Errors
    /// Only of the database.
    pub fn finish(self) -> Result<Option<Revision>, Error> {
        let Self { db, at, author, written, mut near, before, ended, done, beside, tombstones } = self;
        if written.is_empty() && ended.is_empty() && beside.is_empty() {
            return Ok(None);
        }
        face::settle(db, &before, at)?;
        let before_it = revision::current(db)?;
        let mut revision = revision::advance(db)?;
        history::keep(db, &written, &ended, &author, revision.number, at, true)?;
        let alone = beside.is_empty();
        for (kind, subject, action) in beside {
            history::audit(db, &author, action.code(), kind, &subject, Some(revision.number))?;
        }
        near.extend(written.keys());
        let changes = face::compare(db, &near, &done, revision.number, at)?;
        for (kind, id, at) in tombstones {
            if !tombstone::is_public(db, &kind, &id)? {
                tombstone::set(db, &kind, &id, at)?;
            }
        }
        if changes == 0 && alone && !turned(db, &before)? && before_it.number > 0 {
            revision = revision::unseen(db, before_it)?;
        }
        if revision.number == 1 {
            // Nothing was there before, so all faces are of this program.
            history::made_by_this_program(db)?;
        }
        Ok(Some(revision))
    }

    fn touched(&mut self, kind: Kind, id: &str) -> Result<i64, Error> {
        let key = record::key_of(self.db, kind.name(), id)?;
        self.touch(key)?;
        Ok(key)
    }

    /// Gives a record another version, of now.
    fn touch(&mut self, key: i64) -> Result<(), Error> {
        self.remember(key)?;
        diesel::update(table::table.filter(table::key.eq(key)))
            .set((table::updated_at.eq(self.at), table::version.eq(table::version + 1)))
            .execute(self.db)?;
        Ok(())
    }

    /// Remembers when a record was last changed, before it is.
    fn remember(&mut self, key: i64) -> Result<(), Error> {
        if !self.before.contains_key(&key) {
            let before = table::table.filter(table::key.eq(key)).select((table::updated_at, table::state, table::rank)).first(self.db).optional()?;
            self.before.extend(before.map(|before| (key, before)));
        }
        Ok(())
    }

    fn replaced(&mut self, key: i64, language: &str, attached: Attached) {
        if attached.replaced {
            self.done.replaced.entry(key).or_default().insert(language.to_owned());
        }
    }

    /// The first that was done to a record in one write is what it is called by.
    fn note(&mut self, key: i64, action: Action) {
        self.written.entry(key).or_insert(action);
    }

    /// An id that once led to another record leads there for ever.
    fn free(&mut self, kind: &str, id: &str) -> Result<(), Error> {
        let Some(key) = record::former(self.db, kind, id)? else { return Ok(()) };
        let present: String = table::table.filter(table::key.eq(key)).select(table::id).first(self.db)?;
        let detail = format!("'{}' is the old id of the {kind} '{present}' and leads to it for ever; choose another one.", quote(id));
        Err(Error::problem(Code::Conflict, detail))
    }

    /// Remembers who shows something of a record.
    fn look_around(&mut self, kind: &str, key: i64) -> Result<(), Error> {
        let db = &mut *self.db;
        match kind {
            "theme" => self.near.extend(work_theme::table.filter(work_theme::theme_key.eq(key)).select(work_theme::work_key).load::<i64>(db)?),
            "volume" | "complement" => {
                let ties: Vec<(i64, i64)> = complement_volume::table
                    .filter(complement_volume::complement_key.eq(key).or(complement_volume::volume_key.eq(key)))
                    .select((complement_volume::complement_key, complement_volume::volume_key))
                    .load(db)?;
                self.near.extend(ties.into_iter().flat_map(|(complement, volume)| [complement, volume]));
                self.near.extend(event_work::table.filter(event_work::work_key.eq(key)).select(event_work::event_key).load::<i64>(db)?);
                self.near
                    .extend(testimony_work::table.filter(testimony_work::work_key.eq(key)).select(testimony_work::testimony_key).load::<i64>(db)?);
            }
            "event" => self.near.extend(event_work::table.filter(event_work::event_key.eq(key)).select(event_work::work_key).load::<i64>(db)?),
            "testimony" => {
                self.near
                    .extend(testimony_work::table.filter(testimony_work::testimony_key.eq(key)).select(testimony_work::work_key).load::<i64>(db)?);
            }
            "supporter" => {
                let whole = record::find(db, "collection", collection::ID)?;
                self.near.extend(whole);
            }
            _ => {}
        }
        Ok(())
    }
}

/// The records that refer to a record, and would lose something with it: kind and id.
///
/// # Errors
/// Only of the database.
pub fn users(db: &mut Db, key: i64) -> Result<Vec<(String, String)>, Error> {
    let mut all = Vec::new();
    for part in user_keys(db, key)?.chunks(record::CHUNK) {
        all.extend(
            table::table
                .filter(table::key.eq_any(part))
                .order((table::kind, table::id))
                .select((table::kind, table::id))
                .load::<(String, String)>(db)?,
        );
    }
    Ok(all)
}

fn user_keys(db: &mut Db, key: i64) -> Result<Vec<i64>, Error> {
    let mut keys: Vec<i64> = work_theme::table.filter(work_theme::theme_key.eq(key)).select(work_theme::work_key).load(db)?;
    keys.extend(complement_volume::table.filter(complement_volume::volume_key.eq(key)).select(complement_volume::complement_key).load::<i64>(db)?);
    keys.extend(event_work::table.filter(event_work::work_key.eq(key)).select(event_work::event_key).load::<i64>(db)?);
    keys.extend(testimony_work::table.filter(testimony_work::work_key.eq(key)).select(testimony_work::testimony_key).load::<i64>(db)?);
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// Whether a public record has another place in its list than before.
fn turned(db: &mut Db, before: &HashMap<i64, face::Before>) -> Result<bool, Error> {
    let keys: Vec<i64> = before.keys().copied().collect();
    for part in keys.chunks(record::CHUNK) {
        let now: Vec<(i64, i64)> =
            table::table.filter(table::key.eq_any(part)).filter(table::listed.eq(true)).select((table::key, table::rank)).load(db)?;
        if now.iter().any(|(key, rank)| before.get(key).is_some_and(|(.., old)| old != rank)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The records that have a text or an edition in a language, by kind and id.
fn in_language(db: &mut Db, language_key: i64, code: &str) -> Result<Vec<(String, String)>, Error> {
    let texts =
        record_text::table.filter(record_text::language.eq(code)).filter(record_text::record_key.ne(language_key)).select(record_text::record_key);
    let mut keys: Vec<i64> = texts.load(db)?;
    keys.extend(edition::table.filter(edition::language.eq(code)).select(edition::work_key).load::<i64>(db)?);
    keys.sort_unstable();
    keys.dedup();
    let mut all = Vec::with_capacity(keys.len());
    for part in keys.chunks(record::CHUNK) {
        all.extend(table::table.filter(table::key.eq_any(part)).order((table::kind, table::id)).select((table::kind, table::id)).load(db)?);
    }
    Ok(all)
}

/// Why a work must stay although no record refers to it: somebody asked for it, and has the right to an answer.
fn held(db: &mut Db, kind: &str, key: i64, id: &str) -> Result<Option<String>, Error> {
    if Kind::of(kind).is_none() {
        return Ok(None);
    }
    let editions = edition::table.filter(edition::work_key.eq(key)).select(edition::key);
    // One request may be for several of its editions.
    let items = download_item::table.filter(download_item::edition_key.eq_any(editions)).select(download_item::request_key);
    let requests: i64 = download_request::table.filter(download_request::key.eq_any(items)).count().get_result(db)?;
    let hang = if requests == 1 { "1 download request hangs".to_owned() } else { format!("{requests} download requests hang") };
    Ok((requests > 0).then(|| format!("{hang} on the {kind} '{id}'. Withdraw it instead (\"state\": \"withdrawn\").")))
}

/// Whether a word names a kind of record.
pub fn is_kind(word: &str) -> bool {
    every::KINDS.contains(&word)
}
