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
    #[error("The role policy with name {0} cannot be found.")]
    NoInlinePolicy(String),
    #[error("Cannot delete entity, must detach all policies first.")]
    StillAttached,
    #[error("Cannot delete entity, must delete policies first.")]
    StillInline,
    #[error("This policy contains invalid Json")]
    PolicyNotJson,
    #[error("{0} is not supported by Hearth yet.")]
    NotSupported(&'static str),
    #[error("Cannot exceed quota for PoliciesPerRole: {limit}", limit = crate::roles::POLICIES_MAX)]
    TooManyPolicies,
    #[error("Maximum policy size of {limit} bytes exceeded for role {0}", limit = crate::inline_policies::INLINE_CHARACTERS_MAX)]
    InlineTooLarge(String),
    #[error("Cannot exceed quota for ACLSizePerRole: {limit}", limit = crate::roles::TRUST_POLICY_CHARACTERS_MAX)]
    TrustTooLarge,
    #[error("Duplicate tag keys found. Please note that Tag keys are case insensitive.")]
    SameTagTwice,
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
            NotFound(_) | NoPolicy(_) | NotAttached(_) | NoInlinePolicy(_) => Code::NoSuchEntity,
            StillAttached | StillInline => Code::DeleteConflict,
            PolicyNotJson => Code::MalformedPolicyDocument,
            NotSupported(_) | TooManyTags | SameTagTwice | Marker => Code::InvalidInput,
            TooManyPolicies | InlineTooLarge(_) | TrustTooLarge => Code::LimitExceeded,
            Store(cause) => return ApiError::internal_saying(cause.to_string(), error),
            Unreadable(_) => return ApiError::internal(error),
        };
        ApiError::client(code, &error)
    }
}
