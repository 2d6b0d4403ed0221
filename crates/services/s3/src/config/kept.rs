//! Configurations in the store: read, written, and what a bucket has that nobody configured.

use hearth_store::Tx;
use s3s::dto::{
    AccessControlPolicy, BucketLifecycleConfiguration, CORSConfiguration, Grant, OwnershipControls,
    PublicAccessBlockConfiguration,
};
use s3s::xml;

use super::acl;
use super::document::{Document, decode, encode};
use super::ownership::{self, Blocked, Ownership};
use crate::buckets;
use crate::error::Failure;
use crate::names;
use crate::records::Bucket;

/// Bytes of one record: what is longer lies in several.
const PART_BYTES: usize = 60_000;

/// Records of one configuration: as many as the longest body of a configuration fills.
const PARTS_MAX: usize = 20;

/// A configuration as it was written. Empty text says that it was taken away where a new bucket has one.
pub(crate) fn text(tx: &mut dyn Tx, bucket: u64, document: Document) -> Result<Option<String>, Failure> {
    let Some(mut whole) = buckets::document(tx, bucket, document.name())? else { return Ok(None) };
    for number in 1..PARTS_MAX {
        let full = whole.len() >= number * (PART_BYTES - 4);
        let Some(part) = (if full { buckets::document(tx, bucket, &part(document, number))? } else { None })
        else {
            break;
        };
        whole.push_str(&part);
    }
    Ok(Some(whole))
}

/// Writes a configuration, or takes it away.
pub(crate) fn put_text(
    tx: &mut dyn Tx,
    bucket: u64,
    document: Document,
    text: Option<&str>,
) -> Result<(), Failure> {
    for number in 0..PARTS_MAX {
        let name = part(document, number);
        if number > 0 && buckets::document(tx, bucket, &name)?.is_none() {
            break;
        }
        buckets::put_document(tx, bucket, &name, None)?;
    }
    let Some(mut rest) = text else { return Ok(()) };
    for number in 0..PARTS_MAX {
        let mut end = rest.len().min(PART_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        buckets::put_document(tx, bucket, &part(document, number), Some(&rest[..end]))?;
        rest = &rest[end..];
        if rest.is_empty() {
            return Ok(());
        }
    }
    let message = format!("Hearth keeps configurations of {} bytes at most.", PARTS_MAX * PART_BYTES);
    Err(Failure::new(400, "MaxMessageLengthExceeded", message))
}

fn part(document: Document, number: usize) -> String {
    match number {
        0 => document.name().to_owned(),
        number => format!("{}/{number}", document.name()),
    }
}

/// A configuration in its type.
pub(crate) fn get<T>(tx: &mut dyn Tx, bucket: u64, document: Document) -> Result<Option<T>, Failure>
where
    T: for<'xml> xml::Deserialize<'xml>,
{
    let kept = text(tx, bucket, document)?.filter(|text| !text.is_empty());
    kept.map(|text| decode(text.as_bytes())).transpose().map_err(Failure::internal)
}

/// Writes a configuration.
pub(crate) fn put(
    tx: &mut dyn Tx,
    bucket: u64,
    document: Document,
    config: &impl xml::Serialize,
) -> Result<(), Failure> {
    let bytes = encode(config);
    let text = std::str::from_utf8(&bytes).map_err(Failure::internal)?;
    put_text(tx, bucket, document, Some(text))
}

/// Who owns objects; `None` when the controls were taken away, which is as if writers did.
pub(crate) fn ownership(tx: &mut dyn Tx, bucket: u64) -> Result<Option<Ownership>, Failure> {
    match text(tx, bucket, Document::Ownership)?.as_deref() {
        None => Ok(Some(Ownership::BucketOwnerEnforced)),
        Some("") => Ok(None),
        Some(text) => {
            let controls = decode::<OwnershipControls>(text.as_bytes());
            let owner = controls.and_then(|controls| ownership::check(&controls));
            owner.map(Some).map_err(Failure::internal)
        }
    }
}

/// What public access is blocked; `None` when the block was taken away.
pub(crate) fn blocked(tx: &mut dyn Tx, bucket: u64) -> Result<Option<Blocked>, Failure> {
    match text(tx, bucket, Document::PublicAccessBlock)?.as_deref() {
        None => Ok(Some(Blocked::ALL)),
        Some("") => Ok(None),
        Some(text) => {
            let config = decode::<PublicAccessBlockConfiguration>(text.as_bytes());
            config.map(|config| Some(Blocked::of(&config))).map_err(Failure::internal)
        }
    }
}

/// The grants of a bucket: its owner's alone while ACLs are off.
pub(crate) fn bucket_acl(tx: &mut dyn Tx, bucket: &Bucket) -> Result<Vec<Grant>, Failure> {
    let owner = names::canonical_user(&bucket.account);
    if ownership(tx, bucket.number)? == Some(Ownership::BucketOwnerEnforced) {
        return Ok(acl::private(&owner));
    }
    let kept: Option<AccessControlPolicy> = get(tx, bucket.number, Document::Acl)?;
    Ok(kept.and_then(|kept| kept.grants).unwrap_or_else(|| acl::private(&owner)))
}

/// The CORS rules.
pub(crate) fn cors(tx: &mut dyn Tx, bucket: u64) -> Result<Option<CORSConfiguration>, Failure> {
    get(tx, bucket, Document::Cors)
}

/// The rules of the lifecycle.
pub(crate) fn lifecycle(
    tx: &mut dyn Tx,
    bucket: u64,
) -> Result<Option<BucketLifecycleConfiguration>, Failure> {
    get(tx, bucket, Document::Lifecycle)
}
