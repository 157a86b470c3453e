//! The only place, besides the settings and the migrations, that says SQLite or Postgres.

use std::fmt;
use std::path::{Path, PathBuf};

use diesel::connection::{AnsiTransactionManager, Connection, SimpleConnection};
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Db {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// The backend both sides are addressed through; boxed expressions name it.
pub type Backend = <Db as Connection>::Backend;

/// Runs the same text against whichever connection it is, each arm type-checked against its own backend.
/// For the few statements that the common enum cannot express.
#[macro_export]
macro_rules! each_dialect {
    ($db:expr, |$conn:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Postgres($conn) => $body,
            $crate::db::Db::Sqlite($conn) => $body,
        }
    };
}

/// Where the data lies, parsed from `DATABASE_URL`.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A file of the embedded database.
    Sqlite(PathBuf),
    /// A server, by its whole URL.
    Postgres(String),
}

impl Target {
    /// Parses `sqlite:PATH`, `postgres://…` or `postgresql://…`; everything else is refused with a sentence.
    pub fn parse(url: &str) -> Result<Self, String> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" => {
                let rest = &url["sqlite:".len()..];
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() || path.contains('\0') {
                    return Err("DATABASE_URL names no file after 'sqlite:'; write for example sqlite:handbooks.db".into());
                }
                if path.starts_with(":memory:") || path.contains('?') {
                    return Err("DATABASE_URL must name a plain file after 'sqlite:'; ':memory:' and '?' options are not supported, because every connection would see another database".into());
                }
                Ok(Self::Sqlite(path.into()))
            }
            "postgres" | "postgresql" if url[scheme.len()..].starts_with("://") => {
                if cfg!(not(feature = "tls"))
                    && let Some(mode) = ["require", "verify-ca", "verify-full"].iter().find(|mode| url.contains(&format!("sslmode={mode}")))
                {
                    return Err(format!(
                        "DATABASE_URL asks for sslmode={mode}, but this build has no TLS; build with `cargo build --release --features tls`, or reach Postgres over a unix socket or a private network"
                    ));
                }
                Ok(Self::Postgres(url.to_owned()))
            }
            _ => Err("DATABASE_URL must start with 'sqlite:' or 'postgres://'; no other database is supported".into()),
        }
    }

    /// The folder that a file database lies in; what belongs to it (the secret, the files) lies beside it.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            }),
            Self::Postgres(_) => None,
        }
    }

    /// The file beside which a made secret is kept.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// Whether there is something to open. A server is taken to be there.
    pub fn exists(&self) -> bool {
        self.file().is_none_or(Path::exists)
    }

    /// How many connections read at once, and how many write.
    pub fn pool_sizes(&self) -> (u32, u32) {
        match self {
            // One writer: SQLite has one anyway, and a queue in the program is fairer than its lock.
            Self::Sqlite(_) => (4, 1),
            Self::Postgres(_) => (8, 8),
        }
    }

    /// How many threads take queued writes.
    pub(super) fn queue_writers(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(_) => 2,
        }
    }

    /// Opens a connection for queued writes.
    ///
    /// # Errors
    /// The cause, for the log only.
    pub(super) fn connect_writer(&self) -> Result<Db, String> {
        let mut db = self.connect()?;
        if let Db::Sqlite(conn) = &mut db {
            // In crowds, the same pages are written again and again: the log is taken into the database when it has 32 MiB, not at every 4; and the
            // ends of the indexes stay in memory.
            for pragma in ["PRAGMA wal_autocheckpoint = 8192", "PRAGMA cache_size = -16384"] {
                conn.batch_execute(pragma).map_err(|e| format!("{pragma}: {e}"))?;
            }
        }
        Ok(db)
    }

    /// Opens a connection and makes it ready.
    ///
    /// # Errors
    /// The cause, for the log only: it may name hosts and paths.
    pub fn connect(&self) -> Result<Db, String> {
        match self {
            Self::Sqlite(path) => {
                let name = path.to_str().ok_or("the database's path is not UTF-8")?;
                // `file:` is not used: a `%` or `?` in a path must stay what it is.
                let mut conn = SqliteConnection::establish(name).map_err(|e| format!("cannot open {name}: {e}"))?;
                // Each pragma in its own call: in a batch one that fails hides the next. busy_timeout first, so that the others may wait.
                for pragma in [
                    "PRAGMA busy_timeout = 5000",
                    "PRAGMA foreign_keys = ON",
                    "PRAGMA journal_mode = WAL",
                    "PRAGMA synchronous = FULL",
                    "PRAGMA temp_store = MEMORY",
                    "PRAGMA trusted_schema = OFF",
                ] {
                    conn.batch_execute(pragma).map_err(|e| format!("{name}: {pragma}: {e}"))?;
                }
                verify_pragmas(&mut conn).map_err(|e| format!("{name}: {e}"))?;
                Ok(Db::Sqlite(conn))
            }
            Self::Postgres(url) => {
                let mut conn = PgConnection::establish(url).map_err(|e| format!("cannot reach Postgres: {e}"))?;
                conn.batch_execute("SET TIME ZONE 'UTC'; SET statement_timeout = '30s'; SET lock_timeout = '10s'")
                    .map_err(|e| format!("Postgres refused its settings: {e}"))?;
                Ok(Db::Postgres(conn))
            }
        }
    }
}

/// Never shows a password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite {}", path.display()),
            Self::Postgres(url) => match url::Url::parse(url) {
                Ok(url) => write!(f, "Postgres {}{}", url.host_str().unwrap_or("(local socket)"), url.path()),
                Err(_) => f.write_str("Postgres"),
            },
        }
    }
}

/// `foreign_keys` is ignored in silence inside a transaction or a build without it, so what was asked is read back.
fn verify_pragmas(conn: &mut SqliteConnection) -> Result<(), String> {
    use diesel::prelude::*;
    use diesel::sql_types::Integer;

    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        value: i32,
    }
    for (sql, wanted) in [("SELECT foreign_keys AS value FROM pragma_foreign_keys", 1), ("SELECT synchronous AS value FROM pragma_synchronous", 2)] {
        let row: Row = diesel::sql_query(sql).get_result(conn).map_err(|e| e.to_string())?;
        if row.value != wanted {
            return Err(format!("'{sql}' answers {} instead of {wanted}", row.value));
        }
    }
    Ok(())
}

/// Begins a transaction that sees one state of the database, whatever is written meanwhile.
pub(super) fn begin_read(db: &mut Db) -> diesel::QueryResult<()> {
    match db {
        Db::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        Db::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN DEFERRED"),
    }
}

/// Begins a transaction that may write. SQLite takes its lock at once: a deferred one that reads first and then writes fails "locked" without waiting.
pub(super) fn begin_write(db: &mut Db) -> diesel::QueryResult<()> {
    match db {
        Db::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN"),
        Db::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
    }
}

/// Locks the row of the catalogue's revision until the transaction ends, for itself alone or shared, and returns the revision. A SQLite transaction
/// that writes holds the whole database already.
///
/// # Errors
/// Only of the database.
pub fn hold_revision(db: &mut Db, alone: bool) -> diesel::QueryResult<i64> {
    use super::schema::catalogue_revision::dsl::{catalogue_revision, revision};
    use diesel::prelude::*;
    match db {
        Db::Postgres(conn) if alone => catalogue_revision.select(revision).for_update().first(conn),
        Db::Postgres(conn) => catalogue_revision.select(revision).for_share().first(conn),
        Db::Sqlite(conn) => catalogue_revision.select(revision).first(conn),
    }
}

/// Whether the database is at the other end of a connection that can be lost.
pub(super) fn is_remote(db: &Db) -> bool {
    matches!(db, Db::Postgres(_))
}

/// Whether a message of the driver says "too busy now", which a client may try again.
pub(super) fn is_busy(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    match error {
        Error::DatabaseError(Kind::ClosedConnection | Kind::SerializationFailure | Kind::UnableToSendCommand, _) => true,
        Error::DatabaseError(_, message) => {
            let text = message.message();
            [
                "database is locked",
                "database table is locked",
                "canceling statement due to",
                "the database system is",
                "database or disk is full",
                "too many clients",
                "deadlock detected",
            ]
            .iter()
            .any(|known| text.contains(known))
        }
        Error::BrokenTransactionManager => true,
        _ => false,
    }
}
