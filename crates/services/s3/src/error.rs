//! What goes wrong in S3, in its own words.

use std::error::Error;
use std::fmt;

use hearth_aws::{ApiError, Code};
use hearth_store::{BlobError, KeepError, RecordError, StoreError};
use http::StatusCode;

/// A call that failed: what its XML says, and in which answer.
#[derive(Debug)]
pub struct Failure {
    /// `NoSuchKey`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// For people.
    pub message: String,
    /// Further elements of the answer: `Key`, `BucketName`.
    pub members: Vec<(&'static str, String)>,
    /// Further headers of the answer.
    pub headers: Vec<(&'static str, String)>,
    /// The cause, for our log only.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure with its status.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            message: message.into(),
            members: Vec::new(),
            headers: Vec::new(),
            source: None,
        }
    }

    /// The same with one more element.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// A fault of ours.
    pub fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        let message = "We encountered an internal error. Please try again.";
        Self { source: Some(Box::new(source)), ..Self::new(500, "InternalError", message) }
    }

    /// A fault of ours that the client's user may be able to mend: a full disk. The text says so.
    fn internal_saying(text: &str, source: impl Error + Send + Sync + 'static) -> Self {
        let message = format!("We encountered an internal error: {text}");
        Self { message, ..Self::internal(source) }
    }

    pub(crate) fn no_bucket(name: &str) -> Self {
        Self::new(404, "NoSuchBucket", "The specified bucket does not exist").with("BucketName", name)
    }

    pub(crate) fn no_key(key: &str) -> Self {
        Self::new(404, "NoSuchKey", "The specified key does not exist.").with("Key", key)
    }

    pub(crate) fn no_version(key: &str, id: &str) -> Self {
        let text = "The specified version does not exist.";
        Self::new(404, "NoSuchVersion", text).with("Key", key).with("VersionId", id)
    }

    pub(crate) fn no_upload(id: &str) -> Self {
        let text = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                    aborted or completed.";
        Self::new(404, "NoSuchUpload", text).with("UploadId", id)
    }

    pub(crate) fn argument(name: &'static str, value: &str, message: &str) -> Self {
        Self::new(400, "InvalidArgument", message).with("ArgumentName", name).with("ArgumentValue", value)
    }

    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequest", message)
    }

    pub(crate) fn precondition(condition: &str) -> Self {
        let text = "At least one of the pre-conditions you specified did not hold";
        Self::new(412, "PreconditionFailed", text).with("Condition", condition)
    }

    pub(crate) fn malformed_xml() -> Self {
        let text =
            "The XML you provided was not well-formed or did not validate against our published schema";
        Self::new(400, "MalformedXML", text)
    }

    pub(crate) fn not_built(what: &str) -> Self {
        let text = format!("{what} is not implemented by Hearth yet; docs/coverage.md lists what is.");
        Self::new(501, "NotImplemented", text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::internal_saying(&error.to_string(), error)
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        Self::internal_saying(&error.to_string(), error)
    }
}

impl From<KeepError> for Failure {
    fn from(error: KeepError) -> Self {
        Self::internal_saying(&error.to_string(), error)
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self::internal(error)
    }
}

/// What a body ended with.
impl From<Box<dyn Error + Send + Sync>> for Failure {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        match error.downcast::<ApiError>() {
            Ok(error) => {
                let failure = Self::from(&*error);
                Self { source: error.source, ..failure }
            }
            Err(error) => Self { source: Some(error), ..Self::internal(fmt::Error) },
        }
    }
}

/// What the front door says, as S3 says it.
impl From<&ApiError> for Failure {
    fn from(error: &ApiError) -> Self {
        let (status, code) = match error.code {
            Code::AccessDenied => (403, "AccessDenied"),
            Code::ExpiredToken => (400, "ExpiredToken"),
            Code::IncompleteSignature => (400, "AuthorizationHeaderMalformed"),
            Code::InvalidSignature => (403, "SignatureDoesNotMatch"),
            Code::MissingAuthenticationToken => (403, "AccessDenied"),
            Code::NotImplemented => (501, "NotImplemented"),
            Code::RequestEntityTooLarge => (400, "EntityTooLarge"),
            Code::RequestTimeTooSkewed => (403, "RequestTimeTooSkewed"),
            Code::RequestTimeout => (400, "RequestTimeout"),
            Code::Throttling => (503, "SlowDown"),
            Code::MethodNotAllowed => (405, "MethodNotAllowed"),
            Code::UnrecognizedClient => (403, "InvalidAccessKeyId"),
            Code::ServiceFailure => (500, "InternalError"),
            Code::Modelled("MissingContentLength") => (411, "MissingContentLength"),
            Code::Modelled("NoSuchBucket") => (404, "NoSuchBucket"),
            Code::Modelled("InvalidChunkSizeError") => (403, "InvalidChunkSizeError"),
            Code::Modelled(code) => (400, code),
            _ => (400, "InvalidRequest"),
        };
        Self::new(status, code, error.message.clone())
    }
}
