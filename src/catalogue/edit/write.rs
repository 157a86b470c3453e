//! The writes themselves, each in one transaction with what it was judged by.

use diesel::prelude::*;
use serde_json::Value;

use super::body::{Present, Understood, understand};
use super::precondition::{Seen, with_id};
use crate::catalogue::pen::{self, Action, Author, Pen};
use crate::catalogue::{collection, every, record};
use crate::db::schema::renamed_id;
use crate::db::{Db, Store};
use crate::error::{Code, Error, Issue, IssueKind, quote};
use crate::http::patch;

/// What is to become of a record.
pub enum Change {
    Create(Value),
    Replace(Value),
    Patch(Value),
    Delete,
}

/// A change that is asked for.
pub struct Wish {
    pub kind: &'static str,
    /// The id in the path; none for a record that is to be made.
    pub id: String,
    pub seen: Seen,
    pub change: Change,
    /// Only to know what would come of it.
    pub dry: bool,
}

/// A record as its editors read it: its id, and its document unless it was deleted.
pub struct Edited {
    pub id: String,
    pub document: Option<Value>,
}

/// Does what is asked for, or tells what would come of it. It blocks.
///
/// # Errors
/// 400, 404, 409, 412; a fault of the database. Then nothing of it stays.
pub fn carry_out(store: &Store, author: &Author, wish: &Wish) -> Result<Edited, Error> {
    pen::attempt(store, author, wish.dry, |pen| work(pen, wish))
}

fn work(pen: &mut Pen<'_>, wish: &Wish) -> Result<Edited, Error> {
    let Wish { kind, id, .. } = wish;
    if let Change::Create(body) = &wish.change {
        let Understood { id, document } = understand(pen.db, pen.at, kind, None, body)?;
        let key = every::write(pen, kind, &id, document, Action::Created)?;
        return shown(pen.db, kind, id, key);
    }
    if let (Change::Replace(body), Seen::Any, true) = (&wish.change, &wish.seen, *kind == collection::ID)
        && record::find(pen.db, kind, id)?.is_none()
    {
        // There is one, at an address of its own, so nobody can POST it: in an empty database this makes it.
        let Understood { document, .. } = understand(pen.db, pen.at, kind, Some(&Present { key: 0, id, document: &Value::Null }), body)?;
        let key = every::write(pen, kind, id, document, Action::Created)?;
        return shown(pen.db, kind, id.clone(), key);
    }
    let key = find(pen.db, kind, id)?;
    let present = with_id(kind, id, every::document(pen.db, kind, key)?);
    wish.seen.hold(pen.db, key, kind, &present)?;
    let record = Present { key, id, document: &present };
    let wanted = match &wish.change {
        Change::Delete => {
            pen.remove(kind, id)?;
            return Ok(Edited { id: id.clone(), document: None });
        }
        Change::Patch(patch) => {
            let mut merged = present.clone();
            patch::merge(&mut merged, patch);
            let understood = understand(pen.db, pen.at, kind, Some(&record), &merged);
            if *kind != collection::ID && merged.is_object() && merged.get("id").is_none() {
                let detail = "'/id' cannot be taken away; to rename, give another id.";
                let issue = Issue::new(IssueKind::SchemaViolation, "body", "/id", detail);
                return Err(match understood {
                    Err(Error::Problem(problem)) if problem.code == Code::BadRequest => Error::Problem(problem).and(vec![issue]),
                    Err(error) if error.cause().is_some() => error,
                    _ => Error::bad_request(vec![issue]),
                });
            }
            understood?
        }
        Change::Replace(body) | Change::Create(body) => understand(pen.db, pen.at, kind, Some(&record), body)?,
    };
    if wanted.id != *id {
        pen.rename(kind, id, &wanted.id)?;
    }
    let key = every::write(pen, kind, &wanted.id, wanted.document, Action::Updated)?;
    shown(pen.db, kind, wanted.id, key)
}

fn shown(db: &mut Db, kind: &str, id: String, key: i64) -> Result<Edited, Error> {
    let document = with_id(kind, &id, every::document(db, kind, key)?);
    Ok(Edited { id, document: Some(document) })
}

/// The document of a record, as its editors read it.
///
/// # Errors
/// 404, or a fault of the database.
pub fn read(db: &mut Db, kind: &str, id: &str) -> Result<Value, Error> {
    let key = find(db, kind, id)?;
    Ok(with_id(kind, id, every::document(db, kind, key)?))
}

/// The key of a record, public or not.
///
/// # Errors
/// 404, which tells the present id of what was renamed; a fault of the database.
pub fn find(db: &mut Db, kind: &str, id: &str) -> Result<i64, Error> {
    if let Some(key) = record::find(db, kind, id)? {
        return Ok(key);
    }
    let leads: Option<i64> =
        renamed_id::table.filter(renamed_id::kind.eq(kind)).filter(renamed_id::old_id.eq(id)).select(renamed_id::record_key).first(db).optional()?;
    let absent = Error::not_found(format!("There is no {kind} '{}'.", quote(id)));
    match leads {
        Some(key) => match record::ids(db, [key])?.remove(&key) {
            Some(present) => Err(Error::not_found(format!("'{id}' is now called '{present}'.")).with("renamedTo", present)),
            None => Err(absent),
        },
        None => Err(absent),
    }
}
