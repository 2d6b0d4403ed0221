//! Roles. What belongs to one lies under its name, which never changes. In a transaction.

use hearth_aws::names::RoleArn;
use hearth_store::{RecordError, Stored, Tx};
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{IamError, What};
use crate::principals::Principal;
use crate::records::{self, Record};
use crate::{inline_policies, instance_profiles};

/// A trust policy, in characters without white space (quota of IAM, its highest value).
const TRUST_POLICY_CHARACTERS_MAX: u32 = 4_096;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Role {
    /// As it was written at its creation; found whatever the case of its letters.
    pub(crate) name: String,
    /// `AROA…`.
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) trust_policy: String,
    pub(crate) description: Option<String>,
    pub(crate) session_seconds_max: u32,
    pub(crate) created: Timestamp,
    /// In the order of the requests.
    pub(crate) tags: Vec<(String, String)>,
    /// Since version 2.
    pub(crate) boundary: Option<String>,
}

/// Records of version 1 end before the boundary.
#[derive(Deserialize)]
struct RoleV1 {
    name: String,
    id: String,
    path: String,
    trust_policy: String,
    description: Option<String>,
    session_seconds_max: u32,
    created: Timestamp,
    tags: Vec<(String, String)>,
}

impl Stored for Role {
    const VERSION: u8 = 2;

    fn older(version: u8, body: &[u8]) -> Result<Self, RecordError> {
        if version != 1 {
            return Err(RecordError::Version(Some(version)));
        }
        let old: RoleV1 = postcard::from_bytes(body)?;
        Ok(Self {
            name: old.name,
            id: old.id,
            path: old.path,
            trust_policy: old.trust_policy,
            description: old.description,
            session_seconds_max: old.session_seconds_max,
            created: old.created,
            tags: old.tags,
            boundary: None,
        })
    }
}

impl Record for Role {
    const WHAT: What = What::Role;
    const SPACE: &'static str = "iam/role";
    const QUOTA: (&'static str, u32) = ("RolesPerAccount", 1_000);

    fn name(&self) -> &str {
        &self.name
    }
}

impl Role {
    pub(crate) fn arn(&self, account: &str) -> String {
        RoleArn::new(account, &self.path, &self.name).to_string()
    }

    /// Roles of AWS's services are theirs to change.
    pub(crate) fn is_service_linked(&self) -> bool {
        self.path.starts_with("/aws-service-role/")
    }
}

/// The trust policy is of a bounded size.
pub(crate) fn check_trust_policy_size(document: &str) -> Result<(), IamError> {
    let limit = TRUST_POLICY_CHARACTERS_MAX;
    if inline_policies::characters(document) > limit as usize || document.len() > TRUST_POLICY_BYTES_MAX {
        return Err(IamError::Quota { quota: "ACLSizePerRole", limit });
    }
    Ok(())
}

/// White space does not count for the quota, but must fit into a record beside tags and description.
const TRUST_POLICY_BYTES_MAX: usize = 20_000;

pub(crate) fn insert(tx: &mut dyn Tx, account: &str, role: &Role) -> Result<(), IamError> {
    records::insert(tx, account, role)?;
    Principal::of_role(role).boundary_changed(tx, account, None, role.boundary.as_deref())
}

/// Changes a role that customers may change.
pub(crate) fn update(
    tx: &mut dyn Tx,
    account: &str,
    name: &str,
    change: impl FnOnce(&mut Role),
) -> Result<Role, IamError> {
    let mut role: Role = modifiable(tx, account, name)?;
    change(&mut role);
    records::put(tx, account, &role)?;
    Ok(role)
}

/// A role that customers may change.
pub(crate) fn modifiable(tx: &mut dyn Tx, account: &str, name: &str) -> Result<Role, IamError> {
    let role: Role = records::get(tx, account, name)?;
    if role.is_service_linked() { Err(IamError::Protected(role.name)) } else { Ok(role) }
}

/// Deletes a role that has nothing any more.
pub(crate) fn delete(tx: &mut dyn Tx, account: &str, name: &str) -> Result<(), IamError> {
    let role = modifiable(tx, account, name)?;
    remove(tx, account, &role)
}

/// As [`delete`], for roles of AWS's services too.
pub(crate) fn remove(tx: &mut dyn Tx, account: &str, role: &Role) -> Result<(), IamError> {
    let principal = Principal::of_role(role);
    if !instance_profiles::of_role(tx, account, &role.name)?.is_empty() {
        return Err(IamError::Holds("remove roles from instance profile"));
    }
    inline_policies::none_left(tx, account, &principal)?;
    principal.boundary_changed(tx, account, role.boundary.as_deref(), None)?;
    records::remove::<Role>(tx, account, &role.name)
}
