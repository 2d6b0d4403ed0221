//! PutObject: a payload becomes the newest version of its key.

use std::collections::BTreeMap;

use hearth_store::Tx;
use s3s::dto::*;

use super::given::{grants, headers, refuse_lock};
use super::shown::{checksum_type, etag, with_checksums};
use super::{Cx, change, expect_owner, write};
use crate::config::encryption;
use crate::config::tags;
use crate::content::{Received, hold, receive};
use crate::error::Failure;
use crate::records::{Bucket, Object};
use crate::settings::{lifecycle, object_acl};
use crate::{buckets, versions};

/// User metadata: names and values together, AWS's limit.
const METADATA_BYTES_MAX: usize = 2_048;

/// The classes that objects may have here. All are kept alike.
const STORAGE_CLASSES: [&str; 10] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "SNOW",
];

/// Answers a call.
pub(crate) async fn put(cx: Cx, input: PutObjectInput) -> Result<PutObjectOutput, Failure> {
    refuse_keys(input.sse_customer_algorithm.as_ref(), input.server_side_encryption.as_ref())?;
    refuse_lock!(input);
    // Objects of directory buckets alone can be appended to.
    if input.write_offset_bytes.is_some() {
        return Err(Failure::not_built("The header x-amz-write-offset-bytes"));
    }
    let PutObjectInput { bucket, key, body, .. } = input;
    let mut object = Object {
        headers: headers!(input),
        metadata: metadata(input.metadata)?,
        storage_class: storage_class(input.storage_class)?,
        tags: tags_of_header(input.tagging.as_deref())?,
        number: cx.s3.number(),
        ..Object::default()
    };
    let conditions = Conditions { if_match: input.if_match, if_none_match: input.if_none_match };
    let acl = grants!(input);
    let owner = input.expected_bucket_owner;
    // What would be refused in the end is refused before gigabytes come.
    super::buckets::of_caller(&cx, bucket.clone(), owner.clone()).await?;
    if cx.exchange.expected.bytes.is_none() {
        let text = "You must provide the Content-Length HTTP header.";
        return Err(Failure::new(411, "MissingContentLength", text));
    }
    let received = match body {
        Some(body) => receive(&cx.s3, body, cx.exchange.expected.clone()).await?,
        None => {
            receive(&cx.s3, StreamingBlob::from(s3s::Body::empty()), cx.exchange.expected.clone()).await?
        }
    };
    object.bytes = received.bytes;
    object.etag = received.md5.clone();
    object.checksum = received.checksum.clone();
    let (shown, account) = (object.clone(), cx.account().to_owned());
    let (changing, version) = (change(&cx.s3), received);
    let (changed, expiration) = write(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &bucket)?;
        expect_owner(&bucket, owner.as_deref())?;
        conditions.check(tx, &bucket, &key)?;
        let mut object = held(tx, object.clone(), &version)?;
        object_acl::put_with(tx, &bucket, &mut object, &acl.headers())?;
        let changed = versions::put(tx, &bucket, &key, object.clone(), changing)?;
        let now = tx.now().as_micros();
        Ok((changed, lifecycle::expiration(tx, bucket.number, &key, &object, now)?))
    })
    .await?;
    let output = PutObjectOutput {
        checksum_type: shown.checksum.as_ref().map(checksum_type),
        e_tag: etag(&shown.etag),
        expiration,
        server_side_encryption: Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256)),
        version_id: changed.written(),
        ..PutObjectOutput::default()
    };
    Ok(with_checksums!(output, shown.checksum.as_ref()))
}

fn held(tx: &mut dyn Tx, mut object: Object, received: &Received) -> Result<Object, Failure> {
    object.content = hold(tx, received, object.number)?;
    Ok(object)
}

/// What must hold of a key before it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<IfMatch>,
    pub(crate) if_none_match: Option<IfNoneMatch>,
}

impl Conditions {
    /// Checks them, in the transaction that writes.
    pub(crate) fn check(&self, tx: &mut dyn Tx, bucket: &Bucket, key: &str) -> Result<(), Failure> {
        match (&self.if_match, &self.if_none_match) {
            (None, None) => return Ok(()),
            // S3 refuses the two together.
            (Some(_), Some(_)) => return Err(Failure::not_built("If-Match beside If-None-Match")),
            _ => {}
        }
        let newest = versions::newest(tx, bucket.number, key)?;
        let found = newest.and_then(|newest| newest.version.object).map(|object| object.etag);
        if let Some(condition) = &self.if_match {
            let Some(found) = &found else { return Err(Failure::no_key(key)) };
            if condition.as_etag().is_some_and(|wanted| wanted.value() != found) {
                return Err(Failure::precondition("If-Match"));
            }
        }
        if let Some(condition) = &self.if_none_match {
            if !condition.is_any() {
                return Err(Failure::not_built("If-None-Match with an ETag on a write"));
            }
            if found.is_some() {
                return Err(Failure::precondition("If-None-Match"));
            }
        }
        Ok(())
    }
}

/// User metadata with names in lower case.
pub(crate) fn metadata(given: Option<Metadata>) -> Result<BTreeMap<String, String>, Failure> {
    let given = given.unwrap_or_default().into_iter();
    let metadata: BTreeMap<String, String> =
        given.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > METADATA_BYTES_MAX {
        let text = "Your metadata headers exceed the maximum allowed metadata size";
        let failure = Failure::new(400, "MetadataTooLarge", text).with("Size", bytes.to_string());
        return Err(failure.with("MaxSizeAllowed", METADATA_BYTES_MAX.to_string()));
    }
    Ok(metadata)
}

/// The class, where it is not the usual one.
pub(crate) fn storage_class(given: Option<StorageClass>) -> Result<Option<String>, Failure> {
    match given {
        Some(class) if !STORAGE_CLASSES.contains(&class.as_str()) => {
            Err(Failure::new(400, "InvalidStorageClass", "The storage class you specified is not valid")
                .with("StorageClassRequested", class.as_str()))
        }
        given => Ok(given.map(|class| class.as_str().to_owned()).filter(|class| class != "STANDARD")),
    }
}

/// GAP(s3): objects encrypted with a client's key or one of KMS.
pub(crate) fn refuse_keys(
    customer: Option<&SSECustomerAlgorithm>,
    server: Option<&ServerSideEncryption>,
) -> Result<(), Failure> {
    let asked = encryption::Asked {
        algorithm: server.map(ServerSideEncryption::as_str),
        customer_algorithm: customer.map(SSECustomerAlgorithm::as_str),
    };
    Ok(encryption::check_object(asked)?)
}

/// Tags in the form of a query.
pub(crate) fn tags_of_header(given: Option<&str>) -> Result<BTreeMap<String, String>, Failure> {
    let invalid = |value: &str| {
        let text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without \
                    tag name duplicates.";
        Failure::argument("x-amz-tagging", value, text)
    };
    let mut tags = BTreeMap::new();
    for pair in given.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
        };
        let (Some(name), Some(value)) = (decoded(name), decoded(value)) else { return Err(invalid(pair)) };
        if tags.insert(name, value).is_some() {
            return Err(invalid(pair));
        }
    }
    check_tags(&tags)?;
    Ok(tags)
}

/// Whether these may be an object's tags.
pub(crate) fn check_tags(given: &BTreeMap<String, String>) -> Result<(), Failure> {
    let given: Vec<_> = given.clone().into_iter().collect();
    Ok(tags::check(&given, tags::Of::Object)?)
}
