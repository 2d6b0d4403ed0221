//! Who may: policies, ownership, the block of public access, ACLs of buckets.

use hearth_store::Tx;
use s3s::dto::*;

use crate::config::acl::{self, Headers, Owners};
use crate::config::document::Document;
use crate::config::error::ConfigError;
use crate::config::ownership::{self, Blocked, Ownership};
use crate::config::{kept, policy};
use crate::error::Failure;
use crate::names;
use crate::records::Bucket;

type Answer<T> = Result<T, Failure>;

fn absent(bucket: &Bucket, document: Document) -> Failure {
    Failure::from(ConfigError::Absent(document)).with("BucketName", &bucket.name)
}

pub(crate) fn put_policy(tx: &mut dyn Tx, bucket: &Bucket, input: &PutBucketPolicyInput) -> Answer<()> {
    policy::check(&bucket.name, input.policy.as_bytes())?;
    let blocked = kept::blocked(tx, bucket.number)?.unwrap_or_default();
    if blocked.public_policy && policy::is_public(input.policy.as_bytes()) {
        return Err(ConfigError::PublicBlocked.into());
    }
    kept::put_text(tx, bucket.number, Document::Policy, Some(&input.policy))
}

pub(crate) fn get_policy(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetBucketPolicyOutput> {
    let policy = kept::text(tx, bucket.number, Document::Policy)?;
    let policy = Some(policy.ok_or_else(|| absent(bucket, Document::Policy))?);
    Ok(GetBucketPolicyOutput { policy })
}

pub(crate) fn get_policy_status(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetBucketPolicyStatusOutput> {
    let policy = kept::text(tx, bucket.number, Document::Policy)?;
    let policy = policy.ok_or_else(|| absent(bucket, Document::Policy))?;
    let is_public = Some(policy::is_public(policy.as_bytes()));
    Ok(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public }) })
}

pub(crate) fn put_ownership(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    input: &PutBucketOwnershipControlsInput,
) -> Answer<()> {
    let wanted = ownership::check(&input.ownership_controls)?;
    let owner = names::canonical_user(&bucket.account);
    let grants = kept::bucket_acl(tx, bucket)?;
    if wanted == Ownership::BucketOwnerEnforced && !acl::is_owners_alone(&grants, &owner) {
        return Err(ConfigError::AclsWithOwnership.into());
    }
    kept::put(tx, bucket.number, Document::Ownership, &wanted.controls())
}

pub(crate) fn get_ownership(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetBucketOwnershipControlsOutput> {
    let owner = kept::ownership(tx, bucket.number)?.ok_or_else(|| absent(bucket, Document::Ownership))?;
    Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(owner.controls()) })
}

/// Without controls it is as if writers owned: a new bucket's own are taken away too.
pub(crate) fn delete_ownership(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<()> {
    kept::put_text(tx, bucket.number, Document::Ownership, Some(""))
}

pub(crate) fn put_block(tx: &mut dyn Tx, bucket: &Bucket, input: &PutPublicAccessBlockInput) -> Answer<()> {
    let block = Blocked::of(&input.public_access_block_configuration).document();
    kept::put(tx, bucket.number, Document::PublicAccessBlock, &block)
}

pub(crate) fn get_block(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetPublicAccessBlockOutput> {
    let blocked =
        kept::blocked(tx, bucket.number)?.ok_or_else(|| absent(bucket, Document::PublicAccessBlock))?;
    Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(blocked.document()) })
}

/// A new bucket's own block is taken away too.
pub(crate) fn delete_block(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<()> {
    kept::put_text(tx, bucket.number, Document::PublicAccessBlock, Some(""))
}

pub(crate) fn get_acl(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetBucketAclOutput> {
    let grants = Some(kept::bucket_acl(tx, bucket)?);
    let owner = Some(acl::shown_owner(&names::canonical_user(&bucket.account)));
    Ok(GetBucketAclOutput { grants, owner })
}

pub(crate) fn put_acl(tx: &mut dyn Tx, bucket: &Bucket, input: &PutBucketAclInput) -> Answer<()> {
    let owner = names::canonical_user(&bucket.account);
    let owners = Owners { bucket: &owner, resource: &owner };
    let headers = Headers {
        canned: input.acl.as_ref().map(BucketCannedACL::as_str),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    };
    let document = input.access_control_policy.as_ref();
    let grants = sent(acl::Of::Bucket, &headers, document, owners)?;
    if kept::ownership(tx, bucket.number)? == Some(Ownership::BucketOwnerEnforced) {
        // A document that says what holds anyway changes nothing; a canned name is refused.
        let harmless = headers.is_empty() && acl::is_owners_alone(&grants, &owner);
        return if harmless { Ok(()) } else { Err(ConfigError::AclsOff.into()) };
    }
    check_block(tx, bucket, &grants)?;
    kept::put(tx, bucket.number, Document::Acl, &acl::document(&owner, grants))
}

/// What a request to write an ACL says: by headers or by a document, not by both.
pub(super) fn sent(
    of: acl::Of,
    headers: &Headers<'_>,
    document: Option<&AccessControlPolicy>,
    owners: Owners<'_>,
) -> Result<Vec<Grant>, ConfigError> {
    match (headers.read_all(of, owners)?, document) {
        (Some(_), Some(_)) => Err(ConfigError::request("This request does not support content")),
        (Some(grants), None) => Ok(grants),
        (None, Some(document)) => acl::read_document(document, owners),
        (None, None) => Err(ConfigError::MissingHeader("x-amz-acl")),
    }
}

/// Refuses a list for everybody where that is blocked.
pub(super) fn check_block(tx: &mut dyn Tx, bucket: &Bucket, grants: &[Grant]) -> Answer<()> {
    let blocked = kept::blocked(tx, bucket.number)?.unwrap_or_default();
    if blocked.public_acls && acl::is_public(grants) {
        Err(ConfigError::PublicBlocked.into())
    } else {
        Ok(())
    }
}

/// What CreateBucket says about owners and access, for the bucket that it has just made.
pub(crate) fn created(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    object_ownership: Option<&str>,
    headers: &Headers<'_>,
) -> Answer<()> {
    let ownership = ownership::of_header(object_ownership)?;
    let owner = names::canonical_user(&bucket.account);
    let grants = headers.read_all(acl::Of::Bucket, Owners { bucket: &owner, resource: &owner })?;
    if object_ownership.is_some() {
        kept::put(tx, bucket.number, Document::Ownership, &ownership.controls())?;
    }
    let Some(grants) = grants.filter(|grants| !acl::is_owners_alone(grants, &owner)) else { return Ok(()) };
    if ownership == Ownership::BucketOwnerEnforced {
        return Err(ConfigError::AclsWithOwnership.into());
    }
    check_block(tx, bucket, &grants)?;
    kept::put(tx, bucket.number, Document::Acl, &acl::document(&owner, grants))
}

/// Whether a request without a signature may do this with the bucket or with an object in it, whose own ACL is
/// `object_acl` (an object's owner alone when there is none).
pub(crate) fn anybody_may(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    action: &str,
    key: Option<&str>,
    object_acl: Option<&str>,
) -> Answer<bool> {
    let blocked = kept::blocked(tx, bucket.number)?.unwrap_or_default();
    let arn = match key {
        Some(key) => format!("arn:aws:s3:::{}/{key}", bucket.name),
        None => format!("arn:aws:s3:::{}", bucket.name),
    };
    let document = kept::text(tx, bucket.number, Document::Policy)?;
    let decision = match &document {
        Some(document) => policy::anybody(document.as_bytes(), action, &arn),
        None => policy::Decision::Silent,
    };
    match decision {
        policy::Decision::Deny => return Ok(false),
        policy::Decision::Allow if !blocked.restrict_public_buckets => return Ok(true),
        policy::Decision::Allow | policy::Decision::Silent => {}
    }
    let acls_off = kept::ownership(tx, bucket.number)? == Some(Ownership::BucketOwnerEnforced);
    if acls_off || blocked.ignore_public_acls {
        return Ok(false);
    }
    match (action, object_acl) {
        ("s3:GetObject" | "s3:GetObjectVersion", Some(acl)) => {
            let acl: Result<AccessControlPolicy, _> = crate::config::document::decode(acl.as_bytes());
            let grants = acl.map_err(Failure::internal)?.grants.unwrap_or_default();
            Ok(acl::everybody_reads(&grants))
        }
        ("s3:ListBucket", _) => Ok(acl::everybody_reads(&kept::bucket_acl(tx, bucket)?)),
        _ => Ok(false),
    }
}
