//! Records as the shapes show them.

use hearth_aws::sigv4::Algorithm;
use s3s::dto::{ChecksumType, ETag, Owner, Timestamp};

use crate::names;
use crate::records::StoredChecksum;

/// A time in microseconds since 1970.
pub(crate) fn time(micros: i64) -> Timestamp {
    let nanos = i128::from(micros) * 1_000;
    let time = time::OffsetDateTime::from_unix_timestamp_nanos(nanos);
    time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH).into()
}

/// Seconds since 1970.
pub(crate) fn seconds(time: Timestamp) -> i64 {
    time::OffsetDateTime::from(time).unix_timestamp()
}

pub(crate) fn etag(value: &str) -> Option<ETag> {
    Some(ETag::Strong(value.to_owned()))
}

pub(crate) fn owner(account: &str) -> Owner {
    Owner { display_name: None, id: Some(names::canonical_user(account)) }
}

/// A length as the wire has it.
pub(crate) fn length(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

pub(crate) fn checksum_type(checksum: &StoredChecksum) -> ChecksumType {
    let name = if checksum.is_composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
    ChecksumType::from_static(name)
}

/// The value of a checksum for the member of this algorithm.
pub(crate) fn value(checksum: Option<&StoredChecksum>, algorithm: Algorithm) -> Option<String> {
    checksum.filter(|checksum| checksum.algorithm() == Some(algorithm)).map(|checksum| checksum.value.clone())
}

/// Fills the five members of a shape that has checksums.
macro_rules! with_checksums {
    ($shape:expr, $checksum:expr) => {{
        let mut shape = $shape;
        let checksum: Option<&$crate::records::StoredChecksum> = $checksum;
        use hearth_aws::sigv4::Algorithm;
        use $crate::operations::shown::value;
        shape.checksum_crc32 = value(checksum, Algorithm::Crc32);
        shape.checksum_crc32c = value(checksum, Algorithm::Crc32C);
        shape.checksum_crc64nvme = value(checksum, Algorithm::Crc64Nvme);
        shape.checksum_sha1 = value(checksum, Algorithm::Sha1);
        shape.checksum_sha256 = value(checksum, Algorithm::Sha256);
        shape
    }};
}

pub(crate) use with_checksums;
