//! Everything public in one answer.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::prelude::*;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::State;
use crate::catalogue::answer::{self, Asked};
use crate::catalogue::collection::Collection;
use crate::catalogue::complement::Complement;
use crate::catalogue::described::PlainQuestion;
use crate::catalogue::event::Event;
use crate::catalogue::every;
use crate::catalogue::language::Language;
use crate::catalogue::locale::{Chain, Locale};
use crate::catalogue::noun::{Reading, path_of};
use crate::catalogue::revision;
use crate::catalogue::testimony::Testimony;
use crate::catalogue::theme::Theme;
use crate::catalogue::volume::Volume;
use crate::db::schema::record;
use crate::db::{Db, Store};
use crate::error::{Code, Error};
use crate::format::{csv, json as format, ndjson};
use crate::http::encoding::Coding;
use crate::http::manners::Site;
use crate::http::question::Question;
use crate::http::reply::Reply;

/// More is not held in memory for one answer.
pub const LIMIT: usize = 64 << 20;
/// How many records are read together.
const TOGETHER: usize = 100;

/// The kinds in the order they stand.
const KINDS: [&str; 7] = ["collection", "language", "theme", "volume", "complement", "event", "testimony"];

/// It, as it is asked for: in a media type, in its languages, of a moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Whole {
    media_type: &'static str,
    asked: Asked,
}

impl Whole {
    const NAME: &'static str = "catalogue";

    /// What a request asks.
    ///
    /// # Errors
    /// 400, what `check` returns.
    pub fn of(request: &HttpRequest, media_type: &'static str, check: impl FnOnce(&Question) -> Result<(), Error>) -> Result<Self, Error> {
        let asked = answer::ask(request, &*State::of(request)?, PlainQuestion::declaration(), None)?;
        check(&asked.question)?;
        Ok(Self { media_type, asked })
    }

    /// The present one, of which nothing else is asked.
    pub fn negotiated(media_type: &'static str, locale: Locale) -> Self {
        Self { media_type, asked: Asked { question: Question::default(), locale, selection: None, moment: None } }
    }

    /// The present one, in the language that `lang` names, or in all of them.
    pub fn named(media_type: &'static str, lang: &str, chain: &Chain) -> Self {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("lang", lang).finish();
        // A language of the site is none that is refused.
        let question = PlainQuestion::declaration().parse(&query).unwrap_or_default();
        let locale = Locale::named(lang, chain);
        Self { media_type, asked: Asked { question, locale, selection: None, moment: None } }
    }

    /// What its ready answer is kept by.
    pub fn canonical(&self) -> String {
        format!("{} {}", self.media_type, self.asked.canonical(Self::NAME))
    }

    fn make(&self, db: &mut Db, base: &str) -> Result<Reply, Error> {
        let this = answer::address(base, &format!("/v1/{}", Self::NAME), &self.asked.question.canonical(&[]));
        let (body, languages) = write(db, self.media_type, &Reading { locale: &self.asked.locale, base }, &this)?;
        let headers = vec![(header::CONTENT_LANGUAGE, languages.join(", "))];
        // A CSV says its character set, and that it has names of columns.
        let media_type = if self.media_type == csv::MEDIA_TYPE { csv::CONTENT_TYPE } else { self.media_type };
        Ok(Reply { large: true, ..answer::about(revision::current(db)?, body, media_type, answer::VARY, headers) })
    }

    /// Makes it of the present catalogue, for the cache.
    pub fn maker(&self, store: &Store, base: &str) -> impl FnOnce() -> BoxFuture<'static, Result<Reply, Error>> + use<> {
        let (whole, store, base) = (self.clone(), store.clone(), base.to_owned());
        move || Box::pin(async move { web::block(move || store.read(|db| whole.make(db, &base))).await.map_err(Error::unavailable)? })
    }

    /// Answers it.
    ///
    /// # Errors
    /// 401, 403 for a preview; 501; a fault of the database.
    pub async fn answer(self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let state = State::of(request)?;
        let base = Site::of(request)?.base.clone();
        let moment = self.asked.moment.clone();
        if moment.is_none() {
            state.ahead.note(&self, Coding::preferred(request));
        }
        answer::serve(request, &state, &self.canonical(), moment, move |db, _| self.make(db, &base)).await
    }
}

/// Everything public, each record with all properties that it has at its own address.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// This answer.
    #[serde(rename = "self")]
    #[schema(example = "http://127.0.0.1:8080/v1/catalogue")]
    pub this: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<Collection>,
    pub languages: Vec<Language>,
    pub themes: Vec<Theme>,
    pub volumes: Vec<Volume>,
    pub complements: Vec<Complement>,
    pub events: Vec<Event>,
    pub testimonies: Vec<Testimony>,
}

/// Writes it in one of the media types, and tells the languages of its texts.
///
/// # Errors
/// 501 when it is too large; a fault of the database.
pub fn write(db: &mut Db, media_type: &str, reading: &Reading, this: &str) -> Result<(Vec<u8>, Vec<String>), Error> {
    let mut out = Vec::new();
    let mut languages: Vec<String> = Vec::new();
    let mut note = |records: &[Value]| {
        for code in answer::served(records, reading.locale) {
            if !languages.contains(&code) {
                languages.push(code);
            }
        }
    };
    match media_type {
        csv::MEDIA_TYPE => {
            let mut table = csv::Table::begin(&COLUMNS.map(|(name, _)| name));
            each(db, "volume", reading, |records| {
                note(records);
                records.iter().for_each(|volume| rows(volume, &mut table));
                within(table.len())
            })?;
            out = table.end();
        }
        ndjson::MEDIA_TYPE => {
            for kind in KINDS {
                each(db, kind, reading, |records| {
                    note(records);
                    for record in records {
                        let id = record.get("id").and_then(Value::as_str).unwrap_or(kind);
                        ndjson::line(&mut out, &json!({"type": kind, "id": id, "record": record}))?;
                    }
                    within(out.len())
                })?;
            }
        }
        _ => {
            out.extend_from_slice(b"{\"self\":");
            out.extend(format::value(&json!(this))?);
            for kind in KINDS {
                let (name, list) = path_of(kind).map_or((kind, false), |path| (path, true));
                let mut first = true;
                if list {
                    out.extend_from_slice(format!(",\"{name}\":[").as_bytes());
                }
                each(db, kind, reading, |records| {
                    note(records);
                    for record in records {
                        match (list, std::mem::take(&mut first)) {
                            (false, _) => out.extend_from_slice(format!(",\"{name}\":").as_bytes()),
                            (true, false) => out.push(b','),
                            (true, true) => {}
                        }
                        out.extend(format::value(record)?);
                    }
                    within(out.len())
                })?;
                if list {
                    out.push(b']');
                }
            }
            out.push(b'}');
        }
    }
    Ok((out, languages))
}

fn within(bytes: usize) -> Result<(), Error> {
    if bytes <= LIMIT {
        return Ok(());
    }
    let detail = format!("The whole catalogue is larger than {LIMIT} bytes; read the lists page by page, or follow /v1/changes?embed=record.");
    Err(Error::problem(Code::CatalogueTooLarge, detail).with("limit", LIMIT))
}

/// Hands out the listed records of a kind, in the order of their ids.
fn each(db: &mut Db, kind: &str, reading: &Reading, mut take: impl FnMut(&[Value]) -> Result<(), Error>) -> Result<(), Error> {
    let keys: Vec<i64> =
        record::table.filter(record::kind.eq(kind)).filter(record::listed.eq(true)).order(record::id).select(record::key).load(db)?;
    for keys in keys.chunks(TOGETHER) {
        let records: Vec<Value> = every::public(db, kind, keys, reading)?.into_iter().map(|(_, value)| value).collect();
        take(&records)?;
    }
    Ok(())
}

/// The columns of the CSV and where their values stand: in the volume, or after `edition` in one of its editions.
pub const COLUMNS: [(&str, &str); 44] = [
    ("volumeId", "/id"),
    ("number", "/number"),
    ("year", "/year"),
    ("status", "/status"),
    ("title", "/title"),
    ("fullTitle", "/fullTitle"),
    ("subtitle", "/subtitle"),
    ("summary", "/summary"),
    ("textLanguage", "/language/served"),
    ("publishedOn", "/publishedOn"),
    ("expectedOn", "/expectedOn"),
    ("announcement", "/announcement"),
    ("sourceLanguage", "/sourceLanguage"),
    ("pageUrl", "/pageUrl"),
    ("themes", "/themes"),
    ("authors", "/contributors"),
    ("contributors", "/contributors"),
    ("complements", "/complements"),
    ("events", "/events"),
    ("testimonies", "/testimonies"),
    ("contents", "/contents"),
    ("figures", "/figures"),
    ("href", "/href"),
    ("createdAt", "/createdAt"),
    ("updatedAt", "/updatedAt"),
    ("editionLanguage", "edition/language"),
    ("editionTitle", "edition/title"),
    ("editionPublishedOn", "edition/publishedOn"),
    ("pages", "edition/pages"),
    ("pagesSource", "edition/pagesSource"),
    ("access", "edition/access"),
    ("isbn", "edition/isbn"),
    ("doi", "edition/doi"),
    ("handle", "edition/handle"),
    ("externalUrl", "edition/externalUrl"),
    ("available", "edition/obtain/available"),
    ("fileName", "edition/file/fileName"),
    ("bytes", "edition/file/bytes"),
    ("sha256", "edition/file/sha256"),
    ("mediaType", "edition/file/mediaType"),
    ("addedAt", "edition/file/addedAt"),
    ("editionHref", "edition/href"),
    ("formHref", "edition/obtain/form"),
    ("coverHref", "edition/cover/href"),
];

/// A row for each edition of a volume; one for a volume that has none.
fn rows(volume: &Value, table: &mut csv::Table) {
    let none = Value::Null;
    let editions = volume.get("editions").and_then(Value::as_array).filter(|editions| !editions.is_empty());
    let editions: Vec<&Value> = editions.map_or_else(|| vec![&none], |editions| editions.iter().collect());
    for edition in editions {
        let cells = COLUMNS.map(|(name, place)| match (place.strip_prefix("edition"), name) {
            (Some(place), _) => cell(edition.pointer(place)),
            (None, "themes" | "complements" | "events" | "testimonies") => joined(volume.pointer(place), |one| text_of(one, "id")),
            (None, "authors") => joined(volume.pointer(place), |one| text_of(one, "name").filter(|_| one["role"] == "author")),
            (None, "contributors") => joined(volume.pointer(place), |one| Some(format!("{} ({})", text_of(one, "name")?, text_of(one, "role")?))),
            // What has parts of its own stays JSON; nothing of it is no cell.
            (None, _) => cell(volume.pointer(place).filter(|value| value.as_array().is_none_or(|all| !all.is_empty()))),
        });
        table.row(cells.iter().map(String::as_str));
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn text_of(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn joined(list: Option<&Value>, text: impl Fn(&Value) -> Option<String>) -> String {
    let all = list.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(text).collect::<Vec<_>>().join("; ")
}
