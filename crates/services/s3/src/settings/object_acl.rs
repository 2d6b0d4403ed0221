//! Access control lists of objects, kept with the version they are of.

use hearth_store::Tx;
use s3s::dto::*;

use super::access::{check_block, sent};
use crate::config::acl::{self, Headers, Owners};
use crate::config::document::{Document, decode, encode};
use crate::config::error::ConfigError;
use crate::config::kept;
use crate::config::ownership::Ownership;
use crate::error::Failure;
use crate::names;
use crate::records::{Bucket, Object};

type Answer<T> = Result<T, Failure>;

/// The grants of an object: its owner's alone while ACLs are off, or when nobody chose.
pub(crate) fn get(tx: &mut dyn Tx, bucket: &Bucket, object: &Object) -> Answer<GetObjectAclOutput> {
    let owner = names::canonical_user(&bucket.account);
    let off = kept::ownership(tx, bucket.number)? == Some(Ownership::BucketOwnerEnforced);
    let grants = match object.documents.get(Document::Acl.name()).filter(|_| !off) {
        None => acl::private(&owner),
        Some(text) => {
            let policy: AccessControlPolicy = decode(text.as_bytes()).map_err(Failure::internal)?;
            policy.grants.unwrap_or_default()
        }
    };
    let owner = Some(acl::shown_owner(&owner));
    Ok(GetObjectAclOutput { grants: Some(grants), owner, request_charged: None })
}

/// Writes what PutObjectAcl says into the object; the version is still to be written.
pub(crate) fn put(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    object: &mut Object,
    input: &PutObjectAclInput,
) -> Answer<()> {
    let headers = Headers {
        canned: input.acl.as_ref().map(ObjectCannedACL::as_str),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    };
    let owner = names::canonical_user(&bucket.account);
    let owners = Owners { bucket: &owner, resource: &owner };
    let grants = sent(acl::Of::Object, &headers, input.access_control_policy.as_ref(), owners)?;
    keep(tx, bucket, object, grants, headers.canned)
}

/// Writes what the headers of a request that makes an object say into it.
pub(crate) fn put_with(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    object: &mut Object,
    headers: &Headers<'_>,
) -> Answer<()> {
    if headers.is_empty() {
        return Ok(());
    }
    let owner = names::canonical_user(&bucket.account);
    let owners = Owners { bucket: &owner, resource: &owner };
    match headers.read_all(acl::Of::Object, owners)? {
        None => Ok(()),
        Some(grants) => keep(tx, bucket, object, grants, headers.canned),
    }
}

fn keep(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    object: &mut Object,
    grants: Vec<Grant>,
    canned: Option<&str>,
) -> Answer<()> {
    let owner = names::canonical_user(&bucket.account);
    let alone = acl::is_owners_alone(&grants, &owner);
    if kept::ownership(tx, bucket.number)? == Some(Ownership::BucketOwnerEnforced) {
        // Only what says that the bucket's owner has full control is taken, which holds anyway.
        let harmless = alone && canned.is_none_or(|name| name == "bucket-owner-full-control");
        return if harmless { Ok(()) } else { Err(ConfigError::AclsOff.into()) };
    }
    check_block(tx, bucket, &grants)?;
    let name = Document::Acl.name().to_owned();
    if alone {
        object.documents.remove(&name);
        return Ok(());
    }
    let text = String::from_utf8(encode(&acl::document(&owner, grants))).map_err(Failure::internal)?;
    object.documents.insert(name, text);
    Ok(())
}
