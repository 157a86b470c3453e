//! The verb `import`: a database made to hold what files say, all of it or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use actix_web::web;
use diesel::prelude::*;

use super::edition_cover;
use super::export::file_name;
use super::file::{discard, hold_on_to};
use super::progress::Progress;
use super::serve::Failure;
use crate::catalogue::pen::{self, Author, Pen};
use crate::catalogue::publication::{cover, file};
use crate::catalogue::record::KeptFile;
use crate::catalogue::seed::Everything;
use crate::catalogue::seed::apply::{Done, Manner, apply};
use crate::catalogue::seed::read::Files;
use crate::catalogue::seed::sheet::{Rows, Sheet};
use crate::db::schema::record;
use crate::db::{Db, Store};
use crate::download::request::store::fulfil;
use crate::error::Error;
use crate::storage::image::{self, Image};
use crate::storage::{Storage, pdf};

/// What is to be brought in, and how.
#[derive(Clone, Debug)]
pub struct Import {
    /// A folder, one document, or a CSV file.
    pub path: PathBuf,
    /// Only tell what would change.
    pub dry_run: bool,
    /// What is not in the folder stays.
    pub keep: bool,
    /// Editions keep the PDFs they have.
    pub without_files: bool,
    /// What the rows of a CSV file are, when its name does not say so.
    pub rows: Option<Rows>,
}

/// Brings files in, and says what was done.
///
/// # Errors
/// Every fault of the files, each with its place; something that hangs on what would be removed; a fault of database or storage. Then nothing was
/// changed.
pub async fn run(store: &Store, storage: &Storage, wanted: Import) -> Result<String, Failure> {
    let Import { path, dry_run, keep, without_files, rows } = wanted;
    let meta = std::fs::metadata(&path).map_err(|e| Failure::Settings(format!("{} cannot be read: {e}", path.display())))?;
    if rows.is_some() || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        return sheet(store, storage, &path, rows, dry_run).await;
    }
    let (mut files, keep) = if meta.is_dir() { (Files::folder(&path), keep) } else { (Files::file(&path), true) };
    let known = if keep { blocking(store, |store| store.read(ids)).await? } else { BTreeSet::new() };
    files.check_references(&known);
    let named: BTreeSet<String> = files.all.covers().into_iter().map(|(.., sha256)| sha256).collect();
    let known = blocking(store, move |store| store.read(|db| cover::known(db, &named))).await?;
    let mut brought = Brought::default();
    if without_files {
        files.all.keep_covers(&known);
    } else {
        brought.pdfs = look(&mut files, &path, storage).await?;
        brought.images = look_for_covers(&mut files, &path, &known).await?;
    }
    let all = files.finish().map_err(|faults| nothing_done(&faults))?;
    bring_in(store, storage, move |_| Ok(Ok(all)), brought, Manner { keep, files: !without_files }, dry_run).await
}

/// Brings the rows of a CSV file in.
async fn sheet(store: &Store, storage: &Storage, path: &Path, rows: Option<Rows>, dry_run: bool) -> Result<String, Failure> {
    let named = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let rows = rows.or_else(|| ["volumes", "events"].into_iter().find(|name| named.starts_with(name)).and_then(Rows::of));
    let Some(rows) = rows else {
        return Err(Failure::Settings(format!("{} may hold volumes or events; say which, with --as volumes or --as events", path.display())));
    };
    let name = path.display().to_string();
    let placed =
        move |faults: Vec<(usize, String)>| -> Vec<String> { faults.into_iter().map(|(line, what)| format!("{name}:{line}: {what}")).collect() };
    let bytes = std::fs::read(path).map_err(|e| Failure::Settings(format!("{} cannot be read: {e}", path.display())))?;
    let sheet = Sheet::read(&bytes, rows).map_err(|faults| nothing_done(&placed(faults)))?;
    // Rows are laid over the records in the very transaction that writes them, so that nobody's edit is lost in between.
    let make = move |db: &mut Db| {
        let known = ids(db)?;
        Ok(sheet.records(db, &known)?.map_err(placed))
    };
    bring_in(store, storage, make, Brought::default(), Manner { keep: true, files: false }, dry_run).await
}

/// Faults, as a sentence with its list.
fn nothing_done(faults: &[String]) -> Failure {
    let counted = if faults.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", faults.len()) };
    Failure::Run(format!("{counted}, nothing was imported:\n  {}", faults.join("\n  ")))
}

/// What goes into the storage.
#[derive(Default)]
struct Brought {
    /// By SHA-256.
    pdfs: BTreeMap<String, PathBuf>,
    /// Each with its bytes.
    images: Vec<(Image, Vec<u8>)>,
}

/// Writes what `make` makes, in one transaction; what is brought goes into the storage before it.
///
/// # Errors
/// The faults that `make` finds; as [`run`].
async fn bring_in(
    store: &Store,
    storage: &Storage,
    make: impl FnOnce(&mut Db) -> Result<Result<Everything, Vec<String>>, Error> + Send + 'static,
    brought: Brought,
    manner: Manner,
    dry_run: bool,
) -> Result<String, Failure> {
    let Brought { pdfs, images } = brought;
    let (images, bytes): (Vec<Image>, Vec<Vec<u8>>) = images.into_iter().unzip();
    let noted = images.clone();
    let kept = (!dry_run).then(|| storage.clone());
    let work = move |pen: &mut Pen<'_>| {
        for image in &noted {
            if let Some(storage) = &kept {
                hold_on_to(storage, edition_cover::hashes(image))?;
            }
            cover::note(pen.db, image, pen.at)?;
        }
        Ok(match make(pen.db)? {
            Ok(all) => Ok(write(pen, &all, manner, kept.as_ref())?),
            Err(faults) => Err(faults),
        })
    };
    if dry_run {
        let author = Author::command("import --dry-run");
        let tried = blocking(store, move |store| pen::attempt(store, &author, true, work)).await?;
        let done = tried.map_err(|faults| nothing_done(&faults))?;
        return Ok(told(&done, "nothing would change", "would change; nothing was written (--dry-run)"));
    }
    let mut new = Vec::new();
    let mut stored = put(storage, &pdfs, &mut new).await;
    for (image, bytes) in images.iter().zip(bytes) {
        if stored.is_ok() {
            stored = edition_cover::keep(storage, bytes, image, &mut new).await;
        }
    }
    let done = match stored {
        Ok(()) => blocking(store, move |store| pen::with(store, &Author::command("import"), work)).await,
        Err(error) => Err(error),
    };
    if done.is_err() {
        discard(store, storage, new).await;
    }
    let done = done?.map_err(|faults| nothing_done(&faults))?;
    Ok(told(&done, "nothing to change", "imported"))
}

/// The records that are there.
///
/// # Errors
/// Only of the database.
fn ids(db: &mut Db) -> Result<BTreeSet<(String, String)>, Error> {
    Ok(record::table.select((record::kind, record::id)).load::<(String, String)>(db)?.into_iter().collect())
}

/// `storage`: where the files must be, when this is meant.
fn write(pen: &mut Pen<'_>, all: &Everything, manner: Manner, storage: Option<&Storage>) -> Result<Done, Error> {
    let mut progress = Progress::of("records", all.count() as u64);
    let done = apply(pen, all, manner, &mut || progress.add(1))?;
    drop(progress);
    for (kind, id, language) in &done.attached {
        let edition_key = file::find(pen.db, *kind, id, language)?;
        if let (Some(storage), Some(sha256)) = (storage, file::present(pen.db, edition_key)?) {
            hold_on_to(storage, [sha256.as_str()])?;
        }
        // Whoever waits for this file has it now.
        fulfil(pen.db, edition_key, pen.at)?;
    }
    Ok(done)
}

fn told(done: &Done, nothing: &str, otherwise: &str) -> String {
    match done.differences.len() {
        0 => nothing.to_owned(),
        1 => format!("{}\n1 difference {otherwise}", done.differences.join("\n")),
        count => format!("{}\n{count} differences {otherwise}", done.differences.join("\n")),
    }
}

/// Finds the PDFs that editions are to have: in the folder, else in the storage.
async fn look(files: &mut Files, folder: &Path, storage: &Storage) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let wanted: Vec<(String, KeptFile)> = files
        .all
        .kept
        .iter()
        .flat_map(|((kind, id), filed)| {
            filed.kept.files.iter().enumerate().map(move |(index, file)| (format!("{kind}s.{id}.files[{index}]"), file.clone()))
        })
        .collect();
    let mut found = BTreeMap::new();
    let mut progress = Progress::of("checking PDFs", wanted.len() as u64);
    for (place, file) in wanted {
        let path = folder.join(file_name(&file.sha256, "pdf"));
        if path.is_file() {
            let looked = path.clone();
            match web::block(move || pdf::inspect(&looked)).await.map_err(Error::internal)? {
                Ok(facts) if (facts.sha256.as_str(), facts.bytes, facts.pages) == (&file.sha256, file.bytes, file.pages) => {
                    found.insert(file.sha256, path);
                }
                Ok(_) => files.note("kept.toml", &place, &format!("{} is not the file that is described here", path.display())),
                Err(sentence) => files.note("kept.toml", &place, &sentence),
            }
        } else if !storage.exists(&file.sha256).await? {
            let what = format!(
                "the PDF {} is neither in {}/files nor in the storage; export with --files, or import with --without-files",
                file.sha256,
                folder.display()
            );
            files.note("kept.toml", &place, &what);
        }
        progress.add(1);
    }
    Ok(found)
}

/// Finds the covers that editions are to have and that are not known here: in the folder.
async fn look_for_covers(files: &mut Files, folder: &Path, known: &BTreeSet<String>) -> Result<Vec<(Image, Vec<u8>)>, Failure> {
    let mut found: BTreeMap<String, (Image, Vec<u8>)> = BTreeMap::new();
    for (file, place, sha256) in files.all.covers() {
        if known.contains(&sha256) || found.contains_key(&sha256) {
            continue;
        }
        let paths = image::TYPES.map(|(_, ending, _)| folder.join(file_name(&sha256, ending)));
        let Some(path) = paths.into_iter().find(|path| path.is_file()) else {
            let what = format!(
                "the cover {sha256} is not in {}/files, and was never put here; export with --files, or import with --without-files",
                folder.display()
            );
            files.note(&file, &place, &what);
            continue;
        };
        let (name, looked) = (path.display().to_string(), path.clone());
        let read = web::block(move || {
            let bytes = std::fs::read(&looked).map_err(|e| format!("{} cannot be read: {e}", looked.display()))?;
            image::inspect(&bytes, &looked.display().to_string()).map(|image| (image, bytes))
        });
        match read.await.map_err(Error::internal)? {
            Ok((image, bytes)) if image.sha256 == sha256 => drop(found.insert(sha256, (image, bytes))),
            Ok(_) => files.note(&file, &place, &format!("{name} is not the image that is named here")),
            Err(sentence) => files.note(&file, &place, &sentence),
        }
    }
    Ok(found.into_values().collect())
}

async fn put(storage: &Storage, pdfs: &BTreeMap<String, PathBuf>, new: &mut Vec<String>) -> Result<(), Error> {
    let mut progress = Progress::of("storing PDFs", pdfs.len() as u64);
    for (sha256, path) in pdfs {
        if storage.put(path, sha256).await? {
            new.push(sha256.clone());
        }
        progress.add(1);
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(store: &Store, work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let store = store.clone();
    web::block(move || work(&store)).await.map_err(Error::internal)?
}
