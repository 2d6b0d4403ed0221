//! CopyObject: another object with the same bytes. They are shared where they can be, and copied otherwise.

use std::sync::Arc;

use hearth_store::Tx;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use s3s::dto::*;

use super::copy_source::{Source, check_size};
use super::get_object;
use super::given::{grants, refuse_lock};
use super::put_object::{self, metadata, refuse_keys, storage_class, tags_of_header};
use super::shown::{checksum_type, etag, seconds, time, with_checksums};
use super::{Cx, change, expect_owner, write};
use crate::config::acl::Grants;
use crate::content::{Expected, Outgoing, Piece, Received, copy_of, hold, pieces, receive, stream};
use crate::error::Failure;
use crate::records::{Headers, Object};
use crate::settings::object_acl;
use crate::versions::{self, Changed};
use crate::{buckets, records};

/// How often a source may change while its bytes are copied.
const ATTEMPTS_MAX: u32 = 4;

/// What is written, and what of it comes from the source.
#[derive(Clone)]
struct Plan {
    source: Source,
    bucket: String,
    key: String,
    account: String,
    owner: Option<String>,
    /// Metadata and headers, where they are not the source's.
    replaced: Option<Object>,
    tags: Option<std::collections::BTreeMap<String, String>>,
    class: Option<String>,
    redirect: Option<String>,
    acl: Grants,
    algorithm: Option<String>,
    /// What must hold of the key before.
    conditions: put_object::Conditions,
    number: u64,
    changing: versions::Change,
}

/// What one try came to.
enum Tried {
    Copied {
        object: Box<Object>,
        changed: Changed,
        modified: i64,
        from: Option<String>,
    },
    /// The bytes must be read and written again.
    Needs {
        object: Box<Object>,
        pieces: Vec<Piece>,
    },
}

/// Answers a call.
pub(crate) async fn copy(cx: Cx, input: CopyObjectInput) -> Result<CopyObjectOutput, Failure> {
    refuse_keys(
        input.sse_customer_algorithm.as_ref().or(input.copy_source_sse_customer_algorithm.as_ref()),
        input.server_side_encryption.as_ref(),
    )?;
    refuse_lock!(input);
    let plan = plan(&cx, input)?;
    let mut received: Option<Arc<(u64, Received)>> = None;
    for _ in 0..ATTEMPTS_MAX {
        let (plan, bytes) = (plan.clone(), received.clone());
        let algorithm = plan.algorithm.clone();
        match write(&cx, move |tx| attempt(tx, &plan, bytes.as_deref())).await? {
            Tried::Copied { object, changed, modified, from } => {
                let result = CopyObjectResult {
                    checksum_type: object.checksum.as_ref().map(checksum_type),
                    e_tag: etag(&object.etag),
                    last_modified: Some(time(modified)),
                    ..CopyObjectResult::default()
                };
                return Ok(CopyObjectOutput {
                    copy_object_result: Some(with_checksums!(result, object.checksum.as_ref())),
                    copy_source_version_id: from,
                    server_side_encryption: Some(ServerSideEncryption::from_static(
                        ServerSideEncryption::AES256,
                    )),
                    version_id: changed.written(),
                    ..CopyObjectOutput::default()
                });
            }
            Tried::Needs { object, pieces } => {
                let outgoing = Outgoing::open(&cx.s3, pieces).await?;
                let wanted = algorithm.or_else(|| Some(object.checksum.as_ref()?.algorithm.clone()));
                let checksum = wanted.and_then(|name| records::algorithm(&name)).map(|found| (found, None));
                let expected = Expected { bytes: Some(object.bytes), checksum, ..Expected::default() };
                let copied = receive(&cx.s3, stream(outgoing), expected).await?;
                received = Some(Arc::new((object.number, copied)));
            }
        }
    }
    Err(Failure::new(503, "SlowDown", "The source of the copy changes all the time."))
}

fn plan(cx: &Cx, input: CopyObjectInput) -> Result<Plan, Failure> {
    let conditions = get_object::Conditions {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let source = Source::of(cx, input.copy_source, input.expected_source_bucket_owner, conditions)?;
    let directive = |name: &'static str, given: Option<&str>| match given {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(Failure::argument(name, other, &format!("Unknown {name}."))),
    };
    let replaces =
        directive("metadata directive", input.metadata_directive.as_ref().map(MetadataDirective::as_str))?;
    let retags =
        directive("tagging directive", input.tagging_directive.as_ref().map(TaggingDirective::as_str))?;
    let headers = Headers {
        cache_control: input.cache_control,
        content_disposition: input.content_disposition,
        content_encoding: input.content_encoding,
        content_language: input.content_language,
        content_type: input.content_type,
        expires: input.expires.map(seconds),
        redirect: None,
    };
    let metadata = metadata(input.metadata)?;
    let tags = tags_of_header(input.tagging.as_deref())?;
    let class = storage_class(input.storage_class.clone())?;
    let is_itself = source.version.is_none() && source.bucket == input.bucket && source.key == input.key;
    if is_itself
        && !replaces
        && input.storage_class.is_none()
        && input.website_redirect_location.is_none()
        && input.server_side_encryption.is_none()
    {
        return Err(Failure::request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    Ok(Plan {
        source,
        bucket: input.bucket,
        key: input.key,
        account: cx.account().to_owned(),
        owner: input.expected_bucket_owner,
        replaced: replaces.then(|| Object { headers, metadata, ..Object::default() }),
        tags: retags.then_some(tags),
        class,
        redirect: input.website_redirect_location,
        acl: grants!(input),
        algorithm: input.checksum_algorithm.map(|algorithm| algorithm.as_str().to_owned()),
        conditions: put_object::Conditions {
            if_match: cx.condition(&IF_MATCH)?,
            if_none_match: cx.condition(&IF_NONE_MATCH)?,
        },
        number: cx.s3.number(),
        changing: change(&cx.s3),
    })
}

/// Copies in one transaction, if the bytes can be shared or are those that were written for this very source.
fn attempt(tx: &mut dyn Tx, plan: &Plan, received: Option<&(u64, Received)>) -> Result<Tried, Failure> {
    let (from, version, source) = plan.source.find(tx)?;
    check_size(&(0..source.bytes))?;
    // Before the bytes are copied, and again in the transaction that writes.
    let bucket = buckets::get(tx, &plan.account, &plan.bucket)?;
    expect_owner(&bucket, plan.owner.as_deref())?;
    plan.conditions.check(tx, &bucket, &plan.key)?;
    let mut object = Object { number: plan.number, parts: None, ..source.clone() };
    object.documents.clear();
    if let Some(replaced) = &plan.replaced {
        object.headers = replaced.headers.clone();
        object.metadata = replaced.metadata.clone();
    }
    object.headers.redirect = plan.redirect.clone();
    object.storage_class = plan.class.clone();
    if let Some(tags) = &plan.tags {
        object.tags = tags.clone();
    }
    let other_checksum = plan.algorithm.is_some()
        && source.checksum.as_ref().map(|checksum| &checksum.algorithm) != plan.algorithm.as_ref();
    match received.filter(|(number, _)| *number == source.number) {
        Some((_, received)) => {
            object.content = hold(tx, received, plan.number)?;
            object.etag = received.md5.clone();
            object.checksum = received.checksum.clone();
        }
        None => {
            let shared = match source.parts.is_some() || other_checksum {
                true => None,
                false => copy_of(tx, source.number, source.content, source.bytes, plan.number)?,
            };
            match shared {
                Some(content) => object.content = content,
                None => {
                    let pieces = pieces(tx, &source, &(0..source.bytes))?;
                    return Ok(Tried::Needs { object: Box::new(source), pieces });
                }
            }
        }
    }
    object_acl::put_with(tx, &bucket, &mut object, &plan.acl.headers())?;
    let changed = versions::put(tx, &bucket, &plan.key, object.clone(), plan.changing)?;
    let modified = tx.now().as_micros();
    let from = get_object::shown_id(&from, version);
    Ok(Tried::Copied { object: Box::new(object), changed, modified, from })
}
