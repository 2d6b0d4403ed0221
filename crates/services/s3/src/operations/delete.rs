//! DeleteObject and DeleteObjects.

use s3s::dto::*;

use super::{Cx, announce, change, expect_owner, write};
use crate::error::Failure;
use crate::events::Change;
use crate::records::Bucket;
use crate::versions::{self, Changed};
use crate::{S3, buckets};
use hearth_store::Tx;
use std::sync::Arc;

/// Keys of one DeleteObjects.
pub(crate) const KEYS_MAX: usize = 1_000;

/// DeleteObject: a delete marker, or one version for ever. What is not there is deleted already.
pub(crate) async fn object(cx: Cx, input: DeleteObjectInput) -> Result<DeleteObjectOutput, Failure> {
    let (account, s3, changing) = (cx.account().to_owned(), cx.s3.clone(), change(&cx.s3));
    let changed = write(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &input.bucket)?;
        expect_owner(&bucket, input.expected_bucket_owner.as_deref())?;
        let wanted =
            Wanted { key: &input.key, version: input.version_id.as_deref(), etag: input.if_match.as_ref() };
        one(tx, &s3, &bucket, &wanted, changing)
    })
    .await?;
    Ok(DeleteObjectOutput {
        delete_marker: changed.is_marker.then_some(true),
        version_id: changed.id,
        ..DeleteObjectOutput::default()
    })
}

/// What is to be deleted.
pub(crate) struct Wanted<'w> {
    pub(crate) key: &'w str,
    pub(crate) version: Option<&'w str>,
    pub(crate) etag: Option<&'w IfMatch>,
}

/// Deletes one key or version.
pub(crate) fn one(
    tx: &mut dyn Tx,
    s3: &Arc<S3>,
    bucket: &Bucket,
    wanted: &Wanted<'_>,
    changing: versions::Change,
) -> Result<Changed, Failure> {
    if let Some(condition) = wanted.etag {
        let found = match wanted.version {
            Some(id) => versions::find(tx, bucket.number, wanted.key, id)?,
            None => versions::newest(tx, bucket.number, wanted.key)?,
        };
        let object = found.and_then(|found| found.version.object);
        let Some(object) = object else { return Err(Failure::no_key(wanted.key)) };
        if condition.as_etag().is_some_and(|wanted| wanted.value() != object.etag) {
            return Err(Failure::precondition("If-Match"));
        }
    }
    let changed = match wanted.version {
        Some(id) => versions::delete_version(tx, bucket, wanted.key, id, changing)?,
        None => versions::delete(tx, bucket, wanted.key, changing)?,
    };
    let is_made = changed.is_marker && wanted.version.is_none();
    let what = if is_made { Change::DeleteMarkerCreated } else { Change::Delete };
    announce(tx, s3, bucket, wanted.key, (what, &changed, None))?;
    Ok(changed)
}
