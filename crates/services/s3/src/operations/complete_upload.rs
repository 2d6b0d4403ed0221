//! CompleteMultipartUpload: the parts that the client names become an object.

use std::collections::BTreeMap;

use hearth_aws::sigv4::Algorithm;
use hearth_store::Tx;
use md5::{Digest, Md5};
use s3s::dto::*;

use super::put_object::Conditions;
use super::shown::{checksum_type, etag, value, with_checksums};
use super::{Cx, change, expect_owner, write};
use crate::content::{bad_digest, composite, full};
use crate::error::Failure;
use crate::records::{self, Bucket, Content, Object, Part, StoredChecksum, Upload, Versioning};
use crate::uploads::PARTS_MAX;
use crate::versions::{self, Changed};
use crate::{buckets, uploads};

/// Every part but the last: 5 MB.
const PART_BYTES_MIN: u64 = 5 * 1_024 * 1_024;

/// An object in parts: 5 TB.
const OBJECT_BYTES_MAX: u64 = 5 * 1_024 * 1_024 * 1_024 * 1_024;

/// Parts that one transaction deletes because they are not to be in the object.
const DROPPED_TOGETHER: usize = 1_000;

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
    /// Which kind of checksum the client thinks that the upload has.
    kind: Option<ChecksumType>,
    number: u64,
    changing: versions::Change,
}

/// Answers a call.
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
        kind: input.checksum_type,
        number: cx.s3.number(),
        changing: change(&cx.s3),
    };
    let (object, changed) = loop {
        let plan = plan.clone();
        if let Some(done) = write(&cx, move |tx| finish(tx, &plan)).await? {
            break done;
        }
    };
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

/// Completes the upload. `None` when only a page of parts that will not be in the object is gone, and more are left:
/// nothing else stands in the way then.
fn finish(tx: &mut dyn Tx, plan: &Plan) -> Result<Option<(Object, Changed)>, Failure> {
    let bucket = buckets::get(tx, &plan.account, &plan.bucket)?;
    expect_owner(&bucket, plan.owner.as_deref())?;
    let upload = match uploads::get(tx, bucket.number, &plan.key, &plan.id) {
        Ok(upload) => upload,
        Err(failure) if failure.code == "NoSuchUpload" => {
            return repeated(tx, &bucket, plan)?.ok_or(failure).map(Some);
        }
        Err(failure) => return Err(failure),
    };
    check_kind(&upload, plan.kind.as_ref())?;
    plan.conditions.check(tx, &bucket, &plan.key)?;
    let mut there: BTreeMap<u32, Part> = uploads::parts(tx, upload.number)?.into_iter().collect();
    let chosen = chosen(&mut there, &plan.named, &upload)?;
    let object = object(&upload, &chosen, plan)?;
    for (number, part) in there.iter().take(DROPPED_TOGETHER) {
        uploads::drop_part(tx, upload.number, *number, part, plan.changing.grace)?;
    }
    if there.len() > DROPPED_TOGETHER {
        return Ok(None);
    }
    uploads::end(tx, bucket.number, &plan.key, &plan.id)?;
    let changed = versions::put(tx, &bucket, &plan.key, object.clone(), plan.changing)?;
    Ok(Some((object, changed)))
}

/// The answer to a completion again, as S3 gives it to clients that did not hear the first one: while the object is
/// the newest of its key, and for the same parts.
fn repeated(tx: &mut dyn Tx, bucket: &Bucket, plan: &Plan) -> Result<Option<(Object, Changed)>, Failure> {
    let (Some(newest), Some(number)) =
        (versions::newest(tx, bucket.number, &plan.key)?, uploads::number_of(&plan.id))
    else {
        return Ok(None);
    };
    let Some(object) = newest.version.object.filter(|object| object.content == Content::Parts(number)) else {
        return Ok(None);
    };
    let parts = uploads::parts(tx, number)?;
    let is_same = parts.len() == plan.named.len()
        && parts
            .iter()
            .zip(&plan.named)
            .all(|((number, part), named)| *number == number_of(named) && is_named(part, named));
    if !is_same {
        return Ok(None);
    }
    check_checksum(object.checksum.as_ref(), plan)?;
    let id = (bucket.versioning != Versioning::Never).then_some(newest.version.id);
    Ok(Some((object, Changed { id, is_marker: false })))
}

/// Whether the client thinks of the right kind of checksum.
fn check_kind(upload: &Upload, given: Option<&ChecksumType>) -> Result<(), Failure> {
    let is_composite = upload.checksum.as_ref().is_some_and(|(_, is_composite)| *is_composite);
    let kind = if is_composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
    match given.map(ChecksumType::as_str) {
        Some(given) if given != kind => Err(Failure::request(format!(
            "The upload was created using the {kind} checksum mode. The complete request must use the same checksum \
             mode."
        ))),
        _ => Ok(()),
    }
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
    check_checksum(checksum.as_ref(), plan)?;
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

/// Whether the object is what the client computed.
fn check_checksum(computed: Option<&StoredChecksum>, plan: &Plan) -> Result<(), Failure> {
    let Some((algorithm, given)) = &plan.checksum else { return Ok(()) };
    let computed = computed.filter(|checksum| checksum.algorithm() == Some(*algorithm));
    let is_same = |computed: &StoredChecksum| {
        // Some clients leave the number of parts out.
        computed.value == *given || computed.value.split('-').next() == Some(given.as_str())
    };
    if computed.is_some_and(is_same) {
        return Ok(());
    }
    Err(bad_digest(format!("The {algorithm} you specified did not match the calculated checksum.")))
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
