//! What leaves a connection without a copy: an answer that is ready as bytes, and a part of a file, which the kernel sends itself.
//!
//! The framework copies what it sends into a buffer of its own. Here, what it is given to copy is a short mark; [`Front`](super::front::Front), which
//! stands between that buffer and the socket, sends what the mark stands for, and tells the framework that its mark has gone out once all of it has.
//! So the framework keeps its order, its timeouts and its back-pressure, and knows nothing of it. A mark is random for each process and never sent.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fs::File;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use uuid::Uuid;

/// Whether a part of a file can be placed: where it cannot, its bytes are read and sent like others.
pub const SENDS_FILES: bool = cfg!(target_os = "linux");

static MARK: LazyLock<[u8; 16]> = LazyLock::new(|| Uuid::new_v4().into_bytes());

/// So many bytes fit into the buffers of a socket. Of what is longer the framework is told only when it has gone out: it would take a connection with
/// a slow reader for an idle one.
const SOON: u64 = 64 * 1024;

/// What is sent in place of a mark.
#[derive(Debug)]
pub enum Piece {
    /// The rest of an answer whose head the framework has begun: the fields of this one alone, those that were ready, and the body.
    Answer { own: Vec<u8>, fields: Bytes, body: Bytes },
    /// A part of a file.
    File { file: File, bytes: Range<u64> },
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Answer { body, .. } => body.len() as u64,
            Self::File { bytes, .. } => bytes.end - bytes.start,
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Piece>,
    /// How many pieces have come, and how many have gone.
    come: u64,
    gone: u64,
    /// The body that waits until its piece has gone.
    waker: Option<Waker>,
}

/// The pieces of one connection, in the order of their marks. Whoever answers finds it with the connection's data.
#[derive(Clone, Debug, Default)]
pub struct Outlet(Rc<RefCell<Queue>>);

impl Outlet {
    /// A body that sends `piece`. Its answer must be one that has its length in its own fields, and be no answer to HEAD, whose body nobody asks for.
    pub fn place(&self, piece: Piece) -> Placed {
        Placed { outlet: self.clone(), awaited: piece.length() > SOON, piece: Some(piece), number: 0 }
    }

    /// The first piece that waits and the place of its mark in `buffer`; no place when it should be there and is not.
    pub(super) fn first(&self, buffer: &[u8]) -> Option<(Piece, Option<Range<usize>>)> {
        let piece = self.0.borrow_mut().waiting.pop_front()?;
        let at = buffer.windows(MARK.len()).position(|window| window == *MARK);
        Some((piece, at.map(|at| at..at + MARK.len())))
    }

    /// Says that a piece has gone out.
    pub(super) fn sent(&self) {
        let mut queue = self.0.borrow_mut();
        queue.gone += 1;
        if let Some(waker) = queue.waker.take() {
            waker.wake();
        }
    }
}

/// A body that stands for a piece.
#[derive(Debug)]
pub struct Placed {
    outlet: Outlet,
    /// None once its mark has been given out.
    piece: Option<Piece>,
    number: u64,
    /// It ends when the piece has gone, not before.
    awaited: bool,
}

impl MessageBody for Placed {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        // The framework counts marks, which are shorter.
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = &mut *self;
        let mut queue = this.outlet.0.borrow_mut();
        if let Some(piece) = this.piece.take() {
            queue.waiting.push_back(piece);
            queue.come += 1;
            this.number = queue.come;
            return Poll::Ready(Some(Ok(Bytes::from_static(&*MARK))));
        }
        if this.awaited && queue.gone < this.number {
            queue.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(None)
    }
}
