//! Configurations of one value: transfer acceleration and who pays.

use s3s::dto::{AccelerateConfiguration, BucketAccelerateStatus, Payer, RequestPaymentConfiguration};

use super::error::ConfigError;

/// Acceleration changes nothing here: a name of AWS's accelerated endpoint leads to the same bucket.
pub(crate) fn check_accelerate(bucket: &str, config: &AccelerateConfiguration) -> Result<(), ConfigError> {
    let known = [BucketAccelerateStatus::ENABLED, BucketAccelerateStatus::SUSPENDED];
    match config.status.as_ref().map(BucketAccelerateStatus::as_str) {
        Some(_) if bucket.contains('.') => Err(ConfigError::request(
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
        )),
        Some(status) if known.contains(&status) => Ok(()),
        _ => Err(ConfigError::MalformedXml),
    }
}

/// Who pays for requests. Nobody pays here.
pub(crate) fn check_payer(config: &RequestPaymentConfiguration) -> Result<(), ConfigError> {
    match config.payer.as_str() {
        Payer::BUCKET_OWNER => Ok(()),
        // GAP(s3-requester-pays): requests of others would have to say that they pay.
        Payer::REQUESTER => Err(ConfigError::NotBuilt(
            "Buckets whose requesters pay are not built in Hearth: nobody pays here.".to_owned(),
        )),
        _ => Err(ConfigError::MalformedXml),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceleration_is_enabled_or_suspended_and_not_for_names_with_dots() {
        let check = |bucket: &str, status: &'static str| {
            let status = Some(BucketAccelerateStatus::from_static(status));
            check_accelerate(bucket, &AccelerateConfiguration { status }).map_err(|error| error.code())
        };
        assert_eq!(check("a", "Enabled"), Ok(()));
        assert_eq!(check("a", "Suspended"), Ok(()));
        assert_eq!(check("a", "enabled"), Err("MalformedXML"));
        assert_eq!(check("a.b", "Enabled"), Err("InvalidRequest"));
        let empty = check_accelerate("a", &AccelerateConfiguration { status: None });
        assert_eq!(empty, Err(ConfigError::MalformedXml));
    }

    #[test]
    fn the_owner_pays() {
        let check = |payer: &'static str| {
            let payer = Payer::from_static(payer);
            check_payer(&RequestPaymentConfiguration { payer }).map_err(|error| error.code())
        };
        assert_eq!(check("BucketOwner"), Ok(()));
        assert_eq!(check("Requester"), Err("NotImplemented"));
        assert_eq!(check("Nobody"), Err("MalformedXML"));
    }
}
