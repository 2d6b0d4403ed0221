//! Configurations that are checked, kept and shown, each as one document.

use hearth_store::Tx;
use s3s::dto::*;

use crate::buckets;
use crate::config::document::Document;
use crate::config::error::ConfigError;
use crate::config::{cors, encryption, kept, logging, notification, simple, tags, website};
use crate::error::Failure;
use crate::records::Bucket;

type Answer<T> = Result<T, Failure>;

/// The configuration, or S3's 404 for it.
fn required<T>(found: Option<T>, document: Document, bucket: &Bucket) -> Answer<T> {
    let absent = || Failure::from(ConfigError::Absent(document)).with("BucketName", &bucket.name);
    found.ok_or_else(absent)
}

pub(crate) fn put_tags(tx: &mut dyn Tx, bucket: &Bucket, input: &PutBucketTaggingInput) -> Answer<()> {
    put_tagging(tx, bucket, &input.tagging)
}

pub(crate) fn put_tagging(tx: &mut dyn Tx, bucket: &Bucket, tagging: &Tagging) -> Answer<()> {
    let tags = tags::read(tagging, tags::Of::Bucket)?;
    if tags.is_empty() {
        return kept::put_text(tx, bucket.number, Document::Tagging, None);
    }
    let tagging = Tagging { tag_set: tags::write(&tags) };
    kept::put(tx, bucket.number, Document::Tagging, &tagging)
}

pub(crate) fn get_tags(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetBucketTaggingOutput> {
    let tagging: Option<Tagging> = kept::get(tx, bucket.number, Document::Tagging)?;
    let tag_set = required(tagging, Document::Tagging, bucket)?.tag_set;
    Ok(GetBucketTaggingOutput { tag_set })
}

pub(crate) fn put_cors(tx: &mut dyn Tx, bucket: &Bucket, input: &PutBucketCorsInput) -> Answer<()> {
    cors::check(&input.cors_configuration)?;
    kept::put(tx, bucket.number, Document::Cors, &input.cors_configuration)
}

pub(crate) fn get_cors(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetBucketCorsOutput> {
    let config = kept::cors(tx, bucket.number)?;
    let cors_rules = Some(required(config, Document::Cors, bucket)?.cors_rules);
    Ok(GetBucketCorsOutput { cors_rules })
}

pub(crate) fn put_encryption(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    input: &PutBucketEncryptionInput,
) -> Answer<()> {
    let config = encryption::check(input.server_side_encryption_configuration.clone())?;
    kept::put(tx, bucket.number, Document::Encryption, &config)
}

pub(crate) fn get_encryption(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetBucketEncryptionOutput> {
    let config = kept::get(tx, bucket.number, Document::Encryption)?;
    let config = config.unwrap_or_else(encryption::default);
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(config) })
}

pub(crate) fn put_website(tx: &mut dyn Tx, bucket: &Bucket, input: &PutBucketWebsiteInput) -> Answer<()> {
    website::check(&input.website_configuration)?;
    kept::put(tx, bucket.number, Document::Website, &input.website_configuration)
}

pub(crate) fn get_website(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetBucketWebsiteOutput> {
    let config: Option<WebsiteConfiguration> = kept::get(tx, bucket.number, Document::Website)?;
    let WebsiteConfiguration { error_document, index_document, redirect_all_requests_to, routing_rules } =
        required(config, Document::Website, bucket)?;
    Ok(GetBucketWebsiteOutput { error_document, index_document, redirect_all_requests_to, routing_rules })
}

pub(crate) fn put_accelerate(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    input: &PutBucketAccelerateConfigurationInput,
) -> Answer<()> {
    simple::check_accelerate(&bucket.name, &input.accelerate_configuration)?;
    kept::put(tx, bucket.number, Document::Accelerate, &input.accelerate_configuration)
}

pub(crate) fn get_accelerate(
    tx: &mut dyn Tx,
    bucket: &Bucket,
) -> Answer<GetBucketAccelerateConfigurationOutput> {
    let config: Option<AccelerateConfiguration> = kept::get(tx, bucket.number, Document::Accelerate)?;
    let status = config.and_then(|config| config.status);
    Ok(GetBucketAccelerateConfigurationOutput { status, ..Default::default() })
}

/// The owner pays, and nothing needs to be kept.
pub(crate) fn put_payer(_: &mut dyn Tx, _: &Bucket, input: &PutBucketRequestPaymentInput) -> Answer<()> {
    Ok(simple::check_payer(&input.request_payment_configuration)?)
}

pub(crate) fn get_payer(_: &mut dyn Tx, _: &Bucket) -> Answer<GetBucketRequestPaymentOutput> {
    Ok(GetBucketRequestPaymentOutput { payer: Some(Payer::from_static(Payer::BUCKET_OWNER)) })
}

/// No target is taken, so there is nothing to be kept.
pub(crate) fn put_logging(tx: &mut dyn Tx, bucket: &Bucket, input: &PutBucketLoggingInput) -> Answer<()> {
    let status = &input.bucket_logging_status;
    let target = status.logging_enabled.as_ref().map(|enabled| enabled.target_bucket.clone());
    let found = match &target {
        Some(name) => buckets::find(tx, name)?.is_some_and(|target| target.account == bucket.account),
        None => false,
    };
    Ok(logging::check(status, |_| found)?)
}

pub(crate) fn get_logging(_: &mut dyn Tx, _: &Bucket) -> Answer<GetBucketLoggingOutput> {
    Ok(GetBucketLoggingOutput::default())
}

/// Nobody can be told, so there is nothing to be kept.
pub(crate) fn put_notification(
    _: &mut dyn Tx,
    _: &Bucket,
    input: &PutBucketNotificationConfigurationInput,
) -> Answer<()> {
    Ok(notification::check(&input.notification_configuration)?)
}

pub(crate) fn get_notification(
    _: &mut dyn Tx,
    _: &Bucket,
) -> Answer<GetBucketNotificationConfigurationOutput> {
    Ok(GetBucketNotificationConfigurationOutput::default())
}

/// Configurations that are not built are not there.
pub(crate) fn absent<T>(bucket: &Bucket, document: Document) -> Answer<T> {
    required(None, document, bucket)
}

/// Analytics, inventory, metrics, tiering: a bucket has none of them.
pub(crate) fn none_of_many<T>() -> Answer<T> {
    Err(Failure::new(404, "NoSuchConfiguration", "The specified configuration does not exist."))
}

/// Takes a configuration away; one that is not there is away already.
pub(crate) fn delete(tx: &mut dyn Tx, bucket: &Bucket, document: Document) -> Answer<()> {
    kept::put_text(tx, bucket.number, document, None)
}
