//! Making download requests: once for each key, once in ten minutes for each person and choice, all of it or nothing.

use std::sync::{Mutex, PoisonError};

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::json;
use uuid::Uuid;

use super::idempotency::{self, Keeping, Kept, Keyed};
use super::query::{self, Stored};
use super::read::NewRequest;
use super::store::{self, Insert, Sealed};
use super::view::{DownloadRequest, Issuer};
use crate::catalogue::locale::LANGUAGES;
use crate::catalogue::{referred, revision};
use crate::db::Db;
use crate::db::types::now;
use crate::download::form::texts;
use crate::download::offer::Offered;
use crate::download::shelf::Shelf;
use crate::error::{Code, Error, Issue, IssueKind};

/// Who asks for the same within this time gets what they got.
const SOON: TimeDelta = TimeDelta::minutes(10);

/// What is to be made.
pub struct Create {
    request: NewRequest,
    /// The language of the answer.
    language: String,
    keyed: Option<Keyed>,
    issuer: Issuer,
    /// The hashes of who asks for what, one for each accepted secret, the present one first; none when there is no address to recognize a person by.
    /// The whole form counts: who only knows an address learns nothing.
    repeat_hashes: Vec<String>,
    /// The id that it gets if it is new.
    id: String,
    /// Who asks, sealed for that id; none when nothing was told.
    sealed: Option<Sealed>,
}

/// What came of it.
#[derive(Debug)]
pub struct Made {
    pub outcome: Outcome,
    /// The id of the request.
    pub id: String,
    /// The bytes of the answer.
    pub answer: Vec<u8>,
}

/// How it was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new request, or the very same answer as before to the same key.
    Created,
    /// The request that the same person made a moment ago.
    Repeated,
}

impl Create {
    /// Puts together what is to be made, with all that can be worked out before a transaction.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new(request: NewRequest, language: String, keyed: Option<Keyed>, issuer: Issuer) -> Result<Self, Error> {
        let repeat_hashes = if request.requester.identity.email.is_some() {
            let mut editions: Vec<_> = request.editions.iter().collect();
            editions.sort_unstable();
            let mut consents: Vec<_> = request.consents.iter().collect();
            consents.sort_unstable();
            let form = json!([editions, request.requester, request.purpose, request.privacy_notice, consents, language]);
            issuer.secret.hashes("repeat", form.to_string().as_bytes())
        } else {
            Vec::new()
        };
        let id = Uuid::now_v7().to_string();
        let sealed = Sealed::of(&request.requester.identity, &issuer.secret, &id)?;
        Ok(Self { request, language, keyed, issuer, repeat_hashes, id, sealed })
    }

    /// The key it came with, hashed.
    pub fn key_hash(&self) -> Option<&str> {
        self.keyed.as_ref().map(|keyed| keyed.key_hash.as_str())
    }

    /// The hash of who asks for what.
    pub fn repeat_hash(&self) -> Option<&str> {
        self.repeat_hashes.first().map(String::as_str)
    }

    fn represent(&self, stored: Stored, at: NaiveDateTime) -> Result<Vec<u8>, Error> {
        let view: DownloadRequest = self.issuer.represent(stored, at, true);
        serde_json::to_vec(&view).map_err(Error::internal)
    }
}

/// A request that is new and refers to nothing that is not there.
struct Fresh<'a> {
    /// Its place among those that are made together.
    at: usize,
    create: &'a Create,
    editions: Vec<Offered>,
}

/// Makes some requests in a few statements, however many they are, within a transaction. Each has its own outcome.
///
/// # Errors
/// A fault of the database, or a rival with the same key; then nothing of any of them is to stay.
pub fn make_all(db: &mut Db, shelf: &Mutex<Shelf>, creates: &[&Create]) -> Result<Vec<Result<Made, Error>>, Error> {
    let at = now();
    // The catalogue stays as it is until the commit: what is found to have no file waits for it, and a file that comes then finds who waits.
    let revision = revision::hold_still(db)?;
    let mut made: Vec<Option<Result<Made, Error>>> = known_keys(db, creates, at)?;
    let mut fresh: Vec<Fresh<'_>> = Vec::with_capacity(creates.len());
    for (place, create) in creates.iter().enumerate() {
        if made[place].is_some() {
            continue;
        }
        if create.keyed.is_none()
            && let Some(key) = query::repeated(db, &create.repeat_hashes, at - SOON)?
        {
            let stored = query::load(db, key)?;
            let id = stored.id.clone();
            made[place] = Some(create.represent(stored, at).map(|answer| Made { outcome: Outcome::Repeated, id, answer }));
            continue;
        }
        let referred = {
            let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
            shelf.turn_to(revision, at.date());
            referred(db, &mut shelf, &create.request)?
        };
        match referred {
            Ok(editions) => fresh.push(Fresh { at: place, create, editions }),
            Err(issues) => made[place] = Some(Err(Error::bad_request(issues))),
        }
    }
    for (place, done) in store_all(db, &fresh, at)? {
        made[place] = Some(Ok(done));
    }
    Ok(made.into_iter().map(|one| one.unwrap_or_else(|| Err(Error::internal("a request was left out")))).collect())
}

/// The answers that are kept for the keys of some requests.
fn known_keys(db: &mut Db, creates: &[&Create], at: NaiveDateTime) -> Result<Vec<Option<Result<Made, Error>>>, Error> {
    let keyed: Vec<(usize, &Create, &Keyed)> =
        creates.iter().enumerate().filter_map(|(place, create)| Some((place, *create, create.keyed.as_ref()?))).collect();
    let mut made: Vec<Option<Result<Made, Error>>> = creates.iter().map(|_| None).collect();
    let kept = idempotency::find_all(db, &keyed.iter().map(|(.., keyed)| *keyed).collect::<Vec<_>>(), at)?;
    for ((place, create, keyed), row) in keyed.into_iter().zip(kept) {
        let Some(row) = row else { continue };
        made[place] = Some(match keyed.open(&create.issuer.secret, row)? {
            Kept::Same(answer) => id_of(&answer).map(|id| Made { outcome: Outcome::Created, id, answer }),
            Kept::Other => Err(Error::problem(
                Code::IdempotencyKeyReused,
                "This Idempotency-Key was used for another body within the last 24 hours; use a new key for a new request.",
            )),
        });
    }
    Ok(made)
}

fn id_of(answer: &[u8]) -> Result<String, Error> {
    let answer: serde_json::Value = serde_json::from_slice(answer).map_err(Error::internal)?;
    answer["id"].as_str().map(str::to_owned).ok_or_else(|| Error::internal("an answer without an id"))
}

/// Stores requests that are new, and answers them.
fn store_all(db: &mut Db, fresh: &[Fresh<'_>], at: NaiveDateTime) -> Result<Vec<(usize, Made)>, Error> {
    let inserts: Vec<Insert<'_>> = fresh
        .iter()
        .map(|one| Insert {
            id: &one.create.id,
            request: &one.create.request,
            language: &one.create.language,
            editions: one.editions.iter().map(|offered| (offered.edition_key(), offered.available())).collect(),
            repeat_hash: one.create.repeat_hash(),
            sealed: one.create.sealed.as_ref(),
        })
        .collect();
    let keys = store::insert_all(db, &inserts, at)?;
    let mut all = Vec::with_capacity(fresh.len());
    let mut keepings: Vec<Keeping> = Vec::new();
    for (one, keys) in fresh.iter().zip(keys) {
        let Create { request, language, .. } = one.create;
        let chain = || std::iter::once(language.as_str()).chain(LANGUAGES.iter().copied());
        let mut consents = request.consents.clone();
        consents.sort_unstable();
        let stored = Stored {
            id: one.create.id.clone(),
            language: language.clone(),
            privacy_notice: request.privacy_notice.clone(),
            purpose: request.purpose.map(str::to_owned),
            created_at: at,
            items: keys.items.into_iter().zip(one.editions.iter().map(|offered| offered.titled(chain()))).collect(),
            consents,
        };
        let answer = one.create.represent(stored, at)?;
        if let Some(keyed) = &one.create.keyed {
            keepings.push(keyed.keeping(&one.create.issuer.secret, keys.request, &answer, at)?);
        }
        all.push((one.at, Made { outcome: Outcome::Created, id: one.create.id.clone(), answer }));
    }
    idempotency::keep_all(db, keepings, at)?;
    Ok(all)
}

/// The editions, or an issue for each thing that the request refers to and that is not there.
///
/// # Errors
/// Only of the database.
pub fn referred(db: &mut Db, shelf: &mut Shelf, request: &NewRequest) -> Result<Result<Vec<Offered>, Vec<Issue>>, Error> {
    let mut issues = Vec::new();
    let mut found = Vec::with_capacity(request.editions.len());
    for index in 0..request.editions.len() {
        match edition(db, shelf, request, index)? {
            // By a former and the present id of its work: one edition all the same.
            Ok(offered) if found.iter().any(|known: &Offered| known.edition_key() == offered.edition_key()) => {}
            Ok(offered) => found.push(offered),
            Err(issue) => issues.push(issue),
        }
    }
    quoted_texts(db, shelf, request, &mut issues)?;
    Ok(if issues.is_empty() { Ok(found) } else { Err(issues) })
}

fn edition(db: &mut Db, shelf: &mut Shelf, request: &NewRequest, index: usize) -> Result<Result<Offered, Issue>, Error> {
    let wanted = &request.editions[index];
    let place = request.places.get(index).map(String::as_str).unwrap_or_default();
    let kind = wanted.kind.name();
    let issue = |property: &str, value: &str, detail: String| {
        Issue::new(IssueKind::ReferencedResourceNotFound, "body", format!("{place}/{property}"), detail).value(value)
    };
    let Some(offers) = shelf.editions(db, wanted.kind, &wanted.id)? else {
        let meant = referred::near(db, kind, &wanted.id)?.map(|id| format!(" Did you mean '{id}'?")).unwrap_or_default();
        return Ok(Err(issue(kind, &wanted.id, format!("There is no {kind} '{}'.{meant}", wanted.id))));
    };
    if let Some(offered) = offers.iter().find(|offered| offered.language() == wanted.language) {
        return Ok(Ok(offered.clone()));
    }
    let languages: Vec<&str> = offers.iter().map(Offered::language).collect();
    let exist = if languages.is_empty() { "it has none".to_owned() } else { format!("it exists in: {}", languages.join(", ")) };
    Ok(Err(issue("language", wanted.language, format!("The {kind} '{}' has no edition in '{}'; {exist}.", wanted.id, wanted.language))))
}

/// The texts quoted must be those in force: nobody is held to words that were not shown.
fn quoted_texts(db: &mut Db, shelf: &mut Shelf, request: &NewRequest, issues: &mut Vec<Issue>) -> Result<(), Error> {
    let quoted = std::iter::once(("/privacyNotice".to_owned(), request.privacy_notice.as_str(), &[texts::PRIVACY_NOTICE][..]))
        .chain(request.consents.iter().enumerate().map(|(index, choice)| (format!("/consents/{index}/text"), choice.text.as_str(), texts::CONSENTS)));
    for (place, version, purposes) in quoted {
        let purpose = shelf.purpose_of(db, version)?;
        let (kind, detail) = match purpose.as_deref().map(|purpose| (purpose, purposes.iter().find(|known| **known == purpose))) {
            None => (IssueKind::ReferencedResourceNotFound, format!("There is no text '{version}'.")),
            Some((purpose, None)) => (IssueKind::InvalidInput, format!("'{version}' is a text of another kind ({purpose}).")),
            Some((_, Some(purpose))) => match shelf.in_force(db, purpose)? {
                Some(current) if current == version => continue,
                Some(current) => (IssueKind::InvalidInput, format!("'{version}' is no longer in force; show '{current}' instead.")),
                None => (IssueKind::InvalidInput, format!("'{version}' is not in force yet.")),
            },
        };
        issues.push(Issue::new(kind, "body", place, format!("{detail} GET /v1/downloadForm has the texts in force.")).value(version));
    }
    Ok(())
}
