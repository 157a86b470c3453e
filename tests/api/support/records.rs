//! Records beyond those of the seed, written through the library as editors write them.

use chrono::NaiveDateTime;
use handbooks::catalogue::pen::{self, Action, Author};
use handbooks::catalogue::record::{self, Document};
use handbooks::catalogue::volume::VolumeDocument;
use handbooks::db::Db;
use handbooks::db::types::now;
use handbooks::error::Error;

use super::App;

/// Reads a document as the files of a collection have it.
pub fn document<D: Document>(id: &str, toml: &str) -> D {
    let document: D = toml::from_str(toml).unwrap_or_else(|e| panic!("{id}: {e}"));
    let faults = record::check(id, &document).0;
    assert!(faults.is_empty(), "{id}: {faults:?}");
    document
}

impl App {
    /// Writes a volume as the product does.
    pub fn pen(&self, id: &str, toml: &str) {
        self.edit::<VolumeDocument>(id, toml);
    }

    /// Writes a record as the product does: with its history and its public changes.
    pub fn edit<D: Document>(&self, id: &str, toml: &str) {
        let document = document::<D>(id, toml);
        pen::with(&self.state.store, &Author::command("test"), |pen| pen.write(id, &document, Action::Updated)).expect("a write");
    }

    /// Changes a record that is there, likewise.
    pub fn amend<D: Document>(&self, id: &str, change: impl FnOnce(&mut D)) {
        pen::with(&self.state.store, &Author::command("test"), |pen| {
            let mut document = D::read_all(pen.db)?.remove(id).expect("a record");
            change(&mut document);
            pen.write(id, &document, Action::Updated)
        })
        .expect("a change");
    }

    /// Writes a record now.
    pub fn put<D: Document>(&self, id: &str, toml: &str) {
        self.put_at::<D>(id, toml, now());
    }

    /// Writes a record at an instant.
    pub fn put_at<D: Document>(&self, id: &str, toml: &str, at: NaiveDateTime) {
        let document = document::<D>(id, toml);
        self.write(|db| record::write(db, id, &document, at));
    }

    /// Changes a record that is there.
    pub fn change<D: Document>(&self, id: &str, change: impl FnOnce(&mut D)) {
        self.write(|db| change_in(db, id, change));
    }
}

/// Changes a record within a transaction.
pub fn change_in<D: Document>(db: &mut Db, id: &str, change: impl FnOnce(&mut D)) -> Result<(), Error> {
    let mut document = D::read_all(db)?.remove(id).unwrap_or_else(|| panic!("there is no '{id}'"));
    change(&mut document);
    record::write(db, id, &document, now())?;
    Ok(())
}

/// A volume in a state, with a title in French and English.
pub fn volume(number: u32, state: &str, title: &str) -> String {
    format!(
        "number = {number}\nyear = 2024\nstate = \"{state}\"\n[texts.fr]\ntitle = \"{title}\"\nsummary = \"Résumé\"\n[texts.en]\ntitle = \"{title} (en)\"\n\
         [[editions]]\nlanguage = \"fr\"\naccess = \"form\"\n"
    )
}
