//! The checksums that clients send with a payload: `x-amz-checksum-crc32` and its like.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_32_ISCSI, CRC_64_NVME, Crc, Table};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// A kind of checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `x-amz-checksum-crc32`, the one of zip and gzip.
    Crc32,
    /// `x-amz-checksum-crc32c`, Castagnoli's.
    Crc32C,
    /// `x-amz-checksum-crc64nvme`.
    Crc64Nvme,
    /// `x-amz-checksum-sha1`.
    Sha1,
    /// `x-amz-checksum-sha256`.
    Sha256,
}

impl Algorithm {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32C, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The header or trailer that carries it, in lower case.
    pub fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32C => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The algorithm of a header's name.
    pub fn of_header(name: &str) -> Option<Self> {
        let name = name.trim();
        Self::ALL.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Crc32 => "CRC32",
            Self::Crc32C => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        })
    }
}

/// A checksum over what has come so far.
#[derive(Clone)]
pub struct Checksum {
    algorithm: Algorithm,
    running: Running,
}

#[derive(Clone)]
enum Running {
    Crc32(crc32fast::Hasher),
    Crc32C(crc::Digest<'static, u32, Table<16>>),
    Crc64(crc::Digest<'static, u64, Table<16>>),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl fmt::Debug for Checksum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Checksum").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Checksum {
    /// Over nothing yet.
    pub fn new(algorithm: Algorithm) -> Self {
        let running = match algorithm {
            Algorithm::Crc32 => Running::Crc32(crc32fast::Hasher::new()),
            Algorithm::Crc32C => Running::Crc32C(CRC32C.digest()),
            Algorithm::Crc64Nvme => Running::Crc64(CRC64.digest()),
            Algorithm::Sha1 => Running::Sha1(Sha1::new()),
            Algorithm::Sha256 => Running::Sha256(Sha256::new()),
        };
        Self { algorithm, running }
    }

    /// Which it is.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.running {
            Running::Crc32(running) => running.update(bytes),
            Running::Crc32C(running) => running.update(bytes),
            Running::Crc64(running) => running.update(bytes),
            Running::Sha1(running) => running.update(bytes),
            Running::Sha256(running) => running.update(bytes),
        }
    }

    /// The checksum as headers spell it, in base64.
    pub fn value(&self) -> String {
        match self.running.clone() {
            Running::Crc32(running) => STANDARD.encode(running.finalize().to_be_bytes()),
            Running::Crc32C(running) => STANDARD.encode(running.finalize().to_be_bytes()),
            Running::Crc64(running) => STANDARD.encode(running.finalize().to_be_bytes()),
            Running::Sha1(running) => STANDARD.encode(running.finalize()),
            Running::Sha256(running) => STANDARD.encode(running.finalize()),
        }
    }

    /// Whether this is the value that a client sent.
    pub fn is(&self, value: &str) -> bool {
        self.value() == value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_published_check_value_whatever_the_pieces() {
        let check = |algorithm: Algorithm, hexadecimal: &str| {
            let mut checksum = Checksum::new(algorithm);
            for piece in ["1", "2345", "", "6789"] {
                checksum.update(piece.as_bytes());
            }
            let expected = STANDARD.encode(hex::decode(hexadecimal).expect("hexadecimal"));
            assert_eq!(checksum.value(), expected, "{algorithm}");
            assert!(checksum.is(&expected) && !checksum.is(""), "{algorithm}");
            assert_eq!(Algorithm::of_header(algorithm.header()), Some(algorithm));
        };
        check(Algorithm::Crc32, "cbf43926");
        check(Algorithm::Crc32C, "e3069283");
        check(Algorithm::Crc64Nvme, "ae8b14860a799888");
        check(Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        check(Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
        assert_eq!(Algorithm::of_header(" X-Amz-Checksum-SHA1"), Some(Algorithm::Sha1));
        assert_eq!(Algorithm::of_header("content-md5"), None);
    }
}
