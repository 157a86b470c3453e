//! The verbs `file add` and `file list`: the PDF files of editions.

use std::fmt::Write;
use std::path::PathBuf;

use actix_web::web;

use crate::catalogue::pen::{self, Author};
use crate::catalogue::publication::cover;
use crate::catalogue::publication::edition::{File, load_files};
use crate::catalogue::publication::file::{self, Attached};
use crate::db::{Db, Store};
use crate::download::request::store::fulfil;
use crate::error::{Error, Issue, IssueKind};
use crate::storage::{Storage, pdf};

pub use crate::catalogue::publication::file::Kind;

/// Which file becomes that of which edition.
#[derive(Clone, Debug)]
pub struct AddFile {
    pub kind: Kind,
    /// The id of the volume or complement.
    pub id: String,
    /// The language of the edition.
    pub language: String,
    pub path: PathBuf,
}

/// What came of adding a file.
pub struct Added {
    pub pdf: pdf::Pdf,
    pub file_name: String,
    pub attached: Attached,
    /// The file as readers see it.
    pub file: File,
    /// How many requests had waited for it.
    pub fulfilled: usize,
}

/// Checks a PDF, stores it, makes it the file of an edition and fulfils the requests that wait for it. Says what was done.
///
/// # Errors
/// A sentence when the file is no readable PDF or there is no such edition; a fault of storage or database. Then nothing of it stays.
pub async fn add(store: &Store, storage: &Storage, wanted: AddFile) -> Result<String, Error> {
    let called = wanted.path.display().to_string();
    let manner = Manner { called: &called, name: None, dry: false };
    let added = attach(store, storage, wanted.clone(), Author::command("file add"), manner, |_| Ok(())).await?;
    Ok(said(&wanted, added))
}

/// How a file is added.
pub struct Manner<'a> {
    /// What it is called in what is said of it.
    pub called: &'a str,
    /// The name that readers get it under; the usual one when none is given.
    pub name: Option<String>,
    /// Only to know what would come of it.
    pub dry: bool,
}

/// The same for an author, and only if `allowed` lets it pass, in the transaction that writes.
///
/// # Errors
/// The same; what `allowed` returns.
pub async fn attach(
    store: &Store,
    storage: &Storage,
    wanted: AddFile,
    author: Author,
    manner: Manner<'_>,
    allowed: impl FnOnce(&mut Db) -> Result<(), Error> + Send + 'static,
) -> Result<Added, Error> {
    let Manner { called, name, dry } = manner;
    let (path, called) = (wanted.path.clone(), called.to_owned());
    let pdf = web::block(move || pdf::inspect_as(&path, &called))
        .await
        .map_err(Error::internal)?
        .map_err(|sentence| Error::bad_request(vec![Issue::new(IssueKind::InvalidInput, "body", "", sentence)]))?;

    let (kind, id, language) = (wanted.kind, wanted.id.clone(), wanted.language.clone());
    let usual = blocking(store, move |store| {
        store.read(|db| {
            let edition_key = file::find(db, kind, &id, &language)?;
            file::name_for(db, edition_key)
        })
    })
    .await?;
    let given = name.clone();
    let file_name = name.unwrap_or(usual);

    let new = !dry && storage.put(&wanted.path, &pdf.sha256).await?;
    let (id, language) = (wanted.id, wanted.language);
    let (facts, name, kept) = (pdf.clone(), file_name.clone(), storage.clone());
    let done = blocking(store, move |store| {
        // Requests are stored while the catalogue holds still, so each of them either finds this file or is found waiting for it.
        pen::attempt(store, &author, dry, |pen| {
            allowed(pen.db)?;
            if !dry {
                hold_on_to(&kept, [facts.sha256.as_str()])?;
            }
            let attached = pen.attach(kind, &id, &language, &facts, &name)?;
            // The same file under a name that is asked for has that name from now on.
            if let Some(given) = given {
                pen.call_file(kind, &id, &language, &given)?;
            }
            let file = load_files(pen.db, &[attached.edition_key])?.remove(&attached.edition_key);
            let file = file.ok_or_else(|| Error::internal("the file is gone already"))?;
            Ok((attached, file, fulfil(pen.db, attached.edition_key, pen.at)?))
        })
    })
    .await;
    match done {
        Ok((attached, file, fulfilled)) => Ok(Added { pdf, file_name, attached, file, fulfilled }),
        Err(error) => {
            if new {
                discard(store, storage, vec![pdf.sha256]).await;
            }
            Err(error)
        }
    }
}

/// Takes bytes out of the storage that were put there for a write that failed; unless somebody else has made them a file or a cover meanwhile. The pen is
/// held from the look to the removal: who has found the same bytes there and takes them for a write of their own makes sure of them with [`hold_on_to`].
pub async fn discard(store: &Store, storage: &Storage, new: Vec<String>) {
    if new.is_empty() {
        return;
    }
    let storage = storage.clone();
    let removed = blocking(store, move |store| {
        pen::with(store, &Author::program(), |pen| {
            for sha256 in &new {
                if !file::is_stored(pen.db, sha256)? && !cover::is_stored(pen.db, sha256)? {
                    storage.remove_blocking(sha256)?;
                }
            }
            Ok(())
        })
    })
    .await;
    if let Err(error) = removed {
        log::warn!("bytes that belong to no edition stay in the storage: {error}");
    }
}

/// Makes sure, with the pen in hand, that bytes which are about to belong to an edition are in the storage: they may have been there before this write,
/// and another one that had brought them may have failed and taken them out again ([`discard`]).
///
/// # Errors
/// 503 when they are gone, so that it is tried again; a fault of the storage.
pub fn hold_on_to<'a>(storage: &Storage, all: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
    for sha256 in all {
        if !storage.exists_blocking(sha256)? {
            return Err(Error::unavailable(format!("the bytes {sha256} were taken out of the storage by a write that failed; try again")));
        }
    }
    Ok(())
}

/// What was done, in a sentence.
fn said(wanted: &AddFile, added: Added) -> String {
    let Added { pdf, file_name, attached: Attached { changed, replaced, .. }, fulfilled, .. } = added;
    let edition = format!("the edition '{}' of the {} '{}'", wanted.language, wanted.kind.name(), wanted.id);
    let mut said = if changed {
        format!("{edition} has its file: \"{file_name}\", {}, {}", counted(pdf.pages.into(), "page"), counted(pdf.bytes, "byte"))
    } else {
        format!("nothing to change: {edition} has this very file already")
    };
    if replaced {
        said.push_str("; it takes the place of another one");
    }
    if fulfilled > 0 {
        said.push_str(&format!("; fulfilled by it: {}", counted(i64::try_from(fulfilled).unwrap_or(i64::MAX), "request")));
    }
    said
}

fn counted(number: i64, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

async fn blocking<T: Send + 'static>(store: &Store, work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let store = store.clone();
    web::block(move || work(&store)).await.map_err(Error::internal)?
}

/// The editions and their files, a line each.
///
/// # Errors
/// Only of the database.
pub fn list(store: &Store) -> Result<String, Error> {
    let all = store.read(file::list)?;
    Ok(all.into_iter().fold(String::new(), |mut lines, edition| {
        // Writing to a String cannot fail.
        let _ = write!(lines, "{}/{}/{}\t", edition.kind.path(), edition.id, edition.language);
        let _ = match edition.file {
            Some(file) => {
                writeln!(lines, "{}\t{}\t{}\t{}", counted(file.pages.into(), "page"), counted(file.bytes, "byte"), file.sha256, file.file_name)
            }
            None => writeln!(lines, "no file"),
        };
        lines
    }))
}
