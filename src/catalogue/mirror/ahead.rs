//! The whole catalogue, made before it is asked for: whoever mirrors comes after each change, and finds the answer ready.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web;
use diesel::prelude::*;

use super::stream::moved;
use super::whole::Whole;
use crate::app::State;
use crate::catalogue::locale::{Chain, Locale};
use crate::db::schema::record;
use crate::format::{csv, json, ndjson};
use crate::http::encoding::Coding;

/// How many forms that were asked for lately are made anew, beside those of the site's languages.
const ASKED: usize = 8;
/// Writes that follow each other so closely are one.
const TOGETHER: Duration = Duration::from_millis(200);
/// Making all forms may take one part in so many of the time: a large catalogue that is written all the time is not made all the time.
const SHARE: u32 = 10;

/// A catalogue of more records is made when somebody asks: it takes tens of megabytes while it is made, and seconds.
const MANY: i64 = 2_000;
/// Nothing may be written for days.
const LONG: Duration = Duration::from_secs(3600);

/// A form of the catalogue: which answer, and in which coding.
type Form = (Whole, Coding);

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

    fn forms(&self) -> Vec<Form> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The forms in the site's languages.
fn usual(chain: &Chain) -> Vec<Form> {
    let kinds = [
        (json::MEDIA_TYPE, Coding::Identity),
        (json::MEDIA_TYPE, Coding::Brotli),
        (ndjson::MEDIA_TYPE, Coding::Identity),
        (csv::MEDIA_TYPE, Coding::Identity),
    ];
    let of = |code: &String| kinds.map(|(media_type, coding)| (Whole::plain(media_type, Locale::in_language(code, chain)), coding));
    chain.languages().iter().flat_map(of).collect()
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
        let began = Instant::now();
        // What is ready already is found so.
        let forms = if is_small(&state).await { [usual.clone(), state.ahead.forms()].concat() } else { Vec::new() };
        for (whole, coding) in forms {
            let Some(stamp) = state.present.stamp(Instant::now()) else { break };
            let made = cache.answer(Some(stamp), &whole.canonical(), coding, whole.maker(&state.store, &base)).await;
            if let Err(error) = made {
                // Whoever asks is told; one that is too large is too large in every form.
                log::debug!("the whole catalogue is not made ahead: {error}");
                break;
            }
        }
        tokio::time::sleep(began.elapsed() * SHARE).await;
        while !moved(&mut moves, &mut ending, LONG).await {}
        if *ending.borrow() {
            return;
        }
    }
}
