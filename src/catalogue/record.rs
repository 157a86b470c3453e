//! What every noun of the catalogue shares: identity, state, order, dates, texts by language, sources.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind;
use diesel::result::Error::DatabaseError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::locale::{LANGUAGES, mask};
use super::parts::{self, FigureDocument, PartDocument};
use crate::db::Db;
use crate::db::schema::{fact_source, list_total, record, record_text, renamed_id};
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::http::is_slug;

/// Where a record stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkState)]
pub enum State {
    /// Seen by editors only.
    Draft,
    /// Public before its file is there.
    Announced,
    /// Public.
    #[default]
    Published,
    /// Was public; a tombstone stands in its place.
    Withdrawn,
}

impl State {
    /// The code as it is stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Announced => "announced",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads a stored code; the database's CHECK leaves no other.
    pub fn of(code: &str) -> Self {
        match code {
            "draft" => Self::Draft,
            "announced" => Self::Announced,
            "withdrawn" => Self::Withdrawn,
            _ => Self::Published,
        }
    }

    /// Whether lists show it to the public.
    pub fn listed(self) -> bool {
        matches!(self, Self::Announced | Self::Published)
    }
}

/// The texts of a record in one language. Which of them a noun uses, its document says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextDocument {
    /// `draft` or `published`; published when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// When a draft is to be published (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl TextDocument {
    /// Whether the public may read it, once its record is public.
    pub fn is_published(&self) -> bool {
        self.state.as_deref() != Some("draft")
    }

    /// The words alone, without what becomes of them.
    fn words(&self) -> Self {
        Self { state: None, publish_at: None, ..self.clone() }
    }
}

/// The texts by language.
pub type Texts = BTreeMap<String, TextDocument>;

/// A record as its editors keep it. Documents are what the seed's files hold, and what every write takes.
pub trait Document: Serialize + for<'de> Deserialize<'de> + Clone + PartialEq {
    /// The kind of record.
    const KIND: &'static str;
    /// What all records share.
    fn head(&self) -> Head<'_>;
    /// The place in the default order of its list.
    fn rank(&self) -> i64 {
        self.head().position.map_or(UNRANKED, i64::from)
    }
    /// Its year, of what has one.
    fn year(&self) -> Option<i32> {
        None
    }
    /// What it contains and the figures it gives, of what has such pieces.
    fn pieces(&self) -> Option<(&[PartDocument], &[FigureDocument])> {
        None
    }
    /// What is wrong with it, beyond what the shared parts tell.
    fn check(&self, faults: &mut Faults);
    /// Writes what is particular to it; the shared parts are written already.
    ///
    /// # Errors
    /// A reference to something that is not there, or a fault of the database.
    fn write(&self, db: &mut Db, key: i64) -> Result<(), Error>;
    /// Reads some records of this kind back, at most [`CHUNK`]: key, id, document.
    ///
    /// # Errors
    /// Only of the database.
    fn read(db: &mut Db, keys: &[i64]) -> Result<Vec<(i64, String, Self)>, Error>;
    /// Reads all records of this kind, by id.
    ///
    /// # Errors
    /// Only of the database.
    fn read_all(db: &mut Db) -> Result<BTreeMap<String, Self>, Error> {
        let keys: Vec<i64> = record::table.filter(record::kind.eq(Self::KIND)).order(record::key).select(record::key).load(db)?;
        let mut all = BTreeMap::new();
        for part in keys.chunks(CHUNK) {
            all.extend(Self::read(db, part)?.into_iter().map(|(_, id, document)| (id, document)));
        }
        Ok(all)
    }
}

/// The rank of what has no place: after all that has.
pub const UNRANKED: i64 = 1_000_000_000;

/// The shared part of a document.
pub struct Head<'a> {
    pub position: Option<i32>,
    pub state: State,
    pub note: Option<&'a str>,
    pub sources: &'a BTreeMap<String, String>,
    pub texts: &'a Texts,
    /// When it is to be published and withdrawn, of what has a life of its own.
    pub schedule: Schedule<'a>,
    /// Title of the record in languages whose text has none of its own (a testimony is titled by its person).
    pub title: Option<&'a str>,
}

/// When a record is to be published, and withdrawn again (RFC 3339, UTC).
#[derive(Clone, Copy, Debug, Default)]
pub struct Schedule<'a> {
    pub publish_at: Option<&'a str>,
    pub withdraw_at: Option<&'a str>,
}

/// What the stricter of the two databases keeps in an index, in bytes, with room for the other columns.
const INDEXED: usize = 2_400;

/// Faults found in a document, each with the place it stands at.
#[derive(Debug, Default)]
pub struct Faults(pub Vec<(String, String)>);

impl Faults {
    /// Notes a fault at `place` (`texts.fr.title`).
    pub fn add(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.0.push((place.into(), what.into()));
    }

    /// Notes a date that is none.
    pub fn date(&mut self, place: &str, date: Option<&String>) {
        if let Some(text) = date.filter(|text| super::date::span(text).is_none()) {
            self.add(place, format!("'{text}' is not a date such as 2017, 2017-09 or 2018-09-25"));
        }
    }

    /// Notes an instant that is none.
    pub fn instant(&mut self, place: impl Into<String>, instant: Option<&str>) {
        if let Some(text) = instant.filter(|text| instant_of(text).is_none()) {
            self.add(place, format!("'{}' is not an instant such as 2026-11-26T08:00:00Z", crate::error::quote(text)));
        }
    }

    /// Notes a code that is not one of `codes`.
    pub fn code(&mut self, place: &str, code: &str, codes: &[&str]) {
        if !codes.contains(&code) {
            self.add(place, format!("'{code}' is none of {}", codes.join(", ")));
        }
    }

    /// Notes a language that the API does not speak.
    pub fn language(&mut self, place: &str, code: &str) {
        self.code(place, code, LANGUAGES);
    }

    /// Notes a URL that is none.
    pub fn url(&mut self, place: &str, url: Option<&String>) {
        if let Some(text) = url.filter(|text| !url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))) {
            self.add(place, format!("'{text}' is not a URL that starts with http:// or https://"));
        }
    }
}

/// All that is wrong with a document.
pub fn check<D: Document>(id: &str, document: &D) -> Faults {
    let mut faults = Faults::default();
    if !is_slug(id) {
        faults.add("id", "an id is lower-case letters and digits in groups joined by single hyphens, at most 80 characters");
    }
    let head = document.head();
    if head.position.is_some_and(|position| !(0..=1_000_000).contains(&position)) {
        faults.add("position", "a position is 0 to 1000000");
    }
    if head.texts.is_empty() {
        faults.add("texts", "a record needs its texts in at least one language");
    }
    for (language, text) in head.texts {
        faults.language(&format!("texts.{language}"), language);
        if let Some(state) = &text.state {
            faults.code(&format!("texts.{language}.state"), state, &["draft", "published"]);
        }
        faults.instant(format!("texts.{language}.publishAt"), text.publish_at.as_deref());
        if text.publish_at.is_some() && text.is_published() {
            faults.add(format!("texts.{language}.publishAt"), "only a text that is a draft (state = \"draft\") is published later");
        }
        let title = text.title.as_deref().or(head.title).unwrap_or_default();
        if title.trim().is_empty() || title.chars().count() > 500 {
            faults.add(format!("texts.{language}.title"), "a title of 1 to 500 characters is needed");
        }
        if fold(title).len() > INDEXED {
            faults.add(format!("texts.{language}.title"), "a title is too long once its characters are written in full");
        }
        let all = [&text.title, &text.full_title, &text.subtitle, &text.summary, &text.announcement, &text.role];
        if all.into_iter().flatten().any(|value| value.chars().any(|c| c.is_control() && c != '\n')) {
            faults.add(format!("texts.{language}"), "texts hold no control characters other than line breaks");
        }
    }
    let Schedule { publish_at, withdraw_at } = head.schedule;
    faults.instant("publishAt", publish_at);
    faults.instant("withdrawAt", withdraw_at);
    if publish_at.is_some() && !matches!(head.state, State::Draft | State::Announced) {
        faults.add("publishAt", "only a draft or an announced work is published later; to publish it now, take publishAt away (null)");
    }
    if withdraw_at.is_some() && head.state == State::Withdrawn {
        faults.add("withdrawAt", "it has been withdrawn already");
    }
    if let (Some(publish), Some(withdraw)) = (publish_at.and_then(instant_of), withdraw_at.and_then(instant_of))
        && withdraw <= publish
    {
        faults.add("withdrawAt", "a work is withdrawn after it was published");
    }
    document.check(&mut faults);
    faults
}

/// An instant that a document may name, in the years that both databases order alike.
pub fn instant_of(text: &str) -> Option<NaiveDateTime> {
    crate::db::types::parse_rfc3339(text).filter(|at| (2000..=2999).contains(&chrono::Datelike::year(at)))
}

/// The key that both databases sort and search by: decomposed, without marks, in lower case, single spaces.
pub fn fold(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    use unicode_normalization::char::is_combining_mark;
    let plain: String =
        text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).collect();
    plain.replace('œ', "oe").replace('æ', "ae").replace('ß', "ss").split_whitespace().collect::<Vec<_>>().join(" ")
}

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
                record::version.eq(1),
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
    let reworded = match document.pieces() {
        Some((parts, figures)) => parts::reworded(db, key, parts, figures)?,
        None => BTreeSet::new(),
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

/// What the server keeps of a record by itself, beside its document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    /// Instants are RFC 3339, UTC.
    pub created_at: String,
    pub updated_at: String,
    /// When the words of each language last changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
    /// Ids that it had before, which still lead to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_ids: Vec<String>,
    /// The present files of its editions, by language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<KeptFile>,
}

/// The present file of an edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptFile {
    pub language: String,
    pub sha256: String,
    pub file_name: String,
    pub media_type: String,
    pub bytes: i64,
    pub pages: i32,
    pub attached_at: String,
}

/// What the server keeps of some records, at most [`CHUNK`].
///
/// # Errors
/// Only of the database.
pub fn kept(db: &mut Db, keys: &[i64]) -> Result<HashMap<i64, Kept>, Error> {
    let rows: Vec<(i64, NaiveDateTime, NaiveDateTime)> =
        record::table.filter(record::key.eq_any(keys)).select((record::key, record::created_at, record::updated_at)).load(db)?;
    let mut all: HashMap<i64, Kept> = rows
        .into_iter()
        .map(|(key, created, updated)| (key, Kept { created_at: rfc3339(created), updated_at: rfc3339(updated), ..Kept::default() }))
        .collect();
    let texts: Vec<(i64, String, NaiveDateTime)> = record_text::table
        .filter(record_text::record_key.eq_any(keys))
        .select((record_text::record_key, record_text::language, record_text::updated_at))
        .load(db)?;
    for (key, language, at) in texts {
        if let Some(kept) = all.get_mut(&key) {
            kept.texts.insert(language, rfc3339(at));
        }
    }
    let renamed: Vec<(i64, String)> = renamed_id::table
        .filter(renamed_id::record_key.eq_any(keys))
        .order(renamed_id::old_id)
        .select((renamed_id::record_key, renamed_id::old_id))
        .load(db)?;
    for (key, old) in renamed {
        if let Some(kept) = all.get_mut(&key) {
            kept.old_ids.push(old);
        }
    }
    let editions = super::publication::edition::load_rows(db, keys)?;
    let mut files = super::publication::edition::load_files(db, &editions.iter().map(|row| row.key).collect::<Vec<_>>())?;
    for edition in editions {
        if let (Some(file), Some(kept)) = (files.remove(&edition.key), all.get_mut(&edition.work_key)) {
            kept.files.push(KeptFile {
                language: edition.language,
                sha256: file.sha256,
                file_name: file.file_name,
                media_type: file.media_type,
                bytes: file.bytes,
                pages: file.pages,
                attached_at: file.added_at,
            });
        }
    }
    all.values_mut().for_each(|kept| kept.files.sort_by(|a, b| a.language.cmp(&b.language)));
    Ok(all)
}

/// Has a record carry the dates that another server kept. Its old ids and files are made by those who can.
///
/// # Errors
/// Only of the database.
pub fn set_dates(db: &mut Db, key: i64, kept: &Kept) -> Result<(), Error> {
    let (created, updated) = (instant_of(&kept.created_at), instant_of(&kept.updated_at));
    if let (Some(created), Some(updated)) = (created, updated) {
        diesel::update(record::table.filter(record::key.eq(key)))
            .set((record::created_at.eq(created), record::updated_at.eq(updated)))
            .execute(db)?;
    }
    for (language, at) in &kept.texts {
        if let Some(at) = instant_of(at) {
            diesel::update(record_text::table.filter(record_text::record_key.eq(key)).filter(record_text::language.eq(language)))
                .set(record_text::updated_at.eq(at))
                .execute(db)?;
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding() {
        assert_eq!(fold("  L’Évaluation\n de  l'Œuvre"), "l'evaluation de l'oeuvre");
        assert_eq!(fold("STRASSE ß"), "strasse ss");
    }
}
