//! Places in the sequence of public changes, and the cursors that name them.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::catalogue::revision;
use crate::db::Db;
use crate::db::schema::public_change;
use crate::error::{Code, Error, Issue};
use crate::http::cursor::{Cursor, SortValue};
use crate::secret::Secret;

/// What all cursors of changes belong to: filters do not matter to a place.
const QUESTION: &str = "1:changes";

/// The sequence of changes as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Feed {
    /// The number of the last change; 0 before the first.
    pub last: i64,
    /// By which this database's changes are told from those of another one: when the first was made.
    pub origin: i64,
    pub revision: revision::Revision,
}

/// A place after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of that change; 0 for the beginning.
    pub after: i64,
    origin: i64,
}

impl Place {
    /// Before the first change.
    pub const START: Self = Self { after: 0, origin: 0 };

    /// The place that a token names; `name` says in which parameter or header (`place`) it stood.
    ///
    /// # Errors
    /// An issue when it is no token of ours.
    pub fn decode(token: &str, place: &'static str, name: &str, secret: &Secret) -> Result<Self, Box<Issue>> {
        let located = |mut issue: Box<Issue>| {
            issue.place = place;
            name.clone_into(&mut issue.name);
            issue
        };
        let cursor = Cursor::decode(token, QUESTION, secret).map_err(located)?;
        match cursor.values.as_slice() {
            [SortValue::Number(after), SortValue::Number(origin)] => Ok(Self { after: *after, origin: *origin }),
            _ => Ok(Self::START),
        }
    }
}

impl Feed {
    /// As it stands in this transaction.
    ///
    /// # Errors
    /// Only of the database.
    pub fn read(db: &mut Db) -> Result<Self, Error> {
        let last: Option<i64> = public_change::table.select(diesel::dsl::max(public_change::sequence)).first(db)?;
        let first: Option<NaiveDateTime> = public_change::table.order(public_change::sequence).select(public_change::at).first(db).optional()?;
        let origin = first.map_or(0, |at| at.and_utc().timestamp_micros());
        Ok(Self { last: last.unwrap_or_default(), origin, revision: revision::current(db)? })
    }

    /// The place after a change of it.
    pub fn after(&self, sequence: i64) -> Place {
        Place { after: sequence, origin: self.origin }
    }

    /// The token of a place.
    pub fn cursor(&self, sequence: i64, secret: &Secret) -> String {
        let origin = if sequence == 0 { 0 } else { self.origin };
        Cursor::new(QUESTION, vec![SortValue::Number(sequence), SortValue::Number(origin)], false).encode(secret)
    }

    /// Refuses a place of another database, or of a later state than this one: what came after it cannot be known.
    ///
    /// # Errors
    /// 410 `cursorLapsed`.
    pub fn has(&self, place: Place) -> Result<(), Error> {
        if place.after == 0 || (place.origin == self.origin && place.after <= self.last) {
            return Ok(());
        }
        let detail = "This cursor is of another database, or of a state that was put back since; read /v1/changes from its beginning, and drop what it does not name.";
        Err(Error::problem(Code::CursorLapsed, detail))
    }
}
