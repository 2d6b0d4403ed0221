//! Configurations of buckets and ACLs of objects: each operation is a function over a transaction in `settings`.

use hearth_store::Tx;
use s3s::dto::*;

use super::{Cx, expect_owner};
use crate::buckets;
use crate::config::document::Document;
use crate::error::Failure;
use crate::records::Bucket;
use crate::settings::{access, lifecycle, object_acl, plain};
use crate::versions;

type Answer<T> = Result<T, Failure>;

/// What is done with the bucket that a call names, if it is whose the call expects.
fn with_bucket<T>(
    cx: &Cx,
    name: String,
    owner: Option<String>,
    body: impl Fn(&mut dyn Tx, &Bucket) -> Answer<T> + Send + 'static,
) -> impl FnMut(&mut dyn Tx) -> Answer<T> + Send + 'static {
    let account = cx.account().to_owned();
    move |tx| {
        let bucket = buckets::get(tx, &account, &name)?;
        expect_owner(&bucket, owner.as_deref())?;
        body(tx, &bucket)
    }
}

async fn read<T: Send + 'static>(
    cx: &Cx,
    name: String,
    owner: Option<String>,
    body: impl Fn(&mut dyn Tx, &Bucket) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    super::read(cx, with_bucket(cx, name, owner, body)).await
}

async fn write<T: Send + 'static>(
    cx: &Cx,
    name: String,
    owner: Option<String>,
    body: impl Fn(&mut dyn Tx, &Bucket) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    super::write(cx, with_bucket(cx, name, owner, body)).await
}

macro_rules! reads {
    ($($name:ident $input:ident $output:ident $body:expr;)*) => {$(
        pub(crate) async fn $name(cx: Cx, input: $input) -> Answer<$output> {
            read(&cx, input.bucket, input.expected_bucket_owner, $body).await
        }
    )*};
}

macro_rules! writes {
    ($($name:ident $input:ident $output:ident $body:path;)*) => {$(
        pub(crate) async fn $name(cx: Cx, input: $input) -> Answer<$output> {
            let (name, owner) = (input.bucket.clone(), input.expected_bucket_owner.clone());
            write(&cx, name, owner, move |tx, bucket| $body(tx, bucket, &input)).await?;
            Ok($output::default())
        }
    )*};
}

macro_rules! deletes {
    ($($name:ident $input:ident $output:ident $body:expr;)*) => {$(
        pub(crate) async fn $name(cx: Cx, input: $input) -> Answer<$output> {
            write(&cx, input.bucket, input.expected_bucket_owner, $body).await?;
            Ok($output::default())
        }
    )*};
}

reads! {
    get_accelerate GetBucketAccelerateConfigurationInput GetBucketAccelerateConfigurationOutput plain::get_accelerate;
    get_acl GetBucketAclInput GetBucketAclOutput access::get_acl;
    get_block GetPublicAccessBlockInput GetPublicAccessBlockOutput access::get_block;
    get_cors GetBucketCorsInput GetBucketCorsOutput plain::get_cors;
    get_encryption GetBucketEncryptionInput GetBucketEncryptionOutput plain::get_encryption;
    get_lifecycle GetBucketLifecycleConfigurationInput GetBucketLifecycleConfigurationOutput lifecycle::get;
    get_logging GetBucketLoggingInput GetBucketLoggingOutput plain::get_logging;
    get_notification GetBucketNotificationConfigurationInput GetBucketNotificationConfigurationOutput
        plain::get_notification;
    get_object_lock GetObjectLockConfigurationInput GetObjectLockConfigurationOutput
        |_, bucket| plain::absent(bucket, Document::ObjectLock);
    get_ownership GetBucketOwnershipControlsInput GetBucketOwnershipControlsOutput access::get_ownership;
    get_payer GetBucketRequestPaymentInput GetBucketRequestPaymentOutput plain::get_payer;
    get_policy GetBucketPolicyInput GetBucketPolicyOutput access::get_policy;
    get_policy_status GetBucketPolicyStatusInput GetBucketPolicyStatusOutput access::get_policy_status;
    get_replication GetBucketReplicationInput GetBucketReplicationOutput
        |_, bucket| plain::absent(bucket, Document::Replication);
    get_tags GetBucketTaggingInput GetBucketTaggingOutput plain::get_tags;
    get_website GetBucketWebsiteInput GetBucketWebsiteOutput plain::get_website;
    // Configurations of which a bucket has many: there are none.
    get_analytics GetBucketAnalyticsConfigurationInput GetBucketAnalyticsConfigurationOutput
        |_, _| plain::none_of_many();
    get_inventory GetBucketInventoryConfigurationInput GetBucketInventoryConfigurationOutput
        |_, _| plain::none_of_many();
    get_metrics GetBucketMetricsConfigurationInput GetBucketMetricsConfigurationOutput
        |_, _| plain::none_of_many();
    list_analytics ListBucketAnalyticsConfigurationsInput ListBucketAnalyticsConfigurationsOutput |_, _| {
        Ok(ListBucketAnalyticsConfigurationsOutput { is_truncated: Some(false), ..Default::default() })
    };
    list_inventory ListBucketInventoryConfigurationsInput ListBucketInventoryConfigurationsOutput |_, _| {
        Ok(ListBucketInventoryConfigurationsOutput { is_truncated: Some(false), ..Default::default() })
    };
    list_metrics ListBucketMetricsConfigurationsInput ListBucketMetricsConfigurationsOutput |_, _| {
        Ok(ListBucketMetricsConfigurationsOutput { is_truncated: Some(false), ..Default::default() })
    };
}

/// The header for which these two shapes have no member.
fn expected_owner(cx: &Cx) -> Option<String> {
    cx.header("x-amz-expected-bucket-owner").map(str::to_owned)
}

pub(crate) async fn get_tiering(
    cx: Cx,
    input: GetBucketIntelligentTieringConfigurationInput,
) -> Answer<GetBucketIntelligentTieringConfigurationOutput> {
    let owner = expected_owner(&cx);
    read(&cx, input.bucket, owner, |_, _| plain::none_of_many()).await
}

pub(crate) async fn list_tiering(
    cx: Cx,
    input: ListBucketIntelligentTieringConfigurationsInput,
) -> Answer<ListBucketIntelligentTieringConfigurationsOutput> {
    let owner = expected_owner(&cx);
    read(&cx, input.bucket, owner, |_, _| {
        Ok(ListBucketIntelligentTieringConfigurationsOutput {
            is_truncated: Some(false),
            ..Default::default()
        })
    })
    .await
}

writes! {
    put_accelerate PutBucketAccelerateConfigurationInput PutBucketAccelerateConfigurationOutput plain::put_accelerate;
    put_acl PutBucketAclInput PutBucketAclOutput access::put_acl;
    put_block PutPublicAccessBlockInput PutPublicAccessBlockOutput access::put_block;
    put_cors PutBucketCorsInput PutBucketCorsOutput plain::put_cors;
    put_encryption PutBucketEncryptionInput PutBucketEncryptionOutput plain::put_encryption;
    put_logging PutBucketLoggingInput PutBucketLoggingOutput plain::put_logging;
    put_notification PutBucketNotificationConfigurationInput PutBucketNotificationConfigurationOutput
        plain::put_notification;
    put_ownership PutBucketOwnershipControlsInput PutBucketOwnershipControlsOutput access::put_ownership;
    put_payer PutBucketRequestPaymentInput PutBucketRequestPaymentOutput plain::put_payer;
    put_policy PutBucketPolicyInput PutBucketPolicyOutput access::put_policy;
    put_tags PutBucketTaggingInput PutBucketTaggingOutput plain::put_tags;
    put_website PutBucketWebsiteInput PutBucketWebsiteOutput plain::put_website;
}

deletes! {
    delete_block DeletePublicAccessBlockInput DeletePublicAccessBlockOutput access::delete_block;
    delete_cors DeleteBucketCorsInput DeleteBucketCorsOutput
        |tx, bucket| plain::delete(tx, bucket, Document::Cors);
    delete_encryption DeleteBucketEncryptionInput DeleteBucketEncryptionOutput
        |tx, bucket| plain::delete(tx, bucket, Document::Encryption);
    delete_lifecycle DeleteBucketLifecycleInput DeleteBucketLifecycleOutput lifecycle::delete;
    delete_ownership DeleteBucketOwnershipControlsInput DeleteBucketOwnershipControlsOutput access::delete_ownership;
    delete_policy DeleteBucketPolicyInput DeleteBucketPolicyOutput
        |tx, bucket| plain::delete(tx, bucket, Document::Policy);
    delete_replication DeleteBucketReplicationInput DeleteBucketReplicationOutput |_, _| Ok(());
    delete_tags DeleteBucketTaggingInput DeleteBucketTaggingOutput
        |tx, bucket| plain::delete(tx, bucket, Document::Tagging);
    delete_website DeleteBucketWebsiteInput DeleteBucketWebsiteOutput
        |tx, bucket| plain::delete(tx, bucket, Document::Website);
}

pub(crate) async fn put_lifecycle(
    cx: Cx,
    input: PutBucketLifecycleConfigurationInput,
) -> Answer<PutBucketLifecycleConfigurationOutput> {
    let (name, owner) = (input.bucket.clone(), input.expected_bucket_owner.clone());
    let random = cx.s3.number();
    write(&cx, name, owner, move |tx, bucket| lifecycle::put(tx, bucket, &input, random)).await
}

pub(crate) async fn get_object_acl(cx: Cx, input: GetObjectAclInput) -> Answer<GetObjectAclOutput> {
    let GetObjectAclInput { bucket, expected_bucket_owner, key, version_id, .. } = input;
    read(&cx, bucket, expected_bucket_owner, move |tx, bucket| {
        let (_, object) = versions::get(tx, bucket, &key, version_id.as_deref())?;
        object_acl::get(tx, bucket, &object)
    })
    .await
}

pub(crate) async fn put_object_acl(cx: Cx, input: PutObjectAclInput) -> Answer<PutObjectAclOutput> {
    let (name, owner) = (input.bucket.clone(), input.expected_bucket_owner.clone());
    write(&cx, name, owner, move |tx, bucket| {
        let (key, id) = (&input.key, input.version_id.as_deref());
        // Says what is wrong with a version that is not there, or a delete marker.
        let (version, _) = versions::get(tx, bucket, key, id)?;
        let found = versions::find(tx, bucket.number, key, &version.id)?;
        let mut standing = found.ok_or_else(|| Failure::no_key(key))?;
        if let Some(object) = &mut standing.version.object {
            object_acl::put(tx, bucket, object, &input)?;
        }
        versions::update(tx, bucket.number, key, &standing)
    })
    .await?;
    Ok(PutObjectAclOutput::default())
}
