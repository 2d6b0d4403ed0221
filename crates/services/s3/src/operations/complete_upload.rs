//! CompleteMultipartUpload: the parts that the client names become an object.

use std::collections::BTreeMap;
use std::sync::Arc;

use hearth_aws::sigv4::Algorithm;
use hearth_store::Tx;
use md5::{Digest, Md5};
use s3s::dto::*;

use super::put_object::Conditions;
use super::shown::{checksum_type, etag, value, with_checksums};
use super::{Cx, announce, change, expect_owner, write};
use crate::S3;
use crate::content::{composite, full};
use crate::error::Failure;
use crate::events::Change;
use crate::records::{self, Content, Object, Part, StoredChecksum, Upload};
use crate::uploads::PARTS_MAX;
use crate::versions::{self, Changed};
use crate::{buckets, uploads};

/// Every part but the last: 5 MB.
const PART_BYTES_MIN: u64 = 5 * 1_024 * 1_024;

/// An object in parts: 5 TB.
const OBJECT_BYTES_MAX: u64 = 5 * 1_024 * 1_024 * 1_024 * 1_024;

#[derive(Clone)]
struct Plan {
    account: String,
    bucket: String,
    owner: Option<String>,
    key: String,
    id: String,
    named: Vec<CompletedPart>,
    conditions: Conditions,
    bytes: Option<i64>,
    /// The object's checksum as the client computed it.
    checksum: Option<(Algorithm, String)>,
    number: u64,
    changing: versions::Change,
}

/// Answers a call.
// GAP(s3): a second call with the same parts answers NoSuchUpload, where S3 repeats its answer for a while.
pub(crate) async fn complete(
    cx: Cx,
    input: CompleteMultipartUploadInput,
) -> Result<CompleteMultipartUploadOutput, Failure> {
    let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    if named.is_empty() || named.len() > PARTS_MAX as usize {
        return Err(Failure::malformed_xml());
    }
    let given = [
        (Algorithm::Crc32, input.checksum_crc32),
        (Algorithm::Crc32C, input.checksum_crc32c),
        (Algorithm::Crc64Nvme, input.checksum_crc64nvme),
        (Algorithm::Sha1, input.checksum_sha1),
        (Algorithm::Sha256, input.checksum_sha256),
    ];
    let plan = Plan {
        account: cx.account().to_owned(),
        bucket: input.bucket.clone(),
        owner: input.expected_bucket_owner,
        key: input.key.clone(),
        id: input.upload_id,
        named,
        conditions: Conditions { if_match: input.if_match, if_none_match: input.if_none_match },
        bytes: input.mpu_object_size,
        checksum: given.into_iter().find_map(|(algorithm, value)| Some((algorithm, value?))),
        number: cx.s3.number(),
        changing: change(&cx.s3),
    };
    let s3 = cx.s3.clone();
    let (object, changed) = write(&cx, move |tx| finish(tx, &s3, &plan)).await?;
    let path = percent_encoding::utf8_percent_encode(&input.key, percent_encoding::NON_ALPHANUMERIC);
    let output = CompleteMultipartUploadOutput {
        location: Some(format!("http://{}/{}/{path}", cx.exchange.call.host, input.bucket)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        checksum_type: object.checksum.as_ref().map(checksum_type),
        e_tag: etag(&object.etag),
        server_side_encryption: Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256)),
        version_id: changed.written(),
        ..CompleteMultipartUploadOutput::default()
    };
    Ok(with_checksums!(output, object.checksum.as_ref()))
}

fn finish(tx: &mut dyn Tx, s3: &Arc<S3>, plan: &Plan) -> Result<(Object, Changed), Failure> {
    let bucket = buckets::get(tx, &plan.account, &plan.bucket)?;
    expect_owner(&bucket, plan.owner.as_deref())?;
    let upload = uploads::get(tx, bucket.number, &plan.key, &plan.id)?;
    plan.conditions.check(tx, &bucket, &plan.key)?;
    let mut there: BTreeMap<u32, Part> = uploads::parts(tx, upload.number)?.into_iter().collect();
    let chosen = chosen(&mut there, &plan.named, &upload)?;
    for (number, part) in &there {
        uploads::drop_part(tx, upload.number, *number, part, plan.changing.grace)?;
    }
    let object = object(&upload, &chosen, plan)?;
    uploads::end(tx, bucket.number, &plan.key, &plan.id)?;
    let changed = versions::put(tx, &bucket, &plan.key, object.clone(), plan.changing)?;
    announce(tx, s3, &bucket, &plan.key, (Change::CompleteMultipartUpload, &changed, Some(&object)))?;
    Ok((object, changed))
}

/// Takes the parts that the client names out of those that are there.
fn chosen(
    there: &mut BTreeMap<u32, Part>,
    named: &[CompletedPart],
    upload: &Upload,
) -> Result<Vec<Part>, Failure> {
    check_order(named, upload)?;
    let mut chosen = Vec::with_capacity(named.len());
    for (at, named_part) in named.iter().enumerate() {
        let number = number_of(named_part);
        let part = there.remove(&number).filter(|part| is_named(part, named_part));
        let part = part.ok_or_else(|| {
            let text = "One or more of the specified parts could not be found.  The part may not have been uploaded, \
                        or the specified entity tag may not match the part's entity tag.";
            let etag = named_part.e_tag.as_ref().map_or("", |etag| etag.value());
            let failure = Failure::new(400, "InvalidPart", text).with("UploadId", &upload.id);
            failure.with("PartNumber", number.to_string()).with("ETag", etag)
        })?;
        if let Some((algorithm, true)) = &upload.checksum
            && records::algorithm(algorithm).is_some_and(|algorithm| given(named_part, algorithm).is_none())
        {
            let name = algorithm.to_lowercase();
            return Err(Failure::request(format!(
                "The upload was created using a {name} checksum. The complete request must include the checksum for \
                 each part. It was missing for part {number} in the request."
            )));
        }
        if part.bytes < PART_BYTES_MIN && at + 1 < named.len() {
            let text = "Your proposed upload is smaller than the minimum allowed size";
            let failure =
                Failure::new(400, "EntityTooSmall", text).with("ProposedSize", part.bytes.to_string());
            let failure = failure.with("MinSizeAllowed", PART_BYTES_MIN.to_string());
            return Err(failure.with("PartNumber", number.to_string()).with("ETag", part.etag));
        }
        chosen.push(part);
    }
    Ok(chosen)
}

fn number_of(named: &CompletedPart) -> u32 {
    named.part_number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// Whether every part has a number, and a greater one than the part before.
fn check_order(named: &[CompletedPart], upload: &Upload) -> Result<(), Failure> {
    if named.iter().any(|part| number_of(part) == 0) {
        return Err(Failure::malformed_xml());
    }
    if named.is_sorted_by(|one, next| number_of(one) < number_of(next)) {
        return Ok(());
    }
    let text = "The list of parts was not in ascending order. Parts must be ordered by part number.";
    Err(Failure::new(400, "InvalidPartOrder", text).with("UploadId", &upload.id))
}

fn is_named(part: &Part, named: &CompletedPart) -> bool {
    let algorithms = Algorithm::ALL.into_iter();
    named.e_tag.as_ref().is_some_and(|etag| etag.value().trim_matches('"') == part.etag)
        && algorithms.filter_map(|algorithm| Some((algorithm, given(named, algorithm)?))).all(
            |(algorithm, given)| {
                value(part.checksum.as_ref(), algorithm).is_none_or(|stored| stored == *given)
            },
        )
}

fn given(named: &CompletedPart, algorithm: Algorithm) -> Option<&String> {
    match algorithm {
        Algorithm::Crc32 => named.checksum_crc32.as_ref(),
        Algorithm::Crc32C => named.checksum_crc32c.as_ref(),
        Algorithm::Crc64Nvme => named.checksum_crc64nvme.as_ref(),
        Algorithm::Sha1 => named.checksum_sha1.as_ref(),
        Algorithm::Sha256 => named.checksum_sha256.as_ref(),
    }
}

fn object(upload: &Upload, parts: &[Part], plan: &Plan) -> Result<Object, Failure> {
    let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    if plan.bytes.is_some_and(|given| u64::try_from(given) != Ok(bytes)) {
        return Err(Failure::request(
            "The provided 'x-amz-mp-object-size' header does not match what was computed.",
        ));
    }
    if bytes > OBJECT_BYTES_MAX {
        let text = "Your proposed upload exceeds the maximum allowed size";
        return Err(Failure::new(400, "EntityTooLarge", text));
    }
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(hex::decode(&part.etag).unwrap_or_default());
    }
    let checksum = checksum(upload, parts);
    if let Some((algorithm, given)) = &plan.checksum {
        let computed = checksum.as_ref().filter(|checksum| checksum.algorithm() == Some(*algorithm));
        let is_same = |computed: &StoredChecksum| {
            // Some clients leave the number of parts out.
            computed.value == *given || computed.value.split('-').next() == Some(given.as_str())
        };
        if !computed.is_some_and(is_same) {
            let text = format!("The {algorithm} you specified did not match the calculated checksum.");
            return Err(Failure::new(400, "BadDigest", text));
        }
    }
    Ok(Object {
        number: plan.number,
        content: Content::Parts(upload.number),
        bytes,
        etag: format!("{}-{}", hex::encode(md5.finalize()), parts.len()),
        checksum,
        parts: u32::try_from(parts.len()).ok(),
        ..upload.object.clone()
    })
}

/// The object's checksum, where all parts have one of the same kind.
fn checksum(upload: &Upload, parts: &[Part]) -> Option<StoredChecksum> {
    let (name, is_composite) = upload.checksum.clone().unwrap_or_else(|| ("CRC64NVME".to_owned(), false));
    let algorithm = records::algorithm(&name)?;
    let values: Vec<(&str, u64)> = parts
        .iter()
        .map(|part| {
            let stored = part.checksum.as_ref().filter(|stored| stored.algorithm == name)?;
            Some((stored.value.as_str(), part.bytes))
        })
        .collect::<Option<_>>()?;
    let value = match is_composite {
        true => composite(algorithm, &values.iter().map(|(value, _)| *value).collect::<Vec<_>>()),
        false => full(algorithm, &values),
    }?;
    Some(StoredChecksum { algorithm: name, value, is_composite })
}
