//! A database per test, copied from a template that is made once per test run.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use handbooks::catalogue::seed::{self, Outcome};
use handbooks::db::{Store, Target};
use tempfile::TempDir;

/// The two databases the product runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// What is in a fresh database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The collection of the seed.
    Seeded,
    /// The schema alone.
    Empty,
}

/// The database of one test, and a folder for what lies beside it; both are gone when it is dropped.
pub struct Home {
    pub database: Database,
    pub url: String,
    pub folder: TempDir,
    /// The name of the database on the server.
    name: Option<String>,
}

impl Home {
    /// A copy of the template.
    pub fn new(database: Database, content: Content) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        match database {
            Database::Sqlite => {
                let path = folder.path().join("handbooks.db");
                let template = match content {
                    Content::Seeded => &SQLITE_SEEDED,
                    Content::Empty => &SQLITE_EMPTY,
                };
                std::fs::write(&path, template.as_slice()).expect("a copy of the template");
                Self { database, url: format!("sqlite:{}", path.display()), folder, name: None }
            }
            Database::Postgres => {
                let template = match content {
                    Content::Seeded => &POSTGRES_SEEDED,
                    Content::Empty => &POSTGRES_EMPTY,
                };
                let name = fresh_name();
                administer(&format!("CREATE DATABASE {name} TEMPLATE {}", template.as_str()));
                Self { database, url: postgres_url(&name), folder, name: Some(name) }
            }
        }
    }

    /// Its address, parsed.
    pub fn target(&self) -> Target {
        Target::parse(&self.url).expect("the URL of a test's database")
    }

    /// Opens it beside the server.
    pub fn open(&self) -> Store {
        Store::open(&self.target()).expect("the database of a test")
    }

    /// Runs statements on it, past all manners.
    pub fn execute(&self, statements: &str) {
        match self.target() {
            Target::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("the test's file");
                conn.batch_execute(&format!("PRAGMA busy_timeout = 5000; {statements}")).expect(statements);
            }
            Target::Postgres(url) => {
                PgConnection::establish(&url).expect("the test's database").batch_execute(statements).expect(statements);
            }
        }
    }

    /// Throws everybody out of a database on a server and lets nobody in; a file knows no such thing.
    pub fn forbid(&self) {
        let name = self.name.as_ref().expect("a database on a server");
        administer(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
        administer(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
    }

    /// Takes [`Home::forbid`] back.
    pub fn allow(&self) {
        administer(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name.as_ref().expect("a database on a server")));
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            administer(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// The whole file of a database: migrated, perhaps seeded, with nothing left in a log beside it.
fn sqlite_template(content: Content) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (made, whole) = (folder.path().join("made.db"), folder.path().join("whole.db"));
    fill(&Target::Sqlite(made.clone()), content);
    let mut conn = SqliteConnection::establish(made.to_str().expect("UTF-8")).expect("the template");
    // A statement that reads all of it, its log included, and writes one file.
    conn.batch_execute(&format!("VACUUM INTO '{}'", whole.display())).expect("a copy of the template");
    std::fs::read(whole).expect("the template's bytes")
}

static SQLITE_SEEDED: LazyLock<Vec<u8>> = LazyLock::new(|| sqlite_template(Content::Seeded));
static SQLITE_EMPTY: LazyLock<Vec<u8>> = LazyLock::new(|| sqlite_template(Content::Empty));

/// The name of a database to copy. It stays until the cluster is thrown away, which is the end of `scripts/with-postgres`.
fn postgres_template(content: Content) -> String {
    let name = fresh_name();
    administer(&format!("CREATE DATABASE {name}"));
    fill(&Target::Postgres(postgres_url(&name)), content);
    // Nobody may be connected to what is copied; the connections that filled it may still be on their way out.
    administer(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
    name
}

static POSTGRES_SEEDED: LazyLock<String> = LazyLock::new(|| postgres_template(Content::Seeded));
static POSTGRES_EMPTY: LazyLock<String> = LazyLock::new(|| postgres_template(Content::Empty));

fn fill(target: &Target, content: Content) {
    let (store, _) = Store::create(target).expect("a migrated database");
    if content == Content::Seeded {
        let everything = seed::embedded().unwrap_or_else(|faults| panic!("the seed is at fault:\n{}", faults.join("\n")));
        let outcome = seed::load(&store, &everything, false).expect("the seed loads");
        assert!(matches!(outcome, Outcome::Loaded(_)), "{outcome:?}");
    }
}

fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("handbooks_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The private cluster that `scripts/with-postgres` starts.
fn cluster() -> url::Url {
    let text = std::env::var("HANDBOOKS_TEST_POSTGRES_URL").expect("there is no Postgres to test with: run `make test`");
    url::Url::parse(&text).expect("HANDBOOKS_TEST_POSTGRES_URL is a URL")
}

fn postgres_url(name: &str) -> String {
    let mut url = cluster();
    url.set_path(name);
    url.into()
}

/// Runs one statement on the cluster, one after another: a database cannot be copied while others are made of the same template.
fn administer(statement: &str) {
    static CONNECTION: Mutex<Option<PgConnection>> = Mutex::new(None);
    // A test that failed here before does not make the next one fail.
    let mut guard = CONNECTION.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let conn = guard.get_or_insert_with(|| PgConnection::establish(cluster().as_str()).expect("the cluster of HANDBOOKS_TEST_POSTGRES_URL"));
    if let Err(e) = conn.batch_execute(statement) {
        *guard = None;
        drop(guard);
        // While another panic is on its way, a second one would end the whole run.
        if !std::thread::panicking() {
            panic!("{statement}: {e}");
        }
    }
}
