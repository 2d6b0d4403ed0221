//! What a store of objects is asked beside single objects: whether it may be used, and to take much in parts.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hearth_world::Timestamp;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::draft::DRAFT;
use super::{BlobDigest, BlobError, Blobs, place, storage};

/// What is sent at once: one request with more could take longer than one may. S3 takes parts from 5 MB on.
pub(super) const PART_BYTES: usize = 8_388_608;

/// Parts under way at the same time.
const PARTS_AT_ONCE: usize = 4;

/// How long one upload may take: a day.
const DRAFT_AGE_MICROS: i64 = 86_400_000_000;

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

    /// Removes drafts that nobody can be writing any more.
    pub(super) async fn remove_old_drafts(&self, before: Timestamp) -> Result<u64, BlobError> {
        let failed = |error: object_store::Error| storage("clean up", "the store of blobs", &error);
        let before = before.as_micros().saturating_sub(DRAFT_AGE_MICROS);
        let mut all = self.inner.store.list(None);
        let mut removed = 0;
        while let Some(found) = all.try_next().await.map_err(failed)? {
            let is_draft = found.location.as_ref().starts_with(DRAFT);
            if is_draft && found.last_modified.timestamp_micros() < before {
                self.inner.store.delete(&found.location).await.map_err(failed)?;
                removed += 1;
            }
        }
        Ok(removed)
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
