//! Where a copy comes from, and whether what the client knows of it still holds.

use std::ops::Range;

use hearth_store::Tx;
use s3s::dto::*;

use super::get_object::Conditions;
use super::{Cx, expect_owner};
use crate::buckets;
use crate::content::OBJECT_BYTES_MAX;
use crate::error::Failure;
use crate::records::{Bucket, Object, Version};
use crate::versions;

/// A source as it was named.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) account: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) conditions: Conditions,
}

impl Source {
    pub(crate) fn of(
        cx: &Cx,
        named: CopySource,
        owner: Option<String>,
        conditions: Conditions,
    ) -> Result<Self, Failure> {
        let CopySource::Bucket { bucket, key, version_id } = named else {
            return Err(Failure::not_built("A copy out of an access point"));
        };
        Ok(Self {
            account: cx.account().to_owned(),
            bucket: bucket.into(),
            key: key.into(),
            version: version_id.map(String::from),
            owner,
            conditions,
        })
    }

    /// The object, in the transaction that copies it.
    pub(crate) fn find(&self, tx: &mut dyn Tx) -> Result<(Bucket, Version, Object), Failure> {
        let bucket = buckets::get(tx, &self.account, &self.bucket)?;
        expect_owner(&bucket, self.owner.as_deref())?;
        let (version, object) = versions::get(tx, &bucket, &self.key, self.version.as_deref())?;
        self.conditions.check(&version, &object).map_err(|failure| match failure.code {
            // Whoever copies has no copy yet.
            "NotModified" => {
                let name =
                    if self.conditions.if_none_match.is_some() { "None-Match" } else { "Modified-Since" };
                Failure::precondition(&format!("x-amz-copy-source-If-{name}"))
            }
            _ => failure,
        })?;
        Ok((bucket, version, object))
    }
}

/// Whether so much may be copied by one request.
pub(crate) fn check_size(range: &Range<u64>) -> Result<(), Failure> {
    if range.end - range.start <= OBJECT_BYTES_MAX {
        return Ok(());
    }
    Err(Failure::request(format!(
        "The specified copy source is larger than the maximum allowable size for a copy source: {OBJECT_BYTES_MAX}"
    )))
}
