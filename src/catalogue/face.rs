//! What the public sees of a record, as hashes: by comparing them before and after a write, its public changes are known, whatever was written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::every;
use super::locale::{LANGUAGES, Locale};
use super::noun::Reading;
use super::tombstone;
use crate::db::Db;
use crate::db::schema::{public_change, public_face, record};
use crate::each_dialect;
use crate::error::Error;

/// Which program's faces are stored: representations change with the program, and with the second number when they change within a version.
pub const MAKER: &str = concat!(env!("CARGO_PKG_VERSION"), "/1");

/// The language of the face that has all of them.
pub const WHOLE: &str = "";

/// How many records are looked at together.
const TOGETHER: usize = 100;
/// How many rows one statement inserts.
const ROWS: usize = 500;

/// The tag of a representation in all languages whose addresses are relative: the same on every server, and made by a mirror from what it holds.
pub fn etag(representation: &Value) -> Result<String, Error> {
    let bytes = serde_json::to_vec(representation).map_err(Error::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)))
}

/// The reader of all languages.
pub fn whole_locale() -> Locale {
    Locale { chain: LANGUAGES.iter().map(|code| (*code).to_owned()).collect(), requested: "*".into(), all: true }
}

/// Faces by language.
type Faces = BTreeMap<String, String>;

#[derive(Insertable)]
#[diesel(table_name = public_face)]
struct FaceRow<'a> {
    record_key: i64,
    language: &'a str,
    kind: &'a str,
    id: &'a str,
    etag: &'a str,
}

#[derive(Insertable)]
#[diesel(table_name = public_change, treat_none_as_default_value = false)]
struct ChangeRow<'a> {
    sequence: i64,
    revision: i64,
    at: NaiveDateTime,
    change: &'static str,
    kind: &'a str,
    record_key: i64,
    id: &'a str,
    previous_id: Option<&'a str>,
    language: Option<&'a str>,
}

/// What a write did, beyond what can be seen of the records as they are now.
#[derive(Default)]
pub struct Done {
    /// Languages of editions whose file took the place of another.
    pub replaced: BTreeMap<i64, BTreeSet<String>>,
    /// Records that are no more.
    pub ended: BTreeSet<i64>,
}

/// A public change on its way.
struct Change {
    change: &'static str,
    key: i64,
    kind: String,
    id: String,
    previous_id: Option<String>,
    language: Option<String>,
}

/// What the record is called now, and its faces.
#[derive(Default)]
struct Seen {
    kind: String,
    id: String,
    faces: Faces,
}

/// Compares the faces of `keys` with those that are stored, stores the new ones, and notes every change after `revision`. Returns how many there are.
///
/// # Errors
/// Only of the database.
pub fn compare(db: &mut Db, keys: &BTreeSet<i64>, done: &Done, revision: i64, at: NaiveDateTime) -> Result<usize, Error> {
    let keys: Vec<i64> = keys.iter().chain(&done.ended).copied().collect::<BTreeSet<_>>().into_iter().collect();
    let mut changes = Vec::new();
    for part in keys.chunks(TOGETHER) {
        let mut before = stored(db, part)?;
        let mut after = seen(db, part)?;
        let states = states(db, part)?;
        let mut changed: Vec<i64> = Vec::new();
        for key in part {
            let (mut old, new) = (before.remove(key), after.get(key));
            // What was public once, and is deleted while nobody sees it: gone for good is another answer than withdrawn, or than not there.
            if old.is_none() && new.is_none() && done.ended.contains(key) {
                old = last_public(db, *key)?;
            }
            let same = match (&old, new) {
                (Some(old), Some(new)) => old.id == new.id && old.faces == new.faces,
                (None, None) => true,
                _ => false,
            };
            if same {
                after.remove(key);
                continue;
            }
            tell(*key, old.as_ref(), new, states.get(key).map(String::as_str), done, &mut changes);
            changed.push(*key);
        }
        diesel::delete(public_face::table.filter(public_face::record_key.eq_any(&changed))).execute(db)?;
        let rows: Vec<FaceRow<'_>> = after
            .iter()
            .flat_map(|(key, seen)| {
                seen.faces.iter().map(|(language, etag)| FaceRow { record_key: *key, language, kind: &seen.kind, id: &seen.id, etag })
            })
            .collect();
        for rows in rows.chunks(ROWS) {
            each_dialect!(db, |conn| diesel::insert_into(public_face::table).values(rows).execute(conn))?;
        }
    }
    append(db, &changes, revision, at)?;
    let risen: BTreeSet<(&str, &str)> = changes
        .iter()
        .filter(|change| matches!(change.change, "published" | "renamed"))
        .map(|change| (change.kind.as_str(), change.id.as_str()))
        .collect();
    if !risen.is_empty() && tombstone::any(db)? {
        for (kind, id) in risen {
            tombstone::lift(db, kind, id)?;
        }
    }
    for change in changes.iter().filter(|change| change.change == "deleted") {
        tombstone::bury(db, change.key, at)?;
    }
    Ok(changes.len())
}

const WITHDRAWN: &str = "withdrawn";

/// When a record had been changed last, its state then, and its place in the default order of its list, which no view tells.
pub type Before = (NaiveDateTime, String, i64);

/// Takes back the date of a change that nobody can see, such as that of a note, or of anything in what is withdrawn: `before` has what was written as
/// it had been, now it is `at`.
///
/// # Errors
/// Only of the database.
pub fn settle(db: &mut Db, before: &HashMap<i64, Before>, at: NaiveDateTime) -> Result<(), Error> {
    let mut keys: Vec<i64> = before.keys().copied().collect();
    keys.sort_unstable();
    for part in keys.chunks(TOGETHER) {
        let (known, states) = (stored(db, part)?, states(db, part)?);
        let mut public = Vec::new();
        for (key, (date, state, _)) in part.iter().filter_map(|key| Some((*key, before.get(key)?))) {
            let shown = known.contains_key(&key);
            if shown || (state == WITHDRAWN && states.get(&key).is_some_and(|now| now == WITHDRAWN)) {
                set_date(db, key, *date)?;
            }
            public.extend(shown.then_some(key));
        }
        let now = seen(db, &public)?;
        for key in &public {
            let same = match (known.get(key), now.get(key)) {
                (Some(old), Some(new)) => old.id == new.id && old.faces == new.faces,
                _ => false,
            };
            if !same {
                set_date(db, *key, at)?;
            }
        }
    }
    Ok(())
}

fn set_date(db: &mut Db, key: i64, at: NaiveDateTime) -> Result<(), Error> {
    diesel::update(record::table.filter(record::key.eq(key))).set(record::updated_at.eq(at)).execute(db)?;
    Ok(())
}

/// Tells what changed of one record.
fn tell(key: i64, old: Option<&Seen>, new: Option<&Seen>, state: Option<&str>, done: &Done, changes: &mut Vec<Change>) {
    let Some(named) = new.or(old) else { return };
    let mut note = |change: &'static str, language: Option<&str>| {
        changes.push(Change {
            change,
            key,
            kind: named.kind.clone(),
            id: named.id.clone(),
            previous_id: (change == "renamed").then(|| old.map(|old| old.id.clone())).flatten(),
            language: language.map(str::to_owned),
        });
    };
    let none = Faces::new();
    let (faces, now) = (old.map_or(&none, |old| &old.faces), new.map_or(&none, |new| &new.faces));
    let languages = || LANGUAGES.iter().copied();
    match (old, new) {
        (None, Some(_)) => languages().filter(|code| now.contains_key(*code)).for_each(|code| note("published", Some(code))),
        (Some(_), None) if done.ended.contains(&key) => note("deleted", None),
        (Some(_), None) if state == Some(WITHDRAWN) => note("withdrawn", None),
        (Some(_), None) => languages().filter(|code| faces.contains_key(*code)).for_each(|code| note("unpublished", Some(code))),
        (Some(old), Some(new)) => {
            if old.id != new.id {
                note("renamed", None);
            }
            let replaced = done.replaced.get(&key);
            replaced.into_iter().flatten().for_each(|language| note("fileReplaced", Some(language)));
            languages().filter(|code| now.contains_key(*code) && !faces.contains_key(*code)).for_each(|code| note("published", Some(code)));
            languages().filter(|code| faces.contains_key(*code) && !now.contains_key(*code)).for_each(|code| note("unpublished", Some(code)));
            let both: Vec<&str> = languages().filter(|code| now.contains_key(*code) && faces.contains_key(*code)).collect();
            let updated: Vec<&str> = both.iter().copied().filter(|code| now.get(*code) != faces.get(*code)).collect();
            // What concerns every language is one change of the record, unless a new name or file says so already; so is what concerns none of them.
            let told = old.id != new.id || replaced.is_some();
            let coming = now.len() != faces.len() || both.len() + 1 != now.len();
            if !updated.is_empty() && updated.len() < both.len() {
                updated.iter().for_each(|code| note("updated", Some(code)));
            } else if !told && (!updated.is_empty() || !coming) {
                note("updated", None);
            }
        }
        (None, None) => {}
    }
}

fn stored(db: &mut Db, keys: &[i64]) -> Result<HashMap<i64, Seen>, Error> {
    let rows: Vec<(i64, String, String, String, String)> = public_face::table
        .filter(public_face::record_key.eq_any(keys))
        .select((public_face::record_key, public_face::language, public_face::kind, public_face::id, public_face::etag))
        .load(db)?;
    let mut all: HashMap<i64, Seen> = HashMap::new();
    for (key, language, kind, id, etag) in rows {
        let seen = all.entry(key).or_insert_with(|| Seen { kind, id, faces: Faces::new() });
        seen.faces.insert(language, etag);
    }
    Ok(all)
}

/// What a record was called when it was public last, if ever it was.
fn last_public(db: &mut Db, key: i64) -> Result<Option<Seen>, Error> {
    let last: Option<(String, String)> = public_change::table
        .filter(public_change::record_key.eq(key))
        .order(public_change::sequence.desc())
        .select((public_change::kind, public_change::id))
        .first(db)
        .optional()?;
    Ok(last.map(|(kind, id)| Seen { kind, id, faces: Faces::new() }))
}

fn states(db: &mut Db, keys: &[i64]) -> Result<HashMap<i64, String>, Error> {
    let rows: Vec<(i64, String)> = record::table.filter(record::key.eq_any(keys)).select((record::key, record::state)).load(db)?;
    Ok(rows.into_iter().collect())
}

/// The faces of what is listed now.
fn seen(db: &mut Db, keys: &[i64]) -> Result<BTreeMap<i64, Seen>, Error> {
    let rows: Vec<(i64, String, String)> = record::table
        .filter(record::key.eq_any(keys))
        .filter(record::listed.eq(true))
        .filter(record::kind.eq_any(every::PUBLIC))
        .order(record::key)
        .select((record::key, record::kind, record::id))
        .load(db)?;
    let mut by_kind: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut all: BTreeMap<i64, Seen> = BTreeMap::new();
    for (key, kind, id) in rows {
        by_kind.entry(kind.clone()).or_default().push(key);
        all.insert(key, Seen { kind, id, faces: Faces::new() });
    }
    for (kind, keys) in by_kind {
        for (key, value) in every::public(db, &kind, &keys, &Reading { locale: &whole_locale(), base: "" })? {
            if let Some(seen) = all.get_mut(&key) {
                seen.faces.insert(WHOLE.to_owned(), etag(&value)?);
            }
        }
        for code in LANGUAGES {
            let locale = Locale { chain: vec![(*code).to_owned()], requested: (*code).to_owned(), all: false };
            for (key, mut value) in every::public(db, &kind, &keys, &Reading { locale: &locale, base: "" })? {
                // Which languages there are beside this one, and when the record was touched, are not of this language.
                if let Value::Object(map) = &mut value {
                    map.remove("language");
                    map.remove("updatedAt");
                }
                if let Some(seen) = all.get_mut(&key) {
                    seen.faces.insert((*code).to_owned(), etag(&value)?);
                }
            }
        }
    }
    Ok(all)
}

/// Numbers the changes after all that were noted before: the revision's row is held, so nobody else does so meanwhile.
fn append(db: &mut Db, changes: &[Change], revision: i64, at: NaiveDateTime) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let last: Option<i64> = public_change::table.select(diesel::dsl::max(public_change::sequence)).first(db)?;
    let rows: Vec<ChangeRow<'_>> = (last.unwrap_or_default() + 1..)
        .zip(changes)
        .map(|(sequence, change)| ChangeRow {
            sequence,
            revision,
            at,
            change: change.change,
            kind: &change.kind,
            record_key: change.key,
            id: &change.id,
            previous_id: change.previous_id.as_deref(),
            language: change.language.as_deref(),
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        each_dialect!(db, |conn| diesel::insert_into(public_change::table).values(rows).execute(conn))?;
    }
    Ok(())
}
