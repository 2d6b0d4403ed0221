//! Packages for the worker, out of the local blobs.

use std::path::PathBuf;

use hearth_store::{BlobDigest, Blobs};
use hearth_worker::{BoxFuture, CodeDigest, CodeError, CodeSource};

/// The server's own blobs as files.
#[derive(Debug)]
pub struct LocalCode(pub Blobs);

impl LocalCode {
    fn find(&self, code: &CodeDigest) -> Result<PathBuf, String> {
        let digest: BlobDigest = code.0.parse().map_err(|_| "not a SHA-256".to_owned())?;
        self.0.path(&digest).ok_or_else(|| "the blobs do not lie in a local folder".to_owned())
    }
}

impl CodeSource for LocalCode {
    fn package(&self, code: CodeDigest) -> BoxFuture<'_, Result<PathBuf, CodeError>> {
        let found = self.find(&code).map_err(|reason| CodeError { code, reason });
        Box::pin(std::future::ready(found))
    }
}
