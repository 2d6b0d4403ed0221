//! The operations of the STS API: one file each, one line each.

mod assume_role;
mod get_access_key_info;
mod get_caller_identity;
mod get_federation_token;
mod get_session_token;
mod restrictions;
mod shown;

use std::sync::Arc;

use hearth_aws::Service;

pub(crate) use restrictions::POLICY_ARNS_MAX;

use crate::Sts;

/// The operations that are built.
pub fn service(state: Arc<Sts>) -> Service {
    Service::new("sts")
        .with::<assume_role::AssumeRole>(&state)
        .with::<get_access_key_info::GetAccessKeyInfo>(&state)
        .with::<get_caller_identity::GetCallerIdentity>(&state)
        .with::<get_federation_token::GetFederationToken>(&state)
        .with::<get_session_token::GetSessionToken>(&state)
}

#[cfg(test)]
mod tests;
