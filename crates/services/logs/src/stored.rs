//! How records lie in the store: a version byte, then the record of that version in postcard.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record that this program cannot read: damaged, or written by a newer one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("the record is of version {0:?}, which this program does not know")]
    Version(Option<u8>),
    #[error("the events cannot be packed or unpacked")]
    Packing(#[source] std::io::Error),
    #[error("the record is damaged")]
    Damaged(#[from] postcard::Error),
}

/// What the store keeps.
pub(crate) trait Stored: Serialize + DeserializeOwned {
    /// The version that is written.
    const VERSION: u8 = 1;

    /// Reads a record of an earlier version.
    fn older(version: u8, _body: &[u8]) -> Result<Self, RecordError> {
        Err(RecordError::Version(Some(version)))
    }

    fn encode(&self) -> Result<Bytes, RecordError> {
        Ok(postcard::to_extend(self, vec![Self::VERSION])?.into())
    }

    fn decode(record: &[u8]) -> Result<Self, RecordError> {
        match record.split_first() {
            Some((version, body)) if *version == Self::VERSION => Ok(postcard::from_bytes(body)?),
            Some((version, body)) => Self::older(*version, body),
            None => Err(RecordError::Version(None)),
        }
    }
}
