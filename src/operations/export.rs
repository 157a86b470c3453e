//! The verb `export`: the collection as files that can live in git and that `import` reads back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_web::web;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::progress::Progress;
use super::serve::Failure;
use crate::catalogue::publication::cover::{self, Whole};
use crate::catalogue::seed::apply::Present;
use crate::catalogue::seed::{FOLDERS, kept};
use crate::db::Store;
use crate::download::form::texts::ConsentTextDocument;
use crate::error::Error;
use crate::storage::image::{TYPES, ending};
use crate::storage::{Storage, pdf};

/// The folder of the PDFs and covers.
pub const FILES: &str = "files";

/// How the folder begins in which an export makes its files ready.
const STAGE: &str = ".export-";
/// Nobody exports for so long; another process may export now.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is to be written where.
#[derive(Clone, Debug)]
pub struct Export {
    pub folder: PathBuf,
    /// The PDFs and covers too.
    pub files: bool,
    /// Into a folder that holds something else, too.
    pub force: bool,
}

/// The name of a PDF or an image within the folder: by its content.
pub fn file_name(sha256: &str, ending: &str) -> String {
    format!("{FILES}/{sha256}.{ending}")
}

/// Writes the files that differ, and takes away those whose record is gone. Says what was done.
///
/// # Errors
/// A folder that holds something else; a fault of the database, the storage or the disk. Every file that was touched is whole then, and the same verb
/// goes on where it stopped.
pub async fn run(store: &Store, storage: &Storage, wanted: Export) -> Result<String, Failure> {
    let folder = wanted.folder.clone();
    let known = present_files(&folder, wanted.force)?;
    let made = !folder.exists();
    let reading = store.clone();
    let (texts, pdfs) = web::block(move || {
        reading.read(|db| {
            let present = Present::of(db)?;
            let covers = present.all.covers();
            let covers = cover::load(db, covers.iter().map(|(.., sha256)| sha256.as_str()))?;
            collect(&present, covers.into_values())
        })
    })
    .await
    .map_err(Error::internal)??;
    let fault = |e: &io::Error| Failure::Run(format!("{}: {e}", folder.display()));
    fs::create_dir_all(&folder).map_err(|e| fault(&e))?;
    let done = write(&folder, storage, &texts, if wanted.files { Some(&pdfs) } else { None }, &known).await;
    if done.is_err() && made {
        // Nothing is left of an export that did not come to anything; what is not empty stays.
        let _ = fs::remove_dir(&folder);
    }
    let Written { new, gone } = done?;
    let with = if wanted.files { format!(" and {} PDFs and covers", pdfs.len()) } else { String::new() };
    Ok(format!("{}: {} files{with}; {new} written, {gone} removed", folder.display(), texts.len()))
}

struct Written {
    new: usize,
    gone: usize,
}

/// What lies in the storage: its SHA-256 and size, by the path of its copy.
type Stored = BTreeMap<String, (String, u64)>;
/// The texts by their path, and the PDFs and covers.
type Collected = (BTreeMap<String, String>, Stored);

fn collect(present: &Present, covers: impl Iterator<Item = Whole>) -> Result<Collected, Error> {
    let mut texts = present.all.spelled()?;
    let content = |kind: &str, id: &str| match present.all.value(kind, id)? {
        Some(document) => kept::fingerprint(&document),
        None => Err(Error::internal(format!("the {kind} '{id}' has no document"))),
    };
    texts.insert(kept::NAME.to_owned(), kept::spelled(&present.kept, &present.tombstones, content)?);
    let sized = |sha256: &str, ending: &str, bytes: i64| (file_name(sha256, ending), (sha256.to_owned(), u64::try_from(bytes).unwrap_or_default()));
    let files = present.kept.values().flat_map(|kept| &kept.files).map(|file| sized(&file.sha256, "pdf", file.bytes));
    Ok((texts, files.chain(covers.map(|Whole { image, .. }| sized(&image.sha256, ending(&image.media_type), image.bytes))).collect()))
}

/// What an earlier export left in the folder, by its path within.
fn present_files(folder: &Path, force: bool) -> Result<BTreeSet<String>, Failure> {
    let mut ours = BTreeSet::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(ours),
        Err(e) => return Err(Failure::Settings(format!("{} cannot be exported to: {e}", folder.display()))),
    };
    let names: Vec<String> = entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    // What begins with a dot is of others, such as git.
    let strange = names.iter().any(|name| !name.starts_with('.')) && !names.iter().any(|name| name == kept::NAME);
    if strange && !force {
        return Err(Failure::Settings(format!(
            "{} holds something that is no export (there is no {} in it), so nothing was written; name another folder, or add --force to write beside what is there",
            folder.display(),
            kept::NAME
        )));
    }
    // Without that file nothing here is of an export, however it is called.
    if !folder.join(kept::NAME).is_file() {
        return Ok(ours);
    }
    let folders = FOLDERS.iter().map(|(_, folder)| *folder).filter(|name| *name != "collection").chain(["consentTexts", FILES]);
    for name in folders {
        let entries = fs::read_dir(folder.join(name)).into_iter().flatten().filter_map(Result::ok);
        ours.extend(
            entries
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .filter(|file| if name == FILES { is_copy(file) } else { file.ends_with(".toml") })
                .map(|file| format!("{name}/{file}")),
        );
    }
    ours.extend([kept::NAME, "collection.toml"].into_iter().filter(|name| folder.join(name).is_file()).map(str::to_owned));
    Ok(ours)
}

/// Whether a file is called as [`file_name`] calls the copies of PDFs and images.
fn is_copy(file: &str) -> bool {
    let parts = file.split_once('.');
    parts.is_some_and(|(name, ending)| {
        let hash = name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        hash && (ending == "pdf" || TYPES.iter().any(|(_, known, _)| *known == ending))
    })
}

/// Takes away what exports that were killed had made ready.
fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let ours = entry.file_name().to_string_lossy().starts_with(STAGE) && entry.file_type().is_ok_and(|kind| kind.is_dir());
        let old = entry.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED));
        if ours
            && old
            && let Err(e) = fs::remove_dir_all(entry.path())
        {
            log::warn!("what an export left behind long ago stays: {}: {e}", entry.path().display());
        }
    }
}

async fn write(
    folder: &Path,
    storage: &Storage,
    texts: &BTreeMap<String, String>,
    pdfs: Option<&Stored>,
    known: &BTreeSet<String>,
) -> Result<Written, Failure> {
    let fault = |place: &Path, e: &dyn std::fmt::Display| Failure::Run(format!("{}: {e}", place.display()));
    // Everything is made ready beside its place, so that what can fail has failed before anything is touched.
    remove_abandoned(folder);
    let stage = tempfile::Builder::new().prefix(STAGE).tempdir_in(folder).map_err(|e| fault(folder, &e))?;
    let mut ready: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut progress = Progress::of("records", texts.len() as u64);
    for (name, text) in texts {
        progress.add(1);
        let target = folder.join(name);
        if fs::read(&target).is_ok_and(|present| present == text.as_bytes() || says_the_same(name, &present, text)) {
            continue;
        }
        let source = stage.path().join(name);
        put(&source, text.as_bytes()).map_err(|e| fault(&target, &e))?;
        ready.push((source, target));
    }
    drop(progress);
    let mut progress = Progress::of("PDFs and covers", pdfs.into_iter().flat_map(BTreeMap::values).map(|(_, bytes)| bytes).sum());
    for (name, (sha256, bytes)) in pdfs.into_iter().flatten() {
        let target = folder.join(name);
        if fs::metadata(&target).is_ok_and(|meta| meta.len() == *bytes) {
            progress.add(*bytes);
            continue;
        }
        let source = stage.path().join(name);
        fetch(storage, sha256, *bytes, &source, &mut progress).await?;
        ready.push((source, target));
    }
    drop(progress);
    let new = ready.len();
    // The file by which an export is known comes last.
    ready.sort_by_key(|(_, target)| target.file_name().is_some_and(|name| name == kept::NAME));
    for (source, target) in ready {
        let parent = target.parent().unwrap_or(folder);
        fs::create_dir_all(parent).and_then(|()| fs::rename(&source, &target)).map_err(|e| fault(&target, &e))?;
    }
    let mut gone = 0;
    for name in known {
        let stays = texts.contains_key(name) || (name.starts_with(FILES) && pdfs.is_none_or(|all| all.contains_key(name)));
        if !stays {
            let target = folder.join(name);
            fs::remove_file(&target).map_err(|e| fault(&target, &e))?;
            gone += 1;
        }
    }
    TempDir::close(stage).map_err(|e| fault(folder, &e))?;
    Ok(Written { new, gone })
}

/// Whether a consent text says what it said: its note and sources are of the file alone, and would be lost.
fn says_the_same(name: &str, present: &[u8], text: &str) -> bool {
    let read = |text: &str| toml::from_str::<ConsentTextDocument>(text).ok();
    name.starts_with("consentTexts/")
        && std::str::from_utf8(present).is_ok_and(|present| read(present).is_some_and(|known| Some(known) == read(text)))
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Copies a file out of the storage, and makes sure that it is the one.
async fn fetch(storage: &Storage, sha256: &str, bytes: u64, path: &Path, progress: &mut Progress) -> Result<(), Failure> {
    let fault = |e: &io::Error| Failure::Run(format!("{}: {e}", path.display()));
    put(path, &[]).map_err(|e| fault(&e))?;
    let mut file = fs::OpenOptions::new().append(true).open(path).map_err(|e| fault(&e))?;
    let mut hash = Sha256::new();
    let mut pieces = storage.get_range(sha256, 0..bytes).await.map_err(|e| Failure::Run(format!("the file {sha256} cannot be read: {e}")))?;
    while let Some(piece) = pieces.try_next().await.map_err(|e| fault(&e))? {
        hash.update(&piece);
        file.write_all(&piece).map_err(|e| fault(&e))?;
        progress.add(piece.len() as u64);
    }
    file.sync_all().map_err(|e| fault(&e))?;
    if pdf::hex(&hash.finalize()) == sha256 { Ok(()) } else { Err(Failure::Run(format!("the storage holds other bytes under {sha256}"))) }
}
