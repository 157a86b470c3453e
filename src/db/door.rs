//! The door for queued writes. Its threads take whatever is waiting and commit it as one transaction, a savepoint for each job; who waits is answered
//! after the commit. The queue is bounded: what finds it full is told at once, and nothing is lost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use diesel::connection::{Connection, TransactionManager};

use super::dialect::{self, Db, Target};
use super::{SLOW, WORD};
use crate::error::Error;

type Manages = <Db as Connection>::TransactionManager;

/// How many jobs are committed together at most, when no setting says so.
pub(super) const GROUP: usize = 256;
/// How many jobs may wait, when no setting says so.
pub(super) const ROOM: usize = 1024;

/// Tells who waits for a job how it went.
type Tell = Box<dyn FnOnce(Result<(), Error>) + Send>;
/// Runs a job. `Ok`: it is to be committed, and told so then. `Err`: who waits has been told already.
type Job = Box<dyn FnOnce(&mut Db) -> Result<Tell, Failed> + Send>;

/// How a job fails.
enum Failed {
    /// By itself: what it wrote is taken back, and the others go on.
    Alone,
    /// In a panic: nobody knows how deep in which transaction, so nothing of the group is committed.
    WithAll,
}

/// Who waits for a job. Told once, and when the job is lost on its way, told that.
struct Waiter<T, F: FnOnce(Result<T, Error>)>(Option<F>, std::marker::PhantomData<fn(T)>);

impl<T, F: FnOnce(Result<T, Error>)> Waiter<T, F> {
    fn tell(&mut self, outcome: Result<T, Error>) {
        if let Some(then) = self.0.take() {
            then(outcome);
        }
    }
}

impl<T, F: FnOnce(Result<T, Error>)> Drop for Waiter<T, F> {
    fn drop(&mut self) {
        self.tell(Err(Error::unavailable("a queued write was not run")));
    }
}

/// The door, open.
pub(super) struct Door {
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

struct Writer {
    target: Target,
    group: usize,
    jobs: Arc<Mutex<Receiver<Job>>>,
    tell: Arc<dyn Fn(i64) + Send + Sync>,
}

impl Door {
    pub(super) fn open(target: &Target, group: usize, room: usize, tell: impl Fn(i64) + Send + Sync + 'static) -> Self {
        let (queue, jobs) = sync_channel(room);
        let (jobs, tell) = (Arc::new(Mutex::new(jobs)), Arc::new(tell));
        let threads = (0..target.queue_writers())
            .filter_map(|number| {
                let writer = Writer { target: target.clone(), group, jobs: Arc::clone(&jobs), tell: tell.clone() };
                let thread = std::thread::Builder::new().name(format!("writer-{number}")).spawn(move || writer.run());
                thread.inspect_err(|e| log::error!("a writer does not start: {e}")).ok()
            })
            .collect();
        Self { queue: Some(queue), threads }
    }

    /// Queues `work`, and has `then` told how it went: after the commit, or when it failed, or when it could not be taken on.
    pub(super) fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, Error> + Send + 'static,
        then: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        let mut waiter = Waiter(Some(then), std::marker::PhantomData);
        let job: Job = Box::new(move |db| match catch_unwind(AssertUnwindSafe(|| work(db))) {
            Ok(Ok(value)) => Ok(Box::new(move |committed| waiter.tell(committed.map(|()| value)))),
            Ok(Err(error)) => {
                waiter.tell(Err(error));
                Err(Failed::Alone)
            }
            Err(_) => {
                waiter.tell(Err(Error::internal("a queued write panicked")));
                Err(Failed::WithAll)
            }
        });
        // A job that is not taken is dropped, which tells who waits for it.
        match self.queue.as_ref().map(|queue| queue.try_send(job)) {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => log::warn!("more writes are waiting than can be taken on"),
            Some(Err(TrySendError::Disconnected(_))) | None => log::warn!("nobody writes any more"),
        }
    }
}

impl Drop for Door {
    /// What is waiting is still written before the door is closed.
    fn drop(&mut self) {
        self.queue.take();
        let this = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != this) {
            if thread.join().is_err() {
                log::error!("a writer ended in a panic");
            }
        }
    }
}

impl Writer {
    fn run(self) {
        let mut db: Option<Db> = None;
        while let Some(jobs) = self.wait() {
            if !self.begin(&mut db) {
                // Each job is dropped, which tells who waits for it.
                continue;
            }
            if let Some(open) = &mut db
                && self.commit(open, jobs).is_err()
            {
                // Whatever broke, the next ones get a connection that is whole.
                db = None;
            }
        }
    }

    /// Begins a transaction. A connection to a server may have been lost since the last one: then there is a new one, and no job is the worse for it.
    fn begin(&self, db: &mut Option<Db>) -> bool {
        if let Some(open) = db {
            match dialect::begin_write(open) {
                Ok(()) => return true,
                Err(e) => log::warn!("a transaction does not begin: {e}"),
            }
            if !dialect::is_remote(open) {
                *db = None;
                return false;
            }
        }
        *db = self.target.connect_writer().inspect_err(|e| log::warn!("database connection: {e}")).ok();
        db.as_mut().is_some_and(|open| dialect::begin_write(open).inspect_err(|e| log::warn!("a transaction does not begin: {e}")).is_ok())
    }

    /// The next jobs; nothing once the door is closed and all is done.
    fn wait(&self) -> Option<Vec<Job>> {
        let queue = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut jobs = vec![queue.recv().ok()?];
        while jobs.len() < self.group
            && let Ok(job) = queue.try_recv()
        {
            jobs.push(job);
        }
        Some(jobs)
    }

    /// The transaction that has begun. An error means that the connection is not to be used again.
    fn commit(&self, db: &mut Db, jobs: Vec<Job>) -> Result<(), ()> {
        let (started, count) = (Instant::now(), jobs.len());
        let mut done: Vec<Tell> = Vec::with_capacity(count);
        let mut word: Option<i64> = None;
        let run_all = || {
            for job in jobs {
                WORD.take();
                // A savepoint: what one job writes can be taken back alone.
                Manages::begin_transaction(db)?;
                match job(db) {
                    Ok(tell) => {
                        // In the list first: should the release fail, the transaction fails, and this one is told so too.
                        done.push(tell);
                        Manages::commit_transaction(db)?;
                        word = WORD.take().max(word);
                    }
                    Err(Failed::Alone) => Manages::rollback_transaction(db)?,
                    Err(Failed::WithAll) => return Err(diesel::result::Error::RollbackTransaction),
                }
            }
            Manages::commit_transaction(db)
        };
        let written = run_all();
        let took = started.elapsed();
        if took > SLOW {
            log::warn!("slow transaction: {} ms for {count} writes", took.as_millis());
        }
        match written {
            Ok(()) => {
                if let Some(word) = word {
                    (self.tell)(word);
                }
                done.into_iter().for_each(|tell| tell(Ok(())));
                Ok(())
            }
            Err(error) => {
                let error = Error::from(error);
                let cause = error.cause().unwrap_or_default().to_owned();
                log::error!("{count} queued writes were not committed: {cause}");
                done.into_iter().for_each(|tell| tell(Err(Error::unavailable(&cause))));
                Err(())
            }
        }
    }
}
