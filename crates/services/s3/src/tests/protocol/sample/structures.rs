//! The members of the outputs, and of what is in them.

use s3s::dto::*;

use super::{At, Sample};

structures! {
    AbortIncompleteMultipartUpload: days_after_initiation;
    AbortMultipartUploadOutput: request_charged;
    AccessControlTranslation: owner;
    AnalyticsAndOperator: prefix tags;
    AnalyticsConfiguration: filter id storage_class_analysis;
    AnalyticsExportDestination: s3_bucket_destination;
    AnalyticsS3BucketDestination: bucket bucket_account_id format prefix;
    Bucket: bucket_region creation_date name;
    CORSRule: allowed_headers allowed_methods allowed_origins expose_headers id max_age_seconds;
    Checksum: checksum_crc32 checksum_crc32c checksum_crc64nvme checksum_sha1 checksum_sha256 checksum_type;
    CommonPrefix: prefix;
    CompleteMultipartUploadOutput: bucket bucket_key_enabled checksum_crc32 checksum_crc32c checksum_crc64nvme
        checksum_sha1 checksum_sha256 checksum_type e_tag expiration key location request_charged ssekms_key_id
        server_side_encryption version_id, not future;
    Condition: http_error_code_returned_equals key_prefix_equals;
    CopyObjectOutput: bucket_key_enabled copy_object_result copy_source_version_id expiration request_charged
        sse_customer_algorithm sse_customer_key_md5 ssekms_encryption_context ssekms_key_id
        server_side_encryption version_id;
    CopyObjectResult: checksum_crc32 checksum_crc32c checksum_crc64nvme checksum_sha1 checksum_sha256
        checksum_type e_tag last_modified;
    CopyPartResult: checksum_crc32 checksum_crc32c checksum_crc64nvme checksum_sha1 checksum_sha256 e_tag
        last_modified;
    CreateBucketOutput: location;
    CreateMultipartUploadOutput: abort_date abort_rule_id bucket bucket_key_enabled checksum_algorithm
        checksum_type key request_charged sse_customer_algorithm sse_customer_key_md5 ssekms_encryption_context
        ssekms_key_id server_side_encryption upload_id;
    DefaultRetention: days mode years;
    DeleteBucketCorsOutput:;
    DeleteBucketEncryptionOutput:;
    DeleteBucketLifecycleOutput:;
    DeleteBucketOutput:;
    DeleteBucketOwnershipControlsOutput:;
    DeleteBucketPolicyOutput:;
    DeleteBucketReplicationOutput:;
    DeleteBucketTaggingOutput:;
    DeleteBucketWebsiteOutput:;
    DeleteMarkerEntry: is_latest key last_modified owner version_id;
    DeleteMarkerReplication: status;
    DeleteObjectOutput: delete_marker request_charged version_id;
    DeleteObjectTaggingOutput: version_id;
    DeleteObjectsOutput: deleted errors request_charged;
    DeletePublicAccessBlockOutput:;
    DeletedObject: delete_marker delete_marker_version_id key version_id;
    Destination: access_control_translation account bucket encryption_configuration metrics replication_time
        storage_class;
    EncryptionConfiguration: replica_kms_key_id;
    Error: code key message version_id;
    ErrorDocument: key;
    EventBridgeConfiguration:;
    ExistingObjectReplication: status;
    FilterRule: name value;
    GetBucketAccelerateConfigurationOutput: request_charged status;
    GetBucketAclOutput: grants owner;
    GetBucketAnalyticsConfigurationOutput: analytics_configuration;
    GetBucketCorsOutput: cors_rules;
    GetBucketEncryptionOutput: server_side_encryption_configuration;
    GetBucketIntelligentTieringConfigurationOutput: intelligent_tiering_configuration;
    GetBucketInventoryConfigurationOutput: inventory_configuration;
    GetBucketLifecycleConfigurationOutput: rules transition_default_minimum_object_size;
    GetBucketLocationOutput: location_constraint;
    GetBucketLoggingOutput: logging_enabled;
    GetBucketMetricsConfigurationOutput: metrics_configuration;
    GetBucketNotificationConfigurationOutput: event_bridge_configuration lambda_function_configurations
        queue_configurations topic_configurations;
    GetBucketOwnershipControlsOutput: ownership_controls;
    GetBucketPolicyOutput: policy;
    GetBucketPolicyStatusOutput: policy_status;
    GetBucketReplicationOutput: replication_configuration;
    GetBucketRequestPaymentOutput: payer;
    GetBucketTaggingOutput: tag_set;
    GetBucketVersioningOutput: mfa_delete status;
    GetBucketWebsiteOutput: error_document index_document redirect_all_requests_to routing_rules;
    GetObjectAclOutput: grants owner request_charged;
    GetObjectAttributesOutput: checksum delete_marker e_tag last_modified object_parts object_size
        request_charged storage_class version_id;
    GetObjectAttributesParts: is_truncated max_parts next_part_number_marker part_number_marker parts
        total_parts_count;
    GetObjectLockConfigurationOutput: object_lock_configuration;
    GetObjectOutput: accept_ranges body bucket_key_enabled cache_control checksum_crc32 checksum_crc32c
        checksum_crc64nvme checksum_sha1 checksum_sha256 checksum_type content_disposition content_encoding
        content_language content_length content_range content_type delete_marker e_tag expiration expires
        last_modified metadata missing_meta object_lock_legal_hold_status object_lock_mode
        object_lock_retain_until_date parts_count replication_status request_charged restore
        sse_customer_algorithm sse_customer_key_md5 ssekms_key_id server_side_encryption storage_class tag_count
        version_id website_redirect_location;
    GetObjectTaggingOutput: tag_set version_id;
    GetPublicAccessBlockOutput: public_access_block_configuration;
    Grant: grantee permission;
    Grantee: display_name email_address id type_ uri;
    HeadBucketOutput: access_point_alias bucket_location_name bucket_location_type bucket_region;
    HeadObjectOutput: accept_ranges archive_status bucket_key_enabled cache_control checksum_crc32
        checksum_crc32c checksum_crc64nvme checksum_sha1 checksum_sha256 checksum_type content_disposition
        content_encoding content_language content_length content_range content_type delete_marker e_tag
        expiration expires last_modified metadata missing_meta object_lock_legal_hold_status object_lock_mode
        object_lock_retain_until_date parts_count replication_status request_charged restore
        sse_customer_algorithm sse_customer_key_md5 ssekms_key_id server_side_encryption storage_class version_id
        website_redirect_location;
    IndexDocument: suffix;
    Initiator: display_name id;
    IntelligentTieringAndOperator: prefix tags;
    IntelligentTieringConfiguration: filter id status tierings;
    IntelligentTieringFilter: and prefix tag;
    InventoryConfiguration: destination filter id included_object_versions is_enabled optional_fields schedule;
    InventoryDestination: s3_bucket_destination;
    InventoryEncryption: ssekms sses3;
    InventoryFilter: prefix;
    InventoryS3BucketDestination: account_id bucket encryption format prefix;
    InventorySchedule: frequency;
    LambdaFunctionConfiguration: events filter id lambda_function_arn;
    LifecycleExpiration: date days expired_object_delete_marker;
    LifecycleRule: abort_incomplete_multipart_upload expiration filter id noncurrent_version_expiration
        noncurrent_version_transitions prefix status transitions;
    LifecycleRuleAndOperator: object_size_greater_than object_size_less_than prefix tags;
    LifecycleRuleFilter: and object_size_greater_than object_size_less_than prefix tag;
    ListBucketAnalyticsConfigurationsOutput: analytics_configuration_list continuation_token is_truncated
        next_continuation_token;
    ListBucketIntelligentTieringConfigurationsOutput: continuation_token intelligent_tiering_configuration_list
        is_truncated next_continuation_token;
    ListBucketInventoryConfigurationsOutput: continuation_token inventory_configuration_list is_truncated
        next_continuation_token;
    ListBucketMetricsConfigurationsOutput: continuation_token is_truncated metrics_configuration_list
        next_continuation_token;
    ListBucketsOutput: buckets continuation_token owner prefix;
    ListMultipartUploadsOutput: bucket common_prefixes delimiter encoding_type is_truncated key_marker
        max_uploads next_key_marker next_upload_id_marker prefix request_charged upload_id_marker uploads;
    ListObjectVersionsOutput: common_prefixes delete_markers delimiter encoding_type is_truncated key_marker
        max_keys name next_key_marker next_version_id_marker prefix request_charged version_id_marker versions;
    ListObjectsOutput: name prefix marker max_keys is_truncated contents common_prefixes delimiter next_marker
        encoding_type request_charged;
    ListObjectsV2Output: name prefix max_keys key_count continuation_token is_truncated next_continuation_token
        contents common_prefixes delimiter encoding_type start_after request_charged;
    ListPartsOutput: abort_date abort_rule_id bucket checksum_algorithm checksum_type initiator is_truncated key
        max_parts next_part_number_marker owner part_number_marker parts request_charged storage_class upload_id;
    LoggingEnabled: target_bucket target_grants target_object_key_format target_prefix;
    Metrics: event_threshold status;
    MetricsAndOperator: access_point_arn prefix tags;
    MetricsConfiguration: filter id;
    MultipartUpload: checksum_algorithm checksum_type initiated initiator key owner storage_class upload_id;
    NoncurrentVersionExpiration: newer_noncurrent_versions noncurrent_days;
    NoncurrentVersionTransition: newer_noncurrent_versions noncurrent_days storage_class;
    NotificationConfigurationFilter: key;
    Object: checksum_algorithm checksum_type e_tag key last_modified owner restore_status size storage_class;
    ObjectLockConfiguration: object_lock_enabled rule;
    ObjectLockRule: default_retention;
    ObjectPart: checksum_crc32 checksum_crc32c checksum_crc64nvme checksum_sha1 checksum_sha256 part_number size;
    ObjectVersion: checksum_algorithm checksum_type e_tag is_latest key last_modified owner restore_status size
        storage_class version_id;
    Owner: display_name id;
    OwnershipControls: rules;
    OwnershipControlsRule: object_ownership;
    Part: checksum_crc32 checksum_crc32c checksum_crc64nvme checksum_sha1 checksum_sha256 e_tag last_modified
        part_number size;
    PartitionedPrefix: partition_date_source;
    PolicyStatus: is_public;
    PublicAccessBlockConfiguration: block_public_acls block_public_policy ignore_public_acls
        restrict_public_buckets;
    PutBucketAccelerateConfigurationOutput:;
    PutBucketAclOutput:;
    PutBucketCorsOutput:;
    PutBucketEncryptionOutput:;
    PutBucketLifecycleConfigurationOutput: transition_default_minimum_object_size;
    PutBucketLoggingOutput:;
    PutBucketNotificationConfigurationOutput:;
    PutBucketOwnershipControlsOutput:;
    PutBucketPolicyOutput:;
    PutBucketRequestPaymentOutput:;
    PutBucketTaggingOutput:;
    PutBucketVersioningOutput:;
    PutBucketWebsiteOutput:;
    PutObjectAclOutput: request_charged;
    PutObjectOutput: bucket_key_enabled checksum_crc32 checksum_crc32c checksum_crc64nvme checksum_sha1
        checksum_sha256 checksum_type e_tag expiration request_charged sse_customer_algorithm
        sse_customer_key_md5 ssekms_encryption_context ssekms_key_id server_side_encryption size version_id;
    PutObjectTaggingOutput: version_id;
    PutPublicAccessBlockOutput:;
    QueueConfiguration: events filter id queue_arn;
    Redirect: host_name http_redirect_code protocol replace_key_prefix_with replace_key_with;
    RedirectAllRequestsTo: host_name protocol;
    ReplicaModifications: status;
    ReplicationConfiguration: role rules;
    ReplicationRule: delete_marker_replication destination existing_object_replication filter id prefix priority
        source_selection_criteria status;
    ReplicationRuleAndOperator: prefix tags;
    ReplicationRuleFilter: and prefix tag;
    ReplicationTime: status time;
    ReplicationTimeValue: minutes;
    RestoreStatus: is_restore_in_progress restore_expiry_date;
    RoutingRule: condition redirect;
    S3KeyFilter: filter_rules;
    SSEKMS: key_id;
    SSES3:;
    ServerSideEncryptionByDefault: kms_master_key_id sse_algorithm;
    ServerSideEncryptionConfiguration: rules;
    ServerSideEncryptionRule: apply_server_side_encryption_by_default bucket_key_enabled;
    SimplePrefix:;
    SourceSelectionCriteria: replica_modifications sse_kms_encrypted_objects;
    SseKmsEncryptedObjects: status;
    StorageClassAnalysis: data_export;
    StorageClassAnalysisDataExport: destination output_schema_version;
    Tag: key value;
    TargetGrant: grantee permission;
    TargetObjectKeyFormat: partitioned_prefix simple_prefix;
    Tiering: access_tier days;
    TopicConfiguration: events filter id topic_arn;
    Transition: date days storage_class;
    UploadPartCopyOutput: bucket_key_enabled copy_part_result copy_source_version_id request_charged
        sse_customer_algorithm sse_customer_key_md5 ssekms_key_id server_side_encryption;
    UploadPartOutput: bucket_key_enabled checksum_crc32 checksum_crc32c checksum_crc64nvme checksum_sha1
        checksum_sha256 e_tag request_charged sse_customer_algorithm sse_customer_key_md5 ssekms_key_id
        server_side_encryption;
}
