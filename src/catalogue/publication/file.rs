//! The files of editions: attaching a PDF, naming it for its readers, listing what there is.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::edition::{File, load_files, load_rows};
use crate::catalogue::collection;
use crate::catalogue::locale::LANGUAGES;
use crate::catalogue::record::{Texts, find as find_record, key_of, load_texts};
use crate::db::Db;
use crate::db::schema::{edition, edition_file, record, stored_file, work};
use crate::error::Error;
use crate::storage::pdf::Pdf;

/// The longest file name, in characters; file systems take 255 bytes.
pub const LONGEST_NAME: usize = 120;
const MEDIA_TYPE: &str = "application/pdf";

/// The two kinds of work that have editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A numbered handbook.
    Volume,
    /// A short document that deepens one notion of a volume.
    Complement,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Volume, Self::Complement];

    /// The kind of record, and the name of a property that refers to one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Complement => "complement",
        }
    }

    /// The path segment of its collection.
    pub fn path(self) -> &'static str {
        match self {
            Self::Volume => "volumes",
            Self::Complement => "complements",
        }
    }

    /// The kind of a record that is a work.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What attaching a file did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached {
    pub edition_key: i64,
    /// Whether the edition had another file, or none, before.
    pub changed: bool,
    /// Whether there was another file.
    pub replaced: bool,
}

/// Whether a work has an edition in `language`, and its key.
///
/// # Errors
/// 404 with the languages that exist; a fault of the database.
pub fn find(db: &mut Db, kind: Kind, id: &str, language: &str) -> Result<i64, Error> {
    let work = key_of(db, kind.name(), id)?;
    let editions = load_rows(db, &[work])?;
    match editions.iter().find(|row| row.language == language) {
        Some(row) => Ok(row.key),
        None => {
            let languages: Vec<&str> = editions.iter().map(|row| row.language.as_str()).collect();
            let exist = if languages.is_empty() { "it has none".to_owned() } else { format!("it exists in: {}", languages.join(", ")) };
            Err(Error::not_found(format!("The {} '{id}' has no edition in '{}'; {exist}.", kind.name(), crate::error::quote(language))))
        }
    }
}

/// Whether bytes are the file of an edition, or were.
///
/// # Errors
/// Only of the database.
pub fn is_stored(db: &mut Db, sha256: &str) -> Result<bool, Error> {
    Ok(stored_file::table.filter(stored_file::sha256.eq(sha256)).count().get_result::<i64>(db)? > 0)
}

/// Makes a stored PDF the file of an edition, for the pen. The same file again changes nothing; another one takes the place of the present one, which is kept as history.
///
/// # Errors
/// 404 when there is no such edition; a fault of the database.
pub fn attach(db: &mut Db, kind: Kind, id: &str, language: &str, pdf: &Pdf, file_name: &str, at: NaiveDateTime) -> Result<Attached, Error> {
    let edition_key = find(db, kind, id, language)?;
    let present: Option<(i64, String)> = edition_file::table
        .filter(edition_file::edition_key.eq(edition_key))
        .filter(edition_file::detached_at.is_null())
        .select((edition_file::key, edition_file::sha256))
        .first(db)
        .optional()?;
    if present.as_ref().is_some_and(|(_, sha256)| *sha256 == pdf.sha256) {
        return Ok(Attached { edition_key, changed: false, replaced: false });
    }
    if let Some((key, _)) = &present {
        diesel::update(edition_file::table.filter(edition_file::key.eq(key))).set(edition_file::detached_at.eq(at)).execute(db)?;
    }
    let stored: i64 = stored_file::table.filter(stored_file::sha256.eq(&pdf.sha256)).count().get_result(db)?;
    if stored == 0 {
        diesel::insert_into(stored_file::table)
            .values((
                stored_file::sha256.eq(&pdf.sha256),
                stored_file::bytes.eq(pdf.bytes),
                stored_file::media_type.eq(MEDIA_TYPE),
                stored_file::pages.eq(pdf.pages),
                stored_file::created_at.eq(at),
            ))
            .execute(db)?;
    }
    diesel::insert_into(edition_file::table)
        .values((
            edition_file::edition_key.eq(edition_key),
            edition_file::sha256.eq(&pdf.sha256),
            edition_file::file_name.eq(file_name),
            edition_file::attached_at.eq(at),
        ))
        .execute(db)?;
    Ok(Attached { edition_key, changed: true, replaced: present.is_some() })
}

/// Takes the present file of an edition away, and tells whether there was one; which it was stays known.
///
/// # Errors
/// 404 when there is no such edition; a fault of the database.
pub fn detach(db: &mut Db, kind: Kind, id: &str, language: &str, at: NaiveDateTime) -> Result<bool, Error> {
    let edition_key = find(db, kind, id, language)?;
    let present = edition_file::table.filter(edition_file::edition_key.eq(edition_key)).filter(edition_file::detached_at.is_null());
    Ok(diesel::update(present).set(edition_file::detached_at.eq(at)).execute(db)? > 0)
}

/// The SHA-256 of the present file of an edition.
///
/// # Errors
/// Only of the database.
pub fn present(db: &mut Db, edition_key: i64) -> Result<Option<String>, Error> {
    let present = edition_file::table.filter(edition_file::edition_key.eq(edition_key)).filter(edition_file::detached_at.is_null());
    Ok(present.select(edition_file::sha256).first(db).optional()?)
}

/// Gives the present file of an edition another name, and tells whether it had another one.
///
/// # Errors
/// Only of the database.
pub fn call(db: &mut Db, edition_key: i64, file_name: &str) -> Result<bool, Error> {
    let present = edition_file::table
        .filter(edition_file::edition_key.eq(edition_key))
        .filter(edition_file::detached_at.is_null())
        .filter(edition_file::file_name.ne(file_name));
    Ok(diesel::update(present).set(edition_file::file_name.eq(file_name)).execute(db)? > 0)
}

/// Gives the present file of an edition another name and date.
///
/// # Errors
/// Only of the database.
pub fn rename(db: &mut Db, edition_key: i64, file_name: &str, at: NaiveDateTime) -> Result<(), Error> {
    let present = edition_file::table.filter(edition_file::edition_key.eq(edition_key)).filter(edition_file::detached_at.is_null());
    diesel::update(present).set((edition_file::file_name.eq(file_name), edition_file::attached_at.eq(at))).execute(db)?;
    Ok(())
}

/// The title of an edition: its own, else that of its work in its language, else that in the first of `chain` that has one.
pub fn title_of<'t, 'c>(own: Option<&'t str>, texts: &'t Texts, language: &str, chain: impl IntoIterator<Item = &'c str>) -> Option<&'t str> {
    let of = |code: &str| texts.get(code).and_then(|text| text.title.as_deref());
    own.or_else(|| of(language)).or_else(|| chain.into_iter().find_map(of))
}

/// The file name that readers of an edition get, for example `Guides Pratiques de la Smart City 4 - La mobilité de demain (fr).pdf`.
///
/// # Errors
/// Only of the database.
pub fn name_for(db: &mut Db, edition_key: i64) -> Result<String, Error> {
    let (work_key, language): (i64, String) =
        edition::table.filter(edition::key.eq(edition_key)).select((edition::work_key, edition::language)).first(db)?;
    let (kind, id, number): (String, String, Option<i32>) = record::table
        .inner_join(work::table.on(work::record_key.eq(record::key)))
        .filter(record::key.eq(work_key))
        .select((record::kind, record::id, work::number))
        .first(db)?;
    let own = load_rows(db, &[work_key])?.into_iter().find(|row| row.key == edition_key).and_then(|row| row.into_document().title);
    let texts = load_texts(db, &[work_key], true)?.remove(&work_key).unwrap_or_default();
    let title = title_of(own.as_deref(), &texts, &language, LANGUAGES.iter().copied()).unwrap_or(&id);
    let series = series(db, &language)?;
    // A complement's number counts complements: beside the name of the series it would be taken for a volume's.
    let number = number.filter(|_| Kind::of(&kind) == Some(Kind::Volume));
    Ok(file_name(series.as_deref(), number, title, &language))
}

/// The name of the collection in a language, when it has one.
fn series(db: &mut Db, language: &str) -> Result<Option<String>, Error> {
    let Some(key) = find_record(db, "collection", collection::ID)? else { return Ok(None) };
    let texts = load_texts(db, &[key], false)?.remove(&key).unwrap_or_default();
    Ok(texts.get(language).and_then(|text| text.title.clone()))
}

/// Puts the parts of a name together; what file systems and headers stumble over is replaced, and the title is cut when it is too long.
fn file_name(series: Option<&str>, number: Option<i32>, title: &str, language: &str) -> String {
    let head = [series.map(clean), number.map(|number| number.to_string())].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let head = if head.is_empty() { head } else { format!("{head} - ") };
    let tail = format!(" ({language}).pdf");
    let room = LONGEST_NAME.saturating_sub(head.chars().count() + tail.chars().count());
    let mut title = clean(title);
    if title.chars().count() > room {
        title = title.chars().take(room.saturating_sub(1)).collect::<String>().trim_end().to_owned() + "…";
    }
    format!("{head}{title}{tail}")
}

fn clean(text: &str) -> String {
    // A colon reads as a dash; it parts drives and streams elsewhere.
    let spelled = text.nfc().collect::<String>().replace(" :", ":").replace(": ", " - ");
    let plain: String = spelled
        .chars()
        .filter(|c| !matches!(c, '"' | '*' | '?' | '<' | '>'))
        // Invisible marks can turn a name round (`fdp.exe`).
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
        .map(|c| match c {
            '/' | '\\' | ':' | '|' => '-',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").trim_matches(['.', ' ']).to_owned()
}

/// An edition and its file.
#[derive(Clone, Debug)]
pub struct Listed {
    pub kind: Kind,
    pub id: String,
    pub language: String,
    pub file: Option<File>,
}

/// All editions, of volumes first, in the order of their lists; drafts too.
///
/// # Errors
/// Only of the database.
pub fn list(db: &mut Db) -> Result<Vec<Listed>, Error> {
    let mut works: Vec<(i64, Kind, String)> = Vec::new();
    for kind in Kind::ALL {
        let found: Vec<(i64, String)> =
            record::table.filter(record::kind.eq(kind.name())).order((record::rank, record::key)).select((record::key, record::id)).load(db)?;
        works.extend(found.into_iter().map(|(key, id)| (key, kind, id)));
    }
    let rows = load_rows(db, &works.iter().map(|(key, ..)| *key).collect::<Vec<_>>())?;
    let mut files = load_files(db, &rows.iter().map(|row| row.key).collect::<Vec<_>>())?;
    let mut editions: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for row in rows {
        editions.entry(row.work_key).or_default().push(row);
    }
    Ok(works
        .into_iter()
        .flat_map(|(key, kind, id)| editions.remove(&key).unwrap_or_default().into_iter().map(move |row| (kind, id.clone(), row)))
        .map(|(kind, id, row)| Listed { kind, id, file: files.remove(&row.key), language: row.language })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_and_harmless() {
        assert_eq!(
            file_name(Some("Guides Pratiques de la Smart City"), Some(4), "La mobilité de demain", "fr"),
            "Guides Pratiques de la Smart City 4 - La mobilité de demain (fr).pdf"
        );
        assert_eq!(file_name(None, Some(1), "Smart City: Le guide pratique", "fr"), "1 - Smart City - Le guide pratique (fr).pdf");
        assert_eq!(file_name(None, None, "Open Data : Comment ?", "fr"), "Open Data - Comment (fr).pdf");
        assert_eq!(file_name(None, None, "../etc/\"pass\nwd\"\u{202e}", "nl"), "-etc-pass wd (nl).pdf");
        // Decomposed letters are put together, so that a name is found as it is typed.
        assert_eq!(file_name(None, None, "e\u{301}te\u{301}", "fr"), "été (fr).pdf");
    }

    #[test]
    fn long_titles_are_cut() {
        let name = file_name(Some("Series"), Some(2), &"mot ".repeat(100), "fr");
        assert!(name.chars().count() <= LONGEST_NAME, "{name}");
        assert!(name.ends_with("… (fr).pdf"), "{name}");
    }
}
