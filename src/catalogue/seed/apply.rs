//! Making the database hold what files say: what differs is written, what is gone is removed, the rest stays untouched.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::differences::compare;
use super::kept::Place;
use super::{Everything, FOLDERS};
use crate::catalogue::collection;
use crate::catalogue::pen::{Action, Pen};
use crate::catalogue::publication::WorkDocument;
use crate::catalogue::publication::file::Kind;
use crate::catalogue::record::{self, CHUNK, Document, Kept, State, instant_of};
use crate::catalogue::tombstone;
use crate::db::Db;
use crate::db::schema::{record as table, work};
use crate::download::form::texts as consent_texts;
use crate::error::{Code, Error};

/// How files are brought in.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// What the files do not have stays.
    pub keep: bool,
    /// The PDFs of editions are brought in too; they are in the storage already.
    pub files: bool,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// A line each, in plain words.
    pub differences: Vec<String>,
    /// Editions that have got a file.
    pub attached: Vec<(Kind, String, String)>,
}

/// What a database holds.
#[derive(Default)]
pub struct Present {
    pub all: Everything,
    pub kept: BTreeMap<Place, Kept>,
    pub tombstones: BTreeMap<Place, NaiveDateTime>,
}

impl Present {
    /// Reads it.
    ///
    /// # Errors
    /// Only of the database.
    pub fn of(db: &mut Db) -> Result<Self, Error> {
        let tombstones = tombstone::all(db)?.into_iter().filter_map(|(kind, id, at)| {
            let (kind, _) = FOLDERS.iter().find(|(of, _)| *of == kind)?;
            Some(((*kind, id), at))
        });
        let mut present = Self { tombstones: tombstones.collect(), all: Everything::of(db)?, kept: BTreeMap::new() };
        let records: Vec<(i64, String, String)> = table::table.order(table::key).select((table::key, table::kind, table::id)).load(db)?;
        for part in records.chunks(CHUNK) {
            let keys: Vec<i64> = part.iter().map(|(key, ..)| *key).collect();
            let mut kept: HashMap<i64, Kept> = record::kept(db, &keys)?;
            for (key, kind, id) in part {
                if let (Some(kept), Some((kind, _))) = (kept.remove(key), FOLDERS.iter().find(|(of, _)| of == kind)) {
                    present.kept.insert((kind, id.clone()), kept);
                }
            }
        }
        Ok(present)
    }

    /// Records that `wanted` knows by another id: kind, present id, wanted id.
    fn renamed(&self, wanted: &Everything, keep: bool) -> Vec<(&'static str, String, String)> {
        let mut all = Vec::new();
        for (kind, _) in FOLDERS {
            let free = |id: &str| self.all.has(kind, id) && !wanted.has(kind, id);
            for id in wanted.ids(kind).into_iter().filter(|id| !self.all.has(kind, id)) {
                let place = (*kind, id.clone());
                let told = wanted.kept.get(&place).and_then(|filed| filed.kept.old_ids.iter().find(|old| free(old)).cloned());
                // Back to a name that it had. A file alone, or one among what is kept, does not say that the present name is gone.
                let back =
                    || self.kept.iter().find(|((of, now), kept)| of == kind && free(now) && kept.old_ids.contains(id)).map(|((_, now), _)| now);
                let from = told.or_else(|| if keep { None } else { back().cloned() });
                if let Some(from) = from.filter(|from| !all.iter().any(|(of, taken, _)| of == kind && taken == from)) {
                    all.push((*kind, from, id.clone()));
                }
            }
        }
        all
    }
}

/// Editions are one a language and have no other order than that in which they were made; new ones come last.
fn in_present_order(work: &mut WorkDocument, present: Option<&WorkDocument>) {
    if let Some(present) = present {
        work.editions.sort_by_key(|edition| present.editions.iter().position(|other| other.language == edition.language).unwrap_or(usize::MAX));
    }
}

fn settled(wanted: &Everything, present: &Everything) -> Everything {
    let mut wanted = wanted.clone();
    for (id, volume) in &mut wanted.volumes {
        in_present_order(&mut volume.0, present.volumes.get(id).map(|volume| &volume.0));
    }
    for (id, complement) in &mut wanted.complements {
        in_present_order(&mut complement.0, present.complements.get(id).map(|complement| &complement.0));
    }
    wanted
}

fn name_of(kind: &str, folder: &str, id: &str) -> String {
    if kind == "collection" { kind.to_owned() } else { format!("{folder}/{id}") }
}

/// What would be done, a line each; but for records that are renamed, which are told as removed and new.
///
/// # Errors
/// Never of documents.
pub fn plan(present: &Present, wanted: &Everything, manner: Manner) -> Result<Vec<String>, Error> {
    let wanted = settled(wanted, &present.all);
    let mut lines = Vec::new();
    for (kind, folder) in FOLDERS {
        let mut ids = present.all.ids(kind);
        ids.extend(wanted.ids(kind).into_iter().filter(|id| !present.all.has(kind, id)));
        ids.sort();
        for id in ids {
            let at = name_of(kind, folder, id);
            match (present.all.value(kind, id)?, wanted.value(kind, id)?) {
                (None, Some(_)) => lines.push(format!("{at}: is new")),
                (Some(_), None) if !manner.keep => lines.push(format!("{at}: is removed")),
                (Some(before), Some(after)) => {
                    compare(&at, "", &before, &after, &mut lines);
                    let place = (*kind, id.clone());
                    if let (Some(now), Some(filed)) = (present.kept.get(&place), wanted.kept.get(&place)) {
                        let then = filed.onto(now, false, manner.keep, manner.files);
                        compare(&at, "", &told(now), &told(&then), &mut lines);
                    }
                }
                _ => {}
            }
        }
    }
    for (version, text) in &wanted.consent_texts {
        if present.all.consent_texts.get(version) != Some(text) {
            lines.push(format!("consentTexts/{version}: is new"));
        }
    }
    for ((kind, id), at) in buried(present, &wanted, manner.keep) {
        let folder = FOLDERS.iter().find(|(of, _)| of == kind).map_or(*kind, |(_, folder)| *folder);
        lines.push(format!("{}: is known as deleted on {}", name_of(kind, folder, id), at.date()));
    }
    Ok(lines)
}

/// Whether the public sees a record.
fn is_public(all: &Everything, kind: &str, id: &str) -> bool {
    let Ok(Some(document)) = all.value(kind, id) else { return false };
    let listed = document.get("state").and_then(Value::as_str).is_none_or(|state| State::of(state).listed());
    listed && document["texts"].as_object().is_some_and(|texts| texts.values().any(|text| text["state"] != "draft"))
}

/// The tombstones that are new here, or of another date; where a record is public in the end, there is none.
fn buried<'w>(present: &'w Present, wanted: &'w Everything, keep: bool) -> impl Iterator<Item = (&'w Place, &'w NaiveDateTime)> {
    let stays = move |(kind, id): &Place| is_public(wanted, kind, id) || (keep && !wanted.has(kind, id) && is_public(&present.all, kind, id));
    wanted.tombstones.iter().filter(move |(place, at)| present.tombstones.get(*place) != Some(*at) && !stays(place))
}

/// What is kept, as differences tell it.
fn told(kept: &Kept) -> Value {
    let files: BTreeMap<&str, Value> = kept
        .files
        .iter()
        .map(|file| (file.language.as_str(), json!({"fileName": file.file_name, "sha256": file.sha256, "attachedAt": file.attached_at})))
        .collect();
    let texts: BTreeMap<String, &String> = kept.texts.iter().map(|(language, at)| (format!("textUpdatedAt.{language}"), at)).collect();
    let mut all = json!({"createdAt": kept.created_at, "updatedAt": kept.updated_at, "file": files});
    for (name, at) in texts {
        all[name] = json!(at);
    }
    for old in &kept.old_ids {
        all[format!("oldIds.{old}")] = json!(true);
    }
    all
}

/// Makes the database hold `wanted`; `step` is told of each record that was looked at.
///
/// # Errors
/// Something that cannot be removed or renamed; a fault of the database. Then the transaction must be given up.
pub fn apply(pen: &mut Pen<'_>, wanted: &Everything, manner: Manner, step: &mut dyn FnMut()) -> Result<Done, Error> {
    let mut present = Present::of(pen.db)?;
    let mut done = Done::default();
    let renamed = present.renamed(wanted, manner.keep);
    for (kind, from, to) in &renamed {
        pen.rename(kind, from, to)?;
        let folder = FOLDERS.iter().find(|(of, _)| of == kind).map_or(*kind, |(_, folder)| *folder);
        done.differences.push(format!("{}: is renamed, it was '{from}'", name_of(kind, folder, to)));
    }
    if !renamed.is_empty() {
        present = Present::of(pen.db)?;
    }
    done.differences.extend(plan(&present, wanted, manner)?);
    if done.differences.is_empty() {
        return Ok(done);
    }
    let wanted = settled(wanted, &present.all);
    for version in consent_texts::write(pen.db, &present.all.consent_texts, &wanted.consent_texts, pen.at)? {
        pen.added_beside(consent_texts::AUDITED, version);
    }
    free_numbers(pen.db, &present.all, &wanted, manner.keep)?;
    // What others refer to is written first and removed last.
    let mut work = Work { present: &present, wanted: &wanted, manner, held: Vec::new() };
    let mut attached = Vec::new();
    work.write(pen, |all| &all.languages, &mut attached, step)?;
    work.write(pen, |all| &all.themes, &mut attached, step)?;
    work.write(pen, |all| &all.volumes, &mut attached, step)?;
    work.write(pen, |all| &all.complements, &mut attached, step)?;
    work.write(pen, |all| &all.events, &mut attached, step)?;
    work.write(pen, |all| &all.testimonies, &mut attached, step)?;
    work.write(pen, |all| &all.supporters, &mut attached, step)?;
    work.write(pen, |all| &all.collection, &mut attached, step)?;
    done.attached = attached;
    if !manner.keep {
        work.remove(pen)?;
    }
    for ((kind, id), at) in buried(&present, &wanted, manner.keep) {
        pen.bury(kind, id, *at);
    }
    // All of it at once; nothing of this is committed then.
    if work.held.is_empty() { Ok(done) } else { Err(Error::problem(Code::Conflict, work.held.join("\n  "))) }
}

/// Takes the numbers away that are to change or to go, so that they can change hands in any order.
fn free_numbers(db: &mut Db, present: &Everything, wanted: &Everything, keep: bool) -> Result<(), Error> {
    let mut taken = Vec::new();
    for kind in [Kind::Volume, Kind::Complement] {
        let (before, after) = (present.numbers(kind), wanted.numbers(kind));
        let mut freed: Vec<String> = Vec::new();
        for (id, number) in before {
            if wanted.has(kind.name(), &id) {
                if after.get(&id) != Some(&number) {
                    freed.push(id);
                }
            } else if !keep {
                freed.push(id);
            } else if let Some((new, _)) = after.iter().find(|(_, other)| **other == number) {
                taken.push(format!("{}/{new}: number: {number} is that of the {} '{id}', which is kept", kind.path(), kind.name()));
            }
        }
        for part in freed.chunks(CHUNK) {
            let keys = table::table.filter(table::kind.eq(kind.name())).filter(table::id.eq_any(part)).select(table::key);
            diesel::update(work::table.filter(work::record_key.eq_any(keys))).set(work::number.eq(None::<i32>)).execute(db)?;
        }
    }
    if taken.is_empty() { Ok(()) } else { Err(Error::problem(Code::Conflict, taken.join("\n  "))) }
}

struct Work<'a> {
    present: &'a Present,
    wanted: &'a Everything,
    manner: Manner,
    /// Why it cannot be done.
    held: Vec<String>,
}

impl Work<'_> {
    fn write<D: Document>(
        &mut self,
        pen: &mut Pen<'_>,
        of: impl Fn(&Everything) -> &BTreeMap<String, D>,
        attached: &mut Vec<(Kind, String, String)>,
        step: &mut dyn FnMut(),
    ) -> Result<(), Error> {
        let wanted = self.wanted;
        let created = |id: &String| wanted.kept.get(&(D::KIND, id.clone())).and_then(|filed| instant_of(&filed.kept.created_at));
        // Records that stand at the same place of a list follow each other as they were made.
        let mut ids: Vec<&String> = of(wanted).keys().collect();
        ids.sort_by_key(|id| (created(id).is_none(), created(id), (*id).clone()));
        for id in ids {
            step();
            match self.one(pen, id, of(&self.present.all).get(id), of(wanted).get(id), attached) {
                Err(Error::Problem(problem)) => self.hold(D::KIND, id, &problem.detail),
                written => written?,
            }
        }
        Ok(())
    }

    fn one<D: Document>(
        &self,
        pen: &mut Pen<'_>,
        id: &String,
        before: Option<&D>,
        wanted: Option<&D>,
        attached: &mut Vec<(Kind, String, String)>,
    ) -> Result<(), Error> {
        let Some(document) = wanted else { return Ok(()) };
        let place = (D::KIND, id.clone());
        let (now, filed) = (self.present.kept.get(&place), self.wanted.kept.get(&place));
        let changed = before != Some(document);
        let as_filed = |now: &Kept| filed.is_none_or(|filed| filed.onto(now, false, self.manner.keep, self.manner.files) == *now);
        if !changed && now.is_some_and(as_filed) {
            return Ok(());
        }
        let key = pen.write(id, document, Action::Updated)?;
        let Some(filed) = filed else { return Ok(()) };
        // Two records cannot answer at one address.
        if let Some(taken) = filed.kept.old_ids.iter().find(|old| self.manner.keep && self.present.all.has(D::KIND, old)) {
            let detail = format!("'{taken}' is an old id of the {} '{id}', and the id of another one that is kept.", D::KIND);
            return Err(Error::problem(Code::Conflict, detail));
        }
        let Some(now) = record::kept(pen.db, &[key])?.remove(&key) else { return Ok(()) };
        let then = filed.onto(&now, before.is_none(), self.manner.keep, self.manner.files);
        if let Some(kind) = Kind::of(D::KIND) {
            for gone in now.files.iter().filter(|file| !then.files.iter().any(|other| other.language == file.language)) {
                pen.detach(kind, id, &gone.language)?;
            }
            let new = then.files.iter().filter(|file| !now.files.iter().any(|other| other.sha256 == file.sha256 && other.language == file.language));
            attached.extend(new.map(|file| (kind, id.clone(), file.language.clone())));
        }
        pen.write_kept(id, document, &then)?;
        Ok(())
    }

    fn hold(&mut self, kind: &str, id: &str, why: &str) {
        let folder = FOLDERS.iter().find(|(of, _)| *of == kind).map_or(kind, |(_, folder)| *folder);
        self.held.push(format!("{}: {why}", name_of(kind, folder, id)));
    }

    /// Removes what is wanted no more; all that cannot be removed is told.
    fn remove(&mut self, pen: &mut Pen<'_>) -> Result<(), Error> {
        let first_users = FOLDERS.iter().rev().map(|(kind, _)| *kind);
        for kind in first_users {
            for id in self.present.all.ids(kind).into_iter().filter(|id| !self.wanted.has(kind, id)) {
                if kind == collection::ID {
                    let why = "collection.toml is missing, and the collection itself is never removed; put it back, or bring the rest in with --keep";
                    self.held.push(why.to_owned());
                    continue;
                }
                match pen.remove(kind, id) {
                    Err(Error::Problem(problem)) if problem.code == Code::Conflict => self.hold(kind, id, &problem.detail),
                    removed => removed?,
                }
            }
        }
        Ok(())
    }
}
