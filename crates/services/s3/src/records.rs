//! What the service keeps.

use std::collections::BTreeMap;

use hearth_aws::sigv4::Algorithm;
use hearth_store::{BlobDigest, Stored};
use serde::{Deserialize, Serialize};

/// Whether a bucket keeps old versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    /// It never did.
    Never,
    Enabled,
    /// It did: what is there stays, and new objects replace the version "null".
    Suspended,
}

/// A bucket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Of no other bucket that is or was.
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) region: String,
    /// Microseconds since 1970.
    pub(crate) created: i64,
    pub(crate) versioning: Versioning,
}

impl Stored for Bucket {}

/// One version of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// As clients know it; `null` for one that was written while versions were not kept.
    pub(crate) id: String,
    /// Microseconds since 1970.
    pub(crate) modified: i64,
    /// `None` is a delete marker.
    pub(crate) object: Option<Object>,
}

impl Stored for Version {}

/// The version that is there when none are kept.
pub(crate) const NULL: &str = "null";

/// An object: what its bytes are, and what is said about them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// Of no other object: who holds its blob.
    pub(crate) number: u64,
    pub(crate) content: Content,
    pub(crate) bytes: u64,
    /// Without quotes: MD5, or `MD5 of MD5s-PARTS`.
    pub(crate) etag: String,
    pub(crate) checksum: Option<StoredChecksum>,
    pub(crate) storage_class: Option<String>,
    pub(crate) headers: Headers,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// How many parts it was uploaded in.
    pub(crate) parts: Option<u32>,
    /// Sub-resources by their names in the query (`acl`, `retention`), each as its document was stored.
    pub(crate) documents: BTreeMap<String, String>,
}

/// Headers that are given back as they were given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_type: Option<String>,
    /// Seconds since 1970.
    pub(crate) expires: Option<i64>,
    pub(crate) redirect: Option<String>,
}

/// Where an object's bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    /// There are none.
    #[default]
    Empty,
    /// In the store, under the object's number.
    Inline,
    Blob(BlobDigest),
    /// The parts of the upload with this number, one after the other.
    Parts(u64),
}

/// A checksum as it was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredChecksum {
    /// As headers spell it: `CRC32`.
    pub(crate) algorithm: String,
    /// In base64.
    pub(crate) value: String,
    /// Over the checksums of the parts, not over the bytes.
    pub(crate) is_composite: bool,
}

impl StoredChecksum {
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        algorithm(&self.algorithm)
    }
}

/// An algorithm by its name.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    Algorithm::ALL.into_iter().find(|algorithm| algorithm.to_string() == name)
}

/// What is listed of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) sequence: u64,
    pub(crate) modified: i64,
    pub(crate) bytes: u64,
    pub(crate) etag: String,
    pub(crate) storage_class: Option<String>,
    /// Of its checksum.
    pub(crate) algorithm: Option<String>,
    pub(crate) is_composite: bool,
}

impl Stored for Listed {}

impl Listed {
    pub(crate) fn of(object: &Object, sequence: u64, modified: i64) -> Self {
        Self {
            sequence,
            modified,
            bytes: object.bytes,
            etag: object.etag.clone(),
            storage_class: object.storage_class.clone(),
            algorithm: object.checksum.as_ref().map(|checksum| checksum.algorithm.clone()),
            is_composite: object.checksum.as_ref().is_some_and(|checksum| checksum.is_composite),
        }
    }
}

/// An upload in parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) number: u64,
    /// As clients know it.
    pub(crate) id: String,
    /// Microseconds since 1970.
    pub(crate) started: i64,
    /// The account of who started it.
    pub(crate) account: String,
    /// What the object will be, but for its bytes.
    pub(crate) object: Object,
    /// The algorithm that the parts must have, and whether the object's checksum is over theirs.
    pub(crate) checksum: Option<(String, bool)>,
}

impl Stored for Upload {}

/// A part of an upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Of no other: who holds its blob.
    pub(crate) number: u64,
    pub(crate) content: Content,
    pub(crate) bytes: u64,
    /// MD5 in hexadecimal digits.
    pub(crate) etag: String,
    pub(crate) checksum: Option<StoredChecksum>,
    pub(crate) modified: i64,
}

impl Stored for Part {}
