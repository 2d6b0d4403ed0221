//! Names of buckets and keys.

use std::net::Ipv4Addr;

use sha2::{Digest, Sha256};

use crate::error::Failure;

/// The longest key in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 1_024;

/// Whether a new bucket may have this name: AWS's rules for general purpose buckets.
pub(crate) fn is_bucket_name(name: &str) -> bool {
    let is_edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_edge(byte) || matches!(byte, b'.' | b'-'))
        && bytes.first().is_some_and(is_edge)
        && bytes.last().is_some_and(is_edge)
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|end| name.ends_with(end))
}

/// Whether it may be asked for: older buckets have names that new ones may not have.
pub(crate) fn check_bucket_name(name: &str) -> Result<(), Failure> {
    let is_known = (3..=255).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if is_known { Ok(()) } else { Err(invalid_bucket_name(name)) }
}

pub(crate) fn invalid_bucket_name(name: &str) -> Failure {
    Failure::new(400, "InvalidBucketName", "The specified bucket is not valid.").with("BucketName", name)
}

/// Whether a key may be used.
pub(crate) fn check_key(key: &str) -> Result<(), Failure> {
    if key.len() <= KEY_BYTES_MAX {
        return Ok(());
    }
    let failure = Failure::new(400, "KeyTooLongError", "Your key is too long");
    Err(failure.with("Size", key.len().to_string()).with("MaxSizeAllowed", KEY_BYTES_MAX.to_string()))
}

/// The canonical user id of an account: 64 hexadecimal digits, the same for ever.
pub(crate) fn canonical_user(account: &str) -> String {
    hex::encode(Sha256::digest(format!("canonical user of {account}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_a_name_of_aws_shape() {
        for name in ["abc", "my.bucket-1", "0ab", &"a".repeat(63), "1.2.3", "a-.-b"] {
            assert!(is_bucket_name(name), "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "",
            "ab",
            &long,
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "ü-ab",
        ] {
            assert!(!is_bucket_name(name), "{name}");
        }
        assert!(check_bucket_name("Old_Bucket").is_ok());
        assert!(check_bucket_name("a b c").is_err());
    }
}
