//! Blobs as open files, for those who need a descriptor: where a blob lies elsewhere, it is fetched into a file without
//! a name.
//!
//! Never: hands out a file whose bytes have another digest; leaves a file behind.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use object_store::ObjectStoreExt;
use sha2::{Digest, Sha256};

use super::{BlobDigest, BlobError, Blobs, blocking, not_found_or, place, storage};

/// Names that are tried for a file that will have none.
const NAMES_MAX: u32 = 64;

impl Blobs {
    /// The blob as an open file at its beginning, its digest checked. Where the blobs do not lie in a folder, the file
    /// takes room in `scratch` for as long as it is open.
    pub async fn file(&self, digest: &BlobDigest, scratch: &Path) -> Result<File, BlobError> {
        match self.path(digest) {
            Some(path) => local(*digest, path).await,
            None => self.fetched(digest, scratch).await,
        }
    }

    async fn fetched(&self, digest: &BlobDigest, scratch: &Path) -> Result<File, BlobError> {
        let failed = |error: io::Error| storage("fetch", digest, &error);
        let missing = |error: object_store::Error| not_found_or(digest, "fetch", &error);
        let mut pieces = self.inner.store.get(&place(digest)).await.map_err(missing)?.into_stream();
        let mut file = nameless(scratch).map_err(failed)?;
        let mut hash = Sha256::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(missing)?;
            hash.update(&piece);
            file = blocking(move || file.write_all(&piece).map(|()| file)).await.map_err(failed)?;
        }
        if BlobDigest(hash.finalize().into()) != *digest {
            return Err(BlobError::Damaged(*digest));
        }
        file.rewind().map_err(failed)?;
        Ok(file)
    }
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
    let mut options = File::options();
    options.read(true).write(true).create_new(true).mode(0o600);
    // A name is taken for a moment only. What a kill in that moment leaves is named as drafts are, and goes with them.
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
