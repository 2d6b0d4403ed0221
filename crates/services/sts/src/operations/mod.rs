//! The operations of the STS API: one file each, one line each.

mod get_caller_identity;

use std::sync::Arc;

use hearth_aws::Service;

use crate::Sts;

/// The operations that are built.
pub fn service(state: Arc<Sts>) -> Service {
    Service::new("sts").with::<get_caller_identity::GetCallerIdentity>(&state)
}
