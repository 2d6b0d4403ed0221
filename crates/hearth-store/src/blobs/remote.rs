//! What a store of objects is asked beside single objects: whether it may be used, to take much in parts, and to
//! forget what was begun and not completed.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hearth_world::{TaskKind, Timestamp};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload, PutResult, UploadPart};
use tracing::{debug, info_span};

use super::draft::DRAFT;
use super::{BlobDigest, BlobError, Blobs, place, storage};

/// What is sent at once: one request with more could take longer than one may. S3 takes parts from 5 MB on.
pub(super) const PART_BYTES: usize = 8_388_608;

/// Parts under way at the same time.
const PARTS_AT_ONCE: usize = 4;

/// How long one upload may take where other servers write too: a day.
pub(super) const DRAFT_AGE_MICROS: i64 = 86_400_000_000;

/// How long it may take to forget what nobody completed: a store that is away keeps it, parts until its own rule for
/// abandoned uploads, an object until a sweep.
const FORGET_TIME: Duration = Duration::from_secs(10);

/// What the name of what [`Blobs::check`] writes begins with; no digest is named so, and no listing shows it.
const PROBE: &str = "hearth-was-here";

impl Blobs {
    /// Whether the place is there, and may be read and written: told at the start, and not to who uploads first.
    /// `number` is one that no other check has: of two servers that start at once, one would remove the other's object.
    pub async fn check(&self, number: u128) -> Result<(), BlobError> {
        let probe = Path::from(format!("{PROBE}-{number:032x}"));
        let failed = |error: object_store::Error| storage("use", "the store of blobs", &error);
        self.inner.store.put(&probe, PutPayload::from_static(b"1")).await.map_err(failed)?;
        let found = async { self.inner.store.get(&probe).await?.bytes().await };
        found.await.map_err(failed)?;
        // A sweep may have removed it, and its deletion proves nothing that is needed now.
        match self.inner.store.delete(&probe).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Removes drafts that were last written before then.
    pub(super) async fn remove_remote_drafts(&self, before: Timestamp) -> Result<u64, BlobError> {
        let failed = |error: object_store::Error| storage("clean up", "the store of blobs", &error);
        let before = before.as_micros();
        let mut all = self.inner.store.list(None);
        let mut removed = 0;
        while let Some(found) = all.try_next().await.map_err(failed)? {
            let is_draft = [DRAFT, PROBE].iter().any(|name| found.location.as_ref().starts_with(name));
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
        let mut upload = Upload::begin(self, &place(digest)).await?;
        let parts = (0..bytes.len()).step_by(PART_BYTES);
        let sent: Vec<_> = parts
            .map(|from| upload.put_part(bytes.slice(from..bytes.len().min(from + PART_BYTES)).into()))
            .collect();
        stream::iter(sent).buffer_unordered(PARTS_AT_ONCE).try_collect::<()>().await?;
        upload.complete().await.map(drop)
    }

    /// Does what makes a bucket forget something, in a task: whoever began it may be gone. A folder needs none.
    pub(super) fn forget<F>(&self, forget: impl FnOnce() -> F)
    where
        F: Future<Output = Result<(), object_store::Error>> + Send + 'static,
    {
        let Some(tasks) = &self.inner.tasks else { return };
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let work = forget();
        // The group stops last of all, after what a stop of the others breaks off.
        tasks.spawn(TaskKind::Request, info_span!("forget"), move |stop| async move {
            match stop.or(tokio::time::timeout(FORGET_TIME, work)).await {
                Some(Ok(Ok(()) | Err(object_store::Error::NotFound { .. }))) => {}
                Some(Ok(Err(error))) => debug!(%error, "what was broken off stays in the bucket for now"),
                Some(Err(_)) | None => {
                    debug!("what was broken off stays in the bucket for now: no time is left")
                }
            }
        });
    }
}

/// An upload in parts. Dropped before it is completed, it is given up.
#[derive(Debug)]
pub(super) struct Upload {
    blobs: Blobs,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    pub(super) async fn begin(blobs: &Blobs, place: &Path) -> Result<Self, object_store::Error> {
        let parts = blobs.inner.store.put_multipart(place).await?;
        Ok(Self { blobs: blobs.clone(), parts: Some(parts) })
    }

    pub(super) fn put_part(&mut self, bytes: PutPayload) -> UploadPart {
        self.parts.as_mut().expect("it is taken by the end alone").put_part(bytes)
    }

    pub(super) async fn complete(mut self) -> Result<PutResult, object_store::Error> {
        let completed = self.parts.as_mut().expect("it is taken by the end alone").complete().await?;
        self.parts = None;
        Ok(completed)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(mut parts) = self.parts.take() {
            self.blobs.forget(move || async move { parts.abort().await });
        }
    }
}
