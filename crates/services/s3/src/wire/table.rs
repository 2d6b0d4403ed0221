//! The operations that are built: s3s's name, input and output, and the function that answers.

use std::future::Future;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::exchange::Exchange;
use crate::S3;
use crate::error::Failure;
use crate::operations as does;

/// What s3s calls.
pub(super) struct Table(pub(super) Arc<S3>);

/// What an operation knows beside its input.
#[derive(Clone)]
pub(crate) struct Cx {
    /// The service.
    pub(crate) s3: Arc<S3>,
    /// The call.
    pub(crate) exchange: Arc<Exchange>,
    /// The head of the request, for what its shape does not have.
    headers: Arc<HeaderMap>,
}

impl Cx {
    /// The account that calls.
    pub(crate) fn account(&self) -> &str {
        &self.exchange.call.account
    }

    /// A header of the request.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A condition that the shape of the input does not have.
    pub(crate) fn condition(&self, name: &HeaderName) -> Result<Option<ETagCondition>, Failure> {
        let mut given = self.headers.get_all(name).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            let is_absent = !self.headers.contains_key(name);
            return is_absent
                .then_some(None)
                .ok_or_else(|| Failure::request(format!("Duplicate header: {name}")));
        };
        let invalid = |_| Failure::request(format!("Value for {name} header is invalid."));
        ETagCondition::parse_http_header(value.as_bytes()).map(Some).map_err(invalid)
    }
}

async fn run<I, O, F>(
    s3: &Arc<S3>,
    name: &'static str,
    request: S3Request<I>,
    operation: impl FnOnce(Cx, I) -> F + Send,
) -> S3Result<S3Response<O>>
where
    F: Future<Output = Result<O, Failure>> + Send,
{
    let exchange = super::exchange(&request).map_err(S3Error::internal_error)?;
    // s3s reads queries in its own way: what it found must be what was routed and allowed.
    let answer = match exchange.operation == name {
        true => {
            let (s3, exchange, headers) = (s3.clone(), exchange.clone(), Arc::new(request.headers));
            operation(Cx { s3, exchange, headers }, request.input).await
        }
        false => Err(Failure::not_built(&format!("This form of {}", exchange.operation))),
    };
    answer.map(S3Response::new).map_err(|failure| {
        exchange.fail(failure);
        S3Error::new(S3ErrorCode::InternalError)
    })
}

macro_rules! operations {
    ($($name:literal $method:ident $input:ident $output:ident $function:path;)*) => {
        /// Names of the operations that are built, in order.
        pub(crate) const BUILT: &[&str] = &[$($name),*];

        #[async_trait::async_trait]
        impl s3s::S3 for Table {
            $(
                async fn $method(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    run(&self.0, $name, request, $function).await
                }
            )*
        }

        #[cfg(test)]
        #[async_trait::async_trait]
        impl s3s::S3 for crate::tests::protocol::Mirror {
            $(
                async fn $method(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    self.answer($name, request).await
                }
            )*
        }
    };
}

operations! {
    "AbortMultipartUpload" abort_multipart_upload AbortMultipartUploadInput AbortMultipartUploadOutput
        does::multipart::abort;
    "CompleteMultipartUpload" complete_multipart_upload CompleteMultipartUploadInput
        CompleteMultipartUploadOutput does::complete_upload::complete;
    "CopyObject" copy_object CopyObjectInput CopyObjectOutput does::copy_object::copy;
    "CreateBucket" create_bucket CreateBucketInput CreateBucketOutput does::buckets::create;
    "CreateMultipartUpload" create_multipart_upload CreateMultipartUploadInput CreateMultipartUploadOutput
        does::multipart::create;
    "DeleteBucket" delete_bucket DeleteBucketInput DeleteBucketOutput does::buckets::delete;
    "DeleteBucketCors" delete_bucket_cors DeleteBucketCorsInput DeleteBucketCorsOutput
        does::settings::delete_cors;
    "DeleteBucketEncryption" delete_bucket_encryption DeleteBucketEncryptionInput
        DeleteBucketEncryptionOutput does::settings::delete_encryption;
    "DeleteBucketLifecycle" delete_bucket_lifecycle DeleteBucketLifecycleInput DeleteBucketLifecycleOutput
        does::settings::delete_lifecycle;
    "DeleteBucketOwnershipControls" delete_bucket_ownership_controls DeleteBucketOwnershipControlsInput
        DeleteBucketOwnershipControlsOutput does::settings::delete_ownership;
    "DeleteBucketPolicy" delete_bucket_policy DeleteBucketPolicyInput DeleteBucketPolicyOutput
        does::settings::delete_policy;
    "DeleteBucketReplication" delete_bucket_replication DeleteBucketReplicationInput
        DeleteBucketReplicationOutput does::settings::delete_replication;
    "DeleteBucketTagging" delete_bucket_tagging DeleteBucketTaggingInput DeleteBucketTaggingOutput
        does::settings::delete_tags;
    "DeleteBucketWebsite" delete_bucket_website DeleteBucketWebsiteInput DeleteBucketWebsiteOutput
        does::settings::delete_website;
    "DeleteObject" delete_object DeleteObjectInput DeleteObjectOutput does::delete::object;
    "DeleteObjectTagging" delete_object_tagging DeleteObjectTaggingInput DeleteObjectTaggingOutput
        does::tagging::delete;
    "DeleteObjects" delete_objects DeleteObjectsInput DeleteObjectsOutput does::delete::objects;
    "DeletePublicAccessBlock" delete_public_access_block DeletePublicAccessBlockInput
        DeletePublicAccessBlockOutput does::settings::delete_block;
    "GetBucketAccelerateConfiguration" get_bucket_accelerate_configuration
        GetBucketAccelerateConfigurationInput GetBucketAccelerateConfigurationOutput
        does::settings::get_accelerate;
    "GetBucketAcl" get_bucket_acl GetBucketAclInput GetBucketAclOutput does::settings::get_acl;
    "GetBucketAnalyticsConfiguration" get_bucket_analytics_configuration GetBucketAnalyticsConfigurationInput
        GetBucketAnalyticsConfigurationOutput does::settings::get_analytics;
    "GetBucketCors" get_bucket_cors GetBucketCorsInput GetBucketCorsOutput does::settings::get_cors;
    "GetBucketEncryption" get_bucket_encryption GetBucketEncryptionInput GetBucketEncryptionOutput
        does::settings::get_encryption;
    "GetBucketIntelligentTieringConfiguration" get_bucket_intelligent_tiering_configuration
        GetBucketIntelligentTieringConfigurationInput GetBucketIntelligentTieringConfigurationOutput
        does::settings::get_tiering;
    "GetBucketInventoryConfiguration" get_bucket_inventory_configuration GetBucketInventoryConfigurationInput
        GetBucketInventoryConfigurationOutput does::settings::get_inventory;
    "GetBucketLifecycleConfiguration" get_bucket_lifecycle_configuration GetBucketLifecycleConfigurationInput
        GetBucketLifecycleConfigurationOutput does::settings::get_lifecycle;
    "GetBucketLocation" get_bucket_location GetBucketLocationInput GetBucketLocationOutput
        does::buckets::location_of;
    "GetBucketLogging" get_bucket_logging GetBucketLoggingInput GetBucketLoggingOutput
        does::settings::get_logging;
    "GetBucketMetricsConfiguration" get_bucket_metrics_configuration GetBucketMetricsConfigurationInput
        GetBucketMetricsConfigurationOutput does::settings::get_metrics;
    "GetBucketNotificationConfiguration" get_bucket_notification_configuration
        GetBucketNotificationConfigurationInput GetBucketNotificationConfigurationOutput
        does::settings::get_notification;
    "GetBucketOwnershipControls" get_bucket_ownership_controls GetBucketOwnershipControlsInput
        GetBucketOwnershipControlsOutput does::settings::get_ownership;
    "GetBucketPolicy" get_bucket_policy GetBucketPolicyInput GetBucketPolicyOutput does::settings::get_policy;
    "GetBucketPolicyStatus" get_bucket_policy_status GetBucketPolicyStatusInput GetBucketPolicyStatusOutput
        does::settings::get_policy_status;
    "GetBucketReplication" get_bucket_replication GetBucketReplicationInput GetBucketReplicationOutput
        does::settings::get_replication;
    "GetBucketRequestPayment" get_bucket_request_payment GetBucketRequestPaymentInput
        GetBucketRequestPaymentOutput does::settings::get_payer;
    "GetBucketTagging" get_bucket_tagging GetBucketTaggingInput GetBucketTaggingOutput
        does::settings::get_tags;
    "GetBucketVersioning" get_bucket_versioning GetBucketVersioningInput GetBucketVersioningOutput
        does::versioning::get;
    "GetBucketWebsite" get_bucket_website GetBucketWebsiteInput GetBucketWebsiteOutput
        does::settings::get_website;
    "GetObject" get_object GetObjectInput GetObjectOutput does::get_object::get;
    "GetObjectAcl" get_object_acl GetObjectAclInput GetObjectAclOutput does::settings::get_object_acl;
    "GetObjectAttributes" get_object_attributes GetObjectAttributesInput GetObjectAttributesOutput
        does::attributes::get;
    "GetObjectLockConfiguration" get_object_lock_configuration GetObjectLockConfigurationInput
        GetObjectLockConfigurationOutput does::settings::get_object_lock;
    "GetObjectTagging" get_object_tagging GetObjectTaggingInput GetObjectTaggingOutput does::tagging::get;
    "GetPublicAccessBlock" get_public_access_block GetPublicAccessBlockInput GetPublicAccessBlockOutput
        does::settings::get_block;
    "HeadBucket" head_bucket HeadBucketInput HeadBucketOutput does::buckets::head;
    "HeadObject" head_object HeadObjectInput HeadObjectOutput does::get_object::head;
    "ListBucketAnalyticsConfigurations" list_bucket_analytics_configurations
        ListBucketAnalyticsConfigurationsInput ListBucketAnalyticsConfigurationsOutput
        does::settings::list_analytics;
    "ListBucketIntelligentTieringConfigurations" list_bucket_intelligent_tiering_configurations
        ListBucketIntelligentTieringConfigurationsInput ListBucketIntelligentTieringConfigurationsOutput
        does::settings::list_tiering;
    "ListBucketInventoryConfigurations" list_bucket_inventory_configurations
        ListBucketInventoryConfigurationsInput ListBucketInventoryConfigurationsOutput
        does::settings::list_inventory;
    "ListBucketMetricsConfigurations" list_bucket_metrics_configurations ListBucketMetricsConfigurationsInput
        ListBucketMetricsConfigurationsOutput does::settings::list_metrics;
    "ListBuckets" list_buckets ListBucketsInput ListBucketsOutput does::buckets::list;
    "ListMultipartUploads" list_multipart_uploads ListMultipartUploadsInput ListMultipartUploadsOutput
        does::multipart::list;
    "ListObjectVersions" list_object_versions ListObjectVersionsInput ListObjectVersionsOutput
        does::list::versions;
    "ListObjects" list_objects ListObjectsInput ListObjectsOutput does::list::objects_v1;
    "ListObjectsV2" list_objects_v2 ListObjectsV2Input ListObjectsV2Output does::list::objects_v2;
    "ListParts" list_parts ListPartsInput ListPartsOutput does::multipart::parts;
    "PutBucketAccelerateConfiguration" put_bucket_accelerate_configuration
        PutBucketAccelerateConfigurationInput PutBucketAccelerateConfigurationOutput
        does::settings::put_accelerate;
    "PutBucketAcl" put_bucket_acl PutBucketAclInput PutBucketAclOutput does::settings::put_acl;
    "PutBucketCors" put_bucket_cors PutBucketCorsInput PutBucketCorsOutput does::settings::put_cors;
    "PutBucketEncryption" put_bucket_encryption PutBucketEncryptionInput PutBucketEncryptionOutput
        does::settings::put_encryption;
    "PutBucketLifecycleConfiguration" put_bucket_lifecycle_configuration PutBucketLifecycleConfigurationInput
        PutBucketLifecycleConfigurationOutput does::settings::put_lifecycle;
    "PutBucketLogging" put_bucket_logging PutBucketLoggingInput PutBucketLoggingOutput
        does::settings::put_logging;
    "PutBucketNotificationConfiguration" put_bucket_notification_configuration
        PutBucketNotificationConfigurationInput PutBucketNotificationConfigurationOutput
        does::settings::put_notification;
    "PutBucketOwnershipControls" put_bucket_ownership_controls PutBucketOwnershipControlsInput
        PutBucketOwnershipControlsOutput does::settings::put_ownership;
    "PutBucketPolicy" put_bucket_policy PutBucketPolicyInput PutBucketPolicyOutput does::settings::put_policy;
    "PutBucketRequestPayment" put_bucket_request_payment PutBucketRequestPaymentInput
        PutBucketRequestPaymentOutput does::settings::put_payer;
    "PutBucketTagging" put_bucket_tagging PutBucketTaggingInput PutBucketTaggingOutput
        does::settings::put_tags;
    "PutBucketVersioning" put_bucket_versioning PutBucketVersioningInput PutBucketVersioningOutput
        does::versioning::put;
    "PutBucketWebsite" put_bucket_website PutBucketWebsiteInput PutBucketWebsiteOutput
        does::settings::put_website;
    "PutObject" put_object PutObjectInput PutObjectOutput does::put_object::put;
    "PutObjectAcl" put_object_acl PutObjectAclInput PutObjectAclOutput does::settings::put_object_acl;
    "PutObjectTagging" put_object_tagging PutObjectTaggingInput PutObjectTaggingOutput does::tagging::put;
    "PutPublicAccessBlock" put_public_access_block PutPublicAccessBlockInput PutPublicAccessBlockOutput
        does::settings::put_block;
    "UploadPart" upload_part UploadPartInput UploadPartOutput does::upload_part::put;
    "UploadPartCopy" upload_part_copy UploadPartCopyInput UploadPartCopyOutput does::upload_part::copy;
}
