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
    Service::new("iam")
        .with::<instance_profiles::AddRoleToInstanceProfile>(&state)
        .with::<groups::AddUserToGroup>(&state)
        .with::<attachments::AttachGroupPolicy>(&state)
        .with::<attachments::AttachRolePolicy>(&state)
        .with::<attachments::AttachUserPolicy>(&state)
        .with::<access_keys::CreateAccessKey>(&state)
        .with::<account::CreateAccountAlias>(&state)
        .with::<groups::CreateGroup>(&state)
        .with::<instance_profiles::CreateInstanceProfile>(&state)
        .with::<policies::CreatePolicy>(&state)
        .with::<policies::CreatePolicyVersion>(&state)
        .with::<roles::CreateRole>(&state)
        .with::<roles::CreateServiceLinkedRole>(&state)
        .with::<users::CreateUser>(&state)
        .with::<access_keys::DeleteAccessKey>(&state)
        .with::<account::DeleteAccountAlias>(&state)
        .with::<groups::DeleteGroup>(&state)
        .with::<inline_policies::DeleteGroupPolicy>(&state)
        .with::<instance_profiles::DeleteInstanceProfile>(&state)
        .with::<policies::DeletePolicy>(&state)
        .with::<policies::DeletePolicyVersion>(&state)
        .with::<roles::DeleteRole>(&state)
        .with::<roles::DeleteRolePermissionsBoundary>(&state)
        .with::<inline_policies::DeleteRolePolicy>(&state)
        .with::<roles::DeleteServiceLinkedRole>(&state)
        .with::<users::DeleteUser>(&state)
        .with::<users::DeleteUserPermissionsBoundary>(&state)
        .with::<inline_policies::DeleteUserPolicy>(&state)
        .with::<attachments::DetachGroupPolicy>(&state)
        .with::<attachments::DetachRolePolicy>(&state)
        .with::<attachments::DetachUserPolicy>(&state)
        .with::<access_keys::GetAccessKeyLastUsed>(&state)
        .with::<account::GetAccountPasswordPolicy>(&state)
        .with::<account::GetAccountSummary>(&state)
        .with::<groups::GetGroup>(&state)
        .with::<inline_policies::GetGroupPolicy>(&state)
        .with::<instance_profiles::GetInstanceProfile>(&state)
        .with::<account::GetLoginProfile>(&state)
        .with::<policies::GetPolicy>(&state)
        .with::<policies::GetPolicyVersion>(&state)
        .with::<roles::GetRole>(&state)
        .with::<inline_policies::GetRolePolicy>(&state)
        .with::<roles::GetServiceLinkedRoleDeletionStatus>(&state)
        .with::<users::GetUser>(&state)
        .with::<inline_policies::GetUserPolicy>(&state)
        .with::<access_keys::ListAccessKeys>(&state)
        .with::<account::ListAccountAliases>(&state)
        .with::<attachments::ListAttachedGroupPolicies>(&state)
        .with::<attachments::ListAttachedRolePolicies>(&state)
        .with::<attachments::ListAttachedUserPolicies>(&state)
        .with::<attachments::ListEntitiesForPolicy>(&state)
        .with::<inline_policies::ListGroupPolicies>(&state)
        .with::<groups::ListGroups>(&state)
        .with::<groups::ListGroupsForUser>(&state)
        .with::<tags::ListInstanceProfileTags>(&state)
        .with::<instance_profiles::ListInstanceProfiles>(&state)
        .with::<instance_profiles::ListInstanceProfilesForRole>(&state)
        .with::<nothing::ListMFADevices>(&state)
        .with::<nothing::ListOpenIDConnectProviders>(&state)
        .with::<policies::ListPolicies>(&state)
        .with::<tags::ListPolicyTags>(&state)
        .with::<policies::ListPolicyVersions>(&state)
        .with::<inline_policies::ListRolePolicies>(&state)
        .with::<tags::ListRoleTags>(&state)
        .with::<roles::ListRoles>(&state)
        .with::<nothing::ListSAMLProviders>(&state)
        .with::<nothing::ListSSHPublicKeys>(&state)
        .with::<nothing::ListServerCertificates>(&state)
        .with::<nothing::ListServiceSpecificCredentials>(&state)
        .with::<nothing::ListSigningCertificates>(&state)
        .with::<inline_policies::ListUserPolicies>(&state)
        .with::<tags::ListUserTags>(&state)
        .with::<users::ListUsers>(&state)
        .with::<nothing::ListVirtualMFADevices>(&state)
        .with::<inline_policies::PutGroupPolicy>(&state)
        .with::<roles::PutRolePermissionsBoundary>(&state)
        .with::<inline_policies::PutRolePolicy>(&state)
        .with::<users::PutUserPermissionsBoundary>(&state)
        .with::<inline_policies::PutUserPolicy>(&state)
        .with::<instance_profiles::RemoveRoleFromInstanceProfile>(&state)
        .with::<groups::RemoveUserFromGroup>(&state)
        .with::<policies::SetDefaultPolicyVersion>(&state)
        .with::<tags::TagInstanceProfile>(&state)
        .with::<tags::TagPolicy>(&state)
        .with::<tags::TagRole>(&state)
        .with::<tags::TagUser>(&state)
        .with::<tags::UntagInstanceProfile>(&state)
        .with::<tags::UntagPolicy>(&state)
        .with::<tags::UntagRole>(&state)
        .with::<tags::UntagUser>(&state)
        .with::<access_keys::UpdateAccessKey>(&state)
        .with::<roles::UpdateAssumeRolePolicy>(&state)
        .with::<groups::UpdateGroup>(&state)
        .with::<roles::UpdateRole>(&state)
        .with::<roles::UpdateRoleDescription>(&state)
        .with::<users::UpdateUser>(&state)
}

#[cfg(test)]
mod tests;
