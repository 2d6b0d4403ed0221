//! Blobs by content: code, layers, objects. The name of a blob is the SHA-256 of its bytes.
//!
//! One folder, one file a blob, named by its digest. A put writes beside, syncs the file, renames, syncs the folder:
//! `object_store` does all four once its fsync is switched on (its default is off). What it leaves to us is the
//! blob that is already there: its name may have been seen before its folder was synced.
//!
//! Never: shows a blob that is not whole; answers a put before it is on stable storage.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use hearth_world::{TaskGroup, Timestamp};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::folder;

mod connector;
mod draft;
mod files;
mod remote;
mod s3;

pub use draft::BlobReader;
pub(crate) use draft::Draft;
pub use s3::{HalfAKey, NotAPlace, S3Key, S3Place, S3Settings};

/// Up to this size a body is hashed where it is: 64 KB take less time than a change of threads.
const HASH_INLINE_BYTES: usize = 65_536;

/// What is read of a file at a time.
const READ_BYTES: usize = 131_072;

/// EIO, which a failed fsync reports once; the pages it could not write count as clean afterwards.
const EIO: i32 = 5;

/// The SHA-256 of a blob's bytes. Shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobDigest([u8; 32]);

impl BlobDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of all that comes out of a reader, and its size in bytes.
    pub fn of_reader(mut reader: impl io::Read) -> io::Result<(Self, u64)> {
        let (mut hash, mut buffer, mut bytes) = (Sha256::new(), vec![0; READ_BYTES], 0);
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok((Self(hash.finalize().into()), bytes)),
                read => {
                    hash.update(&buffer[..read]);
                    bytes += read as u64;
                }
            }
        }
    }

    /// From a stored digest.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As stored.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// With padding, as AWS shows it: `CodeSha256`.
    pub fn base64(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }
}

impl fmt::Display for BlobDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlobDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "BlobDigest({self})")
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits")]
pub struct NotADigest;

impl FromStr for BlobDigest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).map_err(|_| NotADigest)?;
        Ok(Self(digest))
    }
}

/// Why a blob could not be kept or found.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BlobError {
    /// There is none of this digest.
    #[error("there is no blob {0}")]
    NotFound(BlobDigest),
    /// What is stored under this digest has other bytes.
    #[error("blob {0} is damaged: its bytes have another digest")]
    Damaged(BlobDigest),
    /// The storage refused: a full disk, a missing permission, a lost connection. The blob was not acknowledged.
    #[error("cannot {doing} {what}: {reason}")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// To which blob or folder.
        what: String,
        /// The storage's own words.
        reason: Arc<str>,
    },
    /// A sync failed before; nothing can be promised until a restart.
    #[error("no blob can be kept after a failed write to disk: {0}")]
    Poisoned(Arc<str>),
}

/// The blobs of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
    /// Other servers write there too.
    shared: bool,
    /// Where what was broken off in a bucket is given up.
    tasks: Option<TaskGroup>,
    fetching: Semaphore,
    poison: OnceLock<Arc<str>>,
}

impl Blobs {
    /// Blobs in a local folder, which is made when it is absent.
    pub fn local(folder: &Path) -> Result<Self, BlobError> {
        let failed = |source: io::Error| storage("open", folder.display(), &source);
        let folder = folder::create(folder).map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| storage("open", folder.display(), &error))?;
        Ok(Self::with(Arc::new(store.with_fsync(true)), Some(folder), false, None))
    }

    /// Blobs in a folder that other servers write to as well. It is made when it is absent, but not with its parents:
    /// a file system that is not mounted must not be taken for an empty folder.
    pub fn shared(folder: &Path) -> Result<Self, BlobError> {
        let failed = |source: io::Error| storage("open", folder.display(), &source);
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        let folder = folder.canonicalize().map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| storage("open", folder.display(), &error))?;
        Ok(Self::with(Arc::new(store.with_fsync(true)), Some(folder), true, None))
    }

    /// Blobs in any object store whose acknowledged writes are durable.
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self::with(store, None, true, None)
    }

    fn with(
        store: Arc<dyn ObjectStore>,
        folder: Option<PathBuf>,
        shared: bool,
        tasks: Option<TaskGroup>,
    ) -> Self {
        let fetching = Semaphore::new(files::FETCHES_AT_ONCE);
        Self { inner: Arc::new(Inner { store, folder, shared, tasks, fetching, poison: OnceLock::new() }) }
    }

    /// Keeps the bytes and returns their digest; on stable storage when it returns. The same bytes are kept once.
    pub async fn put(&self, bytes: Bytes) -> Result<BlobDigest, BlobError> {
        let (digest, bytes) = hashed(bytes).await;
        self.put_as(digest, bytes).await
    }

    /// The same for bytes whose digest is known.
    pub(crate) async fn put_as(&self, digest: BlobDigest, bytes: Bytes) -> Result<BlobDigest, BlobError> {
        self.check_poison()?;
        if self.size(&digest).await? == Some(bytes.len() as u64) && self.get(&digest).await.is_ok() {
            // Another put may have renamed it without having synced the folder yet.
            self.sync_folder().await?;
            return Ok(digest);
        }
        let put = match self.inner.folder {
            None if bytes.len() > remote::PART_BYTES => self.put_in_parts(&digest, &bytes).await,
            _ => self.inner.store.put(&place(&digest), bytes.into()).await.map(drop),
        };
        match put {
            Ok(()) => Ok(digest),
            Err(error) => Err(self.put_failed(&digest, &error)),
        }
    }

    /// The bytes of a blob, checked against the digest.
    pub async fn get(&self, digest: &BlobDigest) -> Result<Bytes, BlobError> {
        let read = async { self.inner.store.get(&place(digest)).await?.bytes().await };
        let bytes = read.await.map_err(|error| not_found_or(digest, "read", &error))?;
        let (found, bytes) = hashed(bytes).await;
        if found == *digest { Ok(bytes) } else { Err(BlobError::Damaged(*digest)) }
    }

    /// The bytes of a blob in pieces.
    pub async fn reader(&self, digest: &BlobDigest) -> Result<BlobReader, BlobError> {
        BlobReader::open(self, digest).await
    }

    /// Where the blob lies as a file; `None` when it does not lie in a local folder. Says nothing about existence.
    pub fn path(&self, digest: &BlobDigest) -> Option<PathBuf> {
        self.inner.folder.as_ref().map(|folder| folder.join(digest.to_string()))
    }

    /// Whether there is such a blob.
    pub async fn exists(&self, digest: &BlobDigest) -> Result<bool, BlobError> {
        Ok(self.size(digest).await?.is_some())
    }

    /// Removes a blob; absent is fine. A loss of power may bring it back: who collects garbage finds it again.
    pub async fn delete(&self, digest: &BlobDigest) -> Result<(), BlobError> {
        match self.inner.store.delete(&place(digest)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage("delete", digest, &error)),
        }
    }

    /// How long what was asked of the store may still be done when nobody waits for it any more.
    pub(crate) fn requests_outlive(&self) -> Duration {
        if self.inner.folder.is_some() { Duration::ZERO } else { connector::ANSWER_TIME }
    }

    /// The blob's size in bytes, if there is such a blob.
    pub async fn size(&self, digest: &BlobDigest) -> Result<Option<u64>, BlobError> {
        match self.inner.store.head(&place(digest)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(storage("look for", digest, &error)),
        }
    }

    /// Every blob with its size in bytes, in no order. What has another name is not shown.
    pub fn list(&self) -> BoxStream<'_, Result<(BlobDigest, u64), BlobError>> {
        let found = self.inner.store.list(None).filter_map(async |found| match found {
            Ok(meta) => {
                let digest = meta.location.as_ref().parse().ok();
                digest.map(|digest| Ok((digest, meta.size)))
            }
            // It was deleted while the listing went on.
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => Some(Err(storage("list", "the blobs", &error))),
        });
        found.boxed()
    }

    /// Removes the drafts that interrupted puts left, and says how many: those last written before this process began;
    /// where other servers write too, those that nobody wrote for a day.
    pub async fn remove_drafts(&self, began: Timestamp, now: Timestamp) -> Result<u64, BlobError> {
        let a_day_ago = Timestamp::from_micros(now.as_micros().saturating_sub(remote::DRAFT_AGE_MICROS));
        let before = if self.inner.shared { a_day_ago } else { began };
        let Some(folder) = self.inner.folder.clone() else { return self.remove_remote_drafts(before).await };
        let what = folder.display().to_string();
        let removed = blocking(move || remove_drafts(&folder, before)).await;
        removed.map_err(|error| storage("clean up", what, &error))
    }

    async fn sync_folder(&self) -> Result<(), BlobError> {
        let Some(folder) = self.inner.folder.clone() else { return Ok(()) };
        let what = folder.display().to_string();
        match blocking(move || folder::sync(&folder)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.poison_on_eio(&error).unwrap_or_else(|| storage("sync", what, &error))),
        }
    }

    fn check_poison(&self) -> Result<(), BlobError> {
        self.inner.poison.get().map_or(Ok(()), |reason| Err(BlobError::Poisoned(reason.clone())))
    }

    fn put_failed(&self, what: &dyn fmt::Display, error: &object_store::Error) -> BlobError {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(poisoned) = error.downcast_ref().and_then(|error| self.poison_on_eio(error)) {
                return poisoned;
            }
            cause = error.source();
        }
        storage("keep", what, error)
    }

    /// A full disk or a missing descriptor may pass and be tried again; EIO from a sync may not.
    fn poison_on_eio(&self, error: &io::Error) -> Option<BlobError> {
        (error.raw_os_error() == Some(EIO)).then(|| {
            let reason = self.inner.poison.get_or_init(|| {
                tracing::error!(%error, "a write to disk failed: no blob is kept until a restart");
                error.to_string().into()
            });
            BlobError::Poisoned(reason.clone())
        })
    }
}

fn place(digest: &BlobDigest) -> object_store::path::Path {
    object_store::path::Path::from(digest.to_string())
}

fn storage(doing: &'static str, what: impl fmt::Display, error: &dyn std::error::Error) -> BlobError {
    // In one line: a store of objects answers with XML of several.
    let reason = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    BlobError::Storage { doing, what: what.to_string(), reason: reason.into() }
}

fn not_found_or(digest: &BlobDigest, doing: &'static str, error: &object_store::Error) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::NotFound(*digest),
        error => storage(doing, digest, error),
    }
}

/// The digest of the bytes, found on a thread of its own when they are many.
pub(crate) async fn hashed(bytes: Bytes) -> (BlobDigest, Bytes) {
    let small = bytes.len() <= HASH_INLINE_BYTES;
    let hash = move || (BlobDigest::of(&bytes), bytes);
    if small { hash() } else { blocking(hash).await }
}

/// Runs what would hold up the async threads on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// A put that was interrupted leaves `DIGEST#N`, a draft that was complete `draft-N`.
fn remove_drafts(folder: &Path, before: Timestamp) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if !name.contains(&b'#') && !name.starts_with(draft::DRAFT.as_bytes()) {
            continue;
        }
        // One that is gone by now had a put that went on.
        let Ok(written) = entry.metadata() else { continue };
        let written =
            Timestamp::from_micros(written.mtime().saturating_mul(1_000_000) + written.mtime_nsec() / 1_000);
        if written < before && fs::remove_file(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests;
