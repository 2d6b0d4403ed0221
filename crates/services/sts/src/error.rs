//! Why credentials are not issued, in AWS's words.

use hearth_aws::{ApiError, Code};

#[derive(Debug, thiserror::Error)]
pub(crate) enum StsError {
    #[error("{0} is invalid")]
    Arn(String),
    #[error("User: {caller} is not authorized to perform: {action} on resource: {resource}")]
    Denied { caller: String, action: &'static str, resource: String },
    #[error("Roles may not be assumed by root accounts.")]
    Root,
    #[error("Cannot call {0} with session credentials")]
    Session(&'static str),
    #[error("MultiFactorAuthentication failed, unable to validate MFA code. ")]
    Mfa,
    #[error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")]
    Duration,
    #[error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    )]
    Chained,
    #[error("Duplicate tag keys found. Please note that Tag keys are case insensitive.")]
    SameTagTwice,
    #[error("The specified transitive tag key must be included in the requested tags.")]
    TransitiveNotATag,
    #[error(
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the \
         calling session."
    )]
    TransitiveTaken,
    #[error(
        "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less \
         than or equal to {}",
        crate::operations::POLICY_ARNS_MAX
    )]
    TooManyPolicies,
    #[error("This policy contains invalid Json")]
    PolicyNotJson,
    #[error("Packed policy consumes {0}% of allotted space, please use smaller policy.")]
    PackedTooLarge(usize),
    #[error("{0} is not supported by Hearth yet.")]
    NotSupported(&'static str),
    #[error("{0} is not the id of an access key.")]
    NotAKey(String),
}

impl From<StsError> for ApiError {
    fn from(error: StsError) -> Self {
        use StsError::*;
        let code = match &error {
            Denied { .. } | Root | Session(_) | Mfa => Code::AccessDenied,
            PolicyNotJson => Code::MalformedPolicyDocument,
            PackedTooLarge(_) => Code::Modelled("PackedPolicyTooLargeException"),
            Arn(_) | Duration | Chained | SameTagTwice | TransitiveNotATag | TransitiveTaken
            | TooManyPolicies | NotSupported(_) | NotAKey(_) => Code::Validation,
        };
        ApiError::client(code, &error)
    }
}
