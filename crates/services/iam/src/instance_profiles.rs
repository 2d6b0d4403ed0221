//! Instance profiles: each holds one role at most. In a transaction.

use bytes::Bytes;
use hearth_store::{Key, Stored, Tx};
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{IamError, What};
use crate::records::{self, Record};
use crate::roles::Role;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstanceProfile {
    pub(crate) name: String,
    /// `AIPA…`.
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) created: Timestamp,
    /// The name of its role.
    pub(crate) role: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
}

impl Stored for InstanceProfile {}

impl Record for InstanceProfile {
    const WHAT: What = What::InstanceProfile;
    const SPACE: &'static str = "iam/instance-profile";
    const QUOTA: (&'static str, u32) = ("InstanceProfilesPerAccount", 1_000);

    fn name(&self) -> &str {
        &self.name
    }
}

impl InstanceProfile {
    pub(crate) fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:instance-profile{}{}", self.path, self.name)
    }
}

/// Puts a role into a profile that has none.
pub(crate) fn add_role(tx: &mut dyn Tx, account: &str, profile: &str, role: &str) -> Result<(), IamError> {
    let mut profile: InstanceProfile = records::get(tx, account, profile)?;
    let role: Role = records::get(tx, account, role)?;
    if profile.role.is_some() {
        return Err(IamError::Quota { quota: "InstanceSessionsPerInstanceProfile", limit: 1 });
    }
    tx.put(
        &profiles_of(account, &role.name).text(&profile.name),
        Bytes::copy_from_slice(profile.name.as_bytes()),
    )?;
    profile.role = Some(role.name);
    records::put(tx, account, &profile)
}

/// Takes the role out of a profile.
pub(crate) fn remove_role(tx: &mut dyn Tx, account: &str, profile: &str, role: &str) -> Result<(), IamError> {
    let mut profile: InstanceProfile = records::get(tx, account, profile)?;
    let role: Role = records::get(tx, account, role)?;
    if !profile.role.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&role.name)) {
        return Err(IamError::NotFound(What::Role, role.name));
    }
    tx.delete(&profiles_of(account, &role.name).text(&profile.name))?;
    profile.role = None;
    records::put(tx, account, &profile)
}

/// The profiles that hold a role.
pub(crate) fn of_role(tx: &mut dyn Tx, account: &str, role: &str) -> Result<Vec<InstanceProfile>, IamError> {
    let range = profiles_of(account, role).children();
    let names = records::values(tx, range, InstanceProfile::QUOTA.1)?;
    let mut found = Vec::new();
    for name in names {
        found.extend(records::find(tx, account, &String::from_utf8_lossy(&name))?);
    }
    Ok(found)
}

pub(crate) fn delete(tx: &mut dyn Tx, account: &str, name: &str) -> Result<(), IamError> {
    let profile: InstanceProfile = records::get(tx, account, name)?;
    if profile.role.is_some() {
        return Err(IamError::Holds("remove roles from instance profile"));
    }
    records::remove::<InstanceProfile>(tx, account, name)
}

fn profiles_of(account: &str, role: &str) -> Key {
    Key::of("iam/role-instance-profile").text(account).text(&role.to_ascii_lowercase())
}
