//! The editions that can be asked for, with what a form or an answer shows of them.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::catalogue::publication::edition::{load_files, load_rows};
use crate::catalogue::publication::file::{Kind, title_of};
use crate::catalogue::record::load_texts;
use crate::db::Db;
use crate::db::schema::record;
use crate::error::Error;

/// An edition, as it is offered.
#[derive(Clone, Debug)]
pub struct Offer {
    pub edition_key: i64,
    pub kind: Kind,
    /// The id of the volume or complement.
    pub id: String,
    /// The language of the edition.
    pub language: String,
    /// Its title in its own language, where there is one.
    pub title: Option<String>,
    /// Whether the public may see its work.
    pub listed: bool,
    /// Whether it has a file.
    pub available: bool,
}

impl Offer {
    /// The absolute address of the edition.
    pub fn href(&self, base: &str) -> String {
        format!("{base}/v1/{}/{}/editions/{}", self.kind.path(), self.id, self.language)
    }
}

/// The editions of some works, in the order of `works` and, within a work, of their making. Titles that an edition's language lacks are found along `chain`.
///
/// # Errors
/// Only of the database.
pub fn of_works(db: &mut Db, works: &[i64], chain: &[String]) -> Result<Vec<Offer>, Error> {
    type Found = (i64, String, String, bool);
    let found: Vec<Found> =
        record::table.filter(record::key.eq_any(works)).select((record::key, record::kind, record::id, record::listed)).load(db)?;
    let found: HashMap<i64, Found> = found.into_iter().map(|row| (row.0, row)).collect();
    let rows = load_rows(db, works)?;
    let files = load_files(db, &rows.iter().map(|row| row.key).collect::<Vec<_>>())?;
    let texts = load_texts(db, works, false)?;
    let mut offers = Vec::with_capacity(rows.len());
    let mut by_work = crate::catalogue::noun::group(rows.into_iter().map(|row| (row.work_key, row)));
    for work in works {
        let Some((_, kind, id, listed)) = found.get(work) else { continue };
        let Some(kind) = Kind::of(kind) else { continue };
        for row in by_work.remove(work).unwrap_or_default() {
            let (edition_key, language) = (row.key, row.language.clone());
            let own = row.into_document().title;
            let title = match texts.get(work) {
                Some(texts) => title_of(own.as_deref(), texts, &language, chain.iter().map(String::as_str)).map(str::to_owned),
                None => own,
            };
            offers.push(Offer { edition_key, kind, id: id.clone(), language, title, listed: *listed, available: files.contains_key(&edition_key) });
        }
    }
    Ok(offers)
}

/// The works that the public may ask for, volumes first, in the order of their lists.
///
/// # Errors
/// Only of the database.
pub fn works(db: &mut Db) -> Result<Vec<i64>, Error> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let keys: Vec<i64> = record::table
            .filter(record::kind.eq(kind.name()))
            .filter(record::listed.eq(true))
            .order((record::rank, record::key))
            .select(record::key)
            .load(db)?;
        all.extend(keys);
    }
    Ok(all)
}

/// The key of a work that the public may ask for.
///
/// # Errors
/// Only of the database.
pub fn work(db: &mut Db, kind: Kind, id: &str) -> Result<Option<i64>, Error> {
    Ok(record::table
        .filter(record::kind.eq(kind.name()))
        .filter(record::id.eq(id))
        .filter(record::listed.eq(true))
        .select(record::key)
        .first(db)
        .optional()?)
}
