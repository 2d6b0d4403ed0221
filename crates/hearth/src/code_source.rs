//! Packages for the worker, out of the local blobs.

use std::path::PathBuf;

use hearth_store::{BlobDigest, Blobs};
use hearth_worker::{BoxFuture, CodeDigest, CodeError, CodeSource};

/// The server's own blobs as files. One that is damaged is found out before anything of it runs.
#[derive(Debug)]
pub struct LocalCode(pub Blobs);

impl LocalCode {
    async fn find(&self, code: &CodeDigest) -> Result<PathBuf, String> {
        let digest: BlobDigest = code.0.parse().map_err(|_| "not a SHA-256".to_owned())?;
        self.0.get(&digest).await.map_err(|error| error.to_string())?;
        self.0.path(&digest).ok_or_else(|| "the blobs do not lie in a local folder".to_owned())
    }
}

impl CodeSource for LocalCode {
    fn package(&self, code: CodeDigest) -> BoxFuture<'_, Result<PathBuf, CodeError>> {
        Box::pin(async move {
            let found = self.find(&code).await;
            found.map_err(|reason| CodeError { code, reason })
        })
    }
}
