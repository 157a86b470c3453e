//! Records in the database: what all kinds share of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind;
use diesel::result::Error::DatabaseError;

use super::{Document, Head, State, TextDocument, Texts, UNRANKED, fold, instant_of};
use crate::catalogue::locale::mask;
use crate::catalogue::{history, parts};
use crate::db::Db;
use crate::db::schema::{fact_source, list_total, record, record_text, renamed_id};
use crate::db::types::rfc3339;
use crate::error::Error;

/// The shared columns of a record, for views.
#[derive(Clone, Debug, Queryable)]
pub struct Row {
    pub key: i64,
    pub id: String,
    pub state: String,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
}

/// The columns of [`Row`].
pub const ROW: (record::key, record::id, record::state, record::created_at, record::updated_at) =
    (record::key, record::id, record::state, record::created_at, record::updated_at);

/// Writes a document: makes or updates its record, its texts and sources, then what is particular to it.
///
/// # Errors
/// A reference to something that is not there, or a fault of the database.
pub fn write<D: Document>(db: &mut Db, id: &str, document: &D, at: NaiveDateTime) -> Result<i64, Error> {
    let head = document.head();
    type Known = (i64, bool, i32);
    let known: Option<Known> = record::table
        .filter(record::kind.eq(D::KIND))
        .filter(record::id.eq(id))
        .select((record::key, record::listed, record::languages))
        .first(db)
        .optional()?;
    let published = mask(head.texts.iter().filter(|(_, text)| text.is_published()).map(|(language, _)| language));
    let listed = head.state.listed() && published != 0;
    let values = (
        record::state.eq(head.state.code()),
        record::listed.eq(listed),
        record::languages.eq(published),
        record::rank.eq(document.rank()),
        record::year.eq(document.year()),
        record::note.eq(head.note),
        record::updated_at.eq(at),
        record::publish_at.eq(head.schedule.publish_at.and_then(instant_of)),
        record::withdraw_at.eq(head.schedule.withdraw_at.and_then(instant_of)),
    );
    let key = match known {
        Some((key, ..)) => {
            diesel::update(record::table.filter(record::key.eq(key))).set((values, record::version.eq(record::version + 1))).execute(db)?;
            key
        }
        None => diesel::insert_into(record::table)
            .values((
                record::kind.eq(D::KIND),
                record::id.eq(id),
                record::version.eq(history::first_version(db, D::KIND, id)?),
                record::created_at.eq(at),
                values.0,
                values.1,
                values.2,
                values.3,
                values.4,
                values.5,
                values.6,
                values.7,
                values.8,
            ))
            .returning(record::key)
            .get_result(db)?,
    };
    count(db, D::KIND, known.filter(|(_, listed, _)| *listed).map(|(.., languages)| languages), listed.then_some(published))?;
    let reworded = match (known, document.pieces()) {
        (Some(_), Some((parts, figures))) => parts::reworded(db, key, parts, figures)?,
        _ => BTreeSet::new(),
    };
    write_texts(db, key, D::KIND, &head, &reworded, &Listed { published, listed }, at)?;
    diesel::delete(fact_source::table.filter(fact_source::record_key.eq(key))).execute(db)?;
    for (fact, source) in head.sources {
        diesel::insert_into(fact_source::table)
            .values((fact_source::record_key.eq(key), fact_source::fact.eq(fact), fact_source::source.eq(source)))
            .execute(db)?;
    }
    document.write(db, key)?;
    Ok(key)
}

/// Keeps the totals of lists: a record of a kind had been listed in some languages, and is now in others.
fn count(db: &mut Db, kind: &str, before: Option<i32>, after: Option<i32>) -> Result<(), Error> {
    if before == after {
        return Ok(());
    }
    let row = |languages: i32| list_total::table.filter(list_total::kind.eq(kind)).filter(list_total::languages.eq(languages));
    if let Some(languages) = before {
        diesel::update(row(languages)).set(list_total::total.eq(list_total::total - 1)).execute(db)?;
    }
    if let Some(languages) = after
        && diesel::update(row(languages)).set(list_total::total.eq(list_total::total + 1)).execute(db)? == 0
    {
        diesel::insert_into(list_total::table)
            .values((list_total::kind.eq(kind), list_total::languages.eq(languages), list_total::total.eq(1)))
            .execute(db)?;
    }
    Ok(())
}

/// Removes a record and all that hangs on it alone, and tells whether it was there. `Ok(None)`: something else hangs on it, and it stays.
///
/// # Errors
/// Only of the database.
pub fn remove(db: &mut Db, kind: &str, id: &str) -> Result<Option<bool>, Error> {
    let known: Option<(i64, bool, i32)> = record::table
        .filter(record::kind.eq(kind))
        .filter(record::id.eq(id))
        .select((record::key, record::listed, record::languages))
        .first(db)
        .optional()?;
    let Some((key, listed, languages)) = known else { return Ok(Some(false)) };
    match diesel::delete(record::table.filter(record::key.eq(key))).execute(db) {
        Err(DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => return Ok(None),
        removed => removed?,
    };
    count(db, kind, listed.then_some(languages), None)?;
    Ok(Some(true))
}

/// What the index of lists keeps with each text.
struct Listed {
    /// The languages that the record is published in.
    published: i32,
    listed: bool,
}

/// Writes the texts; `reworded` names the languages in which the words of the record's pieces have changed.
fn write_texts(
    db: &mut Db,
    key: i64,
    kind: &str,
    head: &Head<'_>,
    reworded: &BTreeSet<String>,
    &Listed { published, listed }: &Listed,
    at: NaiveDateTime,
) -> Result<(), Error> {
    let before = load_texts(db, &[key], true)?.remove(&key).unwrap_or_default();
    let dates: Vec<(String, NaiveDateTime)> =
        record_text::table.filter(record_text::record_key.eq(key)).select((record_text::language, record_text::updated_at)).load(db)?;
    let dates: HashMap<String, NaiveDateTime> = dates.into_iter().collect();
    // The date moves with the words, not with their publication: by it a translation is known to be behind its source.
    let written = |language: &str, text: &TextDocument, title: &str| match (before.get(language), dates.get(language)) {
        (Some(old), Some(date))
            if !reworded.contains(language) && old.words() == (TextDocument { title: Some(title.to_owned()), ..text.clone() }).words() =>
        {
            *date
        }
        _ => at,
    };
    diesel::delete(record_text::table.filter(record_text::record_key.eq(key))).execute(db)?;
    for (language, text) in head.texts {
        let title = text.title.as_deref().or(head.title).unwrap_or_default();
        let searched = [Some(title), text.full_title.as_deref(), text.subtitle.as_deref(), text.summary.as_deref(), text.role.as_deref()];
        diesel::insert_into(record_text::table)
            .values((
                record_text::record_key.eq(key),
                record_text::language.eq(language),
                record_text::state.eq(text.state.as_deref().unwrap_or("published")),
                record_text::title.eq(title),
                record_text::full_title.eq(&text.full_title),
                record_text::subtitle.eq(&text.subtitle),
                record_text::summary.eq(&text.summary),
                record_text::announcement.eq(&text.announcement),
                record_text::role.eq(&text.role),
                record_text::title_sort.eq(fold(title)),
                record_text::folded.eq(fold(&searched.into_iter().flatten().collect::<Vec<_>>().join(" "))),
                record_text::updated_at.eq(written(language, text, title)),
                record_text::publish_at.eq(text.publish_at.as_deref().and_then(instant_of)),
                record_text::kind.eq(kind),
                record_text::languages.eq(published),
                record_text::listed.eq(listed && text.is_published()),
            ))
            .execute(db)?;
    }
    Ok(())
}

/// The shared parts of all documents of a kind, as they are stored.
pub struct Stored {
    pub key: i64,
    pub id: String,
    pub state: State,
    pub rank: i64,
    pub note: Option<String>,
    pub publish_at: Option<NaiveDateTime>,
    pub withdraw_at: Option<NaiveDateTime>,
    pub sources: BTreeMap<String, String>,
    pub texts: Texts,
}

impl Stored {
    /// The position that was written; `None` when there was none.
    pub fn position(&self) -> Option<i32> {
        (self.rank != UNRANKED).then(|| i32::try_from(self.rank).unwrap_or(i32::MAX))
    }
}

/// Reads the shared parts of some records, at most [`CHUNK`], in the order of their keys. `titled` says whether the title is a text of its own.
///
/// # Errors
/// Only of the database.
pub fn read_stored(db: &mut Db, keys: &[i64], titled: bool) -> Result<Vec<Stored>, Error> {
    type Shared = (i64, String, String, i64, Option<String>, Option<NaiveDateTime>, Option<NaiveDateTime>);
    let records: Vec<Shared> = record::table
        .filter(record::key.eq_any(keys))
        .order(record::key)
        .select((record::key, record::id, record::state, record::rank, record::note, record::publish_at, record::withdraw_at))
        .load(db)?;
    let mut texts = load_texts(db, keys, true)?;
    let mut sources: HashMap<i64, BTreeMap<String, String>> = HashMap::new();
    let rows: Vec<(i64, String, String)> = fact_source::table.filter(fact_source::record_key.eq_any(keys)).load(db)?;
    for (key, fact, source) in rows {
        sources.entry(key).or_default().insert(fact, source);
    }
    Ok(records
        .into_iter()
        .map(|(key, id, state, rank, note, publish_at, withdraw_at)| {
            let mut texts = texts.remove(&key).unwrap_or_default();
            if !titled {
                texts.values_mut().for_each(|text| text.title = None);
            }
            let sources = sources.remove(&key).unwrap_or_default();
            Stored { key, id, state: State::of(&state), rank, note, publish_at, withdraw_at, sources, texts }
        })
        .collect())
}

/// How many keys one statement takes: well below what the stricter of the two databases allows.
pub const CHUNK: usize = 5_000;

#[derive(Queryable)]
struct TextRow {
    record_key: i64,
    language: String,
    state: String,
    title: String,
    full_title: Option<String>,
    subtitle: Option<String>,
    summary: Option<String>,
    announcement: Option<String>,
    role: Option<String>,
    publish_at: Option<NaiveDateTime>,
}

/// The texts of some records; those that are not published only `with_drafts`.
///
/// # Errors
/// Only of the database.
pub fn load_texts(db: &mut Db, keys: &[i64], with_drafts: bool) -> Result<HashMap<i64, Texts>, Error> {
    let mut all: HashMap<i64, Texts> = HashMap::new();
    let states: &[&str] = if with_drafts { &["published", "draft"] } else { &["published"] };
    for part in keys.chunks(CHUNK) {
        let rows: Vec<TextRow> = record_text::table
            .filter(record_text::record_key.eq_any(part))
            .filter(record_text::state.eq_any(states))
            .select((
                record_text::record_key,
                record_text::language,
                record_text::state,
                record_text::title,
                record_text::full_title,
                record_text::subtitle,
                record_text::summary,
                record_text::announcement,
                record_text::role,
                record_text::publish_at,
            ))
            .load(db)?;
        for row in rows {
            let text = TextDocument {
                state: (row.state == "draft").then_some(row.state),
                publish_at: row.publish_at.map(rfc3339),
                title: Some(row.title),
                full_title: row.full_title,
                subtitle: row.subtitle,
                summary: row.summary,
                announcement: row.announcement,
                role: row.role,
            };
            all.entry(row.record_key).or_default().insert(row.language, text);
        }
    }
    Ok(all)
}

/// The key of a record by its id, public or not, if it is there.
///
/// # Errors
/// Only of the database.
pub fn find(db: &mut Db, kind: &str, id: &str) -> Result<Option<i64>, Error> {
    Ok(record::table.filter(record::kind.eq(kind)).filter(record::id.eq(id)).select(record::key).first(db).optional()?)
}

/// The key of a record by its id, public or not.
///
/// # Errors
/// A sentence when there is none; a fault of the database.
pub fn key_of(db: &mut Db, kind: &str, id: &str) -> Result<i64, Error> {
    find(db, kind, id)?.ok_or_else(|| Error::not_found(format!("There is no {kind} '{}'.", crate::error::quote(id))))
}

/// The key of a record that another one refers to: an id that it had before leads to it as well, as in documents that were kept before it was renamed.
///
/// # Errors
/// A sentence when there is none; a fault of the database.
pub fn referred(db: &mut Db, kind: &str, id: &str) -> Result<i64, Error> {
    match find(db, kind, id)? {
        Some(key) => Ok(key),
        None => match former(db, kind, id)? {
            Some(key) => Ok(key),
            None => key_of(db, kind, id),
        },
    }
}

/// The key of the record that had an id before.
///
/// # Errors
/// Only of the database.
pub fn former(db: &mut Db, kind: &str, id: &str) -> Result<Option<i64>, Error> {
    Ok(renamed_id::table.filter(renamed_id::kind.eq(kind)).filter(renamed_id::old_id.eq(id)).select(renamed_id::record_key).first(db).optional()?)
}

/// The ids of some records by key.
///
/// # Errors
/// Only of the database.
pub fn ids(db: &mut Db, keys: impl IntoIterator<Item = i64>) -> Result<HashMap<i64, String>, Error> {
    let mut keys: Vec<i64> = keys.into_iter().collect();
    keys.sort_unstable();
    keys.dedup();
    let mut all = HashMap::new();
    for part in keys.chunks(CHUNK) {
        all.extend(record::table.filter(record::key.eq_any(part)).select((record::key, record::id)).load::<(i64, String)>(db)?);
    }
    Ok(all)
}
