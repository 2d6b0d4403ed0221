//! UploadPart and UploadPartCopy.

use std::ops::Range as Bytes;

use hearth_aws::sigv4::Algorithm;
use hearth_store::Tx;
use s3s::dto::*;

use super::copy_source::{Source, check_size};
use super::get_object::{Conditions, range_of, shown_id};
use super::put_object::refuse_keys;
use super::shown::{etag, time, with_checksums};
use super::{Cx, expect_owner, read, write};
use crate::content::{Expected, Outgoing, Received, hold, pieces, receive, stream};
use crate::error::Failure;
use crate::records::{self, Part, Upload};
use crate::uploads::PARTS_MAX;
use crate::{buckets, uploads};

/// Where a part goes.
#[derive(Clone, Debug)]
struct Target {
    account: String,
    bucket: String,
    owner: Option<String>,
    key: String,
    id: String,
    number: u32,
}

impl Target {
    fn find(&self, tx: &mut dyn Tx) -> Result<Upload, Failure> {
        let bucket = buckets::get(tx, &self.account, &self.bucket)?;
        expect_owner(&bucket, self.owner.as_deref())?;
        uploads::get(tx, bucket.number, &self.key, &self.id)
    }

    async fn upload(&self, cx: &Cx) -> Result<Upload, Failure> {
        let target = self.clone();
        read(cx, move |tx| target.find(tx)).await
    }

    async fn write(self, cx: &Cx, received: Received) -> Result<Part, Failure> {
        let (number, grace) = (cx.s3.number(), cx.s3.blobs.grace());
        write(cx, move |tx| {
            let upload = self.find(tx)?;
            let part = Part {
                number,
                content: hold(tx, &received, number)?,
                bytes: received.bytes,
                etag: received.md5.clone(),
                checksum: received.checksum.clone(),
                modified: tx.now().as_micros(),
            };
            uploads::put_part(tx, upload.number, self.number, &part, grace)?;
            Ok(part)
        })
        .await
    }
}

/// Where a request wants its part: two shapes with members of the same names.
macro_rules! target {
    ($cx:expr, $input:expr) => {
        Target {
            account: $cx.account().to_owned(),
            bucket: $input.bucket,
            owner: $input.expected_bucket_owner,
            key: $input.key,
            id: $input.upload_id,
            number: number($input.part_number)?,
        }
    };
}

/// The number of a part.
fn number(given: i32) -> Result<u32, Failure> {
    let number = u32::try_from(given).ok().filter(|number| (1..=PARTS_MAX).contains(number));
    let text = "Part number must be an integer between 1 and 10000, inclusive";
    number.ok_or_else(|| Failure::argument("partNumber", &given.to_string(), text))
}

/// The algorithm that a part of this upload has.
fn algorithm(upload: &Upload) -> Option<Algorithm> {
    upload.checksum.as_ref().and_then(|(name, _)| records::algorithm(name))
}

/// UploadPart.
pub(crate) async fn put(cx: Cx, input: UploadPartInput) -> Result<UploadPartOutput, Failure> {
    refuse_keys(input.sse_customer_algorithm.as_ref(), None)?;
    let target = target!(cx, input);
    let upload = target.upload(&cx).await?;
    let mut expected = cx.exchange.expected.clone();
    if expected.bytes.is_none() {
        let text = "You must provide the Content-Length HTTP header.";
        return Err(Failure::new(411, "MissingContentLength", text));
    }
    if let Some(wanted) = algorithm(&upload) {
        let (given, _) = expected.checksum.get_or_insert((wanted, None));
        if *given != wanted {
            let (wanted, given) = (wanted.to_string().to_lowercase(), given.to_string().to_lowercase());
            return Err(Failure::request(format!(
                "Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual checksum Type: {given}"
            )));
        }
    }
    let body = input.body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
    let received = receive(&cx.s3, body, expected).await?;
    let part = target.write(&cx, received).await?;
    let output = UploadPartOutput {
        e_tag: etag(&part.etag),
        server_side_encryption: Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256)),
        ..UploadPartOutput::default()
    };
    Ok(with_checksums!(output, part.checksum.as_ref()))
}

/// UploadPartCopy: the bytes, or a range of them, are another object's.
pub(crate) async fn copy(cx: Cx, input: UploadPartCopyInput) -> Result<UploadPartCopyOutput, Failure> {
    refuse_keys(
        input.sse_customer_algorithm.as_ref().or(input.copy_source_sse_customer_algorithm.as_ref()),
        None,
    )?;
    let target = target!(cx, input);
    let upload = target.upload(&cx).await?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let source = Source::of(&cx, input.copy_source, input.expected_source_bucket_owner, conditions)?;
    let given = input.copy_source_range;
    let (range, pieces, from) = read(&cx, move |tx| {
        let (bucket, version, object) = source.find(tx)?;
        let range = wanted(given.as_deref(), object.bytes)?;
        check_size(&range)?;
        let pieces = pieces(tx, &object, &range)?;
        Ok((range, pieces, shown_id(&bucket, version)))
    })
    .await?;
    let outgoing = Outgoing::open(&cx.s3, pieces).await?;
    let checksum = algorithm(&upload).map(|algorithm| (algorithm, None));
    let expected = Expected { bytes: Some(range.end - range.start), checksum, ..Expected::default() };
    let received = receive(&cx.s3, stream(outgoing), expected).await?;
    let part = target.write(&cx, received).await?;
    let result = CopyPartResult {
        e_tag: etag(&part.etag),
        last_modified: Some(time(part.modified)),
        ..CopyPartResult::default()
    };
    Ok(UploadPartCopyOutput {
        copy_part_result: Some(with_checksums!(result, part.checksum.as_ref())),
        copy_source_version_id: from,
        server_side_encryption: Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256)),
        ..UploadPartCopyOutput::default()
    })
}

/// The range of a source. It must lie in it and have both ends.
fn wanted(given: Option<&str>, bytes: u64) -> Result<Bytes<u64>, Failure> {
    let Some(given) = given else { return Ok(0..bytes) };
    let wrong = |text: &str| Failure::argument("x-amz-copy-source-range", given, text);
    let range = Range::parse(given).ok().filter(|range| matches!(range, Range::Int { last: Some(_), .. }));
    let range = range.ok_or_else(|| {
        wrong("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
               zero-based offsets of the first and last bytes to copy")
    })?;
    let is_inside = matches!(range, Range::Int { last: Some(last), .. } if last < bytes);
    range_of(&range, bytes)
        .filter(|_| is_inside)
        .ok_or_else(|| wrong(&format!("Range specified is not valid for source object of size: {bytes}")))
}
