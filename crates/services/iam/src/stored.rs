//! How roles lie in the store: a version byte, then the record of that version in postcard.

use bytes::Bytes;
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use crate::roles::Role;

const VERSION_1: u8 = 1;

/// A record that this program cannot read: damaged, or written by a newer one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("the record is of version {0:?}, which this program does not know")]
    Version(Option<u8>),
    #[error("the record is damaged")]
    Damaged(#[from] postcard::Error),
}

#[derive(Serialize, Deserialize)]
struct RoleV1 {
    name: String,
    id: String,
    path: String,
    trust_policy: String,
    description: Option<String>,
    session_seconds_max: u32,
    created_micros: i64,
    tags: Vec<(String, String)>,
}

/// A policy that is part of a role. Its record is a version byte and this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InlinePolicy {
    pub(crate) name: String,
    pub(crate) document: String,
}

pub(crate) fn encode_inline(policy: &InlinePolicy) -> Result<Bytes, RecordError> {
    Ok(postcard::to_extend(policy, vec![VERSION_1])?.into())
}

pub(crate) fn decode_inline(record: &[u8]) -> Result<InlinePolicy, RecordError> {
    match record.split_first() {
        Some((&VERSION_1, body)) => Ok(postcard::from_bytes(body)?),
        other => Err(RecordError::Version(other.map(|(version, _)| *version))),
    }
}

pub(crate) fn encode(role: &Role) -> Result<Bytes, RecordError> {
    let role = role.clone();
    let record = RoleV1 {
        name: role.name,
        id: role.id,
        path: role.path,
        trust_policy: role.trust_policy,
        description: role.description,
        session_seconds_max: role.session_seconds_max,
        created_micros: role.created.as_micros(),
        tags: role.tags,
    };
    Ok(postcard::to_extend(&record, vec![VERSION_1])?.into())
}

pub(crate) fn decode(record: &[u8]) -> Result<Role, RecordError> {
    let record: RoleV1 = match record.split_first() {
        Some((&VERSION_1, body)) => postcard::from_bytes(body)?,
        other => return Err(RecordError::Version(other.map(|(version, _)| *version))),
    };
    Ok(Role {
        name: record.name,
        id: record.id,
        path: record.path,
        trust_policy: record.trust_policy,
        description: record.description,
        session_seconds_max: record.session_seconds_max,
        created: Timestamp::from_micros(record.created_micros),
        tags: record.tags,
    })
}
