//! Migrations, embedded in the binary. Both folders hold the same names.

use diesel::migration::{Migration, MigrationSource};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Db;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Brings the schema up to date and returns the names of what was run, oldest first.
///
/// # Errors
/// The first migration that failed; what came before it stays.
pub fn up(db: &mut Db) -> Result<Vec<String>, Failure> {
    match db {
        Db::Postgres(conn) => run(conn, POSTGRES),
        Db::Sqlite(conn) => run(conn, SQLITE),
    }
}

/// Reverts every migration, newest first.
///
/// # Errors
/// The first one that failed.
pub fn down(db: &mut Db) -> Result<Vec<String>, Failure> {
    let names = match db {
        Db::Postgres(conn) => conn.revert_all_migrations(POSTGRES)?,
        Db::Sqlite(conn) => conn.revert_all_migrations(SQLITE)?,
    };
    Ok(names.iter().map(ToString::to_string).collect())
}

/// The migrations that have not been run here.
///
/// # Errors
/// When the database cannot be asked.
pub fn pending(db: &mut Db) -> Result<Vec<String>, Failure> {
    fn names<DB: diesel::backend::Backend>(pending: &[Box<dyn Migration<DB>>]) -> Vec<String> {
        pending.iter().map(|m| m.name().to_string()).collect()
    }
    match db {
        Db::Postgres(conn) => Ok(names(&conn.pending_migrations(POSTGRES)?)),
        Db::Sqlite(conn) => Ok(names(&conn.pending_migrations(SQLITE)?)),
    }
}

fn run<DB, C>(conn: &mut C, source: impl MigrationSource<DB>) -> Result<Vec<String>, Failure>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    Ok(conn.run_pending_migrations(source)?.iter().map(ToString::to_string).collect())
}
