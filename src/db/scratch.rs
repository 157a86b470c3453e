//! Databases that are made for a while and thrown away: the catalogue as it was, or would be. They are files of the embedded database, whatever the
//! one is that the server runs on.

use std::ops::Deref;

use diesel::connection::SimpleConnection;
use tempfile::TempDir;

use super::dialect::Target;
use super::{Db, Store};
use crate::error::Error;

/// A database in a temporary folder, gone when it is dropped.
#[derive(Debug)]
pub struct Scratch {
    store: Store,
    // After the store: its connections are closed first.
    _folder: TempDir,
}

impl Scratch {
    /// Makes one and fills it.
    ///
    /// # Errors
    /// When there is no room for it; what `fill` returns.
    pub fn new(fill: impl FnOnce(&mut Db) -> Result<(), Error>) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("handbooks-").tempdir().map_err(Error::unavailable)?;
        let target = Target::Sqlite(folder.path().join("scratch.db"));
        let (store, _) = Store::create(&target).map_err(Error::unavailable)?;
        // Nothing of it has to outlive a crash.
        let mut db = target.connect().map_err(Error::unavailable)?;
        db.batch_execute("PRAGMA synchronous = OFF")?;
        super::transact_on(&mut db, super::dialect::begin_write, fill)?;
        Ok(Self { store, _folder: folder })
    }
}

impl Deref for Scratch {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
