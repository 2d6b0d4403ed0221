//! The operations of the IAM API: one file each, one line each.

mod attach_role_policy;
mod create_role;
mod delete_role;
mod detach_role_policy;
mod get_role;
mod list_attached_role_policies;
mod list_roles;
mod role;

use std::sync::Arc;

use hearth_aws::Service;

use crate::Iam;

/// The operations that are built.
pub fn service(state: Arc<Iam>) -> Service {
    Service::new("iam")
        .with::<attach_role_policy::AttachRolePolicy>(&state)
        .with::<create_role::CreateRole>(&state)
        .with::<delete_role::DeleteRole>(&state)
        .with::<detach_role_policy::DetachRolePolicy>(&state)
        .with::<get_role::GetRole>(&state)
        .with::<list_attached_role_policies::ListAttachedRolePolicies>(&state)
        .with::<list_roles::ListRoles>(&state)
}

#[cfg(test)]
mod tests;
