//! What can be asked for, remembered as long as the catalogue stays as it is: the editions of works and the texts in force. A request is checked
//! against it in memory; whether it still holds true is one look at the catalogue's revision, within the transaction that stores the request.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::form::texts;
use super::offer::{self, Offered};
use crate::catalogue::publication::file::Kind;
use crate::db::Db;
use crate::error::Error;

/// How many works are remembered; more than that are looked up anew.
const WORKS: usize = 512;

/// The editions of a work; none when the public has no such work.
pub type Editions = Arc<[Offered]>;

/// What is remembered.
#[derive(Debug, Default)]
pub struct Shelf {
    revision: i64,
    day: NaiveDate,
    works: HashMap<(Kind, String), Option<Editions>>,
    /// The purpose of each text that was quoted.
    purposes: HashMap<String, Option<String>>,
    /// The text in force for each purpose.
    current: HashMap<&'static str, Option<String>>,
}

impl Shelf {
    /// Forgets what another revision, or another day, had.
    pub fn turn_to(&mut self, revision: i64, day: NaiveDate) {
        if (self.revision, self.day) != (revision, day) {
            *self = Self { revision, day, ..Self::default() };
        }
    }

    /// The editions of a work that the public may ask for.
    ///
    /// # Errors
    /// Only of the database.
    pub fn editions(&mut self, db: &mut Db, kind: Kind, id: &str) -> Result<Option<Editions>, Error> {
        let key = (kind, id.to_owned());
        if let Some(known) = self.works.get(&key) {
            return Ok(known.clone());
        }
        let found = match offer::work(db, kind, id)? {
            Some(work) => Some(Editions::from(offer::load(db, &[work])?)),
            None => None,
        };
        if self.works.len() >= WORKS {
            self.works.clear();
        }
        self.works.insert(key, found.clone());
        Ok(found)
    }

    /// The purpose of a version of a text, in force or not.
    ///
    /// # Errors
    /// Only of the database.
    pub fn purpose_of(&mut self, db: &mut Db, version: &str) -> Result<Option<String>, Error> {
        if let Some(known) = self.purposes.get(version) {
            return Ok(known.clone());
        }
        let found = texts::purpose_of(db, version)?;
        if self.purposes.len() >= WORKS {
            self.purposes.clear();
        }
        self.purposes.insert(version.to_owned(), found.clone());
        Ok(found)
    }

    /// The version of a purpose that is in force today.
    ///
    /// # Errors
    /// Only of the database.
    pub fn in_force(&mut self, db: &mut Db, purpose: &'static str) -> Result<Option<String>, Error> {
        if let Some(known) = self.current.get(purpose) {
            return Ok(known.clone());
        }
        let found = texts::current_version(db, purpose, self.day)?;
        self.current.insert(purpose, found.clone());
        Ok(found)
    }
}
