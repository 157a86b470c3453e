//! The whole catalogue, made before it is asked for: whoever mirrors comes after each change, and finds the answer ready.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web;
use diesel::prelude::*;

use super::stream::moved;
pub use super::whole::Whole;
use crate::app::State;
use crate::catalogue::locale::{Chain, EVERY, Locale};
use crate::db::schema::record;
use crate::format::{csv, json, ndjson};
use crate::http::encoding::Coding;

/// How many forms that were asked for lately are made anew, beside those of the site's languages.
const ASKED: usize = 8;
/// Writes that follow each other so closely are one.
const TOGETHER: Duration = Duration::from_millis(200);
/// Making all forms may take one part in so many of the time: a large catalogue that is written all the time is not made all the time.
const SHARE: u32 = 10;
/// After each form it rests so many times as long as it took.
const PAUSE: u32 = 4;

/// A catalogue of more records is made when somebody asks: it takes tens of megabytes while it is made, and seconds.
const MANY: i64 = 2_000;
/// What is made ahead takes one part in so many of the cache: the rest is for what is asked.
const ROOM: u64 = 2;
/// Nothing may be written for days.
const LONG: Duration = Duration::from_secs(3600);

/// A form of the catalogue: which answer, and in which coding.
pub type Form = (Whole, Coding);

/// The forms that were asked for lately, the last one at the end. Whoever asks for many pushes out no others than these.
#[derive(Default)]
pub struct Ahead(Mutex<Vec<Form>>);

impl Ahead {
    /// This one was asked for.
    pub fn note(&self, whole: &Whole, coding: Coding) {
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forms.retain(|(known, its_coding)| (known, *its_coding) != (whole, coding));
        if forms.len() >= ASKED {
            forms.remove(0);
        }
        forms.push((whole.clone(), coding));
    }

    /// Those that were asked for lately.
    pub fn forms(&self) -> Vec<Form> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The codings that each is made in.
pub const CODINGS: [Coding; 3] = [Coding::Identity, Coding::Brotli, Coding::Gzip];

/// What is made of every revision, as long as there is room: each media type, in each language (negotiated, and named by `lang`) and in all of them;
/// what is asked for most first.
pub fn usual(chain: &Chain) -> Vec<Whole> {
    let codes = chain.languages();
    let negotiated = |media_type| codes.iter().map(move |code| Whole::negotiated(media_type, Locale::named(code, chain)));
    let named = |media_type| codes.iter().map(move |code| Whole::named(media_type, code, chain));
    let mut wholes: Vec<Whole> = Vec::new();
    for media_type in [json::MEDIA_TYPE, ndjson::MEDIA_TYPE] {
        wholes.extend(negotiated(media_type).chain([Whole::named(media_type, EVERY, chain)]).chain(named(media_type)));
    }
    wholes.extend(negotiated(csv::MEDIA_TYPE).chain(named(csv::MEDIA_TYPE)));
    wholes
}

/// Whether the catalogue has few enough records to be made ahead.
async fn is_small(state: &State) -> bool {
    let store = state.store.clone();
    let count = move || store.read(|db| Ok(record::table.filter(record::listed.eq(true)).count().get_result::<i64>(db)?));
    matches!(web::block(count).await, Ok(Ok(count)) if count <= MANY)
}

/// Makes all forms whenever the catalogue has moved, until the server ends.
pub async fn keep_ready(state: State, base: String) {
    let usual = usual(&state.chain);
    // Counted apart from what was made because somebody waits for it.
    let cache = state.cache.counted_apart();
    let (mut moves, mut ending) = (state.present.moves(), state.ending.subscribe());
    loop {
        moves.borrow_and_update();
        tokio::time::sleep(TOGETHER).await;
        // Those first that somebody wants; what is ready already is found so.
        let asked = state.ahead.forms().into_iter().map(|(whole, coding)| (whole, vec![coding]));
        let usual = usual.iter().map(|whole| (whole.clone(), CODINGS.to_vec()));
        let forms: Vec<(Whole, Vec<Coding>)> = if is_small(&state).await { asked.chain(usual).collect() } else { Vec::new() };
        let (mut count, mut taken, mut worked) = (0, 0, Duration::ZERO);
        let first = state.present.stamp(Instant::now());
        let mut moved_on = false;
        for (whole, codings) in forms {
            let stamp = state.present.stamp(Instant::now());
            // Written meanwhile: those that are wanted first are the first again.
            moved_on = stamp != first;
            let Some(stamp) = stamp.filter(|_| !moved_on && taken <= state.cache.capacity() / ROOM) else { break };
            let began = Instant::now();
            let made = cache.prepare(stamp, &whole.canonical(), &codings, whole.maker(&state.store, &base)).await;
            let took = began.elapsed();
            worked += took;
            match made {
                Ok(bytes) => (count, taken) = (count + 1, taken + bytes),
                // Whoever asks is told; another form may be smaller.
                Err(error) => log::debug!("a form of the whole catalogue is not made ahead: {error}"),
            }
            // Those who ask meanwhile come first.
            tokio::time::sleep(took * PAUSE).await;
        }
        log::debug!("{count} representations of the whole catalogue are ready, {taken} bytes, after {worked:?} of work");
        tokio::time::sleep(worked * SHARE).await;
        while !moved_on && !moved(&mut moves, &mut ending, LONG).await {}
        if *ending.borrow() {
            return;
        }
    }
}
