//! The operations of the IAM API: one file each, one line each.

mod attach_role_policy;
mod create_role;
mod delete_role;
mod delete_role_policy;
mod detach_role_policy;
mod get_role;
mod get_role_policy;
mod list_attached_role_policies;
mod list_instance_profiles_for_role;
mod list_role_policies;
mod list_role_tags;
mod list_roles;
mod page;
mod put_role_policy;
mod role;
mod tag_role;
mod untag_role;
mod update_assume_role_policy;
mod update_role;

use std::sync::Arc;

use hearth_aws::Service;

use crate::Iam;

/// The operations that are built.
pub fn service(state: Arc<Iam>) -> Service {
    Service::new("iam")
        .with::<attach_role_policy::AttachRolePolicy>(&state)
        .with::<create_role::CreateRole>(&state)
        .with::<delete_role::DeleteRole>(&state)
        .with::<delete_role_policy::DeleteRolePolicy>(&state)
        .with::<detach_role_policy::DetachRolePolicy>(&state)
        .with::<get_role::GetRole>(&state)
        .with::<get_role_policy::GetRolePolicy>(&state)
        .with::<list_attached_role_policies::ListAttachedRolePolicies>(&state)
        .with::<list_instance_profiles_for_role::ListInstanceProfilesForRole>(&state)
        .with::<list_role_policies::ListRolePolicies>(&state)
        .with::<list_role_tags::ListRoleTags>(&state)
        .with::<list_roles::ListRoles>(&state)
        .with::<put_role_policy::PutRolePolicy>(&state)
        .with::<tag_role::TagRole>(&state)
        .with::<untag_role::UntagRole>(&state)
        .with::<update_assume_role_policy::UpdateAssumeRolePolicy>(&state)
        .with::<update_role::UpdateRole>(&state)
}

#[cfg(test)]
mod tests;
