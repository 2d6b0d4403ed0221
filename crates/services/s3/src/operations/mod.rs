//! What the operations do: shapes in, records changed, shapes out.

pub(crate) mod attributes;
pub(crate) mod buckets;
pub(crate) mod complete_upload;
pub(crate) mod copy_object;
mod copy_source;
pub(crate) mod delete;
pub(crate) mod get_object;
mod given;
pub(crate) mod list;
pub(crate) mod multipart;
pub(crate) mod put_object;
pub(crate) mod settings;
mod shown;
pub(crate) mod tagging;
pub(crate) mod upload_part;
pub(crate) mod versioning;

use hearth_store::{Tx, transact, transact_read};

use crate::S3;
use crate::error::Failure;
use crate::records::Bucket;
use crate::versions;
pub(crate) use crate::wire::Cx;

/// Reads in one transaction. The closure may run again.
pub(crate) async fn read<T: Send + 'static>(
    cx: &Cx,
    body: impl FnMut(&mut dyn Tx) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    transact_read(&*cx.s3.store, body).await
}

/// Writes in one transaction. The closure may run again.
pub(crate) async fn write<T: Send + 'static>(
    cx: &Cx,
    body: impl FnMut(&mut dyn Tx) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    transact(&*cx.s3.store, body).await
}

/// What a change of versions needs.
pub(crate) fn change(s3: &S3) -> versions::Change {
    versions::Change { random: s3.number(), grace: s3.blobs.grace() }
}

/// Refuses a caller who thinks that the bucket belongs to somebody else.
pub(crate) fn expect_owner(bucket: &Bucket, expected: Option<&str>) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != bucket.account => {
            Err(Failure::new(403, "AccessDenied", "Access Denied"))
        }
        _ => Ok(()),
    }
}
