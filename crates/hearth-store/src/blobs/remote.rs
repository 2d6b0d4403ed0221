//! What a store of objects is asked beside single objects: whether it may be used, and to take much in parts.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::{BlobDigest, BlobError, Blobs, place, storage};

/// What is sent at once: one request with more could take longer than one may. S3 takes parts from 5 MB on.
pub(super) const PART_BYTES: usize = 8_388_608;

/// Parts under way at the same time.
const PARTS_AT_ONCE: usize = 4;

/// The name of what [`Blobs::check`] writes; no digest is named so, and no listing shows it.
const PROBE: &str = "hearth-was-here";

impl Blobs {
    /// Whether the place is there, and may be read and written: told at the start, and not to who uploads first.
    pub async fn check(&self) -> Result<(), BlobError> {
        let probe = object_store::path::Path::from(PROBE);
        let failed = |error: object_store::Error| storage("use", "the store of blobs", &error);
        self.inner.store.put(&probe, PutPayload::from_static(b"1")).await.map_err(failed)?;
        let found = async { self.inner.store.get(&probe).await?.bytes().await };
        found.await.map_err(failed)?;
        // Another server may have removed it, and its deletion proves nothing that is needed now.
        match self.inner.store.delete(&probe).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Puts what is too much for one request. It is there as a whole or not at all.
    pub(super) async fn put_in_parts(
        &self,
        digest: &BlobDigest,
        bytes: &Bytes,
    ) -> Result<(), object_store::Error> {
        let mut upload = self.inner.store.put_multipart(&place(digest)).await?;
        match send(&mut *upload, bytes).await {
            Ok(()) => Ok(()),
            Err(error) => {
                // A store that is away keeps the parts until its own rule for abandoned uploads.
                let _ = upload.abort().await;
                Err(error)
            }
        }
    }
}

async fn send(upload: &mut dyn MultipartUpload, bytes: &Bytes) -> Result<(), object_store::Error> {
    let parts = (0..bytes.len()).step_by(PART_BYTES);
    let sent: Vec<_> = parts
        .map(|from| upload.put_part(bytes.slice(from..bytes.len().min(from + PART_BYTES)).into()))
        .collect();
    stream::iter(sent).buffer_unordered(PARTS_AT_ONCE).try_collect::<()>().await?;
    upload.complete().await.map(drop)
}
