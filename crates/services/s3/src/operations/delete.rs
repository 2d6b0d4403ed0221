//! DeleteObject and DeleteObjects.

use hearth_store::Tx;
use s3s::dto::*;

use super::{Cx, change, expect_owner, write};
use crate::buckets;
use crate::error::Failure;
use crate::records::Bucket;
use crate::versions::{self, Changed};

/// Keys of one DeleteObjects.
pub(crate) const KEYS_MAX: usize = 1_000;

/// Keys that one transaction deletes.
const KEYS_TOGETHER: usize = 100;

/// DeleteObject: a delete marker, or one version for ever. What is not there is deleted already.
pub(crate) async fn object(cx: Cx, input: DeleteObjectInput) -> Result<DeleteObjectOutput, Failure> {
    refuse_conditions(input.if_match_size.is_some() || input.if_match_last_modified_time.is_some())?;
    let (account, changing) = (cx.account().to_owned(), change(&cx.s3));
    let changed = write(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &input.bucket)?;
        expect_owner(&bucket, input.expected_bucket_owner.as_deref())?;
        let wanted =
            Wanted { key: &input.key, version: input.version_id.as_deref(), etag: input.if_match.as_ref() };
        one(tx, &bucket, &wanted, changing)
    })
    .await?;
    Ok(DeleteObjectOutput {
        delete_marker: changed.is_marker.then_some(true),
        version_id: changed.id,
        ..DeleteObjectOutput::default()
    })
}

/// DeleteObjects: each key for itself; what fails with one leaves the others.
pub(crate) async fn objects(cx: Cx, input: DeleteObjectsInput) -> Result<DeleteObjectsOutput, Failure> {
    let wanted = input.delete.objects;
    if wanted.is_empty() || wanted.len() > KEYS_MAX {
        return Err(Failure::malformed_xml());
    }
    let is_conditional = |one: &ObjectIdentifier| one.size.is_some() || one.last_modified_time.is_some();
    refuse_conditions(wanted.iter().any(is_conditional))?;
    super::buckets::of_caller(&cx, input.bucket.clone(), input.expected_bucket_owner).await?;
    let is_quiet = input.delete.quiet.unwrap_or(false);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for page in wanted.chunks(KEYS_TOGETHER) {
        let (account, name) = (cx.account().to_owned(), input.bucket.clone());
        let page: Vec<_> = page.iter().map(|wanted| (wanted.clone(), change(&cx.s3))).collect();
        let answers = write(&cx, move |tx| {
            let bucket = buckets::get(tx, &account, &name)?;
            let mut answers = Vec::new();
            for (wanted, changing) in &page {
                answers.push((wanted.clone(), of_many(tx, &bucket, wanted, *changing)?));
            }
            Ok(answers)
        });
        for (wanted, answer) in answers.await? {
            match answer {
                Ok(_) if is_quiet => {}
                Ok(changed) => deleted.push(told(wanted, changed)),
                Err(failure) => errors.push(Error {
                    code: Some(failure.code.to_owned()),
                    key: Some(wanted.key),
                    message: Some(failure.message),
                    version_id: wanted.version_id,
                }),
            }
        }
    }
    Ok(DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), ..DeleteObjectsOutput::default() })
}

/// Objects of directory buckets alone are deleted by their size or time.
fn refuse_conditions(is_asked: bool) -> Result<(), Failure> {
    match is_asked {
        true => Err(Failure::not_built("Deleting by size or by time of the last modification")),
        false => Ok(()),
    }
}

/// The outer error is the transaction's, the inner one the key's alone.
fn of_many(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    wanted: &ObjectIdentifier,
    changing: versions::Change,
) -> Result<Result<Changed, Failure>, Failure> {
    if wanted.key.is_empty() {
        return Ok(Err(Failure::new(400, "UserKeyMustBeSpecified", "The key must be specified.")));
    }
    if let Err(failure) = crate::names::check_key(&wanted.key) {
        return Ok(Err(failure));
    }
    let condition = wanted.e_tag.clone().map(ETagCondition::ETag);
    let one = one(
        tx,
        bucket,
        &Wanted { key: &wanted.key, version: wanted.version_id.as_deref(), etag: condition.as_ref() },
        changing,
    );
    match one {
        Err(failure) if failure.status.is_server_error() => Err(failure),
        other => Ok(other),
    }
}

fn told(wanted: ObjectIdentifier, changed: Changed) -> DeletedObject {
    let is_made = changed.is_marker && wanted.version_id.is_none();
    DeletedObject {
        delete_marker: changed.is_marker.then_some(true),
        delete_marker_version_id: changed.id.filter(|_| changed.is_marker || is_made),
        key: Some(wanted.key),
        version_id: wanted.version_id,
    }
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
    match wanted.version {
        Some(id) => versions::delete_version(tx, bucket, wanted.key, id, changing),
        None => versions::delete(tx, bucket, wanted.key, changing),
    }
}
