//! What goes wrong with functions and their invocations, and how a client reads it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use hearth_aws::{ApiError, Code, Document};
use hearth_store::{KeepError, StoreError};

use crate::functions::RecordError;
use crate::limits::{CODE_UNZIPPED_BYTES_MAX, CODE_ZIPPED_BYTES_MAX, INVOKE_PAYLOAD_BYTES_MAX};
use crate::objects::ObjectError;

/// An operation on functions that did not succeed. The texts are AWS's own where AWS has one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FunctionError {
    #[error("Function not found: {0}")]
    NotFound(String),
    #[error("Function already exist: {0}")]
    AlreadyExists(String),
    #[error("Functions from '{asked}' are not reachable in this region ('{here}')")]
    OtherRegion { asked: String, here: String },
    #[error(
        "User: {caller} is not authorized to perform: lambda:{action} on resource: {resource} because no \
         resource-based policy allows the lambda:{action} action"
    )]
    OtherAccount { caller: String, action: &'static str, resource: String },
    #[error("The derived qualifier from the function name does not match the specified qualifier.")]
    QualifierMismatch,
    #[error("$LATEST version cannot be deleted without deleting the function.")]
    DeleteLatest,
    #[error("Deletion of aliases is not currently supported.")]
    DeleteAlias,
    #[error("Could not unzip uploaded file. Please check your file, then try to upload again.")]
    ZipUnreadable,
    #[error("Unzipped size must be smaller than {CODE_UNZIPPED_BYTES_MAX} bytes")]
    UnzippedTooLarge,
    #[error("Zipped size must be smaller than {CODE_ZIPPED_BYTES_MAX} bytes")]
    ZipTooLarge,
    #[error("Code storage limit exceeded.")]
    CodeStorageExceeded,
    #[error("The role defined for the function cannot be assumed by Lambda.")]
    RoleNotAssumable,
    #[error("The operation cannot be performed at this time. An update is in progress for resource: {0}")]
    UpdateInProgress(String),
    #[error(
        "The operation cannot be performed at this time. The function is currently in the following state: {0}"
    )]
    NotInState(&'static str),
    #[error(
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to \
         retrieve the latest Revision Id"
    )]
    RevisionMismatch,
    #[error(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. \
         Please specify either a function name or an unqualified function ARN."
    )]
    Qualified,
    /// Nothing of this name, in the words for everything but functions.
    #[error("The resource you requested does not exist.")]
    NothingThere,
    /// A text of its own, for what is missing.
    #[error("{0}")]
    Missing(String),
    #[error("{0}")]
    Parameter(String),
    #[error(
        "The code signing configuration cannot be found. Check that the provided configuration is not deleted: {0}."
    )]
    NoCodeSigningConfig(String),
    /// S3's answer to the read of a package.
    #[error("Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")]
    ObjectRefused { code: String, message: String },
    #[error("read a package in S3: {0}")]
    ObjectFailed(Arc<str>),
    #[error("access the state of functions")]
    Store(#[from] StoreError),
    #[error("keep a package")]
    Keep(#[from] KeepError),
    #[error("the package was collected as garbage {0} times before something held it")]
    Collected(u32),
    #[error("read the record of function {name}")]
    Unreadable {
        name: String,
        #[source]
        source: RecordError,
    },
    #[error("look for the role of a function")]
    Role(#[source] ApiError),
    #[error("make the package of function {name} ready: {reason}")]
    Prepare { name: String, reason: String },
}

impl From<FunctionError> for ApiError {
    fn from(error: FunctionError) -> Self {
        use FunctionError::*;
        match &error {
            NotFound(_) | OtherRegion { .. } | NothingThere | Missing(_) => {
                ApiError::client(Code::ResourceNotFound, &error)
            }
            AlreadyExists(_) | UpdateInProgress(_) | NotInState(_) => {
                ApiError::client(Code::ResourceConflict, &error)
            }
            NoCodeSigningConfig(_) => ApiError::client(Code::CodeSigningConfigNotFound, &error),
            RevisionMismatch => ApiError::client(Code::PreconditionFailed, &error),
            OtherAccount { .. } => ApiError::client(Code::AccessDenied, &error).without_type(),
            ZipTooLarge => ApiError::client(Code::RequestEntityTooLarge, &error).without_type(),
            CodeStorageExceeded => ApiError::client(Code::CodeStorageExceeded, &error),
            QualifierMismatch
            | DeleteLatest
            | DeleteAlias
            | ZipUnreadable
            | UnzippedTooLarge
            | RoleNotAssumable
            | Qualified
            | Parameter(_)
            | ObjectRefused { .. } => ApiError::client(Code::InvalidParameterValue, &error),
            Store(cause) => ApiError::internal_saying(cause.to_string(), error),
            Keep(cause) => ApiError::internal_saying(cause.to_string(), error),
            Collected(_) | ObjectFailed(_) | Unreadable { .. } | Role(_) | Prepare { .. } => {
                ApiError::internal(error)
            }
        }
    }
}

impl From<ObjectError> for FunctionError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Refused { code, message } => Self::ObjectRefused { code, message },
            ObjectError::Failed(reason) => Self::ObjectFailed(reason),
        }
    }
}

/// An invocation that did not reach its function, or was not allowed to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvokeError {
    #[error(transparent)]
    Function(#[from] FunctionError),
    #[error(
        "The operation cannot be performed at this time. The function is currently in the following state: {0}"
    )]
    State(&'static str),
    #[error("Request must be smaller than {INVOKE_PAYLOAD_BYTES_MAX} bytes for the InvokeFunction operation")]
    PayloadTooLarge,
    #[error("Could not parse request body into json: Could not parse payload into json: {0}")]
    PayloadNotJson(String),
    #[error("{0}")]
    ClientContext(&'static str),
    #[error("The header x-amzn-RequestId is not a valid UUID.")]
    RequestId,
    #[error("{0}")]
    Parameter(&'static str),
    #[error("Rate Exceeded.")]
    ConcurrencyExceeded,
    /// Ours alone: AWS's hosts are never full.
    #[error("Rate Exceeded. This host runs as many execution environments as it may: {0}.")]
    HostFull(u32),
    /// The host lost the runtime since the function became Active; the text says how to get it back.
    #[error("{0}")]
    RuntimeMissing(String),
    #[error("The environment could not be started: {0}")]
    NotStarted(String),
    #[error("no environment took the event after {0} attempts")]
    NoEnvironment(u32),
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// `Reason` of a call above the account's concurrency; on a full host too, so that clients treat both alike.
const CONCURRENT_LIMIT: &str = "ConcurrentInvocationLimitExceeded";

impl From<InvokeError> for ApiError {
    fn from(error: InvokeError) -> Self {
        use InvokeError::*;
        match error {
            Function(error) => error.into(),
            State(_) => ApiError::client(Code::ResourceConflict, &error),
            PayloadTooLarge => ApiError::client(Code::RequestEntityTooLarge, &error).without_type(),
            PayloadNotJson(_) | ClientContext(_) | RequestId => {
                ApiError::client(Code::InvalidRequestContent, &error)
            }
            Parameter(_) => ApiError::client(Code::InvalidParameterValue, &error),
            ConcurrencyExceeded | HostFull(_) => ApiError::client(Code::TooManyRequests, &error)
                .with("Reason", Document::String(CONCURRENT_LIMIT.to_owned())),
            RuntimeMissing(_) => ApiError::client(Code::InvalidRuntime, &error),
            // The host's user is often the caller: the text helps where a general one would not.
            NotStarted(_) => ApiError::client(Code::ServiceFailure, &error),
            NoEnvironment(_) | ShuttingDown => ApiError::internal(error),
        }
    }
}

/// An error with all its causes, for the log.
pub(crate) struct Chain<'e>(pub(crate) &'e dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(out, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
