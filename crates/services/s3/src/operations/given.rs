//! What several requests have in common: their shapes are types of their own with members of the same names.

/// The headers that are given back as they were given.
macro_rules! headers {
    ($input:expr) => {
        $crate::records::Headers {
            cache_control: $input.cache_control,
            content_disposition: $input.content_disposition,
            content_encoding: $input.content_encoding,
            content_language: $input.content_language,
            content_type: $input.content_type,
            expires: $input.expires.map($crate::operations::shown::seconds),
            redirect: $input.website_redirect_location,
        }
    };
}

/// The ACL in the headers of a request; only buckets have grants to write.
macro_rules! grants {
    ($input:expr) => {
        $crate::operations::given::grants!($input, None)
    };
    ($input:expr, $write:expr) => {
        $crate::config::acl::Grants {
            canned: $input.acl.map(|acl| acl.as_str().to_owned()),
            full_control: $input.grant_full_control,
            read: $input.grant_read,
            read_acp: $input.grant_read_acp,
            write: $write,
            write_acp: $input.grant_write_acp,
        }
    };
}

/// Refuses a request that would lock its object.
/// GAP(s3): object lock. No bucket has its configuration, which is what S3 says then.
macro_rules! refuse_lock {
    ($input:expr) => {
        if $input.object_lock_mode.is_some()
            || $input.object_lock_retain_until_date.is_some()
            || $input.object_lock_legal_hold_status.is_some()
        {
            return Err(Failure::request("Bucket is missing ObjectLockConfiguration"));
        }
    };
}

pub(crate) use {grants, headers, refuse_lock};
