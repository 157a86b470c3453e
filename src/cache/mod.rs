//! Ready answers, by what they hold true for, what was asked, and coding; `none` is a member. Knows no noun and no database.
//!
//! Two levels. An *answer* is kept by its question in the one canonical spelling: however a question is spelled, it is answered once, and one computation
//! serves all who ask at the same moment. A *spelling* is what clients really send (address and `Accept*` fields, byte for byte), and leads to an
//! answer without reading the question at all. Both are bounded in bytes, and a spelling never keeps an answer alive.

mod lane;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix_web::http::Uri;
use actix_web::http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, HeaderMap, RANGE};
use actix_web::web;
use quick_cache::sync::{Cache as Map, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::error::Error;
use crate::http::encoding::Coding;
use crate::http::reply::{Prepared, Reply};

pub use lane::{Before, Body, Lane, Short};

/// What answers hold true for: a revision of the catalogue, on a day (what is upcoming and which text is in force change at midnight UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(u64);

impl Stamp {
    /// Of what never changes while the process runs.
    pub const FOREVER: Self = Self(u64::MAX);

    /// Of a revision on a day, counted from any day.
    pub fn new(revision: i64, day: i32) -> Self {
        Self(((revision.unsigned_abs() << 20) & PLACE) | u64::from(day.unsigned_abs() & 0xf_ffff))
    }

    /// The revision it is of.
    pub fn revision(self) -> i64 {
        i64::try_from((self.0 & PLACE) >> 20).unwrap_or_default()
    }
}

/// The part of a stamp that says where the catalogue stands. Above it is counted how often the database was put back to an earlier state: what held
/// true at a revision before that does not hold true when the same number comes again.
const PLACE: u64 = (1 << 56) - 1;

/// How long the present stamp may be trusted without asking the database again: nothing that is older is ever served.
pub const TRUSTED: Duration = Duration::from_secs(1);

/// The stamp of the present moment, as far as it is known.
#[derive(Debug)]
pub struct Present {
    stamp: AtomicU64,
    /// Until when it may be trusted, in microseconds since `origin`.
    until: AtomicU64,
    origin: Instant,
    /// Tells those who wait that the stamp is another.
    moves: watch::Sender<u64>,
}

impl Default for Present {
    fn default() -> Self {
        Self { stamp: AtomicU64::new(0), until: AtomicU64::new(0), origin: Instant::now(), moves: watch::Sender::new(0) }
    }
}

impl Present {
    /// The present stamp; nothing when the database has not confirmed it within the last second.
    pub fn stamp(&self, now: Instant) -> Option<Stamp> {
        let now = self.micros(now);
        (now < self.until.load(Ordering::Acquire)).then(|| Stamp(self.stamp.load(Ordering::Acquire)))
    }

    /// What is known before the database is asked, for [`Present::confirm`].
    pub fn known(&self) -> Stamp {
        Stamp(self.stamp.load(Ordering::Acquire))
    }

    /// Enters what the database answered to a question that was asked at `asked`, when `before` was known. If this process has written meanwhile,
    /// the answer may be older than what is known by now, and is dropped.
    pub fn confirm(&self, before: Stamp, stamp: Stamp, asked: Instant) {
        let put_back = u64::from(stamp.0 < before.0 & PLACE);
        let stamp = (before.0 & !PLACE).wrapping_add(put_back << 56) | stamp.0;
        if self.stamp.compare_exchange(before.0, stamp, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            let until = self.micros(asked) + u64::try_from(TRUSTED.as_micros()).unwrap_or(u64::MAX);
            self.until.fetch_max(until, Ordering::AcqRel);
            self.tell();
        }
    }

    fn tell(&self) {
        let now = self.stamp.load(Ordering::Acquire);
        self.moves.send_if_modified(|known| std::mem::replace(known, now) != now);
    }

    /// For who waits until something is written: begin to listen, look at the database, then wait.
    pub fn moves(&self) -> watch::Receiver<u64> {
        self.moves.subscribe()
    }

    /// Enters what this process has just committed.
    pub fn moved(&self, stamp: Stamp) {
        let newer = |known: u64| (stamp.0 > known & PLACE).then_some(known & !PLACE | stamp.0);
        // An error only says that more was known already.
        let _ = self.stamp.fetch_update(Ordering::AcqRel, Ordering::Acquire, newer);
        self.tell();
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_micros()).unwrap_or(u64::MAX)
    }
}

/// An answer in one coding, with what it holds true for.
#[derive(Debug)]
pub struct Ready {
    stamp: Stamp,
    pub prepared: Prepared,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    stamp: Stamp,
    canonical: Box<str>,
    coding: Coding,
}

#[derive(Clone)]
struct Bytes;

/// What an entry takes beside its own bytes: the places in the map, counters, allocations.
const ENTRY: usize = 160;

impl Weighter<Question, Arc<Ready>> for Bytes {
    fn weight(&self, question: &Question, ready: &Arc<Ready>) -> u64 {
        (ENTRY + question.canonical.len() + ready.prepared.weight()) as u64
    }
}

impl Weighter<Box<[u8]>, Weak<Ready>> for Bytes {
    fn weight(&self, spelling: &Box<[u8]>, _: &Weak<Ready>) -> u64 {
        // What is left of an answer that is gone is as large as the answer's fixed part.
        (ENTRY + spelling.len() + size_of::<Ready>()) as u64
    }
}

/// The levels of a cache that is on.
pub struct Levels {
    answers: Map<Question, Arc<Ready>, Bytes>,
    spellings: Map<Box<[u8]>, Weak<Ready>, Bytes>,
    /// By the hash of the list, so that each takes as much room as any other.
    totals: Map<(Stamp, [u8; 32]), i64>,
}

/// The cache.
#[derive(Clone)]
pub struct Cache {
    levels: Option<Arc<Levels>>,
    /// How many representations were made, whether they are kept or not.
    made: Arc<AtomicU64>,
}

/// A map that is one: parted by cores, as it is by itself, no part would hold what is larger than a part, such as the whole catalogue. What is asked
/// often is found by its spelling, so nobody waits here for another.
fn unparted(items: usize, bytes: u64) -> Map<Question, Arc<Ready>, Bytes> {
    let mut options = OptionsBuilder::new();
    options.shards(1).estimated_items_capacity(items).weight_capacity(bytes);
    match options.build() {
        Ok(options) => Map::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default()),
        // Only for options that were not set.
        Err(_) => Map::with_weighter(items, bytes, Bytes),
    }
}

/// How many totals of lists are kept; each is a number and the list's question.
const TOTALS: usize = 1024;
/// Longer spellings are answered, but not remembered.
const LONGEST: usize = 2048;
/// The part of the bytes that spellings get: one in eight.
const SPELLINGS: u64 = 8;

impl Cache {
    /// A cache of so many bytes; with 0 nothing is kept.
    pub fn of(bytes: u64) -> Self {
        let levels = (bytes > 0).then(|| {
            let spellings = bytes / SPELLINGS;
            let answers = bytes - spellings;
            let items = |bytes: u64, each: u64| usize::try_from(bytes / each).unwrap_or(usize::MAX).max(16);
            Arc::new(Levels {
                answers: unparted(items(answers, 8 * 1024), answers),
                spellings: Map::with_weighter(items(spellings, 512), spellings, Bytes),
                totals: Map::new(TOTALS),
            })
        });
        Self { levels, made: Arc::default() }
    }

    /// Whether anything is kept at all.
    pub fn keeps(&self) -> bool {
        self.levels.is_some()
    }

    /// The same cache, whose further work is not told by [`Cache::made`] of this one.
    #[must_use]
    pub fn counted_apart(&self) -> Self {
        Self { levels: self.levels.clone(), made: Arc::default() }
    }

    /// How many representations were made so far.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Whether an answer is kept.
    pub fn holds(&self, stamp: Stamp, canonical: &str, coding: Coding) -> bool {
        let question = Question { stamp, canonical: canonical.into(), coding };
        self.levels.as_ref().is_some_and(|levels| levels.answers.contains_key(&question))
    }

    /// How many bytes may be kept of answers.
    pub fn capacity(&self) -> u64 {
        self.levels.as_ref().map_or(0, |levels| levels.answers.capacity())
    }

    /// How many bytes are kept.
    pub fn weight(&self) -> u64 {
        self.levels.as_ref().map_or(0, |levels| levels.answers.weight() + levels.spellings.weight())
    }

    /// The answer to a question in a coding: the one that is kept, or the one that `make` makes now. Without a stamp nothing is kept.
    ///
    /// # Errors
    /// What `make` returns; failures are not kept.
    pub async fn answer<F, Fut>(&self, stamp: Option<Stamp>, canonical: &str, coding: Coding, make: F) -> Result<Arc<Ready>, Error>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Reply, Error>>,
    {
        let (Some(levels), Some(stamp)) = (&self.levels, stamp) else {
            let plain = self.plain(stamp.unwrap_or(Stamp(0)), make).await?;
            return code(plain, coding).await;
        };
        let question = |coding| Question { stamp, canonical: canonical.into(), coding };
        let plain_question = question(Coding::Identity);
        let plain = levels.answers.get_or_insert_async(&plain_question, self.plain(stamp, make));
        if coding == Coding::Identity {
            return plain.await;
        }
        levels.answers.get_or_insert_async(&question(coding), async { code(plain.await?, coding).await }).await
    }

    /// Keeps the answer to a question in several codings, and tells how many bytes they take. The plain one is looked up once, so that it does not seem
    /// to be asked for more often than what visitors ask for.
    ///
    /// # Errors
    /// What `make` returns.
    pub async fn prepare<F, Fut>(&self, stamp: Stamp, canonical: &str, codings: &[Coding], make: F) -> Result<u64, Error>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Reply, Error>>,
    {
        let Some(levels) = &self.levels else { return Ok(0) };
        let question = |coding| Question { stamp, canonical: canonical.into(), coding };
        let plain = levels.answers.get_or_insert_async(&question(Coding::Identity), self.plain(stamp, make)).await?;
        let mut bytes = plain.prepared.weight();
        for coding in codings.iter().copied().filter(|coding| *coding != Coding::Identity) {
            let coded = levels.answers.get_or_insert_async(&question(coding), code(Arc::clone(&plain), coding)).await?;
            bytes += coded.prepared.weight();
        }
        Ok(bytes as u64)
    }

    async fn plain<F, Fut>(&self, stamp: Stamp, make: F) -> Result<Arc<Ready>, Error>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Reply, Error>>,
    {
        let reply = make().await?;
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Ready { stamp, prepared: reply.prepare()? }))
    }

    /// The total of a list, counted once as long as it holds true.
    ///
    /// # Errors
    /// What `count` returns.
    pub fn total(&self, stamp: Stamp, list: &str, count: &mut dyn FnMut() -> Result<i64, Error>) -> Result<i64, Error> {
        match &self.levels {
            Some(levels) => levels.totals.get_or_insert_with(&(stamp, Sha256::digest(list.as_bytes()).into()), count),
            None => count(),
        }
    }

    /// Remembers how a question was spelled that led to this answer.
    pub fn remember(&self, uri: &Uri, headers: &HeaderMap, ready: &Arc<Ready>) {
        let Some(levels) = &self.levels else { return };
        let mut spelling = Vec::with_capacity(256);
        if spell(uri, headers, &mut spelling) {
            levels.spellings.insert(spelling.into(), Arc::downgrade(ready));
        }
    }

    /// The answer that this very spelling led to before, if it still holds true.
    pub fn recall(&self, uri: &Uri, headers: &HeaderMap, present: Stamp, buffer: &mut Vec<u8>) -> Option<Arc<Ready>> {
        let levels = self.levels.as_ref()?;
        buffer.clear();
        if !spell(uri, headers, buffer) {
            return None;
        }
        let ready = levels.spellings.get(buffer.as_slice())?.upgrade()?;
        (ready.stamp == present || ready.stamp == Stamp::FOREVER).then_some(ready)
    }
}

async fn code(plain: Arc<Ready>, coding: Coding) -> Result<Arc<Ready>, Error> {
    if coding == Coding::Identity || plain.prepared.body.len() < crate::http::encoding::WORTH {
        return Ok(plain);
    }
    web::block(move || match plain.prepared.coded(coding) {
        Some(prepared) => Arc::new(Ready { stamp: plain.stamp, prepared }),
        None => plain,
    })
    .await
    .map_err(Error::unavailable)
}

/// Writes what of a request chooses its answer, byte for byte; `false` when it is not to be remembered.
fn spell(uri: &Uri, headers: &HeaderMap, out: &mut Vec<u8>) -> bool {
    // Who names a person or a key is answered by the routes alone; so is who wants a part, or resumes a stream.
    if headers.contains_key(AUTHORIZATION) || headers.contains_key(RANGE) || headers.contains_key("last-event-id") {
        return false;
    }
    out.extend_from_slice(uri.path().as_bytes());
    if let Some(query) = uri.query() {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    for name in [ACCEPT, ACCEPT_LANGUAGE, ACCEPT_ENCODING] {
        // No field has a NUL in it, nor has an address.
        out.push(0);
        let mut values = headers.get_all(name);
        if let Some(value) = values.next() {
            // A field that is there and empty is another thing than one that is not there.
            out.push(b'=');
            out.extend_from_slice(value.as_bytes());
        }
        if values.next().is_some() {
            return false;
        }
    }
    out.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::reply::CACHE;

    fn reply(text: &str) -> Reply {
        Reply {
            body: text.as_bytes().to_vec(),
            media_type: "application/json",
            modified: None,
            vary: "Accept",
            headers: Vec::new(),
            revision: None,
            large: false,
            keep: CACHE,
        }
    }

    #[test]
    fn the_present_is_trusted_for_a_second() {
        let present = Present::default();
        let now = Instant::now();
        assert_eq!(present.stamp(now), None);
        let one = Stamp::new(1, 20_000);
        present.confirm(present.known(), one, now);
        assert_eq!(present.stamp(now), Some(one));
        assert_eq!(present.stamp(now + TRUSTED - Duration::from_millis(1)), Some(one));
        assert_eq!(present.stamp(now + TRUSTED), None);
        // What was asked before this process wrote says nothing about the present.
        let before = present.known();
        let two = Stamp::new(2, 20_000);
        present.moved(two);
        present.confirm(before, one, now);
        assert_eq!(present.stamp(now), Some(two));
        // A database that was put back to an earlier state is believed, and what was kept of that state before is not.
        present.confirm(present.known(), one, now);
        let again = present.stamp(now).unwrap();
        assert!(again != one && again != two);
        present.moved(two);
        assert!(present.stamp(now).is_some_and(|stamp| stamp != two && stamp != again));
    }

    #[actix_web::test]
    async fn one_computation_for_all_who_ask_at_once() {
        let cache = Cache::of(1 << 20);
        let ask = |coding| {
            let cache = cache.clone();
            actix_web::rt::spawn(async move {
                let make = || async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Ok(reply(&"text ".repeat(1000)))
                };
                cache.answer(Some(Stamp::new(1, 1)), "volumes?", coding, make).await.unwrap()
            })
        };
        let all: Vec<_> = (0..100).map(|n| ask(if n % 2 == 0 { Coding::Brotli } else { Coding::Identity })).collect();
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(cache.made(), 1);
    }

    #[actix_web::test]
    async fn failures_are_not_kept_and_nothing_is_without_a_stamp() {
        let cache = Cache::of(1 << 20);
        let stamp = Some(Stamp::new(1, 1));
        assert!(cache.answer(stamp, "a", Coding::Identity, || async { Err(Error::not_found("no")) }).await.is_err());
        assert!(cache.answer(stamp, "a", Coding::Identity, || async { Ok(reply("{}")) }).await.is_ok());
        assert!(cache.answer(stamp, "a", Coding::Identity, || async { Err(Error::not_found("no")) }).await.is_ok(), "kept");
        assert!(cache.answer(None, "a", Coding::Identity, || async { Err(Error::not_found("no")) }).await.is_err());
        assert!(Cache::of(0).answer(stamp, "a", Coding::Identity, || async { Ok(reply("{}")) }).await.is_ok());
    }

    /// Whoever asks a million different things neither grows the memory nor pushes out what is asked again and again.
    #[actix_web::test]
    async fn a_million_questions_leave_the_useful_ones_in_place() {
        const BYTES: u64 = 4 << 20;
        let cache = Cache::of(BYTES);
        let stamp = Some(Stamp::new(1, 1));
        let useful = |n: usize| format!("volumes?page={n}");
        let uri = |text: &str| -> Uri { format!("/{text}").parse().unwrap() };
        let headers = HeaderMap::new();
        let mut buffer = Vec::new();
        for round in 0..3 {
            for n in 0..20 {
                let ready = cache.answer(stamp, &useful(n), Coding::Identity, || async { Ok(reply(&"x".repeat(5_000))) }).await.unwrap();
                cache.remember(&uri(&useful(n)), &headers, &ready);
                assert!(round == 0 || cache.recall(&uri(&useful(n)), &headers, Stamp::new(1, 1), &mut buffer).is_some());
            }
        }
        let made = cache.made();
        for n in 0..1_000_000_u32 {
            let question = format!("volumes?q={n}");
            let ready = cache.answer(stamp, &question, Coding::Identity, || async { Ok(reply("{\"items\":[]}")) }).await.unwrap();
            cache.remember(&uri(&question), &headers, &ready);
            if n % 1_000 == 0 {
                assert!(cache.weight() <= BYTES, "{} bytes after {n} questions", cache.weight());
                for n in 0..20 {
                    assert!(cache.recall(&uri(&useful(n)), &headers, Stamp::new(1, 1), &mut buffer).is_some(), "page {n} was pushed out");
                    cache.answer(stamp, &useful(n), Coding::Identity, || async { Err(Error::internal("pushed out")) }).await.unwrap();
                }
            }
        }
        assert_eq!(cache.made(), made + 1_000_000);
    }
}
