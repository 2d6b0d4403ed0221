//! Blobs as open files, for those who need a descriptor: where a blob lies elsewhere, it is fetched into a file without
//! a name.
//!
//! Never: hands out a file whose bytes have another digest; leaves a file behind.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use object_store::{GetResult, ObjectStoreExt};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::{BlobDigest, BlobError, Blobs, blocking, not_found_or, place, storage};

/// Blobs that are fetched at the same time; others wait. Each takes what a line gives.
pub(super) const FETCHES_AT_ONCE: usize = 4;

/// The longest wait for such a place.
const PLACE_WAIT: Duration = Duration::from_secs(300);

/// How long a fetch may take from the store's answer on, beside a second for each [`BYTES_A_SECOND`].
const FETCH_TIME_LEAST: Duration = Duration::from_secs(60);

/// A store that gives less is as one that is away.
const BYTES_A_SECOND: u64 = 1_048_576;

/// Names that are tried for a file that will have none.
const NAMES_MAX: u32 = 64;

impl Blobs {
    /// The blob as an open file at its beginning, its digest checked. Where the blobs do not lie in a folder, the file
    /// takes room in `scratch` for as long as it is open, and no more than `bytes_max`.
    pub async fn file(&self, digest: &BlobDigest, bytes_max: u64, scratch: &Path) -> Result<File, BlobError> {
        match self.path(digest) {
            Some(path) => local(*digest, path).await,
            None => self.fetch(*digest, bytes_max, scratch).await,
        }
    }

    async fn fetch(&self, digest: BlobDigest, bytes_max: u64, scratch: &Path) -> Result<File, BlobError> {
        let failed = |error: &dyn std::error::Error| storage("fetch", digest, error);
        let turn = tokio::time::timeout(PLACE_WAIT, self.inner.fetching.acquire()).await;
        let _turn = turn.map_err(|late| failed(&late))?.map_err(|closed| failed(&closed))?;
        let missing = |error: object_store::Error| not_found_or(&digest, "fetch", &error);
        let found = self.inner.store.get(&place(&digest)).await.map_err(missing)?;
        let bytes = found.meta.size;
        if bytes > bytes_max {
            return Err(failed(&TooLarge { bytes, bytes_max }));
        }
        let limit = FETCH_TIME_LEAST + Duration::from_secs(bytes / BYTES_A_SECOND);
        tokio::time::timeout(limit, fetched(digest, found, scratch)).await.map_err(|late| failed(&late))?
    }
}

/// A store has more under the name of a blob than the blob can have.
#[derive(Debug, thiserror::Error)]
#[error("the store has {bytes} bytes, and {bytes_max} are allowed")]
struct TooLarge {
    bytes: u64,
    bytes_max: u64,
}

/// What the store gives, and not a byte more than it said.
async fn fetched(digest: BlobDigest, found: GetResult, scratch: &Path) -> Result<File, BlobError> {
    let failed = |error: io::Error| storage("fetch", digest, &error);
    let mut left = found.meta.size;
    let mut pieces = found.into_stream();
    let mut file = nameless(scratch).map_err(failed)?;
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| not_found_or(&digest, "fetch", &error))?;
        left = left.checked_sub(piece.len() as u64).ok_or(BlobError::Damaged(digest))?;
        hash.update(&piece);
        file = blocking(move || file.write_all(&piece).map(|()| file)).await.map_err(failed)?;
    }
    if BlobDigest(hash.finalize().into()) != digest {
        return Err(BlobError::Damaged(digest));
    }
    file.rewind().map_err(failed)?;
    Ok(file)
}

async fn local(digest: BlobDigest, path: PathBuf) -> Result<File, BlobError> {
    blocking(move || {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::NotFound(digest),
            _ => storage("read", digest, &error),
        };
        let mut file = File::open(&path).map_err(failed)?;
        let (found, _) = BlobDigest::of_reader(&file).map_err(failed)?;
        if found != digest {
            return Err(BlobError::Damaged(digest));
        }
        file.rewind().map_err(failed)?;
        Ok(file)
    })
    .await
}

/// A file that is gone when it is closed, however that comes.
fn nameless(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR) {
        // A file system without such files, some of which see the flag of a directory alone.
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => {}
        opened => return Ok(opened?.into()),
    }
    let mut options = File::options();
    options.read(true).write(true).create_new(true).mode(0o600);
    // GAP(store): a name is taken for a moment only, but what a kill in that moment leaves stays.
    let names = (0..NAMES_MAX).map(|number| folder.join(format!("fetched#{}-{number}", std::process::id())));
    let mut taken = io::ErrorKind::AlreadyExists.into();
    for name in names {
        match options.open(&name) {
            Ok(file) => return fs::remove_file(&name).map(|()| file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}
