//! CreateMultipartUpload, AbortMultipartUpload, and what is under way.

use s3s::dto::*;

use super::given::{grants, headers, refuse_lock};
use super::put_object::{metadata, refuse_keys, storage_class, tags_of_header};
use super::shown::{etag, length, owner, time, with_checksums};
use super::{Cx, expect_owner, read, write};
use crate::error::Failure;
use crate::listing::{Query, after_key, limit, page, shown};
use crate::records::{Object, Upload};
use crate::settings::{lifecycle, object_acl};
use crate::uploads::PARTS_MAX;
use crate::{buckets, keys, reclaim, uploads};
use hearth_store::Stored;

/// CreateMultipartUpload.
pub(crate) async fn create(
    cx: Cx,
    input: CreateMultipartUploadInput,
) -> Result<CreateMultipartUploadOutput, Failure> {
    refuse_keys(input.sse_customer_algorithm.as_ref(), input.server_side_encryption.as_ref())?;
    refuse_lock!(input);
    let checksum = checksum(input.checksum_algorithm.as_ref(), input.checksum_type.as_ref())?;
    let object = Object {
        headers: headers!(input),
        metadata: metadata(input.metadata)?,
        storage_class: storage_class(input.storage_class)?,
        tags: tags_of_header(input.tagging.as_deref())?,
        ..Object::default()
    };
    let account = cx.account().to_owned();
    let new = Upload {
        number: cx.s3.number(),
        id: String::new(),
        started: 0,
        account: account.clone(),
        object,
        checksum: checksum.clone(),
    };
    let (name, key) = (input.bucket.clone(), input.key.clone());
    let acl = grants!(input);
    let (upload, aborts) = write(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &name)?;
        expect_owner(&bucket, input.expected_bucket_owner.as_deref())?;
        let mut new = new.clone();
        object_acl::put_with(tx, &bucket, &mut new.object, &acl.headers())?;
        let upload = uploads::start(tx, bucket.number, &key, new)?;
        let aborts = lifecycle::abort_date(tx, bucket.number, &key, upload.started)?;
        Ok((upload, aborts))
    })
    .await?;
    let (algorithm, kind) = shown_checksum(checksum.as_ref());
    let (abort_date, abort_rule_id) = aborts.unzip();
    Ok(CreateMultipartUploadOutput {
        abort_date: abort_date.map(time),
        abort_rule_id,
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload.id),
        checksum_algorithm: algorithm,
        checksum_type: kind,
        server_side_encryption: Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256)),
        ..CreateMultipartUploadOutput::default()
    })
}

/// The algorithm of an upload, and whether the object's checksum is over those of the parts.
fn checksum(
    algorithm: Option<&ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> Result<Option<(String, bool)>, Failure> {
    let Some(algorithm) = algorithm.map(ChecksumAlgorithm::as_str) else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(Failure::request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let wrong = |kind: &str| {
        let text = format!(
            "The {kind} checksum type cannot be used with the {} checksum algorithm.",
            algorithm.to_lowercase()
        );
        Err(Failure::request(text))
    };
    let is_sha = matches!(algorithm, "SHA1" | "SHA256");
    match kind.map(ChecksumType::as_str) {
        Some(ChecksumType::FULL_OBJECT) if is_sha => wrong(ChecksumType::FULL_OBJECT),
        Some(ChecksumType::COMPOSITE) if algorithm == "CRC64NVME" => wrong(ChecksumType::COMPOSITE),
        Some(kind) => Ok(Some((algorithm.to_owned(), kind == ChecksumType::COMPOSITE))),
        None => Ok(Some((algorithm.to_owned(), algorithm != "CRC64NVME"))),
    }
}

fn shown_checksum(stored: Option<&(String, bool)>) -> (Option<ChecksumAlgorithm>, Option<ChecksumType>) {
    let algorithm = stored.map(|(name, _)| ChecksumAlgorithm::from(name.clone()));
    let kind = stored.map(|(_, is_composite)| {
        ChecksumType::from_static(if *is_composite {
            ChecksumType::COMPOSITE
        } else {
            ChecksumType::FULL_OBJECT
        })
    });
    (algorithm, kind)
}

/// AbortMultipartUpload: the parts leave the disk.
pub(crate) async fn abort(
    cx: Cx,
    input: AbortMultipartUploadInput,
) -> Result<AbortMultipartUploadOutput, Failure> {
    let account = cx.account().to_owned();
    write(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &input.bucket)?;
        expect_owner(&bucket, input.expected_bucket_owner.as_deref())?;
        let upload = uploads::get(tx, bucket.number, &input.key, &input.upload_id)?;
        uploads::end(tx, bucket.number, &input.key, &input.upload_id)?;
        reclaim::parts(tx, upload.number)
    })
    .await?;
    Ok(AbortMultipartUploadOutput::default())
}

/// ListParts: those that are there, in order.
pub(crate) async fn parts(cx: Cx, input: ListPartsInput) -> Result<ListPartsOutput, Failure> {
    let limit = limit("max-parts", input.max_parts)?;
    let after = input.part_number_marker.unwrap_or(0);
    let after = u32::try_from(after).map_err(|_| {
        let text = "Argument part-number-marker must be an integer between 0 and 2147483647";
        Failure::argument("part-number-marker", &after.to_string(), text)
    })?;
    let (account, name, key, id) =
        (cx.account().to_owned(), input.bucket.clone(), input.key.clone(), input.upload_id.clone());
    let expected = input.expected_bucket_owner;
    let (upload, mut found) = read(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &name)?;
        expect_owner(&bucket, expected.as_deref())?;
        let upload = uploads::get(tx, bucket.number, &key, &id)?;
        let more = u32::try_from(limit).unwrap_or(PARTS_MAX) + 1;
        let found = uploads::parts_after(tx, upload.number, after, more)?;
        Ok((upload, found))
    })
    .await?;
    let is_truncated = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(number, _)| *number);
    let shown = found.into_iter().map(|(number, part)| {
        let shown = Part {
            e_tag: etag(&part.etag),
            last_modified: Some(time(part.modified)),
            part_number: i32::try_from(number).ok(),
            size: Some(length(part.bytes)),
            ..Part::default()
        };
        with_checksums!(shown, part.checksum.as_ref())
    });
    let (checksum_algorithm, checksum_type) = shown_checksum(upload.checksum.as_ref());
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        checksum_algorithm,
        checksum_type,
        initiator: Some(Initiator { display_name: None, id: owner(&upload.account).id }),
        owner: Some(owner(cx.account())),
        is_truncated: Some(is_truncated),
        max_parts: i32::try_from(limit).ok(),
        part_number_marker: i32::try_from(after).ok(),
        next_part_number_marker: last.and_then(|last| i32::try_from(last).ok()),
        parts: Some(shown.collect()),
        storage_class: Some(upload.object.storage_class.unwrap_or_else(|| "STANDARD".to_owned()).into()),
        ..ListPartsOutput::default()
    })
}

/// ListMultipartUploads: those that were neither completed nor aborted, by key and then by time.
pub(crate) async fn list(
    cx: Cx,
    input: ListMultipartUploadsInput,
) -> Result<ListMultipartUploadsOutput, Failure> {
    let limit = limit("max-uploads", input.max_uploads)?;
    let is_encoded = input.encoding_type.is_some();
    let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
    let query = Query { prefix: input.prefix.clone().unwrap_or_default(), delimiter, after: None, limit };
    let key_marker = input.key_marker.clone().filter(|marker| !marker.is_empty());
    let id_marker = input.upload_id_marker.clone().filter(|_| key_marker.is_some());
    let (account, name, expected) =
        (cx.account().to_owned(), input.bucket.clone(), input.expected_bucket_owner.clone());
    let (key, id) = (key_marker.clone(), id_marker.clone());
    let (bucket, found) = read(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &name)?;
        expect_owner(&bucket, expected.as_deref())?;
        let space = keys::uploads(bucket.number);
        let mut query = query.clone();
        let start = match (&key, id.as_deref().and_then(uploads::moment_of)) {
            (None, _) => Vec::new(),
            (Some(key), None) => {
                query.after = Some(key.clone());
                after_key(&space, key)
            }
            (Some(key), Some(moment)) => {
                let mut place = keys::upload(bucket.number, key, moment).as_bytes().to_vec();
                place.push(0);
                place
            }
        };
        let found = page(tx, &space, &query, start)?;
        Ok((bucket, found))
    })
    .await?;
    let text = |text: &str| shown(text, is_encoded);
    let mut output = ListMultipartUploadsOutput {
        bucket: Some(bucket.name.clone()),
        delimiter: input.delimiter.as_deref().map(text),
        encoding_type: input.encoding_type.clone(),
        is_truncated: Some(found.next.is_some()),
        key_marker: Some(text(key_marker.as_deref().unwrap_or_default())),
        upload_id_marker: Some(id_marker.unwrap_or_default()),
        max_uploads: i32::try_from(limit).ok(),
        prefix: Some(text(input.prefix.as_deref().unwrap_or_default())),
        ..ListMultipartUploadsOutput::default()
    };
    let prefixes = found.prefixes.iter().map(|name| CommonPrefix { prefix: Some(text(name)) });
    output.common_prefixes = Some(prefixes.collect::<Vec<_>>()).filter(|prefixes| !prefixes.is_empty());
    let mut uploads = Vec::new();
    for entry in &found.entries {
        let upload = Upload::decode(&entry.record)?;
        if found.next.as_ref() == Some(&entry.key) {
            output.next_upload_id_marker = Some(upload.id.clone());
        }
        let (checksum_algorithm, checksum_type) = shown_checksum(upload.checksum.as_ref());
        uploads.push(MultipartUpload {
            checksum_algorithm,
            checksum_type,
            initiated: Some(time(upload.started)),
            initiator: Some(Initiator { display_name: None, id: owner(&upload.account).id }),
            key: Some(text(&entry.key)),
            owner: Some(owner(&bucket.account)),
            storage_class: Some(upload.object.storage_class.unwrap_or_else(|| "STANDARD".to_owned()).into()),
            upload_id: Some(upload.id),
        });
    }
    output.uploads = Some(uploads);
    output.next_key_marker = found.next.as_deref().map(text);
    Ok(output)
}
