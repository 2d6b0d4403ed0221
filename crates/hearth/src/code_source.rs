//! Packages for the worker, out of the blobs.

use std::fs::File;
use std::path::PathBuf;

use hearth_service_lambda::limits::CODE_UNZIPPED_BYTES_MAX;
use hearth_store::{BlobDigest, Blobs};
use hearth_worker::{BoxFuture, CodeDigest, CodeError, CodeSource};

/// The server's blobs as files. One that is damaged is found out before anything of it runs.
#[derive(Debug)]
pub struct Packages {
    /// The blobs, wherever they lie.
    pub blobs: Blobs,
    /// Where a package of an object store lies while it is unpacked, without a name.
    pub scratch: PathBuf,
}

impl Packages {
    async fn find(&self, code: &CodeDigest) -> Result<File, String> {
        let digest: BlobDigest = code.0.parse().map_err(|_| "not a SHA-256".to_owned())?;
        self.blobs
            .file(&digest, CODE_UNZIPPED_BYTES_MAX, &self.scratch)
            .await
            .map_err(|error| error.to_string())
    }
}

impl CodeSource for Packages {
    fn package(&self, code: CodeDigest) -> BoxFuture<'_, Result<File, CodeError>> {
        Box::pin(async move {
            let found = self.find(&code).await;
            found.map_err(|reason| CodeError { code, reason })
        })
    }
}
