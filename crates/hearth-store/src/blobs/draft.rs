//! A blob whose bytes come in pieces, and the bytes of a blob in pieces: neither is ever whole in memory.
//!
//! ```text
//! write ─▶ draft-N, a file beside the blobs ─▶ complete: synced, announced ─▶ renamed to its digest, folder synced
//! ```
//!
//! In a bucket the draft is an upload in parts, copied to its digest and deleted by the store itself.
//! Never: leaves a draft behind, but for a process that was killed or a bucket that is away. Those go at the next start
//! or, where other servers write too, in a sweep a day later; parts of a bucket by its own rules.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};

use super::remote::{PART_BYTES, Upload};
use super::{BlobDigest, BlobError, Blobs, blocking, not_found_or, place, storage};

/// What the names of drafts begin with.
pub(super) const DRAFT: &str = "draft-";

/// A blob that is being written.
#[derive(Debug)]
pub(crate) struct Draft {
    blobs: Blobs,
    upload: Upload,
    file: DraftFile,
    hash: Sha256,
    bytes: u64,
    /// What is not yet a whole part: stores of objects take parts of a size, a folder takes all at once.
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
    part_bytes: usize,
}

/// The finished file under its passing name. Removed when dropped, unless it has its name by now.
#[derive(Debug)]
struct DraftFile {
    blobs: Blobs,
    place: Path,
    path: Option<PathBuf>,
    /// It may be there.
    is_there: bool,
}

impl Drop for DraftFile {
    fn drop(&mut self) {
        if !self.is_there {
            return;
        }
        match self.path.take() {
            Some(path) => drop(std::fs::remove_file(path)),
            None => {
                let (store, place) = (self.blobs.inner.store.clone(), self.place.clone());
                self.blobs.forget(move || async move { store.delete(&place).await });
            }
        }
    }
}

impl Draft {
    /// A draft without bytes. `number` is one that no other draft has.
    pub(crate) async fn begin(blobs: &Blobs, number: u128) -> Result<Self, BlobError> {
        blobs.check_poison()?;
        let name = format!("{DRAFT}{number:032x}");
        let place = Path::from(name.as_str());
        let upload = Upload::begin(blobs, &place).await;
        let upload = upload.map_err(|error| blobs.put_failed(&name, &error))?;
        let path = blobs.inner.folder.as_ref().map(|folder| folder.join(&name));
        let file = DraftFile { blobs: blobs.clone(), place, path, is_there: false };
        let part_bytes = if blobs.inner.folder.is_some() { 1 } else { PART_BYTES };
        let (blobs, hash) = (blobs.clone(), Sha256::new());
        Ok(Self { blobs, upload, file, hash, bytes: 0, waiting: Vec::new(), waiting_bytes: 0, part_bytes })
    }

    /// Takes more bytes.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.bytes += bytes.len() as u64;
        let mut hash = std::mem::take(&mut self.hash);
        let piece = bytes.clone();
        let hashed = blocking(move || {
            hash.update(&piece);
            hash
        });
        self.waiting_bytes += bytes.len();
        self.waiting.push(bytes);
        let put = self.put_part(self.part_bytes);
        let (hashed, put) = tokio::join!(hashed, put);
        self.hash = hashed;
        put.map_err(|error| self.blobs.put_failed(&self.file.place, &error))
    }

    /// Sends what waits, if it has so many bytes.
    fn put_part(&mut self, least: usize) -> impl Future<Output = object_store::Result<()>> + use<> {
        let part = (self.waiting_bytes >= least).then(|| {
            self.waiting_bytes = 0;
            self.upload.put_part(PutPayload::from_iter(self.waiting.drain(..)))
        });
        async move {
            match part {
                Some(part) => part.await,
                None => Ok(()),
            }
        }
    }

    /// The digest and the size of what was written. It may not be on stable storage yet.
    pub(crate) fn known(&self) -> (BlobDigest, u64) {
        (BlobDigest(self.hash.clone().finalize().into()), self.bytes)
    }

    /// What was written, on stable storage but still without its name.
    pub(crate) async fn complete(mut self) -> Result<Completed, BlobError> {
        // An upload needs a part, if only an empty one.
        let last = self.put_part(usize::from(self.bytes > 0)).await;
        self.file.is_there = true;
        let completed = match last {
            Ok(()) => self.upload.complete().await.map(drop),
            Err(error) => Err(error),
        };
        completed.map_err(|error| self.blobs.put_failed(&self.file.place, &error))?;
        let digest = BlobDigest(self.hash.finalize().into());
        Ok(Completed { blobs: self.blobs, file: self.file, digest })
    }
}

/// A blob that only lacks its name.
#[derive(Debug)]
pub(crate) struct Completed {
    blobs: Blobs,
    file: DraftFile,
    /// Its name to be.
    pub(crate) digest: BlobDigest,
}

impl Completed {
    /// Gives it its name. One that is there already is replaced: it has the same bytes, if it is not damaged.
    pub(crate) async fn publish(mut self) -> Result<(), BlobError> {
        self.blobs.check_poison()?;
        let renamed = self.blobs.inner.store.rename(&self.file.place, &place(&self.digest)).await;
        renamed.map_err(|error| self.blobs.put_failed(&self.digest, &error))?;
        self.file.is_there = false;
        Ok(())
    }
}

/// The bytes of one blob. A local one is read to its end even when it is deleted meanwhile.
#[derive(Clone, Debug)]
pub struct BlobReader(Source);

#[derive(Clone, Debug)]
enum Source {
    File(Arc<File>, BlobDigest),
    Elsewhere(Blobs, BlobDigest),
}

impl BlobReader {
    pub(super) async fn open(blobs: &Blobs, digest: &BlobDigest) -> Result<Self, BlobError> {
        let Some(path) = blobs.path(digest) else {
            return Ok(Self(Source::Elsewhere(blobs.clone(), *digest)));
        };
        match blocking(move || File::open(path)).await {
            Ok(file) => Ok(Self(Source::File(Arc::new(file), *digest))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BlobError::NotFound(*digest)),
            Err(error) => Err(storage("read", digest, &error)),
        }
    }

    /// So many bytes from this place on. They are not checked against the digest.
    ///
    /// # Errors
    /// When the blob ends before that, too.
    pub async fn read(&self, offset: u64, bytes: usize) -> Result<Bytes, BlobError> {
        match &self.0 {
            Source::File(file, digest) => {
                let file = file.clone();
                let read = blocking(move || {
                    let mut buffer = vec![0; bytes];
                    file.read_exact_at(&mut buffer, offset).map(|()| Bytes::from(buffer))
                });
                read.await.map_err(|error| storage("read", digest, &error))
            }
            Source::Elsewhere(blobs, digest) => {
                let place = place(digest);
                let read = blobs.inner.store.get_range(&place, offset..offset + bytes as u64);
                read.await.map_err(|error| not_found_or(digest, "read", &error))
            }
        }
    }
}
