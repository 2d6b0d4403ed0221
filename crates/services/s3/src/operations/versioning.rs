//! GetBucketVersioning and PutBucketVersioning.

use s3s::dto::*;

use super::buckets::of_caller;
use super::{Cx, expect_owner, write};
use crate::buckets;
use crate::error::Failure;
use crate::records::Versioning;

/// GetBucketVersioning: nothing for a bucket that never kept versions.
pub(crate) async fn get(
    cx: Cx,
    input: GetBucketVersioningInput,
) -> Result<GetBucketVersioningOutput, Failure> {
    let bucket = of_caller(&cx, input.bucket, input.expected_bucket_owner).await?;
    let status = match bucket.versioning {
        Versioning::Never => None,
        Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
        Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
    };
    Ok(GetBucketVersioningOutput {
        status: status.map(BucketVersioningStatus::from_static),
        ..GetBucketVersioningOutput::default()
    })
}

/// PutBucketVersioning: from now on old versions are kept, or not any more.
pub(crate) async fn put(
    cx: Cx,
    input: PutBucketVersioningInput,
) -> Result<PutBucketVersioningOutput, Failure> {
    let configuration = input.versioning_configuration;
    if configuration.mfa_delete.as_ref().is_some_and(|mfa| mfa.as_str() == MFADelete::ENABLED) {
        return Err(Failure::not_built("MFA delete"));
    }
    let versioning = match configuration.status.as_ref().map(BucketVersioningStatus::as_str) {
        Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
        Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
        None => {
            let text = "The Versioning element must be specified";
            return Err(Failure::new(400, "IllegalVersioningConfigurationException", text));
        }
        Some(_) => return Err(Failure::malformed_xml()),
    };
    let account = cx.account().to_owned();
    write(&cx, move |tx| {
        let mut bucket = buckets::get(tx, &account, &input.bucket)?;
        expect_owner(&bucket, input.expected_bucket_owner.as_deref())?;
        bucket.versioning = versioning;
        buckets::put(tx, &bucket)
    })
    .await?;
    Ok(PutBucketVersioningOutput {})
}
