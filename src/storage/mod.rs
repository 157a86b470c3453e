//! Where files lie: a folder, or a bucket. A file is kept under the SHA-256 of its bytes, so it is stored once, and never changes.

pub mod image;
pub mod pdf;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetResultPayload, ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::error::Error;

/// A part of a file on its way into a bucket; buckets take no parts under 5 MiB, the last one aside.
const PART: usize = 8 * 1024 * 1024;
/// A piece of a file that is read at once; `object_store` would take 8 KiB, each a trip to another thread.
const PIECE: usize = 256 * 1024;
/// What is handed on of a piece at once: it is copied on its way to the socket, and should still be in the processor's cache then.
const SLICE: usize = 64 * 1024;
/// A storage that says nothing for so long cannot be reached.
const PATIENCE: Duration = Duration::from_secs(2);

/// How names of files begin that are being received.
const UPLOAD: &str = ".upload-";
/// Nobody receives a file for so long; another process may receive one now.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// The bytes of a file, piece by piece. A fault in the midst of it is in the log already.
pub type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// Bytes of a file that was found.
pub enum Found {
    /// A file that is there, with these bytes in it.
    File(File),
    /// The bytes themselves.
    Pieces(Pieces),
}

impl Found {
    /// The bytes, piece by piece; `range` and `sha256` are those that they were found by.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn pieces(self, sha256: &str, range: Range<u64>) -> Result<Pieces, Error> {
        Ok(match self {
            Self::File(file) => told(sha256, from_file(file, range)?),
            Self::Pieces(pieces) => pieces,
        })
    }
}

/// The place where files lie.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    /// The folder, when it is one.
    folder: Option<PathBuf>,
}

impl Storage {
    /// Opens a folder (made when it is missing) or `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// A sentence when the place is of no kind that is supported, or cannot be had.
    pub fn open(url: &str) -> Result<Self, String> {
        match url.split_once("://") {
            None if url.is_empty() => Err("HANDBOOKS_STORAGE_URL is empty; name a folder".into()),
            None => Self::in_folder(Path::new(url)),
            Some(("file", _)) => {
                let path = url::Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
                Self::in_folder(&path.ok_or_else(|| format!("HANDBOOKS_STORAGE_URL: '{url}' names no folder; write file:///path/of/the/folder"))?)
            }
            Some(("s3", place)) => Self::in_bucket(place),
            Some((scheme, _)) => Err(format!("HANDBOOKS_STORAGE_URL: '{scheme}://' is not supported; give a folder, file:// or s3://BUCKET/PREFIX")),
        }
    }

    fn in_folder(path: &Path) -> Result<Self, String> {
        let fault = |e: &dyn std::fmt::Display| format!("the storage folder {} cannot be used: {e}", path.display());
        std::fs::create_dir_all(path).map_err(|e| fault(&e))?;
        remove_abandoned(path);
        // Durable before a transaction refers to it.
        let store = LocalFileSystem::new_with_prefix(path).map_err(|e| fault(&e))?.with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: Some(path.to_owned()) })
    }

    #[cfg(feature = "s3")]
    fn in_bucket(place: &str) -> Result<Self, String> {
        use object_store::aws::AmazonS3Builder;
        use object_store::prefix::PrefixStore;
        use object_store::{ClientOptions, RetryConfig};

        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err("HANDBOOKS_STORAGE_URL names no bucket; write s3://BUCKET/PREFIX".into());
        }
        // The client's own limit of 30 seconds is for a whole file, and would cut off a slow reader's download.
        let client =
            ClientOptions::new().with_timeout_disabled().with_connect_timeout(Duration::from_secs(5)).with_read_timeout(Duration::from_secs(30));
        let retry = RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(10), ..RetryConfig::default() };
        let store = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_client_options(client)
            .with_retry(retry)
            .build()
            .map_err(|e| format!("the bucket '{bucket}' cannot be used: {e}"))?;
        Ok(Self { store: Arc::new(PrefixStore::new(store, prefix)), folder: None })
    }

    #[cfg(not(feature = "s3"))]
    fn in_bucket(_place: &str) -> Result<Self, String> {
        Err("HANDBOOKS_STORAGE_URL: this build knows no s3://; build it with `--features s3`, or give a folder".into())
    }

    /// A file to receive something in, which is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn temporary(&self) -> Result<NamedTempFile, Error> {
        let mut named = tempfile::Builder::new();
        let named = named.prefix(UPLOAD);
        match &self.folder {
            // On the same disk, so that it is noticed there when that is full.
            Some(folder) => named.tempfile_in(folder),
            None => named.tempfile(),
        }
        .map_err(|e| Error::unavailable(format!("storage: nothing can be received: {e}")))
    }

    /// Stores the file at `path`, whose SHA-256 is known, and tells whether it is new here. Nothing half written is ever seen.
    ///
    /// # Errors
    /// When the file cannot be read, is no longer the one whose hash is given, or the storage cannot take it.
    pub async fn put(&self, path: &Path, sha256: &str) -> Result<bool, Error> {
        if self.exists(sha256).await? {
            return Ok(false);
        }
        let upload = self.store.put_multipart(&key(sha256)).await.map_err(unreachable)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        match copy(path, sha256, &mut upload).await {
            Ok(()) => {
                upload.finish().await.map_err(unreachable)?;
                Ok(true)
            }
            Err(error) => {
                if let Err(e) = upload.abort().await {
                    log::warn!("storage: an upload could not be taken back: {e}");
                }
                Err(error)
            }
        }
    }

    /// Stores bytes whose SHA-256 is known, and tells whether they are new here.
    ///
    /// # Errors
    /// When the storage cannot take them.
    pub async fn put_bytes(&self, bytes: Vec<u8>, sha256: &str) -> Result<bool, Error> {
        if self.exists(sha256).await? {
            return Ok(false);
        }
        self.store.put(&key(sha256), bytes.into()).await.map_err(unreachable)?;
        Ok(true)
    }

    /// The size of a file, when it is there.
    ///
    /// # Errors
    /// When the storage cannot be reached.
    pub async fn size(&self, sha256: &str) -> Result<Option<u64>, Error> {
        match self.store.head(&key(sha256)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(unreachable(e)),
        }
    }

    /// Whether a file is there.
    ///
    /// # Errors
    /// When the storage cannot be reached.
    pub async fn exists(&self, sha256: &str) -> Result<bool, Error> {
        Ok(self.size(sha256).await?.is_some())
    }

    /// Some bytes of a file, in constant memory however many they are.
    ///
    /// # Errors
    /// When the file is not there or the storage cannot be reached: both are a fault of the server.
    pub async fn get_range(&self, sha256: &str, range: Range<u64>) -> Result<Pieces, Error> {
        self.find_range(sha256, range.clone()).await?.pieces(sha256, range)
    }

    /// Some bytes of a file as they are had: from a folder, or from a bucket.
    ///
    /// # Errors
    /// When the file is not there or the storage cannot be reached: both are a fault of the server.
    pub async fn find_range(&self, sha256: &str, range: Range<u64>) -> Result<Found, Error> {
        let options = GetOptions { range: Some(range.clone().into()), ..GetOptions::default() };
        let found = self.store.get_opts(&key(sha256), options).await.map_err(unreachable)?;
        if found.range != range {
            return Err(Error::unavailable(format!("storage: {sha256} has no bytes {range:?}, only {:?}", found.range)));
        }
        Ok(match found.payload {
            GetResultPayload::File(file, _) => Found::File(file),
            GetResultPayload::Stream(pieces) => Found::Pieces(told(sha256, pieces.map_err(io::Error::other).boxed())),
        })
    }

    /// Removes a file; one that is not there is removed already.
    ///
    /// # Errors
    /// When the storage cannot be reached.
    pub async fn remove(&self, sha256: &str) -> Result<(), Error> {
        match self.store.delete(&key(sha256)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(unreachable(e)),
        }
    }

    /// Whether a file is there, for who holds a transaction open meanwhile. It blocks.
    ///
    /// # Errors
    /// When the storage cannot be reached.
    pub fn exists_blocking(&self, sha256: &str) -> Result<bool, Error> {
        match self.path(sha256) {
            Some(path) => path.try_exists().map_err(|e| Error::unavailable(format!("storage: {e}"))),
            None => wait_for(self.exists(sha256)),
        }
    }

    /// Removes a file, likewise.
    ///
    /// # Errors
    /// When the storage cannot be reached.
    pub fn remove_blocking(&self, sha256: &str) -> Result<(), Error> {
        match self.path(sha256).map(std::fs::remove_file) {
            Some(Err(e)) if e.kind() != io::ErrorKind::NotFound => Err(Error::unavailable(format!("storage: {e}"))),
            Some(_) => Ok(()),
            None => wait_for(self.remove(sha256)),
        }
    }

    /// Where a file lies in the folder, when it is one.
    fn path(&self, sha256: &str) -> Option<PathBuf> {
        Some(key(sha256).parts().fold(self.folder.clone()?, |path, part| path.join(part.as_ref())))
    }

    /// Whether the storage can be reached now.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check(&self) -> Result<(), Error> {
        if let Some(folder) = &self.folder {
            let there = tokio::fs::metadata(folder).await.is_ok_and(|meta| meta.is_dir());
            return if there { Ok(()) } else { Err(Error::unavailable(format!("storage: the folder {} is gone", folder.display()))) };
        }
        // A file that never was: to hear that it is not there is to be answered.
        match tokio::time::timeout(PATIENCE, self.exists(&"0".repeat(64))).await {
            Ok(answer) => answer.map(|_| ()),
            Err(_) => Err(Error::unavailable("storage: no answer in time")),
        }
    }
}

/// Takes away what processes that were killed had begun to receive.
fn remove_abandoned(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let old = entry.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED));
        if old && entry.file_name().to_string_lossy().starts_with(UPLOAD) {
            match std::fs::remove_file(entry.path()) {
                Ok(()) => log::info!("storage: an upload that was broken off long ago is removed"),
                Err(e) => log::warn!("storage: an upload that was broken off long ago stays: {e}"),
            }
        }
    }
}

/// Waits for a bucket on a thread that may block. A folder is looked at without this: its futures want such a thread too, and all of them may be
/// waiting for the transaction that is held.
fn wait_for<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Handle::try_current().map_err(Error::internal)?.block_on(future)
}

/// `sha256/ab/ab12…`: no folder gets more than a share of the files.
fn key(sha256: &str) -> Key {
    Key::from_iter(["sha256", sha256.get(..2).unwrap_or_default(), sha256])
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unreachable(error: object_store::Error) -> Error {
    Error::unavailable(format!("storage: {error}"))
}

/// Reads the file at `path` into `upload`, two parts in memory at most.
async fn copy(path: &Path, sha256: &str, upload: &mut WriteMultipart) -> Result<(), Error> {
    let unreadable = |e: io::Error| Error::internal(format!("{} cannot be read: {e}", path.display()));
    let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; SLICE];
    loop {
        let read = file.read(&mut buffer).await.map_err(unreadable)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        upload.wait_for_capacity(1).await.map_err(unreachable)?;
        upload.write(&buffer[..read]);
    }
    if pdf::hex(&hash.finalize()) == sha256 { Ok(()) } else { Err(Error::internal(format!("{} changed while it was read", path.display()))) }
}

/// A file on its way out: a piece is read while the one before it is sent, in constant memory.
struct Outgoing {
    /// The next piece, being read.
    reading: Option<JoinHandle<io::Result<(File, Bytes)>>>,
    /// What of the present piece is still to be sent.
    piece: Bytes,
    /// How many bytes are to be read after the next piece.
    left: u64,
}

fn read_on(mut file: File, left: &mut u64) -> JoinHandle<io::Result<(File, Bytes)>> {
    let wanted = (*left).min(PIECE as u64);
    *left -= wanted;
    spawn_blocking(move || {
        let mut piece = Vec::with_capacity(usize::try_from(wanted).unwrap_or(PIECE));
        (&mut file).take(wanted).read_to_end(&mut piece)?;
        if (piece.len() as u64) < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok((file, piece.into()))
    })
}

/// Tells in the log when the bytes of a file break off.
fn told(sha256: &str, pieces: Pieces) -> Pieces {
    let sha256 = sha256.to_owned();
    pieces.inspect_err(move |e| log::error!("storage: {sha256} broke off: {e}")).boxed()
}

fn from_file(mut file: File, range: Range<u64>) -> Result<Pieces, Error> {
    file.seek(io::SeekFrom::Start(range.start)).map_err(|e| Error::unavailable(format!("storage: {e}")))?;
    let mut left = range.end - range.start;
    let reading = (left > 0).then(|| read_on(file, &mut left));
    let outgoing = Outgoing { reading, piece: Bytes::new(), left };
    Ok(stream::try_unfold(outgoing, |mut out| async move {
        if out.piece.is_empty() {
            let Some(reading) = out.reading.take() else { return Ok(None) };
            let (file, piece) = reading.await.map_err(io::Error::other)??;
            out.piece = piece;
            out.reading = (out.left > 0).then(|| read_on(file, &mut out.left));
        }
        let slice = out.piece.split_to(out.piece.len().min(SLICE));
        Ok(Some((slice, out)))
    })
    .boxed())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(storage: &Storage, sha256: &str, range: Range<u64>) -> Vec<u8> {
        let pieces: Vec<Bytes> = storage.get_range(sha256, range).await.unwrap().try_collect().await.unwrap();
        pieces.concat()
    }

    #[actix_web::test]
    async fn a_file_goes_in_once_and_comes_out_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(folder.path().join("a/files").to_str().unwrap()).unwrap();
        let source = folder.path().join("source");
        let bytes: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&source, &bytes).unwrap();
        let sha256 = pdf::hex(&Sha256::digest(&bytes));

        storage.check().await.unwrap();
        assert!(storage.put(&source, &sha256).await.unwrap());
        assert!(!storage.put(&source, &sha256).await.unwrap());
        assert_eq!(storage.size(&sha256).await.unwrap(), Some(300_000));
        assert_eq!(read(&storage, &sha256, 0..300_000).await, bytes);
        assert_eq!(read(&storage, &sha256, 65_000..70_000).await, &bytes[65_000..70_000]);
        assert!(storage.get_range(&sha256, 0..300_001).await.is_err());
        storage.remove(&sha256).await.unwrap();
        storage.remove(&sha256).await.unwrap();
        assert!(!storage.exists(&sha256).await.unwrap());
        assert!(!storage.exists_blocking(&sha256).unwrap());
        assert!(storage.put(&source, &sha256).await.unwrap() && storage.exists_blocking(&sha256).unwrap());
        storage.remove_blocking(&sha256).unwrap();
        storage.remove_blocking(&sha256).unwrap();
        assert!(!storage.exists(&sha256).await.unwrap());
    }

    #[actix_web::test]
    async fn what_is_not_the_file_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(folder.path().join("files").to_str().unwrap()).unwrap();
        let source = folder.path().join("source");
        std::fs::write(&source, b"something else").unwrap();
        let sha256 = pdf::hex(&Sha256::digest(b"something"));
        assert!(storage.put(&source, &sha256).await.is_err());
        assert!(!storage.exists(&sha256).await.unwrap());
        let left = std::fs::read_dir(folder.path().join("files/sha256").join(&sha256[..2])).unwrap().count();
        assert_eq!(left, 0);
    }

    #[test]
    fn what_was_broken_off_long_ago_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(folder.path().to_str().unwrap()).unwrap();
        let (_, now) = storage.temporary().unwrap().keep().unwrap();
        let (file, old) = storage.temporary().unwrap().keep().unwrap();
        file.set_modified(std::time::SystemTime::now() - 2 * ABANDONED).unwrap();
        let dropped = storage.temporary().unwrap().path().to_owned();
        Storage::open(folder.path().to_str().unwrap()).unwrap();
        assert!(now.exists() && !old.exists() && !dropped.exists());
    }

    #[actix_web::test]
    async fn a_folder_that_is_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(&format!("file://{}", folder.path().join("files").display())).unwrap();
        std::fs::remove_dir_all(folder.path().join("files")).unwrap();
        assert!(storage.check().await.is_err());
    }

    #[test]
    fn places_that_are_not_supported_are_named() {
        assert!(Storage::open("ftp://x/y").err().unwrap().contains("ftp://"));
        assert!(Storage::open("").is_err());
        #[cfg(not(feature = "s3"))]
        assert!(Storage::open("s3://x/y").err().unwrap().contains("--features s3"));
    }
}
