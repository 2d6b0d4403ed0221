//! Why a configuration is refused, in S3's words.

use super::document::Document;
use crate::error::Failure;

/// A configuration that is refused, or that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("The XML you provided was not well-formed or did not validate against our published schema")]
    MalformedXml,
    #[error("The XML you provided was not well-formed or did not validate against our published schema")]
    MalformedAcl,
    /// An argument with this name and value; S3 leaves the message empty for some of them.
    #[error("{message}")]
    Argument { message: String, name: &'static str, value: Option<String> },
    #[error("{0}")]
    Request(String),
    #[error("{message}")]
    Tag { message: &'static str, key: String, value: Option<String> },
    /// More tags than one bucket or object may have.
    #[error("{0}")]
    TooManyTags(String),
    #[error("{0}")]
    MalformedPolicy(&'static str),
    #[error("Your request was missing a required header")]
    MissingHeader(&'static str),
    #[error("The bucket does not allow ACLs")]
    AclsOff,
    #[error("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")]
    AclsWithOwnership,
    #[error("Access Denied")]
    PublicBlocked,
    #[error("The target bucket for logging does not exist")]
    NoLoggingTarget(String),
    #[error("{}", .0.absent().1)]
    Absent(Document),
    #[error("{0}")]
    NotBuilt(String),
}

impl ConfigError {
    pub(crate) fn argument(
        message: impl Into<String>,
        name: &'static str,
        value: impl Into<Option<String>>,
    ) -> Self {
        Self::Argument { message: message.into(), name, value: value.into() }
    }

    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::Request(message.into())
    }

    /// S3's code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::MalformedXml => "MalformedXML",
            Self::MalformedAcl => "MalformedACLError",
            Self::Argument { .. } => "InvalidArgument",
            Self::Request(_) => "InvalidRequest",
            Self::Tag { .. } => "InvalidTag",
            Self::TooManyTags(_) => "BadRequest",
            Self::MalformedPolicy(_) => "MalformedPolicy",
            Self::MissingHeader(_) => "MissingSecurityHeader",
            Self::AclsOff => "AccessControlListNotSupported",
            Self::AclsWithOwnership => "InvalidBucketAclWithObjectOwnership",
            Self::PublicBlocked => "AccessDenied",
            Self::NoLoggingTarget(_) => "InvalidTargetBucketForLogging",
            Self::Absent(document) => document.absent().0,
            Self::NotBuilt(_) => "NotImplemented",
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::PublicBlocked => 403,
            Self::Absent(_) => 404,
            Self::NotBuilt(_) => 501,
            _ => 400,
        }
    }

    /// Elements of the answer beside code and message.
    pub(crate) fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Argument { name, value, .. } => {
                let mut details = vec![("ArgumentName", (*name).to_owned())];
                details.extend(value.clone().map(|value| ("ArgumentValue", value)));
                details
            }
            Self::Tag { key, value, .. } => {
                let mut details = vec![("TagKey", key.clone())];
                details.extend(value.clone().map(|value| ("TagValue", value)));
                details
            }
            Self::MissingHeader(name) => vec![("MissingHeaderName", (*name).to_owned())],
            Self::NoLoggingTarget(bucket) => vec![("TargetBucket", bucket.clone())],
            _ => Vec::new(),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = Self::new(error.status(), error.code(), error.to_string());
        error.details().into_iter().fold(failure, |failure, (name, value)| failure.with(name, value))
    }
}
