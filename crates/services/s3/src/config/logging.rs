//! Where a bucket's access logs go.

use s3s::dto::{BucketLoggingStatus, LoggingEnabled};

use super::error::ConfigError;

/// Refuses every target: access logs are not written yet, and a setting that nothing acts on is not taken.
///
/// `exists` tells whether the target bucket is there, which S3 asks first.
pub(crate) fn check(
    config: &BucketLoggingStatus,
    exists: impl FnOnce(&str) -> bool,
) -> Result<(), ConfigError> {
    let Some(LoggingEnabled { target_bucket, .. }) = &config.logging_enabled else { return Ok(()) };
    if !exists(target_bucket) {
        return Err(ConfigError::NoLoggingTarget(target_bucket.clone()));
    }
    // GAP(s3-access-logs): server access logs are not written.
    Err(ConfigError::NotBuilt(
        "Server access logs are not built in Hearth: the bucket keeps none.".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::decode;

    #[test]
    fn logging_is_off_or_refused() {
        let parse = |body: &str| {
            let xml = format!("<BucketLoggingStatus>{body}</BucketLoggingStatus>");
            decode::<BucketLoggingStatus>(xml.as_bytes())
                .and_then(|config| check(&config, |bucket| bucket == "logs"))
        };
        let to = |bucket: &str| {
            format!("<LoggingEnabled><TargetBucket>{bucket}</TargetBucket><TargetPrefix/></LoggingEnabled>")
        };
        assert_eq!(parse(""), Ok(()));
        assert_eq!(parse(&to("none")).unwrap_err().code(), "InvalidTargetBucketForLogging");
        assert_eq!(parse(&to("logs")).unwrap_err().code(), "NotImplemented");
        let unfinished = parse("<LoggingEnabled><TargetBucket>logs</TargetBucket></LoggingEnabled>");
        assert_eq!(unfinished, Err(ConfigError::MalformedXml));
    }
}
