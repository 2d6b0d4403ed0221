//! How a function lies in the store: a version byte, then the record of that version in postcard.
//!
//! A change of [`FunctionV3`] breaks files that exist: a new version gets a type and a byte of its own.
//! [`FunctionV1`] knew neither layers nor updates; a migration writes it anew. [`FunctionV2`] knew no format of logs:
//! it is text.

use std::collections::BTreeMap;

use bytes::Bytes;
use hearth_aws::names::{FunctionName, RoleArn};
use hearth_store::BlobDigest;
use hearth_worker::{LogFormat, LogLevel};
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::function::{Function, LayerUse, State, StateReasonCode, Update};

/// By their numbers in a record.
const LEVELS: [LogLevel; 6] =
    [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error, LogLevel::Fatal];

const VERSION_1: u8 = 1;
const VERSION_2: u8 = 2;
const VERSION_3: u8 = 3;

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

/// What [`FunctionV1`] has, then what came with layers and updates.
#[derive(Serialize, Deserialize)]
struct FunctionV2 {
    base: FunctionV1,
    layers: Vec<LayerUseV2>,
    update: UpdateV2,
}

/// What [`FunctionV2`] has, then how logs are written: of the function, and of the one that an update would replace.
#[derive(Serialize, Deserialize)]
struct FunctionV3 {
    base: FunctionV2,
    log_format: LogFormatV3,
    log_format_before: Option<LogFormatV3>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum LogFormatV3 {
    Text,
    /// Levels by their numbers from TRACE, 0, to FATAL, 5.
    Json {
        application: u8,
        system: u8,
    },
}

#[derive(Serialize, Deserialize)]
struct LayerUseV2 {
    arn: String,
    digest: [u8; 32],
    bytes: u64,
    unzipped_bytes: u64,
}

#[derive(Serialize, Deserialize)]
enum UpdateV2 {
    Settled,
    InProgress { before: Box<FunctionV2> },
    Failed { code: StateReasonCodeV1, reason: String },
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
    /// Since [`FunctionV2`].
    Internal,
}

pub(super) fn encode(function: &Function) -> Result<Bytes, RecordError> {
    let before = match &function.update {
        Update::InProgress { before } => Some(before.log_format.into()),
        Update::Settled | Update::Failed { .. } => None,
    };
    let record = FunctionV3 {
        base: FunctionV2::from(function),
        log_format: function.log_format.into(),
        log_format_before: before,
    };
    let record = postcard::to_extend(&record, vec![VERSION_3])?;
    Ok(record.into())
}

pub(super) fn decode(record: &[u8]) -> Result<Function, RecordError> {
    match record.split_first() {
        Some((&VERSION_1, body)) => {
            let base = postcard::from_bytes::<FunctionV1>(body)?;
            FunctionV2 { base, layers: Vec::new(), update: UpdateV2::Settled }.try_into()
        }
        Some((&VERSION_2, body)) => postcard::from_bytes::<FunctionV2>(body)?.try_into(),
        Some((&VERSION_3, body)) => {
            let FunctionV3 { base, log_format, log_format_before } = postcard::from_bytes(body)?;
            let mut function = Function::try_from(base)?;
            function.log_format = log_format.try_into()?;
            if let (Update::InProgress { before }, Some(format)) = (&mut function.update, log_format_before) {
                before.log_format = format.try_into()?;
            }
            Ok(function)
        }
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

impl From<&Function> for FunctionV2 {
    fn from(function: &Function) -> Self {
        let layer = |layer: &LayerUse| LayerUseV2 {
            arn: layer.arn.clone(),
            digest: *layer.digest.as_bytes(),
            bytes: layer.bytes,
            unzipped_bytes: layer.unzipped_bytes,
        };
        Self {
            base: FunctionV1::from(function),
            layers: function.layers.iter().map(layer).collect(),
            update: match &function.update {
                Update::Settled => UpdateV2::Settled,
                Update::InProgress { before } => {
                    UpdateV2::InProgress { before: Box::new(Self::from(&**before)) }
                }
                Update::Failed { code, reason } => {
                    UpdateV2::Failed { code: (*code).into(), reason: reason.clone() }
                }
            },
        }
    }
}

impl TryFrom<FunctionV2> for Function {
    type Error = RecordError;

    fn try_from(FunctionV2 { base: record, layers, update }: FunctionV2) -> Result<Self, RecordError> {
        let layer = |layer: LayerUseV2| LayerUse {
            arn: layer.arn,
            digest: BlobDigest::from_bytes(layer.digest),
            bytes: layer.bytes,
            unzipped_bytes: layer.unzipped_bytes,
        };
        Ok(Self {
            layers: layers.into_iter().map(layer).collect(),
            update: match update {
                UpdateV2::Settled => Update::Settled,
                UpdateV2::InProgress { before } => {
                    Update::InProgress { before: Box::new((*before).try_into()?) }
                }
                UpdateV2::Failed { code, reason } => Update::Failed { code: code.into(), reason },
            },
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
            log_format: LogFormat::Text,
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

impl From<LogFormat> for LogFormatV3 {
    fn from(format: LogFormat) -> Self {
        let number = |level: LogLevel| LEVELS.iter().position(|known| *known == level).unwrap_or(0) as u8;
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json { application, system } => {
                Self::Json { application: number(application), system: number(system) }
            }
        }
    }
}

impl TryFrom<LogFormatV3> for LogFormat {
    type Error = RecordError;

    fn try_from(format: LogFormatV3) -> Result<Self, RecordError> {
        let level = |number: u8| {
            let level = LEVELS.get(usize::from(number)).copied();
            level.ok_or_else(|| RecordError::Value(format!("log level {number}")))
        };
        Ok(match format {
            LogFormatV3::Text => Self::Text,
            LogFormatV3::Json { application, system } => {
                Self::Json { application: level(application)?, system: level(system)? }
            }
        })
    }
}

impl From<StateReasonCode> for StateReasonCodeV1 {
    fn from(code: StateReasonCode) -> Self {
        match code {
            StateReasonCode::Configuration => Self::Configuration,
            StateReasonCode::Runtime => Self::Runtime,
            StateReasonCode::ZipFile => Self::ZipFile,
            StateReasonCode::Internal => Self::Internal,
        }
    }
}

impl From<StateReasonCodeV1> for StateReasonCode {
    fn from(code: StateReasonCodeV1) -> Self {
        match code {
            StateReasonCodeV1::Configuration => Self::Configuration,
            StateReasonCodeV1::Runtime => Self::Runtime,
            StateReasonCodeV1::ZipFile => Self::ZipFile,
            StateReasonCodeV1::Internal => Self::Internal,
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
    fn layers_and_updates_are_stored_with_what_an_update_would_replace() {
        let layer = LayerUse {
            arn: "arn:aws:lambda:eu-west-1:123456789012:layer:numbers:3".into(),
            digest: BlobDigest::of(b"a layer"),
            bytes: 7,
            unzipped_bytes: 70,
        };
        let before = Box::new(Function { layers: vec![layer.clone()], ..Function::example("thumbnail") });
        let failed = Update::Failed { code: StateReasonCode::Internal, reason: "the disk is full".into() };
        for update in [Update::InProgress { before }, failed] {
            let layers = vec![layer.clone(), layer.clone()];
            let function = Function { layers, update, ..Function::example("thumbnail") };
            let record = encode(&function).expect("a record");
            assert_eq!(decode(&record).expect("the same program reads it"), function);
        }
    }

    #[test]
    fn formats_of_logs_are_stored_and_a_function_of_a_program_without_them_writes_text() {
        let json = LogFormat::Json { application: LogLevel::Fatal, system: LogLevel::Debug };
        let before = Function { log_format: json, ..Function::example("thumbnail") };
        let update = Update::InProgress { before: Box::new(before.clone()) };
        let function = Function { update, ..Function::example("thumbnail") };
        assert_eq!(decode(&encode(&function).expect("a record")).expect("readable"), function);
        assert_eq!(decode(&encode(&before).expect("a record")).expect("readable"), before);
        let old = function_without(&before);
        assert_eq!(decode(&old).expect("readable").log_format, LogFormat::Text);
    }

    fn function_without(function: &Function) -> Vec<u8> {
        postcard::to_extend(&FunctionV2::from(function), vec![VERSION_2]).expect("a record")
    }

    #[test]
    fn a_function_of_a_program_without_layers_and_updates_has_none() {
        let function = function(State::Pending, None);
        let record = postcard::to_extend(&FunctionV1::from(&function), vec![VERSION_1]).expect("a record");
        assert_eq!(decode(&record).expect("this program reads it"), function);
    }

    #[test]
    fn a_record_of_a_newer_program_is_refused_and_not_guessed_at() {
        let mut record = encode(&function(State::Active, None)).expect("a record").to_vec();
        record[0] = 4;
        assert!(matches!(decode(&record), Err(RecordError::Version(Some(4)))));
        assert!(matches!(decode(&[]), Err(RecordError::Version(None))));
    }
}
