//! The operations of the IAM API: a file each family that shares its code, one line each operation.

mod access_keys;
mod account;
mod attachments;
mod caller;
mod family;
mod groups;
mod inline_policies;
mod instance_profiles;
mod nothing;
mod page;
mod policies;
mod roles;
mod shown;
mod tags;
mod users;

use std::sync::Arc;

use hearth_aws::Service;

use crate::Iam;

/// The operations that are built.
pub fn service(state: Arc<Iam>) -> Service {
    let service = users_and_groups(Service::new("iam"), &state);
    policies_and_tags(roles_and_profiles(service, &state), &state)
}

/// Users, groups, their keys, and the account.
fn users_and_groups(service: Service, state: &Arc<Iam>) -> Service {
    service
        .with::<groups::AddUserToGroup>(state)
        .with::<access_keys::CreateAccessKey>(state)
        .with::<account::CreateAccountAlias>(state)
        .with::<groups::CreateGroup>(state)
        .with::<users::CreateUser>(state)
        .with::<access_keys::DeleteAccessKey>(state)
        .with::<account::DeleteAccountAlias>(state)
        .with::<groups::DeleteGroup>(state)
        .with::<users::DeleteUser>(state)
        .with::<users::DeleteUserPermissionsBoundary>(state)
        .with::<access_keys::GetAccessKeyLastUsed>(state)
        .with::<account::GetAccountPasswordPolicy>(state)
        .with::<account::GetAccountSummary>(state)
        .with::<groups::GetGroup>(state)
        .with::<account::GetLoginProfile>(state)
        .with::<users::GetUser>(state)
        .with::<access_keys::ListAccessKeys>(state)
        .with::<account::ListAccountAliases>(state)
        .with::<groups::ListGroups>(state)
        .with::<groups::ListGroupsForUser>(state)
        .with::<nothing::ListMFADevices>(state)
        .with::<nothing::ListOpenIDConnectProviders>(state)
        .with::<nothing::ListSAMLProviders>(state)
        .with::<nothing::ListSSHPublicKeys>(state)
        .with::<nothing::ListServerCertificates>(state)
        .with::<nothing::ListServiceSpecificCredentials>(state)
        .with::<nothing::ListSigningCertificates>(state)
        .with::<users::ListUsers>(state)
        .with::<nothing::ListVirtualMFADevices>(state)
        .with::<users::PutUserPermissionsBoundary>(state)
        .with::<groups::RemoveUserFromGroup>(state)
        .with::<access_keys::UpdateAccessKey>(state)
        .with::<groups::UpdateGroup>(state)
        .with::<users::UpdateUser>(state)
}

/// Roles and instance profiles.
fn roles_and_profiles(service: Service, state: &Arc<Iam>) -> Service {
    service
        .with::<instance_profiles::AddRoleToInstanceProfile>(state)
        .with::<instance_profiles::CreateInstanceProfile>(state)
        .with::<roles::CreateRole>(state)
        .with::<roles::CreateServiceLinkedRole>(state)
        .with::<instance_profiles::DeleteInstanceProfile>(state)
        .with::<roles::DeleteRole>(state)
        .with::<roles::DeleteRolePermissionsBoundary>(state)
        .with::<roles::DeleteServiceLinkedRole>(state)
        .with::<instance_profiles::GetInstanceProfile>(state)
        .with::<roles::GetRole>(state)
        .with::<roles::GetServiceLinkedRoleDeletionStatus>(state)
        .with::<instance_profiles::ListInstanceProfiles>(state)
        .with::<instance_profiles::ListInstanceProfilesForRole>(state)
        .with::<roles::ListRoles>(state)
        .with::<roles::PutRolePermissionsBoundary>(state)
        .with::<instance_profiles::RemoveRoleFromInstanceProfile>(state)
        .with::<roles::UpdateAssumeRolePolicy>(state)
        .with::<roles::UpdateRole>(state)
        .with::<roles::UpdateRoleDescription>(state)
}

/// What all of them have.
fn policies_and_tags(service: Service, state: &Arc<Iam>) -> Service {
    service
        .with::<attachments::AttachGroupPolicy>(state)
        .with::<attachments::AttachRolePolicy>(state)
        .with::<attachments::AttachUserPolicy>(state)
        .with::<policies::CreatePolicy>(state)
        .with::<policies::CreatePolicyVersion>(state)
        .with::<inline_policies::DeleteGroupPolicy>(state)
        .with::<policies::DeletePolicy>(state)
        .with::<policies::DeletePolicyVersion>(state)
        .with::<inline_policies::DeleteRolePolicy>(state)
        .with::<inline_policies::DeleteUserPolicy>(state)
        .with::<attachments::DetachGroupPolicy>(state)
        .with::<attachments::DetachRolePolicy>(state)
        .with::<attachments::DetachUserPolicy>(state)
        .with::<inline_policies::GetGroupPolicy>(state)
        .with::<policies::GetPolicy>(state)
        .with::<policies::GetPolicyVersion>(state)
        .with::<inline_policies::GetRolePolicy>(state)
        .with::<inline_policies::GetUserPolicy>(state)
        .with::<attachments::ListAttachedGroupPolicies>(state)
        .with::<attachments::ListAttachedRolePolicies>(state)
        .with::<attachments::ListAttachedUserPolicies>(state)
        .with::<attachments::ListEntitiesForPolicy>(state)
        .with::<inline_policies::ListGroupPolicies>(state)
        .with::<tags::ListInstanceProfileTags>(state)
        .with::<policies::ListPolicies>(state)
        .with::<tags::ListPolicyTags>(state)
        .with::<policies::ListPolicyVersions>(state)
        .with::<inline_policies::ListRolePolicies>(state)
        .with::<tags::ListRoleTags>(state)
        .with::<inline_policies::ListUserPolicies>(state)
        .with::<tags::ListUserTags>(state)
        .with::<inline_policies::PutGroupPolicy>(state)
        .with::<inline_policies::PutRolePolicy>(state)
        .with::<inline_policies::PutUserPolicy>(state)
        .with::<policies::SetDefaultPolicyVersion>(state)
        .with::<tags::TagInstanceProfile>(state)
        .with::<tags::TagPolicy>(state)
        .with::<tags::TagRole>(state)
        .with::<tags::TagUser>(state)
        .with::<tags::UntagInstanceProfile>(state)
        .with::<tags::UntagPolicy>(state)
        .with::<tags::UntagRole>(state)
        .with::<tags::UntagUser>(state)
}

#[cfg(test)]
mod tests;
