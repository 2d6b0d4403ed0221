//! The operations that are built: s3s's name, input and output, and the function that answers.

use std::future::Future;
use std::sync::Arc;

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
}

impl Cx {
    /// The account that calls.
    pub(crate) fn account(&self) -> &str {
        &self.exchange.call.account
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
        true => operation(Cx { s3: s3.clone(), exchange: exchange.clone() }, request.input).await,
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
        pub(super) const BUILT: &[&str] = &[$($name),*];

        #[async_trait::async_trait]
        impl s3s::S3 for Table {
            $(
                async fn $method(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    run(&self.0, $name, request, $function).await
                }
            )*
        }
    };
}

operations! {
    "AbortMultipartUpload" abort_multipart_upload AbortMultipartUploadInput AbortMultipartUploadOutput does::multipart::abort;
    "CompleteMultipartUpload" complete_multipart_upload CompleteMultipartUploadInput CompleteMultipartUploadOutput does::complete_upload::complete;
    "CopyObject" copy_object CopyObjectInput CopyObjectOutput does::copy_object::copy;
    "CreateBucket" create_bucket CreateBucketInput CreateBucketOutput does::buckets::create;
    "CreateMultipartUpload" create_multipart_upload CreateMultipartUploadInput CreateMultipartUploadOutput does::multipart::create;
    "DeleteBucket" delete_bucket DeleteBucketInput DeleteBucketOutput does::buckets::delete;
    "DeleteObject" delete_object DeleteObjectInput DeleteObjectOutput does::delete::object;
    "DeleteObjectTagging" delete_object_tagging DeleteObjectTaggingInput DeleteObjectTaggingOutput does::tagging::delete;
    "DeleteObjects" delete_objects DeleteObjectsInput DeleteObjectsOutput does::delete::objects;
    "GetBucketLocation" get_bucket_location GetBucketLocationInput GetBucketLocationOutput does::buckets::location_of;
    "GetBucketVersioning" get_bucket_versioning GetBucketVersioningInput GetBucketVersioningOutput does::versioning::get;
    "GetObject" get_object GetObjectInput GetObjectOutput does::get_object::get;
    "GetObjectAttributes" get_object_attributes GetObjectAttributesInput GetObjectAttributesOutput does::attributes::get;
    "GetObjectTagging" get_object_tagging GetObjectTaggingInput GetObjectTaggingOutput does::tagging::get;
    "HeadBucket" head_bucket HeadBucketInput HeadBucketOutput does::buckets::head;
    "HeadObject" head_object HeadObjectInput HeadObjectOutput does::get_object::head;
    "ListBuckets" list_buckets ListBucketsInput ListBucketsOutput does::buckets::list;
    "ListMultipartUploads" list_multipart_uploads ListMultipartUploadsInput ListMultipartUploadsOutput does::multipart::list;
    "ListObjectVersions" list_object_versions ListObjectVersionsInput ListObjectVersionsOutput does::list::versions;
    "ListObjects" list_objects ListObjectsInput ListObjectsOutput does::list::objects_v1;
    "ListObjectsV2" list_objects_v2 ListObjectsV2Input ListObjectsV2Output does::list::objects_v2;
    "ListParts" list_parts ListPartsInput ListPartsOutput does::multipart::parts;
    "PutBucketVersioning" put_bucket_versioning PutBucketVersioningInput PutBucketVersioningOutput does::versioning::put;
    "PutObject" put_object PutObjectInput PutObjectOutput does::put_object::put;
    "PutObjectTagging" put_object_tagging PutObjectTaggingInput PutObjectTaggingOutput does::tagging::put;
    "UploadPart" upload_part UploadPartInput UploadPartOutput does::upload_part::put;
    "UploadPartCopy" upload_part_copy UploadPartCopyInput UploadPartCopyOutput does::upload_part::copy;
}
