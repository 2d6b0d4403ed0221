//! The tags of objects.

use std::collections::BTreeMap;

use s3s::dto::*;

use super::get_object::shown_id;
use super::{Cx, expect_owner, read, write};
use crate::config::tags;
use crate::error::Failure;
use crate::{buckets, versions};

/// GetObjectTagging.
pub(crate) async fn get(cx: Cx, input: GetObjectTaggingInput) -> Result<GetObjectTaggingOutput, Failure> {
    let account = cx.account().to_owned();
    read(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &input.bucket)?;
        expect_owner(&bucket, input.expected_bucket_owner.as_deref())?;
        let (version, object) = versions::get(tx, &bucket, &input.key, input.version_id.as_deref())?;
        let tags = object.tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) });
        Ok(GetObjectTaggingOutput { tag_set: tags.collect(), version_id: shown_id(&bucket, version) })
    })
    .await
}

/// PutObjectTagging: these tags and no others.
pub(crate) async fn put(cx: Cx, input: PutObjectTaggingInput) -> Result<PutObjectTaggingOutput, Failure> {
    let tags = tags_of(input.tagging.tag_set)?;
    let version = Named {
        bucket: input.bucket,
        owner: input.expected_bucket_owner,
        key: input.key,
        version: input.version_id,
    };
    Ok(PutObjectTaggingOutput { version_id: replace(&cx, version, tags).await? })
}

/// DeleteObjectTagging.
pub(crate) async fn delete(
    cx: Cx,
    input: DeleteObjectTaggingInput,
) -> Result<DeleteObjectTaggingOutput, Failure> {
    let version = Named {
        bucket: input.bucket,
        owner: input.expected_bucket_owner,
        key: input.key,
        version: input.version_id,
    };
    Ok(DeleteObjectTaggingOutput { version_id: replace(&cx, version, BTreeMap::new()).await? })
}

struct Named {
    bucket: String,
    owner: Option<String>,
    key: String,
    version: Option<String>,
}

async fn replace(cx: &Cx, named: Named, tags: BTreeMap<String, String>) -> Result<Option<String>, Failure> {
    let account = cx.account().to_owned();
    write(cx, move |tx| {
        let bucket = buckets::get(tx, &account, &named.bucket)?;
        expect_owner(&bucket, named.owner.as_deref())?;
        let (version, _) = versions::get(tx, &bucket, &named.key, named.version.as_deref())?;
        let standing = versions::find(tx, bucket.number, &named.key, &version.id)?;
        let Some(mut standing) = standing else { return Err(Failure::no_key(&named.key)) };
        if let Some(object) = &mut standing.version.object {
            object.tags = tags.clone();
        }
        versions::update(tx, bucket.number, &named.key, &standing)?;
        Ok(shown_id(&bucket, version))
    })
    .await
}

/// Tags of a document.
pub(crate) fn tags_of(given: Vec<Tag>) -> Result<BTreeMap<String, String>, Failure> {
    let tags = tags::read(&Tagging { tag_set: given }, tags::Of::Object)?;
    Ok(tags.into_iter().collect())
}
