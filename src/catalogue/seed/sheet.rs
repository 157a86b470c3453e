//! Volumes and events from a spreadsheet: a row a record, a column a property.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Everything;
use super::cells::{self, Row};
use super::read::as_stored;
use crate::catalogue::edit::body::{self, Present};
use crate::catalogue::locale::LANGUAGES;
use crate::catalogue::record::{self, Document};
use crate::db::Db;
use crate::db::types::now;
use crate::error::{Error, quote};
use crate::http::nearest;

/// What the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    Volumes,
    Events,
}

/// How the cells of a column are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Id,
    Text,
    Number,
    /// Several values, with `;` or `|` between them.
    List,
    /// Languages that have an edition.
    Editions,
    /// The state of all texts of a record that has none of its own.
    TextStates,
    /// Names, each with a role in brackets after it, with `;` or `|` between them.
    People,
    /// A text in the language that the column's name ends in.
    Local,
    /// What becomes of the text in that language, once it is there.
    Life,
    /// A fact of the edition in that language.
    OfEdition,
}

const VOLUME: &[(&str, Cell)] = &[
    ("id", Cell::Id),
    ("number", Cell::Number),
    ("year", Cell::Number),
    ("state", Cell::Text),
    ("publishAt", Cell::Text),
    ("withdrawAt", Cell::Text),
    ("publishedOn", Cell::Text),
    ("expectedOn", Cell::Text),
    ("sourceLanguage", Cell::Text),
    ("pageUrl", Cell::Text),
    ("themes", Cell::List),
    ("contributors", Cell::People),
    ("editions", Cell::Editions),
    ("note", Cell::Text),
];

const EVENT: &[(&str, Cell)] = &[
    ("id", Cell::Id),
    ("kind", Cell::Text),
    ("status", Cell::Text),
    ("state", Cell::TextStates),
    ("startsOn", Cell::Text),
    ("endsOn", Cell::Text),
    ("startTime", Cell::Text),
    ("endTime", Cell::Text),
    ("timeZone", Cell::Text),
    ("attendance", Cell::Text),
    ("venue", Cell::Text),
    ("address", Cell::Text),
    ("postalCode", Cell::Text),
    ("city", Cell::Text),
    ("country", Cell::Text),
    ("onlineUrl", Cell::Text),
    ("pageUrl", Cell::Text),
    ("languages", Cell::List),
    ("volumes", Cell::List),
    ("complements", Cell::List),
    ("participants", Cell::People),
    ("note", Cell::Text),
];

const STATES: &[&str] = &["draft", "announced", "published", "withdrawn"];

const VOLUME_TEXTS: &[&str] = &["title", "fullTitle", "subtitle", "summary", "announcement"];
const EVENT_TEXTS: &[&str] = &["title", "summary"];
/// What becomes of a text.
const LIFE: &[&str] = &["state", "publishAt"];
/// The facts of an edition, as the columns call them, and as its document does.
const OF_EDITION: &[(&str, &str)] = &[
    ("editionTitle", "title"),
    ("editionPublishedOn", "publishedOn"),
    ("access", "access"),
    ("isbn", "isbn"),
    ("doi", "doi"),
    ("externalUrl", "externalUrl"),
];

impl Rows {
    /// By the name of a collection.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "volumes" => Some(Self::Volumes),
            "events" => Some(Self::Events),
            _ => None,
        }
    }

    fn columns(self) -> &'static [(&'static str, Cell)] {
        match self {
            Self::Volumes => VOLUME,
            Self::Events => EVENT,
        }
    }

    fn texts(self) -> &'static [&'static str] {
        match self {
            Self::Volumes => VOLUME_TEXTS,
            Self::Events => EVENT_TEXTS,
        }
    }

    /// The names of those columns that end in a language.
    fn local(self) -> impl Iterator<Item = (&'static str, Cell)> {
        let of_edition = OF_EDITION.iter().filter(move |_| self == Self::Volumes).map(|(name, _)| (*name, Cell::OfEdition));
        self.texts().iter().map(|name| (*name, Cell::Local)).chain(LIFE.iter().map(|name| (*name, Cell::Life))).chain(of_edition)
    }

    /// The names that columns may have.
    pub fn names(self) -> Vec<String> {
        let plain = self.columns().iter().map(|(name, _)| (*name).to_owned());
        plain.chain(self.local().flat_map(|(name, _)| LANGUAGES.iter().map(move |language| format!("{name}.{language}")))).collect()
    }

    /// How the cells of a column are read.
    fn cell(self, name: &str) -> Cell {
        let plain = self.columns().iter().find(|(own, _)| *own == name).map(|(_, cell)| *cell);
        let local = || name.split_once('.').and_then(|(property, _)| self.local().find(|(own, _)| *own == property));
        plain.or_else(|| local().map(|(_, cell)| cell)).unwrap_or(Cell::Local)
    }
}

/// Faults: line and sentence.
type Faults = Vec<(usize, String)>;

/// A sheet that was read.
#[derive(Clone, Debug)]
pub struct Sheet {
    rows: Rows,
    columns: Vec<String>,
    all: Vec<(usize, String, Vec<String>)>,
    /// What is wrong with the form of rows.
    faults: Faults,
}

impl Sheet {
    /// Reads the bytes of a CSV file.
    ///
    /// # Errors
    /// When its rows cannot be told apart: every fault of encoding, quotes and header.
    pub fn read(bytes: &[u8], rows: Rows) -> Result<Self, Faults> {
        let text = cells::text(bytes).map_err(|fault| vec![fault])?;
        let mut read = cells::rows(text)?.into_iter();
        let Some(Row { line, cells: header }) = read.next() else { return Err(vec![(1, "there is no row here, not even a header".into())]) };
        let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        let header_faults = check_header(&columns, line, rows);
        if !header_faults.is_empty() {
            return Err(header_faults);
        }
        let mut faults = Faults::new();
        let id_at = columns.iter().position(|name| name == "id").unwrap_or_default();
        let mut all: Vec<(usize, String, Vec<String>)> = Vec::new();
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        for Row { line, cells } in read {
            if cells.len() != columns.len() {
                faults.push((line, format!("this row has {} cells, and the header {}", cells.len(), columns.len())));
                continue;
            }
            let id = cells[id_at].trim().to_owned();
            if let Some(first) = lines.insert(id.clone(), line) {
                faults.push((line, format!("id: '{}' stands on line {first} already", quote(&id))));
            }
            all.push((line, id, cells));
        }
        Ok(Self { rows, columns, all, faults })
    }

    /// The records of the sheet: new ones as drafts; of those that are there the columns alone change.
    ///
    /// # Errors
    /// Every fault of the cells, with line and column; a fault of the database is the outer one.
    pub fn records(&self, db: &mut Db, known: &BTreeSet<(String, String)>) -> Result<Result<Everything, Faults>, Error> {
        let mut faults = self.faults.clone();
        let mut all = Everything::default();
        match self.rows {
            Rows::Volumes => all.volumes = self.documents(db, &mut faults)?,
            Rows::Events => all.events = self.documents(db, &mut faults)?,
        }
        for (file, place, kind, id) in all.references() {
            if !all.has(kind, &id) && !known.contains(&(kind.to_owned(), id.clone())) {
                let line = self.all.iter().find(|(_, own, _)| file.ends_with(&format!("/{own}.toml"))).map_or(1, |(line, ..)| *line);
                faults.push((line, format!("{place}: there is no {kind} '{}'", quote(&id))));
            }
        }
        for (_, id, number, first) in all.same_numbers() {
            let line = self.all.iter().find(|(_, own, _)| *own == id).map_or(1, |(line, ..)| *line);
            faults.push((line, format!("number: {number} is that of '{first}' too")));
        }
        faults.sort();
        Ok(if faults.is_empty() { Ok(all) } else { Err(faults) })
    }

    fn documents<D: Document + DeserializeOwned>(&self, db: &mut Db, faults: &mut Faults) -> Result<BTreeMap<String, D>, Error> {
        let present: BTreeMap<String, D> = D::read_all(db)?;
        let mut all = BTreeMap::new();
        for (line, id, cells) in &self.all {
            let known = present.get(id);
            let before = known.map(serde_json::to_value).transpose().map_err(Error::internal)?;
            let (value, found) = self.document(before.clone(), cells);
            // What follows from a fault of a cell is not told again.
            let told: Vec<String> = found.iter().filter_map(|what| what.split_once(':')).map(|(column, _)| column.to_owned()).collect();
            faults.extend(found.into_iter().map(|what| (*line, what)));
            let mut note = |column: String, what: &str| {
                if !told.contains(&column) {
                    faults.push((*line, format!("{column}: {what}")));
                }
            };
            match serde_json::from_value::<D>(value) {
                Ok(document) => {
                    let given = serde_json::to_value(&document).map_err(Error::internal)?;
                    for (place, what) in record::check(id, &document).0 {
                        note(column_of(&place, &given), &what);
                    }
                    let stored = as_stored(&document)?;
                    let key = record::find(db, D::KIND, id)?;
                    let record = before.as_ref().zip(key).map(|(document, key)| Present { key, id, document });
                    let mut issues = Vec::new();
                    let after = serde_json::to_value(&stored).map_err(Error::internal)?;
                    body::out_of_turn(db, now(), record.as_ref(), &after, &mut issues)?;
                    // The sentences of editing begin with their places, which are pointers.
                    for issue in issues {
                        let place = issue.name.trim_start_matches('/').replace('/', ".");
                        note(column_of(&place, &after), issue.detail.split_once(": ").map_or(issue.detail.as_str(), |(_, what)| what));
                    }
                    all.insert(id.clone(), stored);
                }
                Err(e) => {
                    let what = e.to_string();
                    if !told.iter().any(|column| what.contains(column.as_str())) {
                        faults.push((*line, what));
                    }
                }
            }
        }
        Ok(all)
    }

    /// A row laid over what is there.
    fn document(&self, before: Option<Value>, cells: &[String]) -> (Value, Vec<String>) {
        let new = before.is_none();
        let mut faults = Vec::new();
        let mut document = match before {
            Some(Value::Object(document)) => document,
            _ => Map::new(),
        };
        let mut text_states = None;
        // Wherever the columns stand: what becomes of a text after the text, the facts of an edition after the editions.
        let mut columns: Vec<(&String, &String, Cell)> =
            self.columns.iter().zip(cells).map(|(name, cell)| (name, cell, self.rows.cell(name))).collect();
        columns.sort_by_key(|(.., cell)| matches!(cell, Cell::Life | Cell::OfEdition));
        for (name, cell, kind) in columns {
            let cell = cell.trim();
            let (property, language) = name.split_once('.').unwrap_or((name, ""));
            match kind {
                Cell::Id => {}
                Cell::Text if name == "state" && cell.is_empty() => {}
                Cell::Text if name == "state" && !STATES.contains(&cell) => {
                    faults.push(format!("state: '{}' is none of {}", quote(cell), STATES.join(", ")));
                }
                Cell::Text => set(&mut document, name, (!cell.is_empty()).then(|| json!(cell))),
                Cell::Number => match cell.parse::<i32>() {
                    Ok(number) => set(&mut document, name, Some(json!(number))),
                    Err(_) if cell.is_empty() => set(&mut document, name, None),
                    Err(_) => faults.push(format!("{name}: '{}' is not a whole number", quote(cell))),
                },
                Cell::List => {
                    let values = list(cell);
                    set(&mut document, name, (!values.is_empty()).then(|| json!(values)));
                }
                Cell::Editions => {
                    let present = document.get("editions").and_then(Value::as_array).cloned().unwrap_or_default();
                    let of = |language: &str| present.iter().find(|edition| edition["language"] == language).cloned();
                    let editions: Vec<Value> =
                        list(cell).into_iter().map(|code| of(&code).unwrap_or_else(|| json!({"language": code, "access": "form"}))).collect();
                    set(&mut document, name, (!editions.is_empty()).then(|| json!(editions)));
                }
                Cell::TextStates => match cell {
                    "" => {}
                    "draft" | "published" => text_states = Some(cell),
                    other => faults.push(format!("state: '{}' is none of draft, published", quote(other))),
                },
                Cell::People => match people(cell, document.get(name)) {
                    Ok(people) => set(&mut document, name, (!people.is_empty()).then(|| json!(people))),
                    Err(wrong) => faults.push(format!("{name}: '{}' has no role; write it in brackets, as in 'Name (role)'", quote(&wrong))),
                },
                Cell::Local => set_text(&mut document, property, language, cell),
                Cell::Life => faults.extend(set_life(&mut document, property, language, cell).map(|what| format!("{name}: {what}"))),
                Cell::OfEdition => faults.extend(set_of_edition(&mut document, property, language, cell).map(|what| format!("{name}: {what}"))),
            }
        }
        match self.rows {
            Rows::Volumes if new => {
                document.entry("state").or_insert(json!("draft"));
            }
            Rows::Volumes => {}
            Rows::Events => {
                for name in ["kind", "startsOn"] {
                    if !document.contains_key(name) {
                        faults.push(format!("{name}: an event needs one"));
                    }
                }
                let state = if new { text_states.or(Some("draft")) } else { text_states };
                for (language, text) in document.get_mut("texts").and_then(Value::as_object_mut).into_iter().flatten() {
                    let named = self.columns.iter().zip(cells).any(|(name, cell)| *name == format!("state.{language}") && !cell.trim().is_empty());
                    if let (Some(text), Some(state)) = (text.as_object_mut(), state.filter(|_| !named)) {
                        set(text, "state", (state == "draft").then(|| json!(state)));
                    }
                }
            }
        }
        (Value::Object(document), faults)
    }
}

fn check_header(columns: &[String], line: usize, rows: Rows) -> Faults {
    let names = rows.names();
    let mut faults = Faults::new();
    for (index, column) in columns.iter().enumerate() {
        if columns[..index].contains(column) {
            faults.push((line, format!("the column '{}' is there twice", quote(column))));
        } else if !names.contains(column) {
            let hint = match nearest(column, names.iter().map(String::as_str)) {
                Some(name) => format!("did you mean '{name}'?"),
                None => format!("columns are {}", names.join(", ")),
            };
            faults.push((line, format!("unknown column '{}'; {hint}", quote(column))));
        }
    }
    if !columns.iter().any(|name| name == "id") {
        faults.push((line, "the column 'id' is missing".into()));
    }
    faults
}

fn list(cell: &str) -> Vec<String> {
    cell.split([';', '|']).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

fn set(properties: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            properties.insert(name.to_owned(), value);
        }
        None => {
            properties.shift_remove(name);
        }
    }
}

/// The people that a cell names. What is known of one beside name and role stays.
///
/// # Errors
/// The first that has no role.
fn people(cell: &str, present: Option<&Value>) -> Result<Vec<Value>, String> {
    let known = present.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |text: &str| {
        let (name, role) = text.strip_suffix(')')?.rsplit_once('(')?;
        let (name, role) = (name.trim(), role.trim());
        let same = known.iter().find(|one| one["name"] == name && one["role"] == role);
        (!name.is_empty() && !role.is_empty()).then(|| same.cloned().unwrap_or_else(|| json!({"name": name, "role": role})))
    };
    list(cell).into_iter().map(|text| one(&text).ok_or(text)).collect()
}

/// Says what becomes of a text that is there.
fn set_life(document: &mut Map<String, Value>, property: &str, language: &str, cell: &str) -> Option<String> {
    let text = document.get_mut("texts").and_then(|texts| texts.get_mut(language)).and_then(Value::as_object_mut);
    match (text, property, cell) {
        // Of the state nothing is said by an empty cell; a moment it takes away.
        (None, _, "") | (_, "state", "") => None,
        (None, ..) => Some(format!("there is no text in '{language}'")),
        (Some(text), "state", "published") => {
            set(text, property, None);
            None
        }
        (Some(text), "state", "draft") | (Some(text), "publishAt", _) => {
            set(text, property, (!cell.is_empty()).then(|| json!(cell)));
            None
        }
        (Some(_), ..) => Some(format!("'{}' is none of draft, published", quote(cell))),
    }
}

/// Says a fact of an edition that is there.
fn set_of_edition(document: &mut Map<String, Value>, column: &str, language: &str, cell: &str) -> Option<String> {
    let property = OF_EDITION.iter().find(|(name, _)| *name == column).map_or(column, |(_, property)| property);
    let editions = document.get_mut("editions").and_then(Value::as_array_mut);
    let edition = editions.and_then(|all| all.iter_mut().find(|one| one["language"] == language)).and_then(Value::as_object_mut);
    match edition {
        // How it is obtained is said of every edition.
        Some(edition) if property != "access" || !cell.is_empty() => set(edition, property, (!cell.is_empty()).then(|| json!(cell))),
        None if !cell.is_empty() => return Some(format!("there is no edition in '{language}'; name it in the column 'editions'")),
        _ => {}
    }
    None
}

/// Sets a text; a language whose last word goes is gone.
fn set_text(document: &mut Map<String, Value>, property: &str, language: &str, cell: &str) {
    let texts = document.entry("texts").or_insert_with(|| json!({}));
    let Some(texts) = texts.as_object_mut() else { return };
    if cell.is_empty() && !texts.contains_key(language) {
        return;
    }
    let text = texts.entry(language).or_insert_with(|| json!({}));
    if let Some(text) = text.as_object_mut() {
        set(text, property, (!cell.is_empty()).then(|| json!(cell)));
        if text.keys().all(|name| matches!(name.as_str(), "state" | "publishAt")) {
            texts.shift_remove(language);
        }
    }
}

/// The column of a place in a document.
fn column_of(place: &str, document: &Value) -> String {
    let steps: Vec<&str> = place.split('.').collect();
    match steps.as_slice() {
        [edition, property] if edition.starts_with("editions[") => {
            let index = edition.trim_start_matches("editions[").trim_end_matches(']').parse::<usize>().ok();
            let language = index.and_then(|index| document["editions"].get(index)?["language"].as_str());
            let column = OF_EDITION.iter().find(|(_, own)| own == property).map(|(column, _)| column);
            column.zip(language).map_or_else(|| "editions".to_owned(), |(column, language)| format!("{column}.{language}"))
        }
        ["texts", language, property] => format!("{property}.{language}"),
        ["texts", language] => format!("title.{language}"),
        [first, ..] => first.split('[').next().unwrap_or(first).to_owned(),
        [] => place.to_owned(),
    }
}
