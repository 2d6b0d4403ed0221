//! Encryption at rest as S3 shows it. Every object is shown as encrypted with S3's own keys: AES256.
//!
//! Never: accepts a key that would be ignored. Keys of KMS and of customers are refused.

use s3s::dto::{
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};

use super::error::ConfigError;

/// What a bucket has when nobody chose.
pub(crate) fn default() -> ServerSideEncryptionConfiguration {
    let by_default = ServerSideEncryptionByDefault {
        kms_master_key_id: None,
        sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
    };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(by_default),
        bucket_key_enabled: Some(false),
    };
    ServerSideEncryptionConfiguration { rules: vec![rule] }
}

/// The configuration as it is kept.
pub(crate) fn check(
    mut config: ServerSideEncryptionConfiguration,
) -> Result<ServerSideEncryptionConfiguration, ConfigError> {
    let [rule] = config.rules.as_mut_slice() else { return Err(ConfigError::MalformedXml) };
    let by_default =
        rule.apply_server_side_encryption_by_default.as_ref().ok_or(ConfigError::MalformedXml)?;
    match by_default.sse_algorithm.as_str() {
        ServerSideEncryption::AES256 if by_default.kms_master_key_id.is_some() => {
            return Err(ConfigError::argument(
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
                "ApplyServerSideEncryptionByDefault",
                None,
            ));
        }
        ServerSideEncryption::AES256 => {}
        ServerSideEncryption::AWS_KMS | ServerSideEncryption::AWS_KMS_DSSE => return Err(kms()),
        _ => return Err(ConfigError::MalformedXml),
    }
    rule.bucket_key_enabled.get_or_insert(false);
    Ok(config)
}

/// What a request asks of the encryption of one object.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) algorithm: Option<&'a str>,
    pub(crate) customer_algorithm: Option<&'a str>,
}

/// Refuses keys that are not built, and algorithms that do not exist.
pub(crate) fn check_object(asked: Asked<'_>) -> Result<(), ConfigError> {
    if asked.customer_algorithm.is_some() {
        return Err(ConfigError::NotBuilt(
            "Encryption with keys of the customer (SSE-C) is not built in Hearth: the object was not stored."
                .to_owned(),
        ));
    }
    match asked.algorithm {
        None | Some("AES256") => Ok(()),
        Some("aws:kms" | "aws:kms:dsse") => Err(kms()),
        Some(other) => Err(ConfigError::argument(
            "The encryption method specified is not supported",
            "x-amz-server-side-encryption",
            other.to_owned(),
        )),
    }
}

fn kms() -> ConfigError {
    // GAP(s3-kms): keys of KMS come with the KMS service.
    ConfigError::NotBuilt("Encryption with keys of AWS KMS is not built in Hearth: use AES256.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::{decode, encode};

    fn parse(rules: &str) -> Result<ServerSideEncryptionConfiguration, ConfigError> {
        decode(
            format!("<ServerSideEncryptionConfiguration>{rules}</ServerSideEncryptionConfiguration>")
                .as_bytes(),
        )
        .and_then(check)
    }

    fn rule(algorithm: &str, more: &str) -> String {
        format!(
            "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>{more}\
             </ApplyServerSideEncryptionByDefault></Rule>"
        )
    }

    #[test]
    fn a_bucket_has_one_rule_with_s3s_own_keys() {
        let kept = parse(&rule("AES256", "")).unwrap();
        assert_eq!(kept, default());
        assert_eq!(decode::<ServerSideEncryptionConfiguration>(&encode(&kept)).unwrap(), kept);
        let key = "<KMSMasterKeyID>k</KMSMasterKeyID>";
        let table = [
            (String::new(), "MalformedXML"),
            (rule("AES256", "").repeat(2), "MalformedXML"),
            (rule("aes", ""), "MalformedXML"),
            ("<Rule/>".to_owned(), "MalformedXML"),
            (rule("AES256", key), "InvalidArgument"),
            (rule("aws:kms", key), "NotImplemented"),
            (rule("aws:kms:dsse", ""), "NotImplemented"),
        ];
        for (rules, code) in table {
            assert_eq!(parse(&rules).unwrap_err().code(), code, "{rules}");
        }
    }

    #[test]
    fn a_key_that_would_be_ignored_is_refused() {
        let code = |algorithm, customer_algorithm| {
            check_object(Asked { algorithm, customer_algorithm })
                .map_or_else(|error| error.code(), |()| "good")
        };
        assert_eq!(code(None, None), "good");
        assert_eq!(code(Some("AES256"), None), "good");
        assert_eq!(code(Some("AES257"), None), "InvalidArgument");
        assert_eq!(code(Some("aws:kms"), None), "NotImplemented");
        assert_eq!(code(None, Some("AES256")), "NotImplemented");
    }
}
