//! Reading the files of a collection: all of their faults at once, each with its file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::{DeArray, DeTable, DeValue};

use super::kept::{self, KeptFile};
use super::{Everything, FOLDERS};
use crate::catalogue::record::{self, Document, instant_of};
use crate::db::types::rfc3339;
use crate::download::form::texts::ConsentTextDocument;
use crate::error::{Error, quote};
use crate::http::suggestion;

/// How many faults of shape are looked for in one file.
const MOST: usize = 50;

/// What a file of a collection may be.
const LAYOUT: &str =
    "a file of a collection is collection.toml, or lies in languages, themes, volumes, complements, events, testimonies, supporters or consentTexts";

/// Files that were read, and what is wrong with them.
#[derive(Default)]
pub struct Files {
    pub all: Everything,
    texts: BTreeMap<String, String>,
    faults: Vec<Fault>,
}

impl Files {
    /// Reads texts by their path within the collection (`volumes/mobility.toml`).
    pub fn of(texts: BTreeMap<String, String>) -> Self {
        let mut files = Self { texts, ..Self::default() };
        let names: Vec<String> = files.texts.keys().cloned().collect();
        for name in names {
            let text = files.texts.get(&name).cloned().unwrap_or_default();
            files.one(&name, &text);
        }
        files.check_numbers();
        files.dates();
        files
    }

    /// Reads a folder.
    pub fn folder(folder: &Path) -> Self {
        let mut texts = BTreeMap::new();
        let mut faults = Vec::new();
        walk(folder, folder, &mut texts, &mut faults);
        if texts.is_empty() && faults.is_empty() {
            faults.push((String::new(), 0, format!("{}: no .toml files here", folder.display())));
        }
        let mut files = Self::of(texts);
        files.faults.extend(faults);
        files
    }

    /// Reads one document; the folder it lies in says what it is.
    pub fn file(path: &Path) -> Self {
        let mut files = Self::default();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let folder = path.canonicalize().ok().and_then(|path| Some(path.parent()?.file_name()?.to_string_lossy().into_owned()));
        let name = match folder {
            _ if name == "collection.toml" => name,
            Some(folder) => format!("{folder}/{name}"),
            None => name,
        };
        match text_of(path, &name) {
            Ok(text) => files = Self::of(BTreeMap::from([(name, text)])),
            Err(fault) => files.faults.push(fault),
        }
        files
    }

    /// Notes a fault at a place of a file.
    pub fn note(&mut self, file: &str, place: &str, what: &str) {
        let line = self.texts.get(file).map_or(1, |text| line_of(text, place));
        let told = if place.is_empty() { what.to_owned() } else { format!("{place}: {what}") };
        self.faults.push((file.to_owned(), line, told));
    }

    /// Notes what refers to nothing: neither to what was read nor to what is `known` besides.
    pub fn check_references(&mut self, known: &BTreeSet<(String, String)>) {
        for (file, place, kind, id) in self.all.references() {
            // A file that is there and has faults of its own is no missing one.
            let there = FOLDERS.iter().any(|(of, folder)| *of == kind && self.texts.contains_key(&format!("{folder}/{id}.toml")));
            if !there && !self.all.has(kind, &id) && !known.contains(&(kind.to_owned(), id.clone())) {
                self.note(&file, place, &format!("there is no {kind} '{id}'"));
            }
        }
    }

    fn check_numbers(&mut self) {
        for (kind, id, number, first) in self.all.same_numbers() {
            self.note(&format!("{}/{id}.toml", kind.path()), "number", &format!("{number} is that of the {} '{first}' too", kind.name()));
        }
    }

    /// What was read.
    ///
    /// # Errors
    /// Every fault.
    pub fn finish(mut self) -> Result<Everything, Vec<String>> {
        if self.faults.is_empty() {
            return Ok(self.all);
        }
        self.faults.sort();
        Err(self.faults.into_iter().map(|(file, line, what)| if file.is_empty() { what } else { format!("{file}:{line}: {what}") }).collect())
    }

    fn one(&mut self, name: &str, text: &str) {
        let parts: Vec<&str> = name.strip_suffix(".toml").unwrap_or(name).split('/').collect();
        match parts.as_slice() {
            ["kept"] => {
                if let Some(read) = self.shape::<KeptFile>(name, text) {
                    for (place, what) in read.check() {
                        self.note(name, &place, &what);
                    }
                    self.all.tombstones = read.tombstones();
                    self.all.kept = read.into_filed();
                }
            }
            ["collection"] => self.document(name, super::super::collection::ID, text, |all| &mut all.collection),
            ["languages", id] => self.document(name, id, text, |all| &mut all.languages),
            ["themes", id] => self.document(name, id, text, |all| &mut all.themes),
            ["volumes", id] => self.document(name, id, text, |all| &mut all.volumes),
            ["complements", id] => self.document(name, id, text, |all| &mut all.complements),
            ["events", id] => self.document(name, id, text, |all| &mut all.events),
            ["testimonies", id] => self.document(name, id, text, |all| &mut all.testimonies),
            ["supporters", id] => self.document(name, id, text, |all| &mut all.supporters),
            ["consentTexts", id] => {
                if let Some(document) = self.shape::<ConsentTextDocument>(name, text) {
                    for fault in document.check(id) {
                        let (place, what) = fault.split_once(": ").unwrap_or(("", &fault));
                        self.note(name, place, what);
                    }
                    self.all.consent_texts.insert((*id).to_owned(), document);
                }
            }
            _ => self.note(name, "", LAYOUT),
        }
    }

    fn document<D: Document>(&mut self, name: &str, id: &str, text: &str, into: impl FnOnce(&mut Everything) -> &mut BTreeMap<String, D>) {
        let Some(document) = self.shape::<D>(name, text) else { return };
        for (place, what) in record::check(id, &document).0 {
            self.note(name, &place, &what);
        }
        match as_stored(&document) {
            Ok(document) => {
                into(&mut self.all).insert(id.to_owned(), document);
            }
            Err(e) => self.note(name, "", &e.to_string()),
        }
    }

    /// Reads a text as a type. What does not fit is told and left out, so that the next misfit is found.
    fn shape<T: DeserializeOwned>(&mut self, name: &str, text: &str) -> Option<T> {
        let (mut table, broken) = DeTable::parse_recoverable(text);
        let at = |span: Option<Range<usize>>| span.map_or(1, |span| line_at(text, span.start));
        if !broken.is_empty() {
            self.faults.extend(broken.iter().map(|error| (name.to_owned(), at(error.span()), error.message().to_owned())));
            return None;
        }
        let mut left_out: BTreeSet<String> = BTreeSet::new();
        for tries in 0..MOST {
            match T::deserialize(toml::Deserializer::from(table.clone())) {
                Ok(read) => return (tries == 0).then_some(read),
                Err(error) => {
                    let missing = error.message().strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
                    if !missing.is_some_and(|name| left_out.contains(name)) {
                        let written = error.span().and_then(|span| text.get(span)).unwrap_or_default();
                        self.faults.push((name.to_owned(), at(error.span()), worded(error.message(), written)));
                    }
                    left_out.insert(cut(table.get_mut(), &error.span()?)?);
                }
            }
        }
        None
    }

    /// Holds what was kept against the documents it was kept of.
    fn dates(&mut self) {
        let mut faults = Vec::new();
        let filed = std::mem::take(&mut self.all.kept);
        let mut kept_of = BTreeMap::new();
        for ((kind, id), mut filed) in filed {
            let Ok(Some(document)) = self.all.value(kind, &id) else { continue };
            filed.holds = kept::fingerprint(&document).is_ok_and(|print| print == filed.content);
            let place = format!("{}.{id}", FOLDERS.iter().find(|(of, _)| *of == kind).map_or(kind, |(_, folder)| *folder));
            for file in &filed.kept.files {
                let editions = document["editions"].as_array().into_iter().flatten();
                if !editions.into_iter().any(|edition| edition["language"] == file.language.as_str()) {
                    faults.push((format!("{place}.files"), format!("the {kind} has no edition in '{}'", file.language)));
                }
            }
            for old in filed.kept.old_ids.iter().filter(|old| self.all.has(kind, old)) {
                faults.push((format!("{place}.oldIds"), format!("'{old}' is the id of another {kind}")));
            }
            kept_of.insert((kind, id), filed);
        }
        self.all.kept = kept_of;
        for (place, what) in faults {
            self.note("kept.toml", &place, &what);
        }
    }
}

/// A file, the line and what is wrong there; of what lies in no file, the first is empty.
type Fault = (String, usize, String);

fn text_of(path: &Path, name: &str) -> Result<String, Fault> {
    let bytes = std::fs::read(path).map_err(|e| (String::new(), 0, format!("{}: {e}", path.display())))?;
    String::from_utf8(bytes).map_err(|e| {
        let line = e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        (name.to_owned(), line, "this is not UTF-8".to_owned())
    })
}

fn walk(root: &Path, dir: &Path, texts: &mut BTreeMap<String, String>, faults: &mut Vec<Fault>) {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) => return faults.push((String::new(), 0, format!("{}: {e}", dir.display()))),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        // What begins with a dot is of others: git, editors, the system.
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, texts, faults);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            match text_of(&path, &name) {
                Ok(text) => drop(texts.insert(name, text)),
                Err(fault) => faults.push(fault),
            }
        }
    }
}

/// The document as the database gives it back: what says nothing is left out, and instants are in UTC.
pub(super) fn as_stored<D: Document>(document: &D) -> Result<D, Error> {
    let mut value = serde_json::to_value(document).map_err(Error::internal)?;
    let utc = |value: &mut Value, name: &str| {
        if let Some(at) = value.get(name).and_then(Value::as_str).and_then(instant_of) {
            value[name] = Value::String(rfc3339(at));
        }
    };
    utc(&mut value, "publishAt");
    utc(&mut value, "withdrawAt");
    for text in value.get_mut("texts").and_then(Value::as_object_mut).into_iter().flat_map(|texts| texts.values_mut()) {
        utc(text, "publishAt");
        if let Some(properties) = text.as_object_mut().filter(|text| text.get("state").is_some_and(|state| state == "published")) {
            properties.shift_remove("state");
        }
    }
    serde_json::from_value(value).map_err(Error::internal)
}

/// What is wrong with the shape of a file, for those who write it and not for those who wrote the program. `written` is what stands at the place.
fn worded(message: &str, written: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let (Some(rest), [name, known @ ..]) = (message.strip_prefix("unknown field "), quoted.as_slice()) {
        let hint = if rest.contains("expected") { suggestion(name, known.iter().copied()) } else { String::new() };
        return format!("unknown name '{}'. {hint}", quote(name)).trim_end().to_owned();
    }
    if let (true, [name]) = (message.starts_with("missing field"), quoted.as_slice()) {
        return format!("'{name}' is missing");
    }
    if let Some((found, expected)) = message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected ")) {
        if found == "map" && written.starts_with(|c: char| c.is_ascii_digit()) && expected.contains("string") {
            return format!("a date or a time stands in quotes here: \"{}\"", quote(written));
        }
        return format!("this is {}; it must be {}", plainly(found), plainly(expected));
    }
    message.to_owned()
}

/// A type, as people call it.
fn plainly(of: &str) -> String {
    let word = of.split_whitespace().next().unwrap_or_default();
    let plain = match word {
        "map" | "struct" => "a table",
        "sequence" => "a list",
        "i32" | "i64" | "u32" | "u64" => "a whole number",
        "string" | "a" if of == "a string" || of == "string" => "a text",
        "a" if of == "a map" => "a table",
        "a" if of == "a sequence" => "a list",
        "boolean" => return of.replacen("boolean", "true or false:", 1),
        "integer" => return of.replacen("integer", "the number", 1),
        "floating" => return of.replacen("floating point", "the number", 1),
        "string" => return of.replacen("string", "the text", 1),
        _ => of,
    };
    plain.to_owned()
}

/// The line of an offset.
fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The line of a place (`contents[0].texts.fr`): of the innermost of its steps that is there.
fn line_of(text: &str, place: &str) -> usize {
    let Ok(root) = DeTable::parse(text) else { return 1 };
    let mut offset = 0;
    let root = DeValue::Table(root.into_inner());
    let mut at = &root;
    for step in place.split(['.', '[']).filter(|step| !step.is_empty()) {
        let next = match at {
            DeValue::Table(table) => table.iter().find(|(key, _)| key.get_ref() == step).map(|(key, value)| (key.span().start, value)),
            DeValue::Array(all) => {
                step.strip_suffix(']').and_then(|index| all.get(index.parse::<usize>().ok()?)).map(|value| (value.span().start, value))
            }
            _ => None,
        };
        let Some((start, value)) = next else { break };
        offset = start;
        at = value.get_ref();
    }
    line_at(text, offset)
}

/// Takes what stands at `span` out of a table, and gives the name it had.
fn cut(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let found = table.iter().find(|(key, value)| {
        let plain = !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        key.span() == *span || value.span() == *span || (plain && value.span().contains(&span.start))
    });
    if let Some(name) = found.map(|(key, _)| key.get_ref().to_string()) {
        *table = std::mem::take(table).into_iter().filter(|(key, _)| key.get_ref() != name.as_str()).collect();
        return Some(name);
    }
    table.iter_mut().find_map(|(_, value)| cut_within(value.get_mut(), span))
}

fn cut_within(value: &mut DeValue<'_>, span: &Range<usize>) -> Option<String> {
    match value {
        DeValue::Table(table) => cut(table, span),
        DeValue::Array(all) => match all.iter().position(|element| element.span() == *span) {
            Some(index) => {
                let mut rest = 0..;
                *all = std::mem::replace(all, DeArray::new()).into_iter().filter(|_| rest.next() != Some(index)).collect();
                Some(String::new())
            }
            None => all.iter_mut().find_map(|element| cut_within(element.get_mut(), span)),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_shape_are_told_in_plain_words() {
        for (message, written, told) in [
            ("unknown field `titel`, expected one of `state`, `title`, `summary`", "titel", "unknown name 'titel'. Did you mean 'title'?"),
            ("unknown field `x`, expected `name` or `role`", "x", "unknown name 'x'. There are: name, role."),
            ("missing field `kind`", "", "'kind' is missing"),
            ("invalid type: map, expected a string", "2026-12-01T08:00:00Z", "a date or a time stands in quotes here: \"2026-12-01T08:00:00Z\""),
            ("invalid type: string \"one\", expected i32", "\"one\"", "this is the text \"one\"; it must be a whole number"),
            ("invalid type: integer `7`, expected a string", "7", "this is the number `7`; it must be a text"),
            ("invalid type: map, expected a sequence", "{}", "this is a table; it must be a list"),
            ("something else", "", "something else"),
        ] {
            assert_eq!(worded(message, written), told);
        }
    }
}
