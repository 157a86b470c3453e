//! Places in the sequence of public changes, and the cursors that name them.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::catalogue::revision;
use crate::db::Db;
use crate::db::schema::public_change;
use crate::error::{Code, Error, Issue, IssueKind};
use crate::http::cursor::{Cursor, SortValue};
use crate::secret::Secret;

/// What all cursors of changes belong to: filters do not matter to a place.
const QUESTION: &str = "1:changes";

/// The sequence of changes as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Feed {
    /// The place after the last change.
    pub end: Place,
    pub revision: revision::Revision,
}

/// A place after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of that change; 0 for the beginning.
    pub after: i64,
    /// When it was made, in microseconds: a database that was put back, or another one, has another change of this number.
    at: i64,
}

impl Place {
    /// Before the first change.
    pub const START: Self = Self { after: 0, at: 0 };

    /// After a change of this number and instant.
    pub fn after(sequence: i64, at: NaiveDateTime) -> Self {
        Self { after: sequence, at: at.and_utc().timestamp_micros() }
    }

    /// Its token.
    pub fn cursor(self, secret: &Secret) -> String {
        Cursor::new(QUESTION, vec![SortValue::Number(self.after), SortValue::Number(self.at)], false).encode(secret)
    }

    /// Refuses a place that these changes do not have: what came after it cannot be known.
    ///
    /// # Errors
    /// 410 `cursorLapsed`; a fault of the database.
    pub fn check(self, db: &mut Db) -> Result<(), Error> {
        if self.after == 0 {
            return Ok(());
        }
        let at: Option<NaiveDateTime> =
            public_change::table.filter(public_change::sequence.eq(self.after)).select(public_change::at).first(db).optional()?;
        if at.is_some_and(|at| at.and_utc().timestamp_micros() == self.at) {
            return Ok(());
        }
        let detail = "This cursor is of another database, or of a state that was put back since; read /v1/changes from its beginning, and drop what it does not name.";
        Err(Error::problem(Code::CursorLapsed, detail))
    }

    /// The place that a token names; `name` says in which parameter or header (`place`) it stood.
    ///
    /// # Errors
    /// An issue when it is no token of ours.
    pub fn decode(token: &str, place: &'static str, name: &str, secret: &Secret) -> Result<Self, Box<Issue>> {
        let none = || {
            let detail =
                "This is no cursor of /v1/changes, or a broken one; take the 'cursor' of an answer or a change (the 'id' of an event), unchanged.";
            Box::new(Issue::new(IssueKind::SchemaViolation, place, name, detail).value(token))
        };
        let cursor = Cursor::decode(token, QUESTION, secret).map_err(|_| none())?;
        match cursor.values.as_slice() {
            [SortValue::Number(after), SortValue::Number(at)] => Ok(Self { after: *after, at: *at }),
            _ => Err(none()),
        }
    }
}

impl Feed {
    /// As it stands in this transaction.
    ///
    /// # Errors
    /// Only of the database.
    pub fn read(db: &mut Db) -> Result<Self, Error> {
        let last: Option<(i64, NaiveDateTime)> =
            public_change::table.order(public_change::sequence.desc()).select((public_change::sequence, public_change::at)).first(db).optional()?;
        let end = last.map_or(Place::START, |(sequence, at)| Place::after(sequence, at));
        Ok(Self { end, revision: revision::current(db)? })
    }
}
