//! GetObject and HeadObject: an object, or a range of it, if what the client knows of it still holds.

use std::ops::Range as Bytes;

use futures_util::StreamExt;
use s3s::dto::*;

use super::shown::{checksum_type, etag, length, seconds, time, with_checksums};
use super::{Cx, expect_owner, read};
use crate::content::{Outgoing, Piece, pieces, stream};
use crate::error::Failure;
use crate::records::{Bucket, Content, Object, Version};
use crate::settings::lifecycle;
use crate::{buckets, versions};
use hearth_store::Tx;

/// What both ask for.
struct Asked {
    bucket: String,
    owner: Option<String>,
    key: String,
    version: Option<String>,
    conditions: Conditions,
    range: Option<Range>,
    part: Option<PartNumber>,
    with_pieces: bool,
}

/// What the client knows of the object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<IfMatch>,
    pub(crate) if_none_match: Option<IfNoneMatch>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// What was found.
struct Found {
    version: Option<String>,
    modified: i64,
    object: Object,
    region: String,
    expiration: Option<String>,
    /// The bytes that are wanted, and whether they are a part of the whole.
    range: Bytes<u64>,
    is_range: bool,
    pieces: Vec<Piece>,
}

impl Conditions {
    /// Whether they hold. An ETag that does not match is more than a time that does, and the other way round.
    pub(crate) fn check(&self, version: &Version, object: &Object) -> Result<(), Failure> {
        let matches = |condition: &ETagCondition| {
            condition.as_etag().is_none_or(|wanted| wanted.value() == object.etag)
        };
        // Headers know whole seconds.
        let modified = version.modified.div_euclid(1_000_000);
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !matches(condition) => return Err(Failure::precondition("If-Match")),
            (None, Some(since)) if modified > seconds(since.clone()) => {
                return Err(Failure::precondition("If-Unmodified-Since"));
            }
            _ => {}
        }
        let is_known = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => matches(condition),
            (None, Some(since)) => modified <= seconds(since.clone()),
            (None, None) => false,
        };
        if !is_known {
            return Ok(());
        }
        let failure =
            Failure::new(304, "NotModified", "Not Modified").header("etag", &format!("\"{}\"", object.etag));
        Err(failure.header("x-amz-version-id", &version.id))
    }
}

async fn find(cx: &Cx, asked: Asked) -> Result<Found, Failure> {
    let account = cx.account().to_owned();
    read(cx, move |tx| {
        let bucket = buckets::get(tx, &account, &asked.bucket)?;
        expect_owner(&bucket, asked.owner.as_deref())?;
        let (version, object) = versions::get(tx, &bucket, &asked.key, asked.version.as_deref())?;
        asked.conditions.check(&version, &object)?;
        let (range, is_range) = wanted(tx, &object, asked.range, asked.part)?;
        let pieces = if asked.with_pieces { pieces(tx, &object, &range)? } else { Vec::new() };
        let (modified, region) = (version.modified, bucket.region.clone());
        // A former version goes by another rule, which no answer tells of.
        let expiration = match asked.version {
            None => lifecycle::expiration(tx, bucket.number, &asked.key, &object, modified)?,
            Some(_) => None,
        };
        let version = shown_id(&bucket, version);
        Ok(Found { version, modified, object, region, expiration, range, is_range, pieces })
    })
    .await
}

/// The id of a version, where the bucket has versions.
pub(crate) fn shown_id(bucket: &Bucket, version: Version) -> Option<String> {
    (bucket.versioning != crate::records::Versioning::Never).then_some(version.id)
}

/// The bytes that are asked for.
fn wanted(
    tx: &mut dyn Tx,
    object: &Object,
    range: Option<Range>,
    part: Option<PartNumber>,
) -> Result<(Bytes<u64>, bool), Failure> {
    let whole = (0..object.bytes, false);
    match (range, part) {
        (Some(_), Some(_)) => {
            Err(Failure::request("Cannot specify both Range header and partNumber query parameter"))
        }
        (None, None) => Ok(whole),
        (Some(range), None) => match range_of(&range, object.bytes) {
            Some(range) => Ok((range, true)),
            None => {
                let failure = Failure::new(416, "InvalidRange", "The requested range is not satisfiable");
                let failure = failure.with("RangeRequested", range.to_header_string());
                let failure = failure.with("ActualObjectSize", object.bytes.to_string());
                Err(failure.header("content-range", &format!("bytes */{}", object.bytes)))
            }
        },
        (None, Some(part)) => {
            let out_of_range =
                || Failure::new(416, "InvalidPartNumber", "The requested partnumber is not satisfiable");
            let number = u32::try_from(part).ok().filter(|part| *part > 0).ok_or_else(|| {
                let text = "Part number must be an integer between 1 and 10000, inclusive";
                Failure::argument("partNumber", &part.to_string(), text)
            })?;
            let Content::Parts(upload) = object.content else {
                return if number == 1 {
                    Ok((0..object.bytes, object.bytes > 0))
                } else {
                    Err(out_of_range())
                };
            };
            let (mut start, mut count, mut found) = (0, 0, None);
            let all = crate::uploads::parts(tx, upload)?;
            for (_, part) in all {
                count += 1;
                if count == number {
                    found = Some(start..start + part.bytes);
                    break;
                }
                start += part.bytes;
            }
            Ok((found.ok_or_else(out_of_range)?, true))
        }
    }
}

/// The bytes of a range, or `None` when there are none.
pub(crate) fn range_of(range: &Range, bytes: u64) -> Option<Bytes<u64>> {
    match *range {
        Range::Int { first, last } => {
            let end = last.map_or(bytes, |last| last.saturating_add(1).min(bytes));
            (first < end).then_some(first..end)
        }
        Range::Suffix { length: 0 } => None,
        Range::Suffix { length } => (bytes > 0).then(|| bytes.saturating_sub(length)..bytes),
    }
}

/// What GetObject and HeadObject ask for.
macro_rules! asked {
    ($input:expr, $with_pieces:expr) => {
        Asked {
            bucket: $input.bucket,
            owner: $input.expected_bucket_owner,
            key: $input.key,
            version: $input.version_id,
            conditions: Conditions {
                if_match: $input.if_match,
                if_none_match: $input.if_none_match,
                if_modified_since: $input.if_modified_since,
                if_unmodified_since: $input.if_unmodified_since,
            },
            range: $input.range,
            part: $input.part_number,
            with_pieces: $with_pieces,
        }
    };
}

/// Fills the members in which both answers show the object.
macro_rules! with_object {
    ($shape:expr, $object:expr, $modified:expr, $part:expr, $expiration:expr, $is_range:expr, $range:expr) => {{
        let (mut shape, object) = ($shape, &$object);
        shape.accept_ranges = Some("bytes".to_owned());
        shape.content_range = $is_range.then(|| content_range(&$range, object.bytes));
        shape.content_length = Some(length($range.end - $range.start));
        shape.expiration = $expiration;
        shape.last_modified = Some(time($modified));
        shape.e_tag = etag(&object.etag);
        shape.parts_count = $part.and(object.parts).and_then(|parts| i32::try_from(parts).ok());
        shape.cache_control = object.headers.cache_control.clone();
        shape.content_disposition = object.headers.content_disposition.clone();
        shape.content_encoding = object.headers.content_encoding.clone();
        shape.content_language = object.headers.content_language.clone();
        shape.content_type = content_type(object);
        shape.expires = object.headers.expires.map(|seconds| time(seconds.saturating_mul(1_000_000)));
        shape.website_redirect_location = object.headers.redirect.clone();
        shape.metadata = Some(object.metadata.clone().into_iter().collect());
        shape.server_side_encryption = Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256));
        shape.storage_class = object.storage_class.clone().map(StorageClass::from);
        shape
    }};
}

/// GetObject.
pub(crate) async fn get(cx: Cx, input: GetObjectInput) -> Result<GetObjectOutput, Failure> {
    super::put_object::refuse_keys(input.sse_customer_algorithm.as_ref(), None)?;
    let shows_checksum = input.checksum_mode.is_some();
    let asked = asked!(input, true);
    let part = asked.part;
    let found = find(&cx, asked).await?;
    cx.exchange.header("x-amz-bucket-region", &found.region);
    let Found { version, modified, object, expiration, range, is_range, pieces, .. } = found;
    let outgoing = Outgoing::open(&cx.s3, pieces).await?;
    let checksum = object.checksum.as_ref().filter(|_| shows_checksum && (!is_range || part.is_some()));
    let output = GetObjectOutput {
        body: Some(sent(outgoing)),
        checksum_type: checksum.map(checksum_type),
        tag_count: i32::try_from(object.tags.len()).ok().filter(|count| *count > 0),
        version_id: version,
        ..GetObjectOutput::default()
    };
    let output = with_object!(output, object, modified, part, expiration, is_range, range);
    Ok(with_checksums!(output, checksum))
}

/// HeadObject.
pub(crate) async fn head(cx: Cx, input: HeadObjectInput) -> Result<HeadObjectOutput, Failure> {
    super::put_object::refuse_keys(input.sse_customer_algorithm.as_ref(), None)?;
    let shows_checksum = input.checksum_mode.is_some();
    let overrides = [
        ("content-type", input.response_content_type),
        ("content-language", input.response_content_language),
        ("cache-control", input.response_cache_control),
        ("content-disposition", input.response_content_disposition),
        ("content-encoding", input.response_content_encoding),
    ];
    let expires = input.response_expires;
    let asked = asked!(input, false);
    let part = asked.part;
    let found = find(&cx, asked).await?;
    cx.exchange.header("x-amz-bucket-region", &found.region);
    for (name, value) in overrides {
        value.iter().for_each(|value| cx.exchange.header(name, value));
    }
    let Found { version, modified, object, expiration, range, is_range, .. } = found;
    // s3s's shape of this answer has no member for it.
    if !object.tags.is_empty() {
        cx.exchange.header("x-amz-tagging-count", &object.tags.len().to_string());
    }
    if is_range {
        cx.exchange.status(http::StatusCode::PARTIAL_CONTENT);
    }
    let checksum = object.checksum.as_ref().filter(|_| shows_checksum && (!is_range || part.is_some()));
    let output = HeadObjectOutput {
        version_id: version,
        checksum_type: checksum.map(checksum_type),
        ..HeadObjectOutput::default()
    };
    let mut output = with_object!(output, object, modified, part, expiration, is_range, range);
    output.expires = expires.or(output.expires);
    Ok(with_checksums!(output, checksum))
}

/// The bytes as s3s sends them.
fn sent(outgoing: Outgoing) -> StreamingBlob {
    let frames = stream(outgoing).map(|piece| piece.map(http_body::Frame::data));
    StreamingBlob::from(s3s::Body::http_body_unsync(http_body_util::StreamBody::new(frames)))
}

fn content_range(range: &Bytes<u64>, bytes: u64) -> String {
    format!("bytes {}-{}/{bytes}", range.start, range.end.saturating_sub(1))
}

/// What S3 says of an object whose type nobody told.
fn content_type(object: &Object) -> Option<String> {
    Some(object.headers.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned()))
}
