//! What goes wrong in IAM, in AWS's words.

use std::fmt;

use hearth_aws::{ApiError, Code};
use hearth_store::{RecordError, StoreError};

/// What kind of thing a text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Group,
    InstanceProfile,
    Policy,
    Role,
    User,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum IamError {
    #[error("{}", already(*.0, .1))]
    AlreadyExists(What, String),
    #[error("{}", missing(*.0, .1))]
    NotFound(What, String),
    #[error("Policy {0} does not exist or is not attachable.")]
    NoPolicy(String),
    #[error("Policy {0} was not found.")]
    NotAttached(String),
    #[error("Policy {policy} version {version} does not exist or is not attachable.")]
    NoVersion { policy: String, version: String },
    #[error("The {0} policy with name {1} cannot be found.")]
    NoInlinePolicy(What, String),
    #[error("The Access Key with id {0} cannot be found.")]
    NoAccessKey(String),
    #[error("{0}")]
    Nothing(String),
    #[error("{0}")]
    Taken(String),
    #[error("Cannot delete entity, must {0} first.")]
    Holds(&'static str),
    #[error("{0}")]
    Conflict(&'static str),
    #[error("{0}")]
    Malformed(&'static str),
    #[error("{0}")]
    Invalid(String),
    #[error("Must specify userName when calling with non-User credentials")]
    NoUser,
    #[error("Cannot exceed quota for {quota}: {limit}")]
    Quota { quota: &'static str, limit: u32 },
    #[error("Maximum policy size of {limit} bytes exceeded for {what} {name}")]
    InlineTooLarge { limit: usize, what: What, name: String },
    #[error(
        "A managed policy can have up to {} versions. Before you create a new version, you must delete an existing \
         version.",
        crate::policies::VERSIONS_MAX
    )]
    TooManyVersions,
    #[error("Duplicate tag keys found. Please note that Tag keys are case insensitive.")]
    SameTagTwice,
    #[error("The number of tags has reached the maximum limit.")]
    TooManyTags,
    #[error("The tags and texts of {0} {1} are larger than Hearth can keep.")]
    TooLarge(What, String),
    #[error("Invalid Marker.")]
    Marker,
    #[error("User: {caller} is not authorized to perform: iam:{action} on resource: {resource}")]
    AwsManaged { caller: String, action: &'static str, resource: String },
    #[error("Cannot perform the operation on the protected role '{0}' - this role is only modifiable by AWS")]
    Protected(String),
    #[error("access the state of IAM")]
    Store(#[from] StoreError),
    #[error("read a record of IAM")]
    Unreadable(#[from] RecordError),
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Group => "group",
            Self::InstanceProfile => "instance profile",
            Self::Policy => "policy",
            Self::Role => "role",
            Self::User => "user",
        })
    }
}

fn already(what: What, name: &str) -> String {
    match what {
        What::Group => format!("Group with name {name} already exists."),
        What::InstanceProfile => format!("Instance Profile {name} already exists."),
        What::Policy => format!("A policy called {name} already exists. Duplicate names are not allowed."),
        What::Role => format!("Role with name {name} already exists."),
        What::User => format!("User with name {name} already exists."),
    }
}

fn missing(what: What, name: &str) -> String {
    match what {
        What::InstanceProfile => format!("Instance Profile {name} cannot be found."),
        What::Policy => format!("Policy {name} was not found."),
        What::Group | What::Role | What::User => format!("The {what} with name {name} cannot be found."),
    }
}

impl From<IamError> for ApiError {
    fn from(error: IamError) -> Self {
        use IamError::*;
        let code = match &error {
            AlreadyExists(..) | Taken(_) => Code::EntityAlreadyExists,
            NotFound(..)
            | NoPolicy(_)
            | NotAttached(_)
            | NoVersion { .. }
            | NoInlinePolicy(..)
            | NoAccessKey(_)
            | Nothing(_) => Code::NoSuchEntity,
            Holds(_) | Conflict(_) => Code::DeleteConflict,
            Malformed(_) => Code::MalformedPolicyDocument,
            Invalid(_) | TooLarge(..) | TooManyTags | SameTagTwice | Marker => Code::InvalidInput,
            NoUser => Code::Validation,
            Quota { .. } | InlineTooLarge { .. } | TooManyVersions => Code::LimitExceeded,
            AwsManaged { .. } => Code::AccessDenied,
            Protected(_) => Code::Modelled("UnmodifiableEntityException"),
            Store(cause) => return ApiError::internal_saying(cause.to_string(), error),
            Unreadable(_) => return ApiError::internal(error),
        };
        ApiError::client(code, &error)
    }
}
