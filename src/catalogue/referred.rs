//! Ids that somebody outside refers to records by: the present one, or one that a record had before it was renamed. Only what is public is found by
//! either, so that nobody learns of a draft.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{record, renamed_id};
use crate::error::{Error, Issue, IssueKind, quote};
use crate::http::nearest;
use crate::http::question::Question;

/// The present ids of public records, by the ids in `written` that name them.
///
/// # Errors
/// Only of the database.
pub fn present_ids(db: &mut Db, kind: &str, written: &[String]) -> Result<BTreeMap<String, String>, Error> {
    let known: Vec<String> =
        record::table.filter(record::kind.eq(kind)).filter(record::id.eq_any(written)).filter(record::listed.eq(true)).select(record::id).load(db)?;
    let mut all: BTreeMap<String, String> = known.into_iter().map(|id| (id.clone(), id)).collect();
    let others: Vec<&String> = written.iter().filter(|id| !all.contains_key(*id)).collect();
    if !others.is_empty() {
        let renamed: Vec<(String, String)> = renamed_id::table
            .inner_join(record::table.on(record::key.eq(renamed_id::record_key)))
            .filter(renamed_id::kind.eq(kind))
            .filter(renamed_id::old_id.eq_any(others))
            .filter(record::listed.eq(true))
            .select((renamed_id::old_id, record::id))
            .load(db)?;
        all.extend(renamed);
    }
    Ok(all)
}

/// The present id of a public record that `written` names.
///
/// # Errors
/// Only of the database.
pub fn present_id(db: &mut Db, kind: &str, written: &str) -> Result<Option<String>, Error> {
    let written = written.to_owned();
    Ok(present_ids(db, kind, std::slice::from_ref(&written))?.remove(&written))
}

/// A question whose filters by id name records as they are called now. `filters` are those filters, each named after the kind of its records.
///
/// # Errors
/// 400 with an issue for each id that names nothing public; a fault of the database.
pub fn resolved(db: &mut Db, question: &Question, filters: impl Iterator<Item = &'static str>) -> Result<Question, Error> {
    let mut issues = Vec::new();
    let mut resolved = question.clone();
    for kind in filters {
        let written = question.all(kind);
        if written.is_empty() {
            continue;
        }
        let present = present_ids(db, kind, written)?;
        for id in written.iter().filter(|id| !present.contains_key(*id)) {
            let meant = near(db, kind, id)?.map(|near| format!(" Did you mean '{near}'?")).unwrap_or_default();
            let detail = format!("'{kind}': there is no {kind} '{}'.{meant}", quote(id));
            issues.push(Issue::new(IssueKind::ReferencedResourceNotFound, "query", kind, detail).value(id.as_str()));
        }
        let mut ids: Vec<String> = present.into_values().collect();
        ids.sort_unstable();
        ids.dedup();
        resolved.replace(kind, ids);
    }
    if issues.is_empty() { Ok(resolved) } else { Err(Error::bad_request(issues)) }
}

/// The public id that is nearest to `written`, when there are few enough to look through.
///
/// # Errors
/// Only of the database.
pub fn near(db: &mut Db, kind: &str, written: &str) -> Result<Option<String>, Error> {
    const FEW: i64 = 500;
    let ids: Vec<String> =
        record::table.filter(record::kind.eq(kind)).filter(record::listed.eq(true)).order(record::id).limit(FEW + 1).select(record::id).load(db)?;
    if i64::try_from(ids.len()).is_ok_and(|len| len > FEW) {
        return Ok(None);
    }
    Ok(nearest(written, ids.iter().map(String::as_str)).map(str::to_owned))
}
