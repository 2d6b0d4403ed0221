//! How a function lies in the store: a version byte, then the record of that version in postcard.
//!
//! A change of [`FunctionV1`] breaks files that exist: a new version gets a type and a byte of its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use hearth_aws::names::{FunctionName, RoleArn};
use hearth_store::BlobDigest;
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::function::{Function, State, StateReasonCode};

const VERSION_1: u8 = 1;

/// A record that this program cannot read: damaged, or written by a newer one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("the record is of version {0:?}, which this program does not know")]
    Version(Option<u8>),
    #[error("the record is damaged")]
    Damaged(#[from] postcard::Error),
    #[error("the record has a value that none can have: {0}")]
    Value(String),
}

#[derive(Serialize, Deserialize)]
struct FunctionV1 {
    name: String,
    role: String,
    runtime: String,
    handler: String,
    description: String,
    timeout_seconds: u32,
    memory_mb: u32,
    ephemeral_mb: u32,
    architecture: String,
    environment: Option<BTreeMap<String, String>>,
    log_group: String,
    code_digest: [u8; 32],
    code_bytes: u64,
    last_modified_micros: i64,
    revision_id: [u8; 16],
    state: StateV1,
}

#[derive(Serialize, Deserialize)]
enum StateV1 {
    Pending,
    Active,
    Failed { code: StateReasonCodeV1, reason: String },
}

#[derive(Serialize, Deserialize)]
enum StateReasonCodeV1 {
    Configuration,
    Runtime,
    ZipFile,
}

pub(super) fn encode(function: &Function) -> Result<Bytes, RecordError> {
    let record = postcard::to_extend(&FunctionV1::from(function), vec![VERSION_1])?;
    Ok(record.into())
}

pub(super) fn decode(record: &[u8]) -> Result<Function, RecordError> {
    match record.split_first() {
        Some((&VERSION_1, body)) => postcard::from_bytes::<FunctionV1>(body)?.try_into(),
        other => Err(RecordError::Version(other.map(|(version, _)| *version))),
    }
}

/// A small record that is a few texts.
pub(super) fn encode_texts(texts: &[&str]) -> Bytes {
    let record = postcard::to_extend(&texts, vec![VERSION_1]).expect("texts always have a postcard form");
    record.into()
}

pub(super) fn decode_texts<const N: usize>(record: &[u8]) -> Result<[String; N], RecordError> {
    let Some((&VERSION_1, body)) = record.split_first() else {
        return Err(RecordError::Version(record.first().copied()));
    };
    let texts: Vec<String> = postcard::from_bytes(body)?;
    texts.try_into().map_err(|_| RecordError::Damaged(postcard::Error::DeserializeUnexpectedEnd))
}

impl From<&Function> for FunctionV1 {
    fn from(function: &Function) -> Self {
        let function = function.clone();
        Self {
            name: function.name.to_string(),
            role: function.role.to_string(),
            runtime: function.runtime,
            handler: function.handler,
            description: function.description,
            timeout_seconds: function.timeout_seconds,
            memory_mb: function.memory_mb,
            ephemeral_mb: function.ephemeral_mb,
            architecture: function.architecture,
            environment: function.environment,
            log_group: function.log_group,
            code_digest: *function.code.as_bytes(),
            code_bytes: function.code_bytes,
            last_modified_micros: function.last_modified.as_micros(),
            revision_id: function.revision_id.into_bytes(),
            state: match function.state {
                State::Pending => StateV1::Pending,
                State::Active => StateV1::Active,
                State::Failed { code, reason } => StateV1::Failed { code: code.into(), reason },
            },
        }
    }
}

impl TryFrom<FunctionV1> for Function {
    type Error = RecordError;

    fn try_from(record: FunctionV1) -> Result<Self, RecordError> {
        Ok(Self {
            name: FunctionName::parse(&record.name).ok_or(RecordError::Value(record.name))?,
            role: RoleArn::parse(&record.role).ok_or(RecordError::Value(record.role))?,
            runtime: record.runtime,
            handler: record.handler,
            description: record.description,
            timeout_seconds: record.timeout_seconds,
            memory_mb: record.memory_mb,
            ephemeral_mb: record.ephemeral_mb,
            architecture: record.architecture,
            environment: record.environment,
            log_group: record.log_group,
            code: BlobDigest::from_bytes(record.code_digest),
            code_bytes: record.code_bytes,
            last_modified: Timestamp::from_micros(record.last_modified_micros),
            revision_id: Uuid::from_bytes(record.revision_id),
            state: match record.state {
                StateV1::Pending => State::Pending,
                StateV1::Active => State::Active,
                StateV1::Failed { code, reason } => State::Failed { code: code.into(), reason },
            },
        })
    }
}

impl From<StateReasonCode> for StateReasonCodeV1 {
    fn from(code: StateReasonCode) -> Self {
        match code {
            StateReasonCode::Configuration => Self::Configuration,
            StateReasonCode::Runtime => Self::Runtime,
            StateReasonCode::ZipFile => Self::ZipFile,
        }
    }
}

impl From<StateReasonCodeV1> for StateReasonCode {
    fn from(code: StateReasonCodeV1) -> Self {
        match code {
            StateReasonCodeV1::Configuration => Self::Configuration,
            StateReasonCodeV1::Runtime => Self::Runtime,
            StateReasonCodeV1::ZipFile => Self::ZipFile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(state: State, environment: Option<BTreeMap<String, String>>) -> Function {
        Function { state, environment, ..Function::example("thumbnail") }
    }

    #[test]
    fn what_is_stored_comes_back_as_it_was() {
        let failed = State::Failed { code: StateReasonCode::Runtime, reason: "no ruby here".into() };
        let variables = BTreeMap::from([("KEY".to_owned(), String::new())]);
        for (state, environment) in
            [(State::Pending, None), (State::Active, Some(BTreeMap::new())), (failed, Some(variables))]
        {
            let function = function(state, environment);
            let record = encode(&function).expect("a record");
            assert_eq!(decode(&record).expect("the same program reads it"), function);
        }
    }

    #[test]
    fn a_record_of_a_newer_program_is_refused_and_not_guessed_at() {
        let mut record = encode(&function(State::Active, None)).expect("a record").to_vec();
        record[0] = 2;
        assert!(matches!(decode(&record), Err(RecordError::Version(Some(2)))));
        assert!(matches!(decode(&[]), Err(RecordError::Version(None))));
    }
}
