//! The account as a whole: its alias, and how many of everything there are.

use std::collections::BTreeMap;

use super::caller::{Subject, subject};
use super::family::{operation, read, write};
use super::page::Page;
use crate::access_keys::{self, ROOT};
use crate::account;
use crate::error::IamError;
use crate::groups::Group;
use crate::instance_profiles::InstanceProfile;
use crate::policies::Policy;
use crate::records::{self, Record};
use crate::roles::Role;
use crate::users::User;

operation! {
    /// One alias at most: a new one takes the place of the old one.
    CreateAccountAlias { account_alias: String } => {} |cx, input| {
        write(cx, move |tx, account| account::put_alias(tx, account, &input.account_alias)).await?;
        Ok(Output {})
    }
}

operation! {
    /// The account's own alias.
    DeleteAccountAlias { account_alias: String } => {} |cx, input| {
        write(cx, move |tx, account| account::delete_alias(tx, account, &input.account_alias)).await?;
        Ok(Output {})
    }
}

operation! {
    /// None or one.
    ListAccountAliases { marker: Option<String>, max_items: Option<u32> }
    => { account_aliases: Vec<String>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let alias = read(cx, account::alias).await?;
        let Page { items, is_truncated, marker } = Page::of(alias, input.marker, input.max_items)?;
        Ok(Output { account_aliases: items, is_truncated, marker })
    }
}

operation! {
    /// What there is, and the quotas that hold here.
    GetAccountSummary {} => { summary_map: BTreeMap<String, u32> } |cx, input| {
        let counted = read(cx, |tx, account| {
            let root_keys = !access_keys::of(tx, account, ROOT)?.is_empty();
            Ok([
                ("Users", records::number::<User>(tx, account)?),
                ("Groups", records::number::<Group>(tx, account)?),
                ("Roles", records::number::<Role>(tx, account)?),
                ("Policies", records::number::<Policy>(tx, account)?),
                ("InstanceProfiles", records::number::<InstanceProfile>(tx, account)?),
                ("AccountAccessKeysPresent", u32::from(root_keys)),
            ])
        });
        let counted = counted.await?;
        let all = counted.into_iter().chain(QUOTAS);
        Ok(Output { summary_map: all.map(|(name, number)| (name.to_owned(), number)).collect() })
    }
}

/// Quotas, and what cannot be here.
const QUOTAS: [(&str, u32); 27] = [
    ("AccountMFAEnabled", 0),
    ("AccountPasswordPresent", 0),
    ("AccountSigningCertificatesPresent", 0),
    ("AccessKeysPerUserQuota", 2),
    ("AssumeRolePolicySizeQuota", 4_096),
    ("AttachedPoliciesPerGroupQuota", 20),
    ("AttachedPoliciesPerRoleQuota", 20),
    ("AttachedPoliciesPerUserQuota", 20),
    ("GlobalEndpointTokenVersion", 1),
    ("GroupPolicySizeQuota", 5_120),
    ("GroupsPerUserQuota", 10),
    ("GroupsQuota", Group::QUOTA.1),
    ("InstanceProfilesQuota", InstanceProfile::QUOTA.1),
    ("MFADevices", 0),
    ("MFADevicesInUse", 0),
    ("PoliciesQuota", Policy::QUOTA.1),
    ("PolicySizeQuota", 6_144),
    ("Providers", 0),
    ("RolePolicySizeQuota", 10_240),
    ("RolesQuota", Role::QUOTA.1),
    ("ServerCertificates", 0),
    ("ServerCertificatesQuota", 20),
    ("SigningCertificatesPerUserQuota", 2),
    ("UserPolicySizeQuota", 2_048),
    ("UsersQuota", User::QUOTA.1),
    ("VersionsPerPolicyQuota", 5),
    ("PolicyVersionsInUseQuota", 10_000),
];

operation! {
    /// Nobody signs in with a password here.
    GetLoginProfile { user_name: Option<String> } => {} |cx, input| {
        let name = match subject(cx, input.user_name)? {
            Subject::User(name) => name,
            Subject::Root => "root".to_owned(),
        };
        let user = name.clone();
        read(cx, move |tx, account| records::get::<User>(tx, account, &user)).await?;
        Err(IamError::Nothing(format!("Login Profile for User {name} cannot be found.")).into())
    }
}

operation! {
    /// None was set, and none can be.
    GetAccountPasswordPolicy {} => {} |cx, input| {
        let text = format!("The Password Policy with domain name {} cannot be found.", cx.call.account);
        Err(IamError::Nothing(text).into())
    }
}
