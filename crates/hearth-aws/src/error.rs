//! The error an operation answers with: one table gives each code its wire name, status and message key.

use std::error::Error;
use std::fmt;

use crate::document::Document;

mod table;

pub(crate) use table::{WireError, wire};

/// A failed call as a client sees it. Which members the body has is the protocol's business.
#[derive(Debug)]
pub struct ApiError {
    /// What went wrong, in AWS's vocabulary.
    pub code: Code,
    /// The text, exactly as AWS words it.
    pub message: String,
    /// Members beside the message that this error carries (`Reason` of TooManyRequestsException).
    pub members: Vec<(&'static str, Document)>,
    /// Whether the body says `Type` (Lambda leaves it out of some errors: `spec/lambda-api.md` section 1).
    pub has_type: bool,
    /// The cause, for our log only; a client never sees it.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// A fault of the caller.
    pub fn client(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string(), members: Vec::new(), has_type: true, source: None }
    }

    /// A fault of ours: the client reads a general text, the log has the cause.
    pub fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        let message = "An internal error occurred.".to_owned();
        Self {
            code: Code::ServiceFailure,
            message,
            members: Vec::new(),
            has_type: true,
            source: Some(Box::new(source)),
        }
    }

    /// A fault of ours that the client's user may be able to mend: a full disk, a disk that failed. The text says so.
    pub fn internal_saying(text: impl fmt::Display, source: impl Error + Send + Sync + 'static) -> Self {
        let message = format!("An internal error occurred: {text}");
        Self { message, ..Self::internal(source) }
    }

    /// The same error without the `Type` member.
    pub fn without_type(self) -> Self {
        Self { has_type: false, ..self }
    }

    /// The same error with one more body member.
    pub fn with(mut self, member: &'static str, value: Document) -> Self {
        self.members.push((member, value));
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.code, self.message)
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// Every code that a service of ours answers with. The wire name may differ by service: `ServiceFailure` is
/// `ServiceException` for Lambda and `InternalFailure` elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Code {
    // Any service.
    AccessDenied,
    ExpiredToken,
    IncompleteSignature,
    InvalidSignature,
    MethodNotAllowed,
    MissingAuthenticationToken,
    NotImplemented,
    RequestEntityTooLarge,
    RequestTimeTooSkewed,
    RequestTimeout,
    Serialization,
    ServiceFailure,
    Throttling,
    UnknownOperation,
    UnrecognizedClient,
    Validation,
    // Lambda.
    CodeSigningConfigNotFound,
    CodeStorageExceeded,
    InvalidParameterValue,
    InvalidRequestContent,
    InvalidRuntime,
    InvalidZipFile,
    PolicyLengthExceeded,
    PreconditionFailed,
    ProvisionedConcurrencyConfigNotFound,
    RecursiveInvocation,
    ResourceConflict,
    ResourceInUse,
    ResourceNotFound,
    ResourceNotReady,
    TooManyRequests,
    UnsupportedMediaType,
    // IAM and STS.
    DeleteConflict,
    EntityAlreadyExists,
    InvalidInput,
    LimitExceeded,
    MalformedPolicyDocument,
    NoSuchEntity,
    /// An exception of the service's model, by its shape's name: the model knows status, code and message key.
    Modelled(&'static str),
}
