//! What goes wrong in CloudWatch Logs, in AWS's words.

use hearth_aws::{ApiError, Code};
use hearth_store::{RecordError, StoreError};

use crate::batches::PackError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum LogsError {
    #[error("The specified log group does not exist.")]
    NoGroup,
    #[error("The specified log stream does not exist.")]
    NoStream,
    #[error("The specified {0} does not exist.")]
    NoFilter(&'static str),
    #[error("The specified log group already exists")]
    GroupExists,
    #[error("The specified log stream already exists")]
    StreamExists,
    #[error("The specified nextToken is invalid.")]
    Token,
    #[error("{0}")]
    Invalid(String),
    /// The one that is named so, unlike most violations of this service.
    #[error("{0}")]
    Validation(&'static str),
    #[error("Resource limit exceeded.")]
    Limit,
    #[error("The resource cannot have more than {0} tags.")]
    TooManyTags(usize),
    #[error("access the state of logs")]
    Store(#[from] StoreError),
    #[error("read a record of logs")]
    Unreadable(#[from] RecordError),
    #[error("read or write a batch of events")]
    Packed(#[from] PackError),
}

impl LogsError {
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }
}

impl From<LogsError> for ApiError {
    fn from(error: LogsError) -> Self {
        use LogsError::*;
        match &error {
            NoGroup | NoStream | NoFilter(_) => ApiError::client(Code::ResourceNotFound, &error),
            GroupExists | StreamExists => {
                ApiError::client(Code::Modelled("ResourceAlreadyExistsException"), &error)
            }
            Token | Invalid(_) => ApiError::client(Code::Modelled("InvalidParameterException"), &error),
            Validation(_) => ApiError::client(Code::Modelled("ValidationException"), &error),
            Limit => ApiError::client(Code::Modelled("LimitExceededException"), &error),
            TooManyTags(_) => ApiError::client(Code::Modelled("TooManyTagsException"), &error),
            Store(cause) => ApiError::internal_saying(cause.to_string(), error),
            Unreadable(_) | Packed(_) => ApiError::internal(error),
        }
    }
}
