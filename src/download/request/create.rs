//! Making a download request: once for each key, once in ten minutes for each person and choice, all of it or nothing.

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::json;
use uuid::Uuid;

use super::idempotency::{Keeping, Kept, Keyed};
use super::query;
use super::read::NewRequest;
use super::store::Insert;
use super::view::{DownloadRequest, Issuer};
use crate::catalogue::publication::file::Kind;
use crate::db::types::now;
use crate::db::{Db, Store};
use crate::download::form::texts;
use crate::download::offer::{self, Offer};
use crate::error::{Code, Error, Issue, IssueKind};
use crate::http::nearest;

/// Who asks for the same within this time gets what they got.
const SOON: TimeDelta = TimeDelta::minutes(10);
/// How often another process may be quicker with the same key.
const RACES: usize = 3;

/// What is to be made.
pub struct Create {
    pub request: NewRequest,
    /// The language of the answer.
    pub language: String,
    pub keyed: Option<Keyed>,
    pub issuer: Issuer,
}

/// What came of it: the bytes of the answer.
#[derive(Debug)]
pub enum Made {
    /// A new request, or the very same answer as before to the same key.
    Created(Vec<u8>),
    /// The request that the same person made a moment ago.
    Repeated(Vec<u8>),
}

enum Attempt {
    Made(Made),
    Raced,
}

impl Create {
    /// The hash of who asks for what, when there is an address to recognize a person by. The whole form counts: who only knows an address learns nothing.
    pub fn repeat_hash(&self) -> Option<String> {
        self.repeat_hashes()?.into_iter().next()
    }

    /// The same under every accepted secret, the present one first.
    fn repeat_hashes(&self) -> Option<Vec<String>> {
        let request = &self.request;
        request.requester.identity.email.as_ref()?;
        let mut editions: Vec<_> = request.editions.iter().collect();
        editions.sort_unstable();
        let mut consents: Vec<_> = request.consents.iter().collect();
        consents.sort_unstable();
        let form = json!([editions, request.requester, request.purpose, request.privacy_notice, consents, self.language]);
        Some(self.issuer.secret.hashes("repeat", form.to_string().as_bytes()))
    }

    /// Makes it, or finds that it was made. It blocks.
    ///
    /// # Errors
    /// 400 when it refers to what does not exist, 422 when its key was used for another body; a fault of the database.
    pub fn run(&self, store: &Store) -> Result<Made, Error> {
        for _ in 0..RACES {
            if let Attempt::Made(made) = self.attempt(store)? {
                return Ok(made);
            }
        }
        Err(Error::unavailable("other processes were quicker with the same idempotency key, again and again"))
    }

    fn attempt(&self, store: &Store) -> Result<Attempt, Error> {
        let repeat_hash = self.repeat_hash();
        let mut raced = false;
        let done = store.write(|db| {
            let at = now();
            if let Some(made) = self.made_before(db, at)? {
                return Ok(made);
            }
            let editions = referred(db, &self.request, at)?.map_err(Error::bad_request)?;
            let id = Uuid::now_v7().to_string();
            let insert = Insert {
                id: &id,
                request: &self.request,
                language: &self.language,
                editions: &editions,
                repeat_hash: repeat_hash.as_deref(),
                secret: &self.issuer.secret,
                at,
            };
            let key = insert.run(db)?;
            let answer = self.answer(db, key, at)?;
            if let Some(keyed) = &self.keyed
                && keyed.keep(db, &self.issuer.secret, key, &answer, at)? == Keeping::Raced
            {
                raced = true;
                // An error takes back what this attempt has written.
                return Err(Error::unavailable("raced"));
            }
            Ok(Made::Created(answer))
        });
        match done {
            Err(_) if raced => Ok(Attempt::Raced),
            done => Ok(Attempt::Made(done?)),
        }
    }

    fn made_before(&self, db: &mut Db, at: NaiveDateTime) -> Result<Option<Made>, Error> {
        if let Some(keyed) = &self.keyed {
            return match keyed.find(db, &self.issuer.secret, at)? {
                None => Ok(None),
                Some(Kept::Same(answer)) => Ok(Some(Made::Created(answer))),
                Some(Kept::Other) => Err(Error::problem(
                    Code::IdempotencyKeyReused,
                    "This Idempotency-Key was used for another body within the last 24 hours; use a new key for a new request.",
                )),
            };
        }
        let Some(hashes) = self.repeat_hashes() else { return Ok(None) };
        match query::repeated(db, &hashes, at - SOON)? {
            Some(key) => Ok(Some(Made::Repeated(self.answer(db, key, at)?))),
            None => Ok(None),
        }
    }

    fn answer(&self, db: &mut Db, key: i64, at: NaiveDateTime) -> Result<Vec<u8>, Error> {
        let view: DownloadRequest = self.issuer.represent(query::load(db, key)?, at, true);
        serde_json::to_vec(&view).map_err(Error::internal)
    }
}

/// The keys of the editions, or an issue for each thing that the request refers to and that is not there.
///
/// # Errors
/// Only of the database.
pub fn referred(db: &mut Db, request: &NewRequest, at: NaiveDateTime) -> Result<Result<Vec<i64>, Vec<Issue>>, Error> {
    let mut issues = Vec::new();
    let mut keys = Vec::with_capacity(request.editions.len());
    for index in 0..request.editions.len() {
        match edition(db, request, index)? {
            Ok(key) => keys.push(key),
            Err(issue) => issues.push(issue),
        }
    }
    quoted_texts(db, request, at, &mut issues)?;
    Ok(if issues.is_empty() { Ok(keys) } else { Err(issues) })
}

fn edition(db: &mut Db, request: &NewRequest, index: usize) -> Result<Result<i64, Issue>, Error> {
    let wanted = &request.editions[index];
    let kind = wanted.kind.name();
    let issue = |property: &str, value: &str, detail: String| {
        Issue::new(IssueKind::ReferencedResourceNotFound, "body", format!("/editions/{index}/{property}"), detail).value(value)
    };
    let Some(work) = offer::work(db, wanted.kind, &wanted.id)? else {
        let meant = near(db, wanted.kind, &wanted.id)?.map(|id| format!(" Did you mean '{id}'?")).unwrap_or_default();
        return Ok(Err(issue(kind, &wanted.id, format!("There is no {kind} '{}'.{meant}", wanted.id))));
    };
    let offers = offer::of_works(db, &[work], &[])?;
    if let Some(offer) = offers.iter().find(|offer| offer.language == wanted.language) {
        return Ok(Ok(offer.edition_key));
    }
    let languages: Vec<&str> = offers.iter().map(|offer| offer.language.as_str()).collect();
    let exist = if languages.is_empty() { "it has none".to_owned() } else { format!("it exists in: {}", languages.join(", ")) };
    Ok(Err(issue("language", wanted.language, format!("The {kind} '{}' has no edition in '{}'; {exist}.", wanted.id, wanted.language))))
}

/// The texts quoted must be those in force: nobody is held to words that were not shown.
fn quoted_texts(db: &mut Db, request: &NewRequest, at: NaiveDateTime, issues: &mut Vec<Issue>) -> Result<(), Error> {
    let quoted = std::iter::once(("/privacyNotice".to_owned(), request.privacy_notice.as_str(), &[texts::PRIVACY_NOTICE][..]))
        .chain(request.consents.iter().enumerate().map(|(index, choice)| (format!("/consents/{index}/text"), choice.text.as_str(), texts::CONSENTS)));
    for (place, version, purposes) in quoted {
        let purpose = texts::purpose_of(db, version)?;
        let (kind, detail) = match purpose.as_deref() {
            None => (IssueKind::ReferencedResourceNotFound, format!("There is no text '{version}'.")),
            Some(purpose) if !purposes.contains(&purpose) => (IssueKind::InvalidInput, format!("'{version}' is a text of another kind ({purpose}).")),
            Some(purpose) => match texts::current_version(db, purpose, at.date())? {
                Some(current) if current == version => continue,
                Some(current) => (IssueKind::InvalidInput, format!("'{version}' is no longer in force; show '{current}' instead.")),
                None => (IssueKind::InvalidInput, format!("'{version}' is not in force yet.")),
            },
        };
        issues.push(Issue::new(kind, "body", place, format!("{detail} GET /v1/downloadForm has the texts in force.")).value(version));
    }
    Ok(())
}

/// The id on offer that is nearest to `written`.
fn near(db: &mut Db, kind: Kind, written: &str) -> Result<Option<String>, Error> {
    let works = offer::works(db)?;
    let ids: Vec<String> = offer::of_works(db, &works, &[])?.into_iter().filter(|offer: &Offer| offer.kind == kind).map(|offer| offer.id).collect();
    Ok(nearest(written, ids.iter().map(String::as_str)).map(str::to_owned))
}
