//! How layer versions lie in the store: a version byte, then the record of that version in postcard.
//!
//! A change of [`LayerVersionV1`] breaks files that exist: a new version gets a type and a byte of its own.

use bytes::Bytes;
use hearth_store::BlobDigest;
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use super::layer::LayerVersion;
use super::names::LayerName;
use crate::functions::RecordError;

const VERSION_1: u8 = 1;

#[derive(Serialize, Deserialize)]
struct LayerVersionV1 {
    name: String,
    version: u64,
    description: String,
    created_micros: i64,
    digest: [u8; 32],
    bytes: u64,
    unzipped_bytes: u64,
    runtimes: Option<Vec<String>>,
    architectures: Option<Vec<String>>,
    license: Option<String>,
}

/// What stays of a layer when all its versions are gone.
#[derive(Serialize, Deserialize)]
struct LayerV1 {
    name: String,
    last_version: u64,
}

pub(super) fn encode(version: &LayerVersion) -> Result<Bytes, RecordError> {
    let version = version.clone();
    let record = LayerVersionV1 {
        name: version.name.to_string(),
        version: version.version,
        description: version.description,
        created_micros: version.created.as_micros(),
        digest: *version.digest.as_bytes(),
        bytes: version.bytes,
        unzipped_bytes: version.unzipped_bytes,
        runtimes: version.runtimes,
        architectures: version.architectures,
        license: version.license,
    };
    Ok(postcard::to_extend(&record, vec![VERSION_1])?.into())
}

pub(super) fn decode(record: &[u8]) -> Result<LayerVersion, RecordError> {
    let record: LayerVersionV1 = postcard::from_bytes(body(record)?)?;
    Ok(LayerVersion {
        name: LayerName::parse(&record.name).ok_or(RecordError::Value(record.name))?,
        version: record.version,
        description: record.description,
        created: Timestamp::from_micros(record.created_micros),
        digest: BlobDigest::from_bytes(record.digest),
        bytes: record.bytes,
        unzipped_bytes: record.unzipped_bytes,
        runtimes: record.runtimes,
        architectures: record.architectures,
        license: record.license,
    })
}

pub(super) fn encode_layer(name: &LayerName, last_version: u64) -> Result<Bytes, RecordError> {
    let record = LayerV1 { name: name.to_string(), last_version };
    Ok(postcard::to_extend(&record, vec![VERSION_1])?.into())
}

/// The name, and the last number that was given.
pub(super) fn decode_layer(record: &[u8]) -> Result<(LayerName, u64), RecordError> {
    let LayerV1 { name, last_version } = postcard::from_bytes(body(record)?)?;
    Ok((LayerName::parse(&name).ok_or(RecordError::Value(name))?, last_version))
}

fn body(record: &[u8]) -> Result<&[u8], RecordError> {
    match record.split_first() {
        Some((&VERSION_1, body)) => Ok(body),
        other => Err(RecordError::Version(other.map(|(version, _)| *version))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back_as_it_was() {
        let name = LayerName::parse("numbers").expect("a name");
        let whole = LayerVersion {
            name: name.clone(),
            version: 3,
            description: "one, two".into(),
            created: Timestamp::from_micros(1_764_037_614_123_456),
            digest: BlobDigest::of(b"a layer"),
            bytes: 7,
            unzipped_bytes: 70,
            runtimes: Some(vec!["python3.12".into()]),
            architectures: Some(vec![]),
            license: Some("MIT".into()),
        };
        let plain = LayerVersion { runtimes: None, architectures: None, license: None, ..whole.clone() };
        for version in [whole, plain] {
            assert_eq!(decode(&encode(&version).expect("a record")).expect("it is read"), version);
        }
        let record = encode_layer(&name, 9).expect("a record");
        assert_eq!(decode_layer(&record).expect("it is read"), (name, 9));
        assert!(matches!(decode(&[2]), Err(RecordError::Version(Some(2)))));
    }
}
