//! Who may do what: bearer keys with scopes, for editors, operators and partners. Visitors need none.

pub mod key;
pub mod routes;
pub mod store;
mod throttle;

use actix_web::http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use actix_web::{HttpMessage, HttpRequest, web};
use chrono::NaiveDateTime;

pub use throttle::Throttle;

use crate::app::State;
use crate::catalogue::pen::Author;
use crate::db::types::now;
use crate::error::{Code, Error};
use crate::http::manners::{Site, client_address};

/// The name of the security scheme in the OpenAPI document.
pub const SECURITY: &str = "accessKey";

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// To edit the catalogue, and to see what is not published.
    CatalogueWrite,
    /// To read download requests.
    DownloadsRead,
    /// To erase download requests.
    DownloadsErase,
    /// To make, list and revoke keys.
    KeysManage,
    /// To read statistics.
    StatisticsRead,
    /// To be known as a partner.
    Partner,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 6] =
        [Self::CatalogueWrite, Self::DownloadsRead, Self::DownloadsErase, Self::KeysManage, Self::StatisticsRead, Self::Partner];
    /// Their names, in the same order.
    pub const NAMES: &[&str] = &["catalogue:write", "downloads:read", "downloads:erase", "keys:manage", "statistics:read", "partner"];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The scope of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// Who acts.
#[derive(Clone, Debug)]
pub struct Actor {
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
}

impl Actor {
    /// As histories and the audit log name them.
    pub fn author(&self) -> Author {
        Author::key(&self.id, &self.name)
    }

    /// Whether the key has a scope.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// What is sent in `Authorization`, if it is a bearer token at all.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// Lets a request pass whose key has a scope.
///
/// # Errors
/// 401 without a key, or with one that is wrong, expired or revoked; 403 when it lacks the scope; 429 after many wrong ones.
pub async fn require(request: &HttpRequest, scope: Scope) -> Result<Actor, Error> {
    require_any(request, &[scope]).await
}

/// The same for a key that has one of some scopes.
///
/// # Errors
/// The same.
pub async fn require_any(request: &HttpRequest, scopes: &[Scope]) -> Result<Actor, Error> {
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    let names = names.join("' or '");
    let Some(token) = bearer(request) else {
        return Err(Error::problem(Code::NoAccessToken, format!("This needs a key with the scope '{names}': send 'Authorization: Bearer hbk_…'.")));
    };
    let actor = recognize(request, token).await?;
    if scopes.iter().any(|scope| actor.may(*scope)) {
        return Ok(actor);
    }
    let has: Vec<&str> = actor.scopes.iter().map(|scope| scope.name()).collect();
    let detail = format!("The key '{}' lacks the scope '{names}'; it has: {}.", actor.name, has.join(", "));
    Err(Error::problem(Code::MissingScope, detail).with("requiredScopes", scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>()))
}

/// Whether a token looks like a key, whatever it opens.
pub fn is_key(token: &str) -> bool {
    token.starts_with(key::PREFIX)
}

/// The key in a request, where another kind of token would do as well: nothing when it is none of ours.
///
/// # Errors
/// As [`require`], for a key that is wrong or lacks the scope.
pub async fn optional(request: &HttpRequest, scope: Scope) -> Result<Option<Actor>, Error> {
    match bearer(request) {
        Some(token) if is_key(token) => require(request, scope).await.map(Some),
        _ => Ok(None),
    }
}

/// That a request's key was looked at.
#[derive(Clone, Copy)]
struct Looked;

/// Looks at the key of a request that needs none and was answered without: whoever sends one that is wrong, expired or revoked is told.
///
/// # Errors
/// 401, or 429 after many wrong ones.
pub async fn unneeded(request: &HttpRequest) -> Result<(), Error> {
    let looked = request.extensions().get::<Looked>().is_some();
    match bearer(request).filter(|token| !looked && is_key(token)).map(str::to_owned) {
        Some(token) => recognize(request, &token).await.map(drop),
        None => Ok(()),
    }
}

async fn recognize(request: &HttpRequest, token: &str) -> Result<Actor, Error> {
    request.extensions_mut().insert(Looked);
    let state = State::of(request)?;
    let address = client_address(request.headers(), request.peer_addr(), &Site::of(request)?.trusted_proxies);
    if let Some(seconds) = state.throttle.wait(address) {
        let detail = format!("Too many wrong keys came from this address; keys from it are looked at again in {seconds} seconds.");
        return Err(Error::problem(Code::TooManyRequests, detail).header(RETRY_AFTER, HeaderValue::from(seconds)));
    }
    let wrong = |detail: &str| {
        state.throttle.count(address);
        Error::problem(Code::InvalidAccessToken, detail)
    };
    let Some(id) = key::id_of(token) else {
        return Err(wrong("This is no key of this server: it is cut off, mistyped, or of another kind. Send it exactly as it was shown."));
    };
    let (store, id, hash) = (state.store.clone(), id.to_owned(), key::hash(token));
    let found = web::block(move || store.read(|db| store::find(db, &id))).await.map_err(Error::unavailable)??;
    // As long for a key that was never there.
    let known = found.as_ref().map_or(key::NO_HASH, |found| found.hash.as_str());
    let genuine = key::same(known, &hash);
    let Some(found) = found.filter(|_| genuine) else { return Err(wrong("There is no such key.")) };
    if let Some(at) = found.revoked_at {
        // Genuine, so nobody is guessing.
        return Err(Error::problem(Code::InvalidAccessToken, format!("This key was revoked on {}.", at.date())));
    }
    let at = now();
    if let Some(end) = found.expires_at.filter(|end| *end <= at) {
        return Err(Error::problem(Code::ExpiredAccessToken, format!("This key expired on {}; ask for a new one.", end.date())));
    }
    note_use(&state, &found.id, found.last_used_at, at);
    Ok(Actor { id: found.id, name: found.name, scopes: found.scopes })
}

/// The last use is noted beside the request, and not more than once a minute.
fn note_use(state: &State, id: &str, last: Option<NaiveDateTime>, at: NaiveDateTime) {
    if last.is_some_and(|last| at - last < chrono::TimeDelta::minutes(1)) {
        return;
    }
    let id = id.to_owned();
    state.store.queue_then(
        move |db| store::used(db, &id, at),
        |noted| {
            if let Err(error) = noted {
                log::warn!("the use of a key is not noted: {error}");
            }
        },
    );
}
