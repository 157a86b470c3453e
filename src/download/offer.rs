//! The editions that can be asked for, with what a form or an answer shows of them.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use crate::catalogue::publication::edition::{load_open_files, load_rows};
use crate::catalogue::publication::file::{Kind, title_of};
use crate::catalogue::record::{self, Texts, load_texts};
use crate::catalogue::referred;
use crate::db::Db;
use crate::db::schema::record as table;
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
    /// Whether it has a file that the public may have.
    pub available: bool,
}

impl Offer {
    /// The absolute address of the edition.
    pub fn href(&self, base: &str) -> String {
        format!("{base}/v1/{}/{}/editions/{}", self.kind.path(), self.id, self.language)
    }
}

/// An edition, before it is known in which languages its title may be shown.
#[derive(Clone, Debug)]
pub struct Offered {
    /// Its title is its own, when it has one.
    offer: Offer,
    texts: Arc<Texts>,
}

impl Offered {
    /// The key of the edition.
    pub fn edition_key(&self) -> i64 {
        self.offer.edition_key
    }

    /// The language of the edition.
    pub fn language(&self) -> &str {
        &self.offer.language
    }

    /// Whether it has a file that the public may have.
    pub fn available(&self) -> bool {
        self.offer.available
    }

    /// With its title, which, when its own language lacks one, is found along `chain`.
    pub fn titled<'c>(&self, chain: impl IntoIterator<Item = &'c str>) -> Offer {
        let own = self.offer.title.as_deref();
        let title = title_of(own, &self.texts, &self.offer.language, chain).map(str::to_owned);
        Offer { title, ..self.offer.clone() }
    }
}

/// The editions of some works, in the order of `works` and, within a work, of their making. Titles that an edition's language lacks are found along `chain`.
///
/// # Errors
/// Only of the database.
pub fn of_works(db: &mut Db, works: &[i64], chain: &[String]) -> Result<Vec<Offer>, Error> {
    Ok(load(db, works)?.iter().map(|offered| offered.titled(chain.iter().map(String::as_str))).collect())
}

/// The same, for titles along any chain.
///
/// # Errors
/// Only of the database.
pub fn load(db: &mut Db, works: &[i64]) -> Result<Vec<Offered>, Error> {
    type Found = (i64, String, String, bool);
    let found: Vec<Found> = table::table.filter(table::key.eq_any(works)).select((table::key, table::kind, table::id, table::listed)).load(db)?;
    let found: HashMap<i64, Found> = found.into_iter().map(|row| (row.0, row)).collect();
    let rows = load_rows(db, works)?;
    let files = load_open_files(db, &rows.iter().map(|row| row.key).collect::<Vec<_>>())?;
    let mut texts = load_texts(db, works, false)?;
    let mut all = Vec::with_capacity(rows.len());
    let mut by_work = crate::catalogue::noun::group(rows.into_iter().map(|row| (row.work_key, row)));
    for work in works {
        let Some((_, kind, id, listed)) = found.get(work) else { continue };
        let Some(kind) = Kind::of(kind) else { continue };
        let texts = Arc::new(texts.remove(work).unwrap_or_default());
        for row in by_work.remove(work).unwrap_or_default() {
            let (edition_key, language) = (row.key, row.language.clone());
            let available = files.contains_key(&edition_key);
            let title = row.into_document().title;
            let offer = Offer { edition_key, kind, id: id.clone(), language, title, listed: *listed, available };
            all.push(Offered { offer, texts: Arc::clone(&texts) });
        }
    }
    Ok(all)
}

/// The works that the public may ask for, volumes first, in the order of their lists.
///
/// # Errors
/// Only of the database.
pub fn works(db: &mut Db) -> Result<Vec<i64>, Error> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let keys: Vec<i64> = table::table
            .filter(table::kind.eq(kind.name()))
            .filter(table::listed.eq(true))
            .order((table::rank, table::key))
            .select(table::key)
            .load(db)?;
        all.extend(keys);
    }
    Ok(all)
}

/// The key of a work that the public may ask for, by its id or by one that it had before: a form on somebody's page outlives a rename.
///
/// # Errors
/// Only of the database.
pub fn work(db: &mut Db, kind: Kind, id: &str) -> Result<Option<i64>, Error> {
    match referred::present_id(db, kind.name(), id)? {
        Some(present) => record::find(db, kind.name(), &present),
        None => Ok(None),
    }
}
