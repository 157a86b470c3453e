//! The doors to the database: [`Store::read`], and for writing [`Store::write`] (alone, at once) and [`Store::queue`] (with whatever else is waiting).
//! Which database it is, only `dialect` knows.

mod dialect;
mod door;
pub mod keyset;
pub mod migrate;
pub mod schema;
pub mod scratch;
pub mod types;

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use diesel::connection::{Connection, TransactionManager};
use diesel::r2d2::{ManageConnection, Pool, PooledConnection};
use tokio::sync::oneshot;

pub use dialect::{Backend, Db, Target, hold_revision};
use door::Door;

use crate::error::Error;

/// A statement or a transaction slower than this is told in the log.
const SLOW: Duration = Duration::from_millis(250);

/// Opens connections by the scheme of the URL; the one that diesel derives tries every kind and hides the cause.
#[derive(Clone)]
struct Manager(Target);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ManagerError(String);

impl ManageConnection for Manager {
    type Connection = Db;
    type Error = ManagerError;

    fn connect(&self) -> Result<Db, ManagerError> {
        self.0.connect().map_err(ManagerError)
    }

    fn is_valid(&self, db: &mut Db) -> Result<(), ManagerError> {
        use diesel::connection::SimpleConnection;
        db.batch_execute("SELECT 1").map_err(|e| ManagerError(e.to_string()))
    }

    fn has_broken(&self, db: &mut Db) -> bool {
        use diesel::connection::TransactionManagerStatus as Status;
        std::thread::panicking() || matches!(<Db as Connection>::TransactionManager::transaction_manager_status_mut(db), Status::InError)
    }
}

thread_local! {
    /// What the transaction that runs on this thread wants told once it is committed.
    static WORD: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Leaves word within a transaction: whoever listens to the store hears `number` after the commit, before the writer goes on; nobody does if it is
/// rolled back.
pub fn tell_after_commit(number: i64) {
    WORD.set(Some(number));
}

type Listener = Arc<dyn Fn(i64) + Send + Sync>;

/// The database, open.
#[derive(Clone)]
pub struct Store {
    target: Target,
    readers: Pool<Manager>,
    writers: Pool<Manager>,
    listener: Arc<OnceLock<Listener>>,
    door: Arc<OnceLock<Door>>,
    /// How many queued jobs are committed together at most, and how many may wait.
    group: usize,
    room: usize,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.target)
    }
}

impl Store {
    /// Opens the pools. The database must be there: a typo never makes a new one.
    ///
    /// # Errors
    /// When it cannot be reached; the text is for whoever runs the server.
    pub fn open(target: &Target) -> Result<Self, String> {
        if !target.exists() {
            return Err(format!("there is no database at {target}; `handbooks migrate` or `handbooks serve` makes it"));
        }
        let (readers, writers) = target.pool_sizes();
        // One connection is tried at once so that a wrong URL is told now and in its own words.
        drop(target.connect()?);
        let pool = |size| {
            Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(Duration::from_secs(5))
                .test_on_check_out(target.file().is_none())
                .error_handler(Box::new(LogErrors))
                .build(Manager(target.clone()))
                .map_err(|e| e.to_string())
        };
        Ok(Self {
            target: target.clone(),
            readers: pool(readers)?,
            writers: pool(writers)?,
            listener: Arc::default(),
            door: Arc::default(),
            group: door::GROUP,
            room: door::ROOM,
        })
    }

    /// Commits at most `group` queued jobs together, and lets at most `room` of them wait; to be said before the first one is queued.
    #[must_use]
    pub fn grouping(self, group: usize, room: usize) -> Self {
        Self { group: group.max(1), room, ..self }
    }

    /// From now on `listener` hears what transactions leave word of ([`tell_after_commit`]). There is one listener; a second one is not taken.
    pub fn listen(&self, listener: impl Fn(i64) + Send + Sync + 'static) {
        if self.listener.set(Arc::new(listener)).is_err() {
            log::warn!("the database has its listener already");
        }
    }

    /// Makes the database when its file is missing, opens it and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be made, reached or migrated.
    pub fn create(target: &Target) -> Result<(Self, Vec<String>), String> {
        let mut db = target.connect()?;
        let ran = migrate::up(&mut db).map_err(|e| format!("migration failed: {e}"))?;
        drop(db);
        Ok((Self::open(target)?, ran))
    }

    /// Has the database look at what it holds, so that it chooses its ways well after much was written.
    ///
    /// # Errors
    /// Only of the database.
    pub fn tidy(&self) -> Result<(), Error> {
        use diesel::connection::SimpleConnection;
        Ok(checkout(&self.writers)?.batch_execute("ANALYZE")?)
    }

    /// The migrations that have not been run here.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn pending(&self) -> Result<Vec<String>, String> {
        let mut db = self.readers.get().map_err(|e| e.to_string())?;
        migrate::pending(&mut db).map_err(|e| e.to_string())
    }

    /// Which database this is.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Runs `work` in a transaction that sees one state of the database. It blocks: call it off the async threads.
    ///
    /// # Errors
    /// What `work` returns; a database that cannot be reached is [`Error::Unavailable`].
    pub fn read<T>(&self, work: impl FnOnce(&mut Db) -> Result<T, Error>) -> Result<T, Error> {
        transact(checkout(&self.readers)?, dialect::begin_read, work)
    }

    /// Runs `work` in a transaction of its own that may write; it is committed, durably, before this returns. It blocks.
    ///
    /// # Errors
    /// What `work` returns, and then nothing of it stays.
    pub fn write<T>(&self, work: impl FnOnce(&mut Db) -> Result<T, Error>) -> Result<T, Error> {
        let db = checkout(&self.writers)?;
        WORD.take();
        let done = transact(db, dialect::begin_write, work);
        let word = WORD.take();
        if done.is_ok() {
            self.pass_on(word);
        }
        done
    }

    /// Runs `work` in a transaction that is taken back whatever comes of it: to know what a write would do.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn try_out<T>(&self, work: impl FnOnce(&mut Db) -> Result<T, Error>) -> Result<T, Error> {
        let mut outcome = None;
        let db = checkout(&self.writers)?;
        let taken_back: Result<(), Error> = transact(db, dialect::begin_write, |db| {
            outcome = Some(work(db));
            Err(Error::unavailable("tried out"))
        });
        WORD.take();
        match outcome {
            Some(outcome) => outcome,
            None => Err(taken_back.err().unwrap_or_else(|| Error::internal("nothing was tried out"))),
        }
    }

    /// Runs `work` among whatever else is waiting: all of it is committed together, durably, and answered after that. A job that fails harms no other;
    /// one that panics takes its group with it, and all of them are told so.
    ///
    /// # Errors
    /// What `work` returns, and then nothing of it stays; [`Error::Unavailable`] when too much is waiting already, or the commit fails.
    pub async fn queue<T: Send + 'static>(&self, work: impl FnOnce(&mut Db) -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
        let (tell, told) = oneshot::channel();
        // Nobody listens any more when the client has gone.
        self.queue_then(work, move |outcome| drop(tell.send(outcome)));
        told.await.map_err(|_| Error::unavailable("a queued write was not run"))?
    }

    /// The same for who does not wait: `then` is told how it went, on the writer's own thread, or at once when the queue is full.
    pub fn queue_then<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, Error> + Send + 'static,
        then: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        self.door().queue(work, then);
    }

    fn door(&self) -> &Door {
        self.door.get_or_init(|| {
            let listener = Arc::clone(&self.listener);
            Door::open(&self.target, self.group, self.room, move |word| tell(&listener, word))
        })
    }

    fn pass_on(&self, word: Option<i64>) {
        if let Some(word) = word {
            tell(&self.listener, word);
        }
    }
}

fn tell(listener: &OnceLock<Listener>, word: i64) {
    if let Some(listener) = listener.get() {
        listener(word);
    }
}

fn checkout(pool: &Pool<Manager>) -> Result<PooledConnection<Manager>, Error> {
    pool.get().map_err(|e| Error::unavailable(format!("no database connection: {e}")))
}

fn transact<T>(
    mut db: PooledConnection<Manager>,
    begin: impl FnOnce(&mut Db) -> diesel::QueryResult<()>,
    work: impl FnOnce(&mut Db) -> Result<T, Error>,
) -> Result<T, Error> {
    transact_on(&mut db, begin, work)
}

fn transact_on<T>(
    db: &mut Db,
    begin: impl FnOnce(&mut Db) -> diesel::QueryResult<()>,
    work: impl FnOnce(&mut Db) -> Result<T, Error>,
) -> Result<T, Error> {
    type Manages = <Db as Connection>::TransactionManager;
    let started = Instant::now();
    begin(db)?;
    // A panic inside `work` drops the connection in the midst of its transaction; `has_broken` then keeps it out of the pool.
    let outcome = work(db);
    let outcome = match outcome {
        Ok(value) => Manages::commit_transaction(db).map(|()| value).map_err(Error::from),
        Err(error) => {
            if let Err(rollback) = Manages::rollback_transaction(db) {
                log::warn!("a rollback failed: {rollback}");
            }
            Err(error)
        }
    };
    let took = started.elapsed();
    if took > SLOW {
        log::warn!("slow transaction: {} ms", took.as_millis());
    }
    outcome
}

impl From<diesel::result::Error> for Error {
    /// A database fault is the server's: never "not found" and never "bad request".
    fn from(error: diesel::result::Error) -> Self {
        if dialect::is_busy(&error) { Self::unavailable(error.to_string()) } else { Self::internal(error.to_string()) }
    }
}

/// r2d2 logs at error level on every retry by itself; one line is enough and its text may name a host, so it stays in the log.
#[derive(Debug)]
struct LogErrors;

impl diesel::r2d2::HandleError<ManagerError> for LogErrors {
    fn handle_error(&self, error: ManagerError) {
        log::warn!("database connection: {error}");
    }
}
