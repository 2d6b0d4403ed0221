//! Which operation a request means: method, what its path is, and the sub-resource in its query.

use hearth_aws::Document;
use http::Method;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::query::Query;
use crate::error::Failure;
use crate::names;

/// An operation with its name in policies.
pub(super) type Found = (&'static str, &'static str);

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Service,
    Bucket(String),
    Object(String, String),
}

impl Scope {
    /// A decoded `/BUCKET/KEY`.
    pub(super) fn of(path: &str) -> Result<Self, Failure> {
        let path = percent_decode_str(path).decode_utf8();
        let path = path.map_err(|_| Failure::new(400, "InvalidURI", "Couldn't parse the specified URI."))?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if path.is_empty() {
            return Ok(Self::Service);
        }
        names::check_bucket_name(bucket)?;
        if key.is_empty() {
            return Ok(Self::Bucket(bucket.to_owned()));
        }
        names::check_key(key)?;
        Ok(Self::Object(bucket.to_owned(), key.to_owned()))
    }

    /// What it is about, for whoever decides whether it may be done.
    pub(super) fn input(&self) -> Document {
        let text = |text: &str| Document::String(text.to_owned());
        Document::Structure(match self {
            Self::Service => vec![],
            Self::Bucket(bucket) => vec![("Bucket", text(bucket))],
            Self::Object(bucket, key) => vec![("Bucket", text(bucket)), ("Key", text(key))],
        })
    }
}

/// The operation of a request.
pub(super) fn find(parts: &Parts, scope: &Scope) -> Result<Found, Failure> {
    let query = Query::of(parts)?;
    let sub = SUBRESOURCES.iter().find(|name| query.has(name)).copied().unwrap_or_default();
    let is_copy = parts.headers.contains_key("x-amz-copy-source");
    let method = match parts.method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        _ => "",
    };
    let table: &[Route] = match scope {
        Scope::Service => SERVICE,
        Scope::Bucket(_) => BUCKET,
        Scope::Object(..) => OBJECT,
    };
    let found = table.iter().find(|route| {
        route.method == method
            && route.sub == sub
            && match route.when {
                When::Always => true,
                When::Id => query.has("id"),
                When::Copy => is_copy,
                When::ListType2 => query.value("list-type") == Some("2"),
            }
    });
    if let Some(route) = found {
        return Ok((route.operation, route.action));
    }
    if sub.is_empty() || table.iter().any(|route| route.sub == sub) {
        let text = "The specified method is not allowed against this resource.";
        let failure = Failure::new(405, "MethodNotAllowed", text).with("Method", parts.method.as_str());
        let kind = if matches!(scope, Scope::Object(..)) { "OBJECT" } else { "SERVICE" };
        return Err(failure.with("ResourceType", kind));
    }
    Err(Failure::not_built(&format!("The sub-resource {sub}")))
}

pub(super) struct Route {
    method: &'static str,
    sub: &'static str,
    when: When,
    pub(super) operation: &'static str,
    action: &'static str,
}

#[derive(Clone, Copy)]
enum When {
    Always,
    /// The query names one of several configurations.
    Id,
    /// There is a source to copy from.
    Copy,
    ListType2,
}

macro_rules! routes {
    ($($method:literal $sub:literal $when:ident $operation:literal $action:literal;)*) => {
        &[$(Route {
            method: $method,
            sub: $sub,
            when: When::$when,
            operation: $operation,
            action: concat!("s3:", $action),
        }),*]
    };
}

/// Every name that makes a query mean something else than the thing itself. One that is not built must not fall
/// through to what is: `DELETE /bucket?metadataTable` is not DeleteBucket.
const SUBRESOURCES: &[&str] = &[
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
];

pub(super) const SERVICE: &[Route] = routes! {
    "GET" "" Always "ListBuckets" "ListAllMyBuckets";
};

pub(super) const BUCKET: &[Route] = routes! {
    "HEAD" "" Always "HeadBucket" "ListBucket";
    "GET" "" ListType2 "ListObjectsV2" "ListBucket";
    "GET" "" Always "ListObjects" "ListBucket";
    "PUT" "" Always "CreateBucket" "CreateBucket";
    "DELETE" "" Always "DeleteBucket" "DeleteBucket";
    "POST" "delete" Always "DeleteObjects" "DeleteObject";
    "GET" "uploads" Always "ListMultipartUploads" "ListBucketMultipartUploads";
    "GET" "versions" Always "ListObjectVersions" "ListBucketVersions";
    "GET" "location" Always "GetBucketLocation" "GetBucketLocation";
    "GET" "versioning" Always "GetBucketVersioning" "GetBucketVersioning";
    "PUT" "versioning" Always "PutBucketVersioning" "PutBucketVersioning";
    "GET" "accelerate" Always "GetBucketAccelerateConfiguration" "GetAccelerateConfiguration";
    "PUT" "accelerate" Always "PutBucketAccelerateConfiguration" "PutAccelerateConfiguration";
    "GET" "acl" Always "GetBucketAcl" "GetBucketAcl";
    "PUT" "acl" Always "PutBucketAcl" "PutBucketAcl";
    "GET" "analytics" Id "GetBucketAnalyticsConfiguration" "GetAnalyticsConfiguration";
    "GET" "analytics" Always "ListBucketAnalyticsConfigurations" "GetAnalyticsConfiguration";
    "PUT" "analytics" Always "PutBucketAnalyticsConfiguration" "PutAnalyticsConfiguration";
    "DELETE" "analytics" Always "DeleteBucketAnalyticsConfiguration" "PutAnalyticsConfiguration";
    "GET" "cors" Always "GetBucketCors" "GetBucketCORS";
    "PUT" "cors" Always "PutBucketCors" "PutBucketCORS";
    "DELETE" "cors" Always "DeleteBucketCors" "PutBucketCORS";
    "GET" "encryption" Always "GetBucketEncryption" "GetEncryptionConfiguration";
    "PUT" "encryption" Always "PutBucketEncryption" "PutEncryptionConfiguration";
    "DELETE" "encryption" Always "DeleteBucketEncryption" "PutEncryptionConfiguration";
    "GET" "intelligent-tiering" Id "GetBucketIntelligentTieringConfiguration" "GetIntelligentTieringConfiguration";
    "GET" "intelligent-tiering" Always "ListBucketIntelligentTieringConfigurations" "GetIntelligentTieringConfiguration";
    "PUT" "intelligent-tiering" Always "PutBucketIntelligentTieringConfiguration" "PutIntelligentTieringConfiguration";
    "DELETE" "intelligent-tiering" Always "DeleteBucketIntelligentTieringConfiguration" "PutIntelligentTieringConfiguration";
    "GET" "inventory" Id "GetBucketInventoryConfiguration" "GetInventoryConfiguration";
    "GET" "inventory" Always "ListBucketInventoryConfigurations" "GetInventoryConfiguration";
    "PUT" "inventory" Always "PutBucketInventoryConfiguration" "PutInventoryConfiguration";
    "DELETE" "inventory" Always "DeleteBucketInventoryConfiguration" "PutInventoryConfiguration";
    "GET" "lifecycle" Always "GetBucketLifecycleConfiguration" "GetLifecycleConfiguration";
    "PUT" "lifecycle" Always "PutBucketLifecycleConfiguration" "PutLifecycleConfiguration";
    "DELETE" "lifecycle" Always "DeleteBucketLifecycle" "PutLifecycleConfiguration";
    "GET" "logging" Always "GetBucketLogging" "GetBucketLogging";
    "PUT" "logging" Always "PutBucketLogging" "PutBucketLogging";
    "GET" "metrics" Id "GetBucketMetricsConfiguration" "GetMetricsConfiguration";
    "GET" "metrics" Always "ListBucketMetricsConfigurations" "GetMetricsConfiguration";
    "PUT" "metrics" Always "PutBucketMetricsConfiguration" "PutMetricsConfiguration";
    "DELETE" "metrics" Always "DeleteBucketMetricsConfiguration" "PutMetricsConfiguration";
    "GET" "notification" Always "GetBucketNotificationConfiguration" "GetBucketNotification";
    "PUT" "notification" Always "PutBucketNotificationConfiguration" "PutBucketNotification";
    "GET" "object-lock" Always "GetObjectLockConfiguration" "GetBucketObjectLockConfiguration";
    "PUT" "object-lock" Always "PutObjectLockConfiguration" "PutBucketObjectLockConfiguration";
    "GET" "ownershipControls" Always "GetBucketOwnershipControls" "GetBucketOwnershipControls";
    "PUT" "ownershipControls" Always "PutBucketOwnershipControls" "PutBucketOwnershipControls";
    "DELETE" "ownershipControls" Always "DeleteBucketOwnershipControls" "PutBucketOwnershipControls";
    "GET" "policy" Always "GetBucketPolicy" "GetBucketPolicy";
    "PUT" "policy" Always "PutBucketPolicy" "PutBucketPolicy";
    "DELETE" "policy" Always "DeleteBucketPolicy" "DeleteBucketPolicy";
    "GET" "policyStatus" Always "GetBucketPolicyStatus" "GetBucketPolicyStatus";
    "GET" "publicAccessBlock" Always "GetPublicAccessBlock" "GetBucketPublicAccessBlock";
    "PUT" "publicAccessBlock" Always "PutPublicAccessBlock" "PutBucketPublicAccessBlock";
    "DELETE" "publicAccessBlock" Always "DeletePublicAccessBlock" "PutBucketPublicAccessBlock";
    "GET" "replication" Always "GetBucketReplication" "GetReplicationConfiguration";
    "PUT" "replication" Always "PutBucketReplication" "PutReplicationConfiguration";
    "DELETE" "replication" Always "DeleteBucketReplication" "PutReplicationConfiguration";
    "GET" "requestPayment" Always "GetBucketRequestPayment" "GetBucketRequestPayment";
    "PUT" "requestPayment" Always "PutBucketRequestPayment" "PutBucketRequestPayment";
    "GET" "session" Always "CreateSession" "CreateSession";
    "GET" "tagging" Always "GetBucketTagging" "GetBucketTagging";
    "PUT" "tagging" Always "PutBucketTagging" "PutBucketTagging";
    "DELETE" "tagging" Always "DeleteBucketTagging" "PutBucketTagging";
    "GET" "website" Always "GetBucketWebsite" "GetBucketWebsite";
    "PUT" "website" Always "PutBucketWebsite" "PutBucketWebsite";
    "DELETE" "website" Always "DeleteBucketWebsite" "DeleteBucketWebsite";
};

pub(super) const OBJECT: &[Route] = routes! {
    "GET" "" Always "GetObject" "GetObject";
    "HEAD" "" Always "HeadObject" "GetObject";
    "PUT" "" Copy "CopyObject" "PutObject";
    "PUT" "" Always "PutObject" "PutObject";
    "DELETE" "" Always "DeleteObject" "DeleteObject";
    "GET" "attributes" Always "GetObjectAttributes" "GetObjectAttributes";
    "GET" "acl" Always "GetObjectAcl" "GetObjectAcl";
    "PUT" "acl" Always "PutObjectAcl" "PutObjectAcl";
    "GET" "legal-hold" Always "GetObjectLegalHold" "GetObjectLegalHold";
    "PUT" "legal-hold" Always "PutObjectLegalHold" "PutObjectLegalHold";
    "GET" "retention" Always "GetObjectRetention" "GetObjectRetention";
    "PUT" "retention" Always "PutObjectRetention" "PutObjectRetention";
    "GET" "tagging" Always "GetObjectTagging" "GetObjectTagging";
    "PUT" "tagging" Always "PutObjectTagging" "PutObjectTagging";
    "DELETE" "tagging" Always "DeleteObjectTagging" "DeleteObjectTagging";
    "GET" "torrent" Always "GetObjectTorrent" "GetObjectTorrent";
    "POST" "restore" Always "RestoreObject" "RestoreObject";
    "POST" "select" Always "SelectObjectContent" "GetObject";
    "PUT" "renameObject" Always "RenameObject" "CreateSession";
    "POST" "uploads" Always "CreateMultipartUpload" "PutObject";
    "PUT" "uploadId" Copy "UploadPartCopy" "PutObject";
    "PUT" "uploadId" Always "UploadPart" "PutObject";
    "POST" "uploadId" Always "CompleteMultipartUpload" "PutObject";
    "DELETE" "uploadId" Always "AbortMultipartUpload" "AbortMultipartUpload";
    "GET" "uploadId" Always "ListParts" "ListMultipartUploadParts";
};

#[cfg(test)]
mod tests;
