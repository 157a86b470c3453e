//! The path of every public read: the question, the answer that is ready or the database off the async threads, 304 or bytes.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::listing::{self, Condition, Sort, Wanted};
use super::locale::Locale;
use super::noun::{Declared, Noun, Reading};
use super::past::Moment;
use super::record::{former, load_texts};
use super::referred;
use super::revision::{self, Revision};
use super::tombstone;
use crate::access::{self, Scope};
use crate::app::State;
use crate::cache::Stamp;
use crate::db::Db;
use crate::db::schema::{public_change, record};
use crate::db::types::{now, rfc3339};
use crate::error::{Code, Error};
use crate::format::json::{self, PageParts};
use crate::http::cursor::Cursor;
use crate::http::encoding::Coding;
use crate::http::manners::Site;
use crate::http::question::{Declaration, Question, no_question};
use crate::http::reply::{CACHE, Reply};
use crate::http::select::Selection;
use crate::http::{negotiate, path_slug};
use crate::secret::Secret;

/// What of a request chooses its representation.
pub const VARY: &str = "Accept, Accept-Encoding, Accept-Language";

/// A representation found.
pub struct Found {
    pub value: Value,
    /// The languages its texts are in.
    pub languages: Vec<String>,
}

/// What a request asks, all doubt finished.
#[derive(Clone, PartialEq, Eq)]
pub struct Asked {
    pub question: Question,
    pub locale: Locale,
    pub selection: Option<Selection>,
    /// Which catalogue is asked; nothing for the present one.
    pub moment: Option<Moment>,
}

/// Reads the question, collecting the faults of all its parts.
///
/// # Errors
/// 400 with them all.
pub fn ask(request: &HttpRequest, state: &State, declaration: &Declaration, declared: Option<&Declared>) -> Result<Asked, Error> {
    let question = declaration.parse(request.query_string()).map_err(Error::bad_request)?;
    let locale = Locale::of(question.one("lang"), question.one("fallback"), request, &state.chain);
    let selection = match (question.one("select"), declared) {
        (Some(text), Some(declared)) => Some(declared.tree.parse(text).map_err(Error::bad_request)?),
        _ => None,
    };
    let moment = Moment::of(&question).map_err(Error::bad_request)?;
    Ok(Asked { question, locale, selection, moment })
}

impl Asked {
    /// Equal questions about one path have one spelling: what ready answers are kept by.
    pub fn canonical(&self, path: &str) -> String {
        format!("{path}?{}&{}", self.question.canonical(&[]), self.locale.canonical())
    }
}

/// Sends the answer to a question: the one that is ready, or the one that `make` makes of the database now, for all who ask at this moment.
///
/// # Errors
/// 401, 403 for a preview; what `make` returns.
pub async fn serve(
    request: &HttpRequest,
    state: &State,
    canonical: &str,
    moment: Option<Moment>,
    make: impl FnOnce(&mut Db, Option<Stamp>) -> Result<Reply, Error> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let store = state.store.clone();
    if let Some(moment @ Moment::Preview) = moment {
        access::require(request, Scope::CatalogueWrite).await?;
        let drafts = state.past.open(&store, &moment).await?;
        let reply = web::block(move || drafts.read(|db| make(db, None))).await.map_err(Error::unavailable)??;
        return Ok(reply.prepare()?.private().send(request));
    }
    let stamp = state.present.stamp(Instant::now());
    let past = Arc::clone(&state.past);
    let look = async move {
        let past = match moment {
            Some(moment) => Some(past.open(&store, &moment).await?),
            None => None,
        };
        let read = move || past.as_deref().map_or(&store, |past| past).read(|db| make(db, stamp));
        web::block(read).await.map_err(Error::unavailable)?
    };
    send(request, state, canonical, stamp, look).await
}

async fn send(
    request: &HttpRequest,
    state: &State,
    canonical: &str,
    stamp: Option<Stamp>,
    look: impl Future<Output = Result<Reply, Error>>,
) -> Result<HttpResponse, Error> {
    let ready = state.cache.answer(stamp, canonical, Coding::preferred(request), || look).await?;
    // The next who asks does not come by here.
    if stamp.is_some() && ready.prepared.shared {
        state.cache.remember(request.uri(), request.headers(), &ready);
    }
    Ok(ready.prepared.send(request))
}

/// Sends what `make` makes of the present catalogue, and has no languages of its own.
///
/// # Errors
/// What `make` returns.
pub async fn present(
    request: &HttpRequest,
    state: &State,
    canonical: &str,
    make: impl FnOnce(&mut Db) -> Result<Reply, Error> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let stamp = state.present.stamp(Instant::now());
    let store = state.store.clone();
    let look = async move { web::block(move || store.read(make)).await.map_err(Error::unavailable)? };
    send(request, state, canonical, stamp, look).await
}

/// The representation of something in the catalogue at a revision.
pub fn about(at: Revision, body: Vec<u8>, media_type: &'static str, vary: &'static str, headers: Vec<(header::HeaderName, String)>) -> Reply {
    Reply { body, media_type, modified: Some(modified(at)), vary, headers, revision: Some(at.number), large: false, keep: CACHE }
}

/// Sends what is the same as long as the process runs: made once, by `make`, and kept under its name.
///
/// # Errors
/// What `make` returns.
pub async fn unchanging(
    request: &HttpRequest,
    name: &str,
    make: impl FnOnce() -> Result<Reply, Error> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let state = State::of(request)?;
    let made = move || async move { web::block(make).await.map_err(Error::unavailable)? };
    let ready = state.cache.answer(Some(Stamp::FOREVER), name, Coding::preferred(request), made).await?;
    state.cache.remember(request.uri(), request.headers(), &ready);
    Ok(ready.prepared.send(request))
}

/// An address with a query, or without one.
pub fn address(base: &str, path: &str, query: &str) -> String {
    if query.is_empty() { format!("{base}{path}") } else { format!("{base}{path}?{query}") }
}

/// Answers a list of a noun.
///
/// # Errors
/// 400, 406, or a fault of the database.
pub async fn list<N: Noun>(request: HttpRequest) -> Result<HttpResponse, Error> {
    let state = State::of(&request)?;
    let site = Site::of(&request)?;
    let declared = N::declared();
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let asked = ask(&request, &state, &declared.list, Some(declared))?;
    let (canonical, moment) = (asked.canonical(N::PATH), asked.moment.clone());
    // A foreign cursor is refused whether the answer is ready or not: it is part of the canonical question, and was good when that was answered.
    let (base, secret, cache) = (site.base.clone(), state.secret.clone(), state.cache.clone());
    let listed = List::<N>::of(asked, &secret)?;
    serve(&request, &state, &canonical, moment, move |db, stamp| {
        let identity = listed.identity.clone();
        listed.reply(db, &base, &secret, |count| match stamp {
            Some(stamp) => cache.total(stamp, &identity, count),
            None => count(),
        })
    })
    .await
}

/// A list that is asked for.
pub struct List<N: Noun> {
    asked: Asked,
    cursor: Option<Cursor>,
    /// The list a cursor belongs to: its path, filters, order and languages; not the size of its pages, nor what is shown of the items.
    pub identity: String,
    noun: std::marker::PhantomData<fn() -> N>,
}

impl<N: Noun> List<N> {
    fn of(asked: Asked, secret: &Secret) -> Result<Self, Error> {
        let identity = format!(
            // The number is that of the meaning of places: cursors of another one are foreign.
            "2:{}?{}&{}",
            N::PATH,
            asked.question.canonical(&["after", "pageSize", "select", "embed", "lang", "fallback"]),
            asked.locale.canonical()
        );
        let cursor = match asked.question.one("after") {
            Some(token) => Some(Cursor::decode(token, &identity, secret).map_err(|issue| Error::bad_request(vec![*issue]))?),
            None => None,
        };
        Ok(Self { asked, cursor, identity, noun: std::marker::PhantomData })
    }

    /// The list that a query asks for, in the languages of a locale.
    ///
    /// # Errors
    /// 400 with the faults of the query.
    pub fn parse(query: &str, locale: Locale, secret: &Secret) -> Result<Self, Error> {
        let question = N::declared().list.parse(query).map_err(Error::bad_request)?;
        Self::of(Asked { question, locale, selection: None, moment: None }, secret)
    }

    /// A page of it, whole.
    ///
    /// # Errors
    /// 400 for a filter by the id of what is not there; a fault of the database.
    pub fn reply(
        &self,
        db: &mut Db,
        base: &str,
        secret: &Secret,
        counted: impl FnOnce(&mut dyn FnMut() -> Result<i64, Error>) -> Result<i64, Error>,
    ) -> Result<Reply, Error> {
        let declared = N::declared();
        let Asked { question, locale, selection, .. } = &self.asked;
        let reading = Reading { locale, base };
        // Links repeat the question as it was asked; what narrows the list are the records that it names.
        let resolved = referred::resolved(db, question, declared.list.references())?;
        let narrowing = || -> Vec<Condition> {
            let mut all = listing::shared(question, locale);
            all.extend(N::conditions(&resolved));
            all
        };
        let wanted = Wanted {
            kind: N::KIND,
            locale,
            narrowing: &narrowing,
            sorts: &sorts_of(declared, question),
            size: question.page_size(),
            cursor: self.cursor.as_ref(),
            identity: &self.identity,
        };
        let page = listing::page(db, &wanted, counted)?;
        let views = N::load(db, &page.keys, &reading)?;
        let mut embedded = super::noun::Embedded::new();
        for name in question.all("embed") {
            embedded.extend(N::embed(db, name, &views, &reading)?);
        }
        let path = format!("/v1/{}", N::PATH);
        let turn = |cursor: Option<Cursor>| {
            cursor.map(|cursor| {
                let rest = question.canonical(&["after"]);
                let token = cursor.encode(secret);
                let query = if rest.is_empty() { format!("after={token}") } else { format!("{rest}&after={token}") };
                address(base, &path, &query)
            })
        };
        let (next, prev) = (turn(page.next), turn(page.prev));
        let items = views
            .into_iter()
            .map(|view| {
                let mut value = serde_json::to_value(view).map_err(Error::internal)?;
                if let Some(selection) = selection {
                    declared.tree.keep(selection, &mut value);
                }
                Ok(value)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let languages = served(&items, locale);
        let links = [("next", next.clone()), ("prev", prev.clone())];
        let body = json::page(&PageParts {
            this: address(base, &path, &question.canonical(&[])),
            items,
            embedded: (!question.all("embed").is_empty()).then_some(embedded),
            total: page.total,
            page_size: question.page_size(),
            next,
            prev,
            first: address(base, &path, &question.canonical(&["after"])),
        })?;
        reply(db, body, &languages, &links)
    }
}

fn sorts_of(declared: &Declared, question: &Question) -> Vec<Sort> {
    let given: Vec<&str> = question.all("sort").iter().map(String::as_str).collect();
    let names = if given.is_empty() { declared.list.default_sort.to_vec() } else { given };
    names
        .into_iter()
        .filter_map(|name| {
            let (plain, descending) = name.strip_prefix('-').map_or((name, false), |plain| (plain, true));
            declared.sorts.iter().find(|(known, _)| *known == plain).map(|(_, key)| Sort { key: *key, descending })
        })
        .collect()
}

/// Answers an item of a noun, by the id in its path.
///
/// # Errors
/// 400, 404, 406, 410, or a fault of the database.
pub async fn item<N: Noun>(request: HttpRequest) -> Result<HttpResponse, Error> {
    let id = path_slug(&request, N::ID).map_err(|error| error.and(N::declared().item.faults(&request)))?;
    single::<N>(request, id).await
}

/// Answers the item of a noun with this id.
///
/// # Errors
/// 400, 404, 406, 410, or a fault of the database.
pub async fn single<N: Noun>(request: HttpRequest, id: String) -> Result<HttpResponse, Error> {
    let declared = N::declared();
    let name = format!("{}/{id}", N::PATH);
    let outcome = represent_selected(request.clone(), &name, &declared.item, Some(declared), move |db, reading, question| {
        let key = public_key::<N>(db, &id)?;
        let views = N::load(db, &[key], reading)?;
        let mut embedded = super::noun::Embedded::new();
        for name in question.all("embed") {
            embedded.extend(N::embed(db, name, &views, reading)?);
        }
        let Some(view) = views.into_iter().next() else {
            let languages: Vec<String> = load_texts(db, &[key], false)?.remove(&key).unwrap_or_default().into_keys().collect();
            if languages.is_empty() {
                return Err(absent::<N>(&id));
            }
            let detail = format!("'{id}' has no text in the language asked for; it exists in: {}.", languages.join(", "));
            return Err(Error::not_found(detail).with("languages", languages));
        };
        let mut value = serde_json::to_value(view).map_err(Error::internal)?;
        let languages = served(std::slice::from_ref(&value), reading.locale);
        if let Value::Object(map) = &mut value
            && !question.all("embed").is_empty()
        {
            map.insert("embedded".into(), json!(embedded));
        }
        Ok(Found { value, languages })
    })
    .await;
    moved(&request, outcome, Some(N::ID))
}

/// The key of a public record.
///
/// # Errors
/// 404 for what is not there or not public; 410 with its tombstone for what was withdrawn.
pub fn public_key<N: Noun>(db: &mut Db, id: &str) -> Result<i64, Error> {
    let found: Option<(i64, String, chrono::NaiveDateTime)> = record::table
        .filter(record::kind.eq(N::KIND))
        .filter(record::id.eq(id))
        .select((record::key, record::state, record::updated_at))
        .first(db)
        .optional()?;
    match found {
        Some((key, state, _)) if state == "published" || state == "announced" => Ok(key),
        // The date of what is withdrawn stands still until it is public again.
        Some((_, state, at)) if state == "withdrawn" => Err(gone(id, "withdrawn", at)),
        // A draft is nothing to the public; what was there before it still is.
        Some((key, ..)) => Err(match (withdrawn_before(db, key, id)?, tombstone::find(db, N::KIND, id)?) {
            (Some(at), _) => gone(id, "withdrawn", at),
            (None, Some(at)) => gone(id, "deleted", at),
            (None, None) => absent::<N>(id),
        }),
        None => Err(match (renamed::<N>(db, id)?, tombstone::find(db, N::KIND, id)?) {
            (Some(present), _) => Error::not_found(format!("'{id}' is now called '{present}'.")).with(RENAMED, present),
            (None, Some(at)) => gone(id, "deleted", at),
            // Another name of what was withdrawn and is a draft now, that the public knew.
            (None, None) => match former(db, N::KIND, id)? {
                Some(key) => withdrawn_before(db, key, id)?.map_or_else(|| absent::<N>(id), |at| gone(id, "withdrawn", at)),
                None => absent::<N>(id),
            },
        }),
    }
}

/// 410 with its tombstone.
fn gone(id: &str, how: &str, at: chrono::NaiveDateTime) -> Error {
    let tombstone = json!({"id": id, (format!("{how}At")): rfc3339(at)});
    Error::problem(Code::Gone, format!("'{id}' has been {how}.")).with("tombstone", tombstone)
}

/// When a record that is a draft now was withdrawn, if that is the last that the public heard of it, and under this id.
fn withdrawn_before(db: &mut Db, key: i64, id: &str) -> Result<Option<chrono::NaiveDateTime>, Error> {
    let last: Option<(String, String, chrono::NaiveDateTime)> = public_change::table
        .filter(public_change::record_key.eq(key))
        .order(public_change::sequence.desc())
        .select((public_change::change, public_change::id, public_change::at))
        .first(db)
        .optional()?;
    Ok(last.filter(|(change, known, _)| change == "withdrawn" && known == id).map(|(.., at)| at))
}

/// What is not there, or not for the public, which is the same to the public.
fn absent<N: Noun>(id: &str) -> Error {
    Error::not_found(format!("There is no '{id}' among the {}.", N::PATH))
}

/// The present id of what had another one before, if the public may know of it.
fn renamed<N: Noun>(db: &mut Db, id: &str) -> Result<Option<String>, Error> {
    let Some(key) = former(db, N::KIND, id)? else { return Ok(None) };
    let (present, listed, state): (String, bool, String) =
        record::table.filter(record::key.eq(key)).select((record::id, record::listed, record::state)).first(db)?;
    Ok((listed || state == "withdrawn").then_some(present))
}

/// Sends who asks for a record by an id that it had on to the same place below its present one (308, for every method alike).
///
/// # Errors
/// What the outcome is, when it is another fault.
pub fn moved(request: &HttpRequest, outcome: Result<HttpResponse, Error>, name: Option<&str>) -> Result<HttpResponse, Error> {
    let problem = match outcome {
        Err(Error::Problem(problem)) => problem,
        other => return other,
    };
    let present = problem.extra.iter().find(|(member, _)| *member == RENAMED).and_then(|(_, id)| id.as_str());
    let (Some(present), Some(name), Some(pattern)) = (present, name, request.match_pattern()) else { return Err(Error::Problem(problem)) };
    let place = format!("{{{name}}}");
    let path: Vec<&str> =
        request.path().split('/').zip(pattern.split('/')).map(|(given, part)| if part == place { present } else { given }).collect();
    let target = address(&Site::of(request)?.base, &path.join("/"), request.query_string());
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, target)).insert_header((header::CACHE_CONTROL, "max-age=60")).finish())
}

/// The member of a 404 that tells the present id of what was renamed.
const RENAMED: &str = "renamedTo";

/// Answers one representation that `find` makes. It is kept under its name: the path in its one spelling.
///
/// # Errors
/// What `find` returns; 400, 406.
pub async fn represent(
    request: HttpRequest,
    name: &str,
    declaration: &'static Declaration,
    find: impl FnOnce(&mut Db, &Reading, &Question) -> Result<Found, Error> + Send + 'static,
) -> Result<HttpResponse, Error> {
    represent_selected(request, name, declaration, None, find).await
}

async fn represent_selected(
    request: HttpRequest,
    name: &str,
    declaration: &'static Declaration,
    declared: Option<&'static Declared>,
    find: impl FnOnce(&mut Db, &Reading, &Question) -> Result<Found, Error> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let state = State::of(&request)?;
    let site = Site::of(&request)?;
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let asked = ask(&request, &state, declaration, declared)?;
    let (canonical, moment) = (asked.canonical(name), asked.moment.clone());
    let base = site.base.clone();
    serve(&request, &state, &canonical, moment, move |db, _| {
        let Asked { question, locale, selection, .. } = &asked;
        let Found { mut value, languages } = find(db, &Reading { locale, base: &base }, question)?;
        if let (Some(selection), Some(declared)) = (selection, declared) {
            let embedded = value.as_object_mut().and_then(|map| map.remove("embedded"));
            declared.tree.keep(selection, &mut value);
            if let (Some(embedded), Some(map)) = (embedded, value.as_object_mut()) {
                map.insert("embedded".into(), embedded);
            }
        }
        reply(db, json::object(&value)?, &languages, &[])
    })
    .await
}

/// When the catalogue last changed, or else this midnight (UTC), when what is upcoming and which text is in force may have changed: no answer changes
/// later than that, whatever it is made of.
fn modified(at: Revision) -> SystemTime {
    let midnight = now().date().and_time(chrono::NaiveTime::MIN);
    at.moved_at.max(midnight).and_utc().into()
}

/// The languages that records were served in, for `Content-Language`.
pub fn served(items: &[Value], locale: &Locale) -> Vec<String> {
    let pointer = if locale.all { "/language/available" } else { "/language/served" };
    let mut languages: Vec<String> = Vec::new();
    for found in items.iter().filter_map(|item| item.pointer(pointer)) {
        let codes: Vec<&str> = match found {
            Value::Array(codes) => codes.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect(),
        };
        for code in codes {
            if !languages.iter().any(|known| known == code) {
                languages.push(code.to_owned());
            }
        }
    }
    if languages.is_empty() {
        languages.extend(locale.chain.first().cloned());
    }
    languages
}

/// The representation of something in the catalogue.
fn reply(db: &mut Db, body: Vec<u8>, languages: &[String], links: &[(&str, Option<String>)]) -> Result<Reply, Error> {
    let mut headers = vec![(header::CONTENT_LANGUAGE, languages.join(", "))];
    headers.extend(links.iter().filter_map(|(relation, link)| link.as_ref().map(|link| (header::LINK, format!("<{link}>; rel=\"{relation}\"")))));
    Ok(about(revision::current(db)?, body, json::MEDIA_TYPE, VARY, headers))
}

/// Answers a representation that is the same for everybody and needs no database.
///
/// # Errors
/// 400 for any query parameter, 406.
pub async fn constant(request: &HttpRequest, name: &str, value: Value) -> Result<HttpResponse, Error> {
    negotiate(request, &[json::MEDIA_TYPE])?;
    no_question(request)?;
    unchanging(request, name, move || {
        Ok(Reply {
            body: json::object(&value)?,
            media_type: json::MEDIA_TYPE,
            modified: None,
            vary: "Accept, Accept-Encoding",
            headers: Vec::new(),
            revision: None,
            large: false,
            keep: CACHE,
        })
    })
    .await
}
