//! Where download requests are taken: those that come while others are being committed wait, and are made together with the next commit. Each is
//! checked and answered by itself; one that fails harms no other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::Connection;
use tokio::sync::oneshot;

use super::create::{Create, Made, make_all};
use super::idempotency::Guard;
use crate::db::{Db, Store};
use crate::download::shelf::Shelf;
use crate::error::Error;

/// How often a request is tried again by itself: another process may be quicker with the same key.
const TRIES: usize = 3;

/// So many go together whatever the crowd.
const FEW: usize = 16;

type Tell = oneshot::Sender<Result<Made, Error>>;

struct Waiting {
    create: Create,
    /// Holds the key of the request until it is answered. It goes before the answer does: who has one may ask again.
    guard: Option<Guard>,
    tell: Tell,
}

/// Who waited, and what came of it.
type Served = (Waiting, Result<Made, Error>);

#[derive(Default)]
struct Line {
    waiting: Vec<Waiting>,
    /// Whether somebody is on the way to take those who wait; until then, nobody else is called.
    called: bool,
}

/// The desk of a process.
pub struct Desk {
    line: Mutex<Line>,
    shelf: Mutex<Shelf>,
    /// How many requests are made together at most.
    group: usize,
    /// How many may wait.
    room: usize,
}

impl Desk {
    /// A desk that makes at most `group` requests together and lets at most `room` wait.
    pub fn new(group: usize, room: usize) -> Self {
        Self { line: Mutex::default(), shelf: Mutex::default(), group: group.max(1), room }
    }

    /// Makes a request, or finds that it was made, durably.
    ///
    /// # Errors
    /// 400 when it refers to what does not exist, 422 when its key was used for another body, 503 when too many are waiting; a fault of the database.
    pub async fn make(self: &Arc<Self>, store: &Store, create: Create, guard: Option<Guard>) -> Result<Made, Error> {
        let (tell, told) = oneshot::channel();
        let call = {
            let mut line = self.line();
            if line.waiting.len() >= self.room {
                return Err(Error::unavailable("more download requests are waiting than can be taken on"));
            }
            line.waiting.push(Waiting { create, guard, tell });
            !std::mem::replace(&mut line.called, true)
        };
        if call {
            self.call(store);
        }
        told.await.map_err(|_| Error::unavailable("a download request was not made"))?
    }

    /// Has some of those who wait taken into the next transaction. They are told after its commit by the writer itself: a client or a worker that goes
    /// away keeps nobody waiting.
    fn call(self: &Arc<Self>, store: &Store) {
        let (desk, teller, store, taken) = (Arc::clone(self), Arc::clone(self), store.clone(), Arc::new(AtomicBool::new(false)));
        let ran = Arc::clone(&taken);
        let queue = store.clone();
        queue.queue_then(
            move |db| {
                ran.store(true, Ordering::Release);
                Ok(desk.take(db, &store))
            },
            move |made| match made {
                Ok(all) => {
                    for (Waiting { guard, tell, .. }, made) in all {
                        drop(guard);
                        // Nobody listens any more when the client has gone.
                        drop(tell.send(made));
                    }
                }
                // Whoever was taken is told by the loss of their place; what the shelf has learnt was perhaps never committed.
                Err(_) if taken.load(Ordering::Acquire) => *teller.shelf() = Shelf::default(),
                // The door took nobody: all who wait are told so, in the same way.
                Err(_) => {
                    let refused = std::mem::take(&mut *teller.line());
                    log::warn!("{} download requests could not be taken on", refused.waiting.len());
                }
            },
        );
    }

    /// Makes the requests of some of those who wait, within a transaction, and has the others called.
    fn take(self: &Arc<Self>, db: &mut Db, store: &Store) -> Vec<Served> {
        let (taken, more) = {
            let mut line = self.line();
            // Half of a crowd: while these are committed, those before them are answered and the others stay ready. All at once would have writer and
            // workers wait for each other in turn.
            let count = if line.waiting.len() > FEW { line.waiting.len().div_ceil(2) } else { line.waiting.len() };
            let count = count.min(self.group);
            let taken: Vec<Waiting> = line.waiting.drain(..count).collect();
            line.called = !line.waiting.is_empty();
            (taken, line.called)
        };
        if more {
            self.call(store);
        }
        let creates: Vec<&Create> = taken.iter().map(|waiting| &waiting.create).collect();
        let made = match self.attempt(db, &creates) {
            Ok(made) => made,
            // Each of them would wait as long, for nothing.
            Err(Error::Unavailable(cause)) => creates.iter().map(|_| Err(Error::unavailable(&cause))).collect(),
            // One of them is at fault, or a rival was quicker: each by itself.
            Err(error) => {
                log::debug!("{} requests are made one by one: {error}", creates.len());
                creates.iter().map(|create| self.alone(db, create)).collect()
            }
        };
        taken.into_iter().zip(made).collect()
    }

    fn alone(&self, db: &mut Db, create: &Create) -> Result<Made, Error> {
        let mut last = Err(Error::unavailable("a download request was not made"));
        for _ in 0..TRIES {
            last = self.attempt(db, &[create]).and_then(|made| made.into_iter().next().unwrap_or_else(|| Err(Error::internal("nothing was made"))));
            match last {
                Err(Error::Internal(_)) => {}
                done => return done,
            }
        }
        last
    }

    /// A savepoint: what is not made whole is taken back.
    fn attempt(&self, db: &mut Db, creates: &[&Create]) -> Result<Vec<Result<Made, Error>>, Error> {
        db.transaction(|db| make_all(db, &self.shelf, creates))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
