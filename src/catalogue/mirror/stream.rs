//! Changes as they come, over one connection (`text/event-stream`, the HTML standard's server-sent events).

use std::convert::Infallible;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream;
use tokio::sync::watch;

use super::changes::{self, Found, Wanted};
use crate::app::State;
use crate::error::Error;

/// The media type.
pub const MEDIA_TYPE: &str = "text/event-stream";
/// How often something is sent when nothing happens, so that nobody on the way takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

struct Stream {
    state: web::Data<State>,
    base: String,
    wanted: Wanted,
    moves: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
    /// To be sent first.
    greeting: Option<Bytes>,
}

/// Sends what comes after a place until the client goes or the server ends.
///
/// # Errors
/// What is wrong with the place, before anything is sent.
pub async fn send(request: &HttpRequest, state: web::Data<State>, base: String, mut wanted: Wanted) -> Result<HttpResponse, Error> {
    let (moves, ending) = (state.present.moves(), state.ending.subscribe());
    let first = look(&state, &base, &wanted).await?;
    let mut greeting = b"retry: 2000\n\n".to_vec();
    turn(&mut wanted, &first, &mut greeting)?;
    let mut answer = HttpResponse::Ok();
    answer.content_type(MEDIA_TYPE).insert_header((CACHE_CONTROL, "no-store")).insert_header((VARY, "Accept"));
    if request.method() == Method::HEAD {
        // The server would read a body that never ends, only to throw it away.
        return Ok(answer.streaming(stream::empty::<Result<Bytes, Infallible>>()));
    }
    let stream = Stream { state, base, wanted, moves, ending, greeting: Some(greeting.into()) };
    Ok(answer
        .streaming(stream::unfold(stream, |stream| async move { next(stream).await.map(|(bytes, stream)| (Ok::<_, Infallible>(bytes), stream)) })))
}

async fn look(state: &web::Data<State>, base: &str, wanted: &Wanted) -> Result<Found, Error> {
    let (store, secret, base, wanted) = (state.store.clone(), state.secret.clone(), base.to_owned(), wanted.clone());
    web::block(move || store.read(|db| changes::find(db, &wanted, &base, &secret))).await.map_err(Error::unavailable)?
}

/// Writes what was found, and goes on to the place after it.
fn turn(wanted: &mut Wanted, found: &Found, out: &mut Vec<u8>) -> Result<(), Error> {
    for change in &found.items {
        out.extend_from_slice(format!("id: {}\nevent: change\ndata: ", change.cursor).as_bytes());
        serde_json::to_writer(&mut *out, change).map_err(Error::internal)?;
        out.extend_from_slice(b"\n\n");
    }
    wanted.from_now = false;
    wanted.place = found.after;
    Ok(())
}

async fn next(mut stream: Stream) -> Option<(Bytes, Stream)> {
    if let Some(greeting) = stream.greeting.take() {
        return Some((greeting, stream));
    }
    // However often other types are written meanwhile.
    let until = Instant::now() + HEARTBEAT;
    loop {
        if *stream.ending.borrow() {
            return None;
        }
        stream.moves.borrow_and_update();
        let mut out = Vec::new();
        // The client comes again with the last id it has seen.
        let told = look(&stream.state, &stream.base, &stream.wanted).await.and_then(|found| turn(&mut stream.wanted, &found, &mut out));
        if let Err(error) = told {
            log::warn!("a stream of changes ends: {error}");
            return None;
        }
        if !out.is_empty() {
            return Some((out.into(), stream));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || !moved(&mut stream.moves, &mut stream.ending, left).await {
            return Some((Bytes::from_static(b": nothing new\n\n"), stream));
        }
    }
}

/// Waits until something is written or the server ends, and tells whether either was within the time.
pub async fn moved(moves: &mut watch::Receiver<u64>, ending: &mut watch::Receiver<bool>, time: Duration) -> bool {
    let (moves, ending, time) = (std::pin::pin!(moves.changed()), std::pin::pin!(ending.changed()), std::pin::pin!(tokio::time::sleep(time)));
    matches!(select(select(moves, ending), time).await, Either::Left(_))
}
