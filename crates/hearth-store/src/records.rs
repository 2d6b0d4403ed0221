//! How records lie in the store, its own and those of services: a version byte, then the record of that version in
//! postcard.
//!
//! Never: a type that was written once changes; a new version gets a type and a byte of its own.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::seam::{StoreError, TxResult};

/// A record that this program cannot read: damaged, or written by a newer one.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Of a version that this program does not know; `None` when there is not even that.
    #[error("the record is of version {0:?}, which this program does not know")]
    Version(Option<u8>),
    /// Not what this version looks like.
    #[error("the record is damaged")]
    Damaged(#[from] postcard::Error),
}

/// What a service keeps in the store.
pub trait Stored: Serialize + DeserializeOwned {
    /// The version that is written.
    const VERSION: u8 = 1;

    /// Reads a record of an earlier version.
    fn older(version: u8, _body: &[u8]) -> Result<Self, RecordError> {
        Err(RecordError::Version(Some(version)))
    }

    /// The record with its version in front.
    fn encode(&self) -> Result<Bytes, RecordError> {
        Ok(postcard::to_extend(self, vec![Self::VERSION])?.into())
    }

    /// The record of this version or of an earlier one.
    fn decode(record: &[u8]) -> Result<Self, RecordError> {
        match record.split_first() {
            Some((version, body)) if *version == Self::VERSION => Ok(postcard::from_bytes(body)?),
            Some((version, body)) => Self::older(*version, body),
            None => Err(RecordError::Version(None)),
        }
    }
}

/// The record with its version in front.
pub(crate) fn encode<T: Serialize>(version: u8, record: &T) -> TxResult<Bytes> {
    let bytes = postcard::to_extend(record, vec![version]);
    bytes.map(Bytes::from).map_err(|error| StoreError::Engine(format!("write a record: {error}").into()))
}

/// The record, if it is of this version; anything else is damage, or a newer program's.
pub(crate) fn decode<T: DeserializeOwned>(version: u8, what: &str, bytes: &[u8]) -> TxResult<T> {
    let failed = |reason: String| StoreError::Engine(format!("read {what}: {reason}").into());
    match bytes.split_first() {
        Some((found, body)) if *found == version => {
            postcard::from_bytes(body).map_err(|error| failed(error.to_string()))
        }
        Some((found, _)) => Err(failed(format!("version {found} is not known, only {version}"))),
        None => Err(failed("it is empty".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_one_of_another_version_is_refused() {
        let record = encode(3, &("text", 7_u64)).unwrap();
        assert_eq!(decode::<(String, u64)>(3, "a pair", &record).unwrap(), ("text".to_owned(), 7));
        let refused = decode::<(String, u64)>(2, "a pair", &record).unwrap_err();
        assert_eq!(refused.to_string(), "the store failed: read a pair: version 3 is not known, only 2");
        assert!(decode::<(String, u64)>(3, "a pair", &record[..2]).is_err());
        assert!(decode::<(String, u64)>(3, "a pair", &[]).is_err());
    }
}
