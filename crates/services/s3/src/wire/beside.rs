//! What clients may say for which s3s's shapes have no member: refused here, unless an operation reads it itself.
//!
//! Never: lets it be dropped by s3s, with an answer as if it had been done.

use hearth_aws::sigv4::Algorithm;
use http::HeaderMap;

use crate::error::Failure;

/// Headers that change what is written.
const HEADERS: [(&str, &str); 4] = [
    ("x-amz-object-annotation-directive", "The copy of annotations"),
    ("x-amz-object-lock-event-hold", "Object lock"),
    ("x-amz-object-lock-event-hold-duration-days", "Object lock"),
    ("x-amz-object-lock-event-hold-duration-years", "Object lock"),
];

const NAMESPACE: &str = "x-amz-bucket-namespace";

/// The namespace that every bucket here is in.
const EVERYBODYS: &str = "global";

const BLOCKED: &[u8] = b"BlockedEncryptionTypes";

const CHECKSUM: &str = "x-amz-checksum-";

/// What is said of a checksum beside its value.
const OF_CHECKSUMS: [&str; 3] = ["algorithm", "mode", "type"];

/// Refuses what would change nothing.
pub(super) fn check(headers: &HeaderMap, operation: &str, document: &[u8]) -> Result<(), Failure> {
    for (name, what) in HEADERS {
        if headers.contains_key(name) {
            return Err(Failure::not_built(what));
        }
    }
    if headers.get(NAMESPACE).is_some_and(|value| value != EVERYBODYS) {
        return Err(Failure::not_built("A namespace of an account's own"));
    }
    for name in headers.keys().map(http::HeaderName::as_str) {
        let Some(kind) = name.strip_prefix(CHECKSUM) else { continue };
        if !OF_CHECKSUMS.contains(&kind) && Algorithm::of_header(name).is_none() {
            return Err(Failure::not_built(&format!("The checksum {name}")));
        }
    }
    if operation == "PutBucketEncryption" && document.windows(BLOCKED.len()).any(|piece| piece == BLOCKED) {
        return Err(Failure::not_built("A block of kinds of encryption"));
    }
    Ok(())
}
