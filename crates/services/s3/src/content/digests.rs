//! What is computed over a payload on its way in, and what its client said it would be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_aws::sigv4::{Algorithm, Checksum};
use http::HeaderMap;
use md5::{Digest, Md5};
use sha2::Sha256;

use crate::error::Failure;
use crate::records::{StoredChecksum, algorithm};

/// What a client said of its payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    /// Its length in bytes.
    pub(crate) bytes: Option<u64>,
    /// SHA-256 in hexadecimal digits: `x-amz-content-sha256`.
    pub(crate) sha256: Option<String>,
    /// In base64: `Content-MD5`.
    pub(crate) md5: Option<String>,
    /// The algorithm that is stored, and the value in a header if there was one.
    pub(crate) checksum: Option<(Algorithm, Option<String>)>,
}

impl Expected {
    /// What these headers say. `trailer` names a checksum that comes after the payload.
    pub(crate) fn of(headers: &HeaderMap, trailer: Option<&str>) -> Result<Self, Failure> {
        let md5 = md5(headers)?;
        let checksum = checksum(headers, trailer, |value| Some(value))?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let named = text("x-amz-sdk-checksum-algorithm").or_else(|| text("x-amz-checksum-algorithm"));
        let named = match named {
            None => None,
            Some(name) => Some(algorithm(&name.to_ascii_uppercase()).ok_or_else(|| {
                Failure::request("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
            })?),
        };
        if let (Some(named), Some((given, _))) = (named, &checksum)
            && named != *given
        {
            return Err(Failure::request("Value for x-amz-sdk-checksum-algorithm header is invalid."));
        }
        let checksum = checksum.or_else(|| named.map(|algorithm| (algorithm, None)));
        Ok(Self { bytes: None, sha256: None, md5, checksum })
    }

    /// What the headers of CompleteMultipartUpload say of its document: the checksum is the object's, over all bytes or
    /// over the checksums of the parts, and must only have the form of one here.
    pub(crate) fn of_completion(headers: &HeaderMap) -> Result<Self, Failure> {
        checksum(headers, None, without_count)?;
        Ok(Self { md5: md5(headers)?, ..Self::default() })
    }
}

fn md5(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let md5 = headers.get("content-md5").and_then(|value| value.to_str().ok());
    if md5.is_some_and(|md5| STANDARD.decode(md5).map_or(true, |bytes| bytes.len() != 16)) {
        return Err(Failure::new(400, "InvalidDigest", "The Content-MD5 you specified was invalid."));
    }
    Ok(md5.map(str::to_owned))
}

/// The one checksum that is announced. `sum` is what of a header's value is in base64.
fn checksum(
    headers: &HeaderMap,
    trailer: Option<&str>,
    sum: impl Fn(&str) -> Option<&str>,
) -> Result<Option<(Algorithm, Option<String>)>, Failure> {
    let mut given = Vec::new();
    for algorithm in Algorithm::ALL {
        if let Some(value) = headers.get(algorithm.header()).and_then(|value| value.to_str().ok()) {
            given.push((algorithm, Some(value.to_owned())));
        }
    }
    given.extend(trailer.and_then(Algorithm::of_header).map(|algorithm| (algorithm, None)));
    if given.len() > 1 {
        return Err(Failure::request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ));
    }
    let checksum = given.pop();
    if let Some((algorithm, Some(value))) = &checksum
        && sum(value).and_then(|sum| STANDARD.decode(sum).ok()).map(|bytes| bytes.len())
            != Some(bytes_of(*algorithm))
    {
        return Err(Failure::request(format!("Value for {} header is invalid.", algorithm.header())));
    }
    Ok(checksum)
}

/// A checksum without the number of parts, which may follow it.
fn without_count(value: &str) -> Option<&str> {
    match value.split_once('-') {
        None => Some(value),
        Some((sum, count)) => {
            let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then_some(sum)
        }
    }
}

fn bytes_of(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Crc32 | Algorithm::Crc32C => 4,
        Algorithm::Crc64Nvme => 8,
        Algorithm::Sha1 => 20,
        Algorithm::Sha256 => 32,
    }
}

/// Everything that is computed in one pass.
pub(crate) struct Digests {
    bytes: u64,
    md5: Md5,
    sha256: Option<Sha256>,
    checksum: Option<Checksum>,
}

/// What the digests were in the end.
#[derive(Debug)]
pub(crate) struct Computed {
    pub(crate) bytes: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: Option<StoredChecksum>,
}

impl Digests {
    pub(crate) fn new(expected: &Expected) -> Self {
        Self {
            bytes: 0,
            md5: Md5::new(),
            sha256: expected.sha256.as_ref().map(|_| Sha256::new()),
            checksum: expected.checksum.as_ref().map(|(algorithm, _)| Checksum::new(*algorithm)),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.md5.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
    }

    /// The same without SHA-256: who writes the payload computes it anyway, and tells `finish`.
    pub(crate) fn without_sha256(self) -> Self {
        Self { sha256: None, ..self }
    }

    /// Compares them with what the client said.
    pub(crate) fn finish(self, expected: &Expected, sha256: Option<[u8; 32]>) -> Result<Computed, Failure> {
        if expected.bytes.is_some_and(|bytes| bytes != self.bytes) {
            let text = "You did not provide the number of bytes specified by the Content-Length HTTP header";
            return Err(Failure::new(400, "IncompleteBody", text));
        }
        let md5: [u8; 16] = self.md5.finalize().into();
        if let Some(given) = &expected.md5
            && *given != STANDARD.encode(md5)
        {
            let failure = bad_digest("The Content-MD5 you specified did not match what we received.");
            return Err(failure.with("ExpectedDigest", given).with("CalculatedDigest", STANDARD.encode(md5)));
        }
        if let Some(given) = &expected.sha256 {
            let sha256 = sha256.or_else(|| self.sha256.map(|sha256| sha256.finalize().into()));
            let computed = sha256.map(hex::encode).unwrap_or_default();
            if !given.eq_ignore_ascii_case(&computed) {
                let text = "The provided 'x-amz-content-sha256' header does not match what was computed.";
                let failure = Failure::new(400, "XAmzContentSHA256Mismatch", text);
                let failure = failure.with("ClientComputedContentSHA256", given);
                return Err(failure.with("S3ComputedContentSHA256", computed));
            }
        }
        let checksum = self.checksum.map(|checksum| StoredChecksum {
            algorithm: checksum.algorithm().to_string(),
            value: checksum.value(),
            is_composite: false,
        });
        if let (Some((algorithm, Some(given))), Some(computed)) = (&expected.checksum, &checksum)
            && *given != computed.value
        {
            return Err(bad_digest(format!(
                "The {algorithm} you specified did not match the calculated checksum."
            )));
        }
        Ok(Computed { bytes: self.bytes, md5, checksum })
    }
}

/// Checks a payload that is in memory.
pub(crate) fn verify(bytes: &[u8], expected: &Expected) -> Result<(), Failure> {
    let mut digests = Digests::new(expected);
    digests.update(bytes);
    digests.finish(expected, None).map(drop)
}

pub(crate) fn bad_digest(text: impl Into<String>) -> Failure {
    Failure::new(400, "BadDigest", text)
}
