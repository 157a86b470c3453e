//! What is wrong with a document that was sent: its shape, its sense, what it refers to. All at once.

use std::collections::HashSet;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::Value;

use super::schema;
use crate::catalogue::every;
use crate::catalogue::publication::cover;
use crate::catalogue::record::{find, former, ids, instant_of};
use crate::db::Db;
use crate::db::schema::{public_change, record, work};
use crate::error::{Code, Error, Issue, IssueKind, quote};
use crate::http::nearest;
use crate::http::shape::Held;

/// A document without a fault.
pub struct Understood {
    pub id: String,
    pub document: Value,
}

/// A record as it is before a write.
pub struct Present<'a> {
    pub key: i64,
    pub id: &'a str,
    pub document: &'a Value,
}

/// Reads a document of a kind that is written at an instant; `record` is what it is to replace.
///
/// # Errors
/// 400 with all faults; 409 when its id or its number is that of another record.
pub fn understand(db: &mut Db, at: NaiveDateTime, kind: &str, record: Option<&Present<'_>>, body: &Value) -> Result<Understood, Error> {
    let present = record.map(|record| record.id);
    let Held { mut issues, mut sound } = schema::shape(kind).hold(body);
    let given = sound.as_object_mut().and_then(|map| map.shift_remove("id"));
    let id = match (given.as_ref().and_then(Value::as_str), present) {
        (Some(id), _) => id.to_owned(),
        (None, Some(present)) => present.to_owned(),
        (None, None) => {
            if body.is_object() && body.get("id").is_none() {
                issues.push(Issue::new(IssueKind::SchemaViolation, "body", "/id", "'/id' is missing: a record is created with its id."));
            }
            String::new()
        }
    };
    if body.is_object() {
        judge(db, kind, &id, &sound, "", &mut issues)?;
        out_of_turn(db, at, record, &sound, &mut issues)?;
    }
    if !issues.is_empty() {
        return Err(Error::bad_request(issues));
    }
    let mut taken = Vec::new();
    if present != Some(id.as_str()) && find(db, kind, &id)?.is_some() {
        taken.push(format!("There is another {kind} '{id}' already: change that one, or choose another id."));
    } else if let Some(key) = former(db, kind, &id)?.filter(|key| record.is_none_or(|record| record.key != *key)) {
        let present = ids(db, [key])?.remove(&key).unwrap_or_default();
        taken.push(format!("'{id}' is the old id of the {kind} '{present}' and leads to it for ever; choose another one."));
    }
    if let Some(number) = sound.get("number").and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok()) {
        taken.extend(number_taken(db, kind, present, number)?);
    }
    if taken.is_empty() { Ok(Understood { id, document: sound }) } else { Err(Error::problem(Code::Conflict, taken.join(" "))) }
}

/// Reads an edition of a work, and puts it into the work's document: in the place of the one that stands `at`, or after all. Returns its language.
///
/// # Errors
/// 400 with all faults, named by their places within the edition; 409 when there is one in its language already.
pub fn understand_edition(db: &mut Db, kind: &str, id: &str, work: &mut Value, at: Option<usize>, body: &Value) -> Result<String, Error> {
    let Held { mut issues, sound } = schema::edition().hold(body);
    let Some(work_map) = work.as_object_mut() else { return Err(Error::internal("a document that is no object")) };
    let Some(all) = work_map.entry("editions").or_insert_with(|| Value::Array(Vec::new())).as_array_mut() else {
        return Err(Error::internal("editions that are no list"));
    };
    let language = sound.get("language").and_then(Value::as_str).unwrap_or_default().to_owned();
    let known = all.iter().position(|one| one["language"] == language.as_str());
    let place = match at.and_then(|at| Some((at, all.get_mut(at)?))) {
        Some((at, place)) => {
            let named = body.get("language").and_then(Value::as_str).is_some_and(|given| place["language"] != given);
            if named && issues.iter().all(|issue| issue.name != "/language") {
                let detail = "'/language': the language of an edition is its address and does not change. Make another edition (POST …/editions).";
                issues.push(Issue::new(IssueKind::InvalidInput, "body", "/language", detail).value(language.as_str()));
            }
            *place = sound;
            at
        }
        None => match known {
            // Judged in the place of the one that there is: what is wrong with it is told first.
            Some(place) => {
                all[place] = sound;
                place
            }
            None => {
                all.push(sound);
                all.len() - 1
            }
        },
    };
    if body.is_object() {
        judge(db, kind, id, work, &format!("/editions/{place}"), &mut issues)?;
    }
    if !issues.is_empty() {
        return Err(Error::bad_request(issues));
    }
    if at.is_none() && known.is_some() {
        let detail = format!("The {kind} '{id}' has an edition in '{language}' already; change that one.");
        return Err(Error::problem(Code::Conflict, detail));
    }
    Ok(language)
}

/// Adds what a document says that makes no sense, and what it refers to that is not there. Places within `part` are named from there.
fn judge(db: &mut Db, kind: &str, id: &str, document: &Value, part: &str, issues: &mut Vec<Issue>) -> Result<(), Error> {
    let told: Vec<String> = issues.iter().map(|issue| issue.name.clone()).collect();
    // What follows from a fault that is told already is not told again.
    let follows = |place: &str| told.iter().any(|known| known == place || within(known, place) || within(place, known));
    match every::check(kind, id, document.clone()) {
        Ok(faults) => {
            for (place, what) in faults.0 {
                let place = pointer(&place);
                let place = place.strip_prefix(part).unwrap_or(&place);
                if !follows(place) {
                    let end = if what.ends_with('?') { "" } else { "." };
                    issues.push(Issue::new(IssueKind::InvalidInput, "body", place, format!("'{place}': {what}{end}")));
                }
            }
        }
        Err(error) if issues.is_empty() => return Err(error),
        Err(_) => {}
    }
    for mut issue in absent(db, document)? {
        if let Some(place) = issue.name.strip_prefix(part).filter(|_| !part.is_empty()).map(str::to_owned) {
            issue.detail = issue.detail.replacen(&issue.name, &place, 1);
            issue.name = place;
        }
        if !follows(&issue.name) {
            issues.push(issue);
        }
    }
    Ok(())
}

/// Where a document says when something is to happen to it.
fn schedules(document: &Value) -> Vec<String> {
    let texts = document.get("texts").and_then(Value::as_object);
    let codes = texts.into_iter().flat_map(serde_json::Map::keys);
    ["/publishAt", "/withdrawAt"].into_iter().map(str::to_owned).chain(codes.map(|code| format!("/texts/{code}/publishAt"))).collect()
}

fn time_at(document: &Value, place: &str) -> Option<NaiveDateTime> {
    document.pointer(place).and_then(Value::as_str).and_then(instant_of)
}

/// Adds what may not happen to a record now: what was to happen in the past, and what needs something that never happened.
///
/// # Errors
/// Only of the database.
pub fn out_of_turn(db: &mut Db, at: NaiveDateTime, record: Option<&Present<'_>>, after: &Value, issues: &mut Vec<Issue>) -> Result<(), Error> {
    untimely(record.map(|record| record.document), after, at, issues);
    never_public(db, record, after, issues)
}

/// Adds what is newly said to happen at a time that has passed: it would happen at once, which a slip of the pen should not do.
fn untimely(before: Option<&Value>, after: &Value, now: NaiveDateTime, issues: &mut Vec<Issue>) {
    for place in schedules(after) {
        let Some(time) = time_at(after, &place).filter(|time| *time <= now) else { continue };
        if before.and_then(|before| time_at(before, &place)) == Some(time) {
            continue;
        }
        let (what, state) = if place == "/withdrawAt" { ("withdraw", "withdrawn") } else { ("publish", "published") };
        let detail = format!("'{place}': this moment has passed. To {what} it now, leave it out and say \"state\": \"{state}\".");
        issues.push(Issue::new(IssueKind::InvalidInput, "body", place.clone(), detail).value(after.pointer(&place).cloned().unwrap_or_default()));
    }
}

/// Takes out of a document from the past what was to happen at a time that has passed.
pub fn without_passed(document: &mut Value, now: NaiveDateTime) {
    for place in schedules(document) {
        if time_at(document, &place).is_some_and(|time| time <= now)
            && let Some((holder, name)) = place.rsplit_once('/')
            && let Some(holder) = document.pointer_mut(holder).and_then(Value::as_object_mut)
        {
            holder.shift_remove(name);
        }
    }
}

/// Adds that what never was public cannot be withdrawn from the public.
fn never_public(db: &mut Db, record: Option<&Present<'_>>, after: &Value, issues: &mut Vec<Issue>) -> Result<(), Error> {
    let state = |document: &Value| document.get("state").and_then(Value::as_str).map(str::to_owned);
    if state(after).as_deref() != Some("withdrawn") {
        return Ok(());
    }
    let was = match record {
        Some(record) if state(record.document).as_deref() != Some("draft") => true,
        Some(record) => {
            let shown: i64 = public_change::table.filter(public_change::record_key.eq(record.key)).count().get_result(db)?;
            shown > 0
        }
        None => false,
    };
    if !was {
        let detail = "'/state': it never was public, so there is nothing to withdraw. Leave it a draft, or delete it.";
        issues.push(Issue::new(IssueKind::InvalidInput, "body", "/state", detail).value("withdrawn"));
    }
    Ok(())
}

fn within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// `editions[0].texts.fr` as a JSON pointer.
fn pointer(place: &str) -> String {
    format!("/{}", place.replace('[', "/").replace(']', "").replace('.', "/"))
}

/// What a document refers to that is not there.
fn absent(db: &mut Db, document: &Value) -> Result<Vec<Issue>, Error> {
    let mut issues = Vec::new();
    for (name, kind) in [("themes", "theme"), ("volumes", "volume"), ("complements", "complement")] {
        let Some(items) = document.get(name).and_then(Value::as_array).filter(|items| !items.is_empty()) else { continue };
        let known: HashSet<String> = record::table.filter(record::kind.eq(kind)).select(record::id).load::<String>(db)?.into_iter().collect();
        for (index, id) in items.iter().enumerate().filter_map(|(index, item)| Some((index, item.as_str()?))).filter(|(_, id)| !known.contains(*id)) {
            // An id that it had before leads to it for ever.
            if former(db, kind, id)?.is_some() {
                continue;
            }
            let meant = nearest(id, known.iter().map(String::as_str)).map(|near| format!(" Did you mean '{near}'?")).unwrap_or_default();
            let detail = format!("'/{name}/{index}': there is no {kind} '{}'.{meant}", quote(id));
            issues.push(Issue::new(IssueKind::ReferencedResourceNotFound, "body", format!("/{name}/{index}"), detail).value(id));
        }
    }
    let covers = |edition: &Value| edition.get("cover").and_then(Value::as_str).map(str::to_owned);
    let editions: Vec<Option<String>> = document.get("editions").and_then(Value::as_array).into_iter().flatten().map(covers).collect();
    let known = cover::known(db, &editions.iter().flatten().cloned().collect())?;
    for (index, sha256) in editions.iter().enumerate().filter_map(|(index, sha256)| Some((index, sha256.as_ref()?))) {
        if !known.contains(sha256) {
            let place = format!("/editions/{index}/cover");
            let detail = format!("'{place}': no image with this SHA-256 was ever put here; send the image itself with PUT …/cover.");
            issues.push(Issue::new(IssueKind::ReferencedResourceNotFound, "body", place, detail).value(sha256.as_str()));
        }
    }
    Ok(issues)
}

/// Two works of a kind never have one number: who has it, as a sentence.
fn number_taken(db: &mut Db, kind: &str, present: Option<&str>, number: i32) -> Result<Option<String>, Error> {
    let holder: Option<String> = work::table
        .inner_join(record::table.on(record::key.eq(work::record_key)))
        .filter(work::kind.eq(kind))
        .filter(work::number.eq(number))
        .select(record::id)
        .first(db)
        .optional()?;
    let other = holder.filter(|holder| Some(holder.as_str()) != present);
    Ok(other.map(|holder| format!("The {kind} '{holder}' has the number {number} already.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_as_pointers() {
        assert_eq!(pointer("contents[0].contents[12].texts.fr"), "/contents/0/contents/12/texts/fr");
        assert_eq!(pointer("number"), "/number");
        assert!(within("/a/b", "/a") && !within("/ab", "/a") && !within("/a", "/a"));
    }
}
