//! What leaves a connection without a copy: an answer that is ready as bytes, and a part of a file, which the kernel sends itself.
//!
//! The framework copies what it sends into a buffer of its own. Here, what it is given to copy is a short mark; [`Front`](super::front::Front), which
//! stands between that buffer and the socket, sends what the mark stands for, and tells the framework that its mark has gone out once all of it has.
//! So the framework keeps its order, its timeouts and its back-pressure, and knows nothing of it. A mark is a number behind bytes that are random for
//! each process, and is never sent; one that is missing ends the connection.

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

static SECRET: LazyLock<[u8; 16]> = LazyLock::new(|| Uuid::new_v4().into_bytes());

/// How long a mark is.
const MARK: usize = 24;

fn mark(number: u64) -> [u8; MARK] {
    let mut mark = [0; MARK];
    mark[..16].copy_from_slice(&*SECRET);
    mark[16..].copy_from_slice(&number.to_be_bytes());
    mark
}

/// So much may wait to be sent while the framework goes on. Of what is more it is told only when that has gone out: it would take a connection with a
/// slow reader for an idle one, and take on more and more for it.
const SOON: u64 = 64 * 1024;

/// What is sent in place of a mark.
#[derive(Debug)]
pub enum Piece {
    /// The rest of an answer whose head the framework has begun: the fields of this one alone, those that were ready, and the body.
    Answer { own: Vec<u8>, fields: Bytes, body: Bytes },
    /// A part of a file, and what the log calls it.
    File { file: File, bytes: Range<u64>, name: Rc<str> },
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
    waiting: VecDeque<(u64, Piece)>,
    /// How many pieces have come, and how many have gone.
    come: u64,
    gone: u64,
    /// How many bytes have come and not gone.
    outstanding: u64,
    /// The head of an answer is in the framework's buffer, and its mark is not.
    begun: bool,
    /// The body that waits until its piece has gone.
    waker: Option<Waker>,
}

/// The pieces of one connection, in the order of their marks. Whoever answers finds it with the connection's data.
#[derive(Clone, Debug, Default)]
pub struct Outlet(Rc<RefCell<Queue>>);

impl Outlet {
    /// A body that sends `piece`. Its answer must be one that has its length in its own fields, and be no answer to HEAD, whose body nobody asks for.
    pub fn place(&self, piece: Piece) -> Placed {
        self.0.borrow_mut().begun = matches!(piece, Piece::Answer { .. });
        Placed { outlet: self.clone(), awaited: false, piece: Some(piece), number: 0 }
    }

    /// Whether the buffer ends in a head to whose end fields are still to be added.
    pub(super) fn begun(&self) -> bool {
        self.0.borrow().begun
    }

    /// The first piece that waits, how long it is, and the place of its mark in `buffer`; no place when it should be there and is not.
    pub(super) fn first(&self, buffer: &[u8]) -> Option<(Piece, u64, Option<Range<usize>>)> {
        let (number, piece) = self.0.borrow_mut().waiting.pop_front()?;
        let mark = mark(number);
        let at = buffer.windows(MARK).position(|window| window == mark);
        let length = piece.length();
        Some((piece, length, at.map(|at| at..at + MARK)))
    }

    /// Says that a piece of so many bytes has gone out.
    pub(super) fn sent(&self, length: u64) {
        let mut queue = self.0.borrow_mut();
        queue.gone += 1;
        queue.outstanding = queue.outstanding.saturating_sub(length);
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
            queue.come += 1;
            queue.outstanding += piece.length();
            queue.begun = false;
            this.number = queue.come;
            // A file is held open until it has gone: one for each connection, not one for each question.
            this.awaited = queue.outstanding > SOON || matches!(piece, Piece::File { .. });
            queue.waiting.push_back((this.number, piece));
            return Poll::Ready(Some(Ok(Bytes::copy_from_slice(&mark(this.number)))));
        }
        if this.awaited && queue.gone < this.number {
            queue.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(None)
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if self.piece.is_some() {
            self.outlet.0.borrow_mut().begun = false;
        }
    }
}
