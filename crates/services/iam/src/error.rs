//! What goes wrong with roles, in AWS's words.

use hearth_aws::{ApiError, Code};
use hearth_store::StoreError;

use crate::stored::RecordError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum RoleError {
    #[error("Role with name {0} already exists.")]
    AlreadyExists(String),
    #[error("The role with name {0} cannot be found.")]
    NotFound(String),
    #[error("Policy {0} does not exist or is not attachable.")]
    NoPolicy(String),
    #[error("Policy {0} was not found.")]
    NotAttached(String),
    #[error("Cannot delete entity, must detach all policies first.")]
    StillAttached,
    #[error("This policy contains invalid Json")]
    PolicyNotJson,
    #[error("{0} is not supported by Hearth yet.")]
    NotSupported(&'static str),
    #[error("Cannot exceed quota for PoliciesPerRole: {limit}", limit = crate::roles::POLICIES_MAX)]
    TooManyPolicies,
    #[error("The number of tags has reached the maximum limit.")]
    TooManyTags,
    #[error("Invalid Marker.")]
    Marker,
    #[error("access the state of roles")]
    Store(#[from] StoreError),
    #[error("read the record of a role")]
    Unreadable(#[from] RecordError),
}

impl From<RoleError> for ApiError {
    fn from(error: RoleError) -> Self {
        use RoleError::*;
        let code = match &error {
            AlreadyExists(_) => Code::EntityAlreadyExists,
            NotFound(_) | NoPolicy(_) | NotAttached(_) => Code::NoSuchEntity,
            StillAttached => Code::DeleteConflict,
            PolicyNotJson => Code::MalformedPolicyDocument,
            NotSupported(_) | TooManyTags | Marker => Code::InvalidInput,
            TooManyPolicies => Code::LimitExceeded,
            Store(_) | Unreadable(_) => return ApiError::internal(error),
        };
        ApiError::client(code, &error)
    }
}
