//! Those that policies belong to: users, groups and roles. Which managed policies are attached, and to whom each
//! policy is: both are written here and nowhere else. In a transaction.

use bytes::Bytes;
use hearth_store::{Key, Tx};

use crate::error::{IamError, What};
use crate::groups::Group;
use crate::records::{self, Record};
use crate::roles::Role;
use crate::users::User;
use crate::{names, policies};

/// Managed policies attached to one user, group or role (quota of IAM, its highest value).
pub(crate) const POLICIES_MAX: u32 = 20;

/// Users, groups and roles of an account together: who may have one policy.
pub(crate) const ENTITIES_MAX: u32 = User::QUOTA.1 + Group::QUOTA.1 + Role::QUOTA.1;

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(crate) what: What,
    pub(crate) name: String,
    /// Where its policies lie: a role's name in small letters, the id of the others, whose names change.
    key: String,
}

/// How a policy is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Attached,
    Boundary,
}

/// Those that use a policy.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    pub(crate) users: Vec<User>,
    pub(crate) groups: Vec<Group>,
    pub(crate) roles: Vec<Role>,
}

impl Principal {
    pub(crate) fn of_user(user: &User) -> Self {
        Self { what: What::User, name: user.name.clone(), key: user.id.clone() }
    }

    pub(crate) fn of_group(group: &Group) -> Self {
        Self { what: What::Group, name: group.name.clone(), key: group.id.clone() }
    }

    pub(crate) fn of_role(role: &Role) -> Self {
        Self { what: What::Role, name: role.name.clone(), key: role.name.to_ascii_lowercase() }
    }

    /// One that exists.
    pub(crate) fn get(tx: &mut dyn Tx, account: &str, what: What, name: &str) -> Result<Self, IamError> {
        Ok(match what {
            What::User => Self::of_user(&records::get(tx, account, name)?),
            What::Group => Self::of_group(&records::get(tx, account, name)?),
            What::Role | What::Policy | What::InstanceProfile => {
                Self::of_role(&records::get(tx, account, name)?)
            }
        })
    }

    /// Attaches a policy; one that is attached already stays so.
    pub(crate) fn attach(&self, tx: &mut dyn Tx, account: &str, policy: &str) -> Result<(), IamError> {
        if !policies::exists(tx, account, policy)? {
            return Err(IamError::NoPolicy(policy.to_owned()));
        }
        let attached = self.attached(tx, account)?;
        if attached.len() >= POLICIES_MAX as usize && !attached.iter().any(|attached| attached == policy) {
            let quota = match self.what {
                What::User => "PoliciesPerUser",
                What::Group => "PoliciesPerGroup",
                _ => "PoliciesPerRole",
            };
            return Err(IamError::Quota { quota, limit: POLICIES_MAX });
        }
        tx.put(&self.attachments(account).text(policy), Bytes::copy_from_slice(policy.as_bytes()))?;
        Ok(tx.put(&self.entity(account, policy, Use::Attached), Bytes::new())?)
    }

    pub(crate) fn detach(&self, tx: &mut dyn Tx, account: &str, policy: &str) -> Result<(), IamError> {
        if !self.attached(tx, account)?.iter().any(|attached| attached == policy) {
            return Err(IamError::NotAttached(policy.to_owned()));
        }
        tx.delete(&self.attachments(account).text(policy))?;
        Ok(tx.delete(&self.entity(account, policy, Use::Attached))?)
    }

    /// ARNs of the attached policies, in their order.
    pub(crate) fn attached(&self, tx: &mut dyn Tx, account: &str) -> Result<Vec<String>, IamError> {
        let policies = records::values(tx, self.attachments(account).children(), POLICIES_MAX)?;
        Ok(policies.iter().map(|policy| String::from_utf8_lossy(policy).into_owned()).collect())
    }

    /// Another permissions boundary, or none. The record of the principal is the caller's to write.
    pub(crate) fn boundary_changed(
        &self,
        tx: &mut dyn Tx,
        account: &str,
        old: Option<&str>,
        new: Option<&str>,
    ) -> Result<(), IamError> {
        if let Some(old) = old {
            tx.delete(&self.entity(account, old, Use::Boundary))?;
        }
        if let Some(new) = new {
            if !policies::exists(tx, account, new)? {
                return Err(IamError::NoPolicy(new.to_owned()));
            }
            tx.put(&self.entity(account, new, Use::Boundary), Bytes::new())?;
        }
        Ok(())
    }

    /// Where inline policies lie.
    pub(crate) fn inline(&self, account: &str) -> Key {
        let space = match self.what {
            What::User => "iam/user-inline-policy",
            What::Group => "iam/group-inline-policy",
            _ => "iam/role-inline-policy",
        };
        Key::of(space).text(account).text(&self.key)
    }

    fn attachments(&self, account: &str) -> Key {
        let space = match self.what {
            What::User => "iam/user-policy",
            What::Group => "iam/group-policy",
            _ => "iam/role-policy",
        };
        Key::of(space).text(account).text(&self.key)
    }

    fn entity(&self, account: &str, policy: &str, used: Use) -> Key {
        uses(account, policy, used).text(&self.what.to_string()).text(&self.key)
    }
}

/// How often a policy is used so.
pub(crate) fn use_count(tx: &mut dyn Tx, account: &str, policy: &str, used: Use) -> Result<u32, IamError> {
    records::count(tx, uses(account, policy, used).children(), ENTITIES_MAX)
}

/// Who uses a policy so.
pub(crate) fn entities(
    tx: &mut dyn Tx,
    account: &str,
    policy: &str,
    used: Use,
) -> Result<Entities, IamError> {
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    let mut found = Entities::default();
    for key in records::keys(tx, uses(account, policy, used).children(), ENTITIES_MAX)? {
        let mut parts = key.parts();
        for _ in 0..4 {
            parts.text();
        }
        match (parts.text().as_deref(), parts.text()) {
            (Some("user"), Some(id)) => users.push(id),
            (Some("group"), Some(id)) => groups.push(id),
            (Some("role"), Some(name)) => found.roles.extend(records::find(tx, account, &name)?),
            _ => {}
        }
    }
    found.users = names::find(tx, account, &users)?;
    found.groups = names::find(tx, account, &groups)?;
    Ok(found)
}

fn uses(account: &str, policy: &str, used: Use) -> Key {
    let used = match used {
        Use::Attached => "attached",
        Use::Boundary => "boundary",
    };
    Key::of("iam/policy-use").text(account).text(policy).text(used)
}
