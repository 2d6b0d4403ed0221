//! Roles and the policies attached to them, in the store. Everything here runs inside a transaction.

use std::ops::ControlFlow;

use bytes::Bytes;
use hearth_aws::names::RoleArn;
use hearth_store::{Key, KeyRange, Order, Tx, VALUE_BYTES_MAX};
use hearth_world::{Random, Timestamp};

use crate::error::RoleError;
use crate::{inline_policies, stored};

/// Managed policies attached to one role (quota "Managed policies attached to an IAM role", its highest value).
pub(crate) const POLICIES_MAX: usize = 20;

/// A trust policy, in characters without white space (quota of IAM, its highest value).
pub(crate) const TRUST_POLICY_CHARACTERS_MAX: usize = 4_096;

/// Tags of one role.
pub(crate) const TAGS_MAX: usize = 50;

/// The digits of AWS's ids: base32 without 0, 1, 8 and 9.
const ID_DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// In the order of the request.
    pub(crate) tags: Vec<(String, String)>,
}

impl Role {
    pub(crate) fn arn(&self, account: &str) -> String {
        RoleArn::new(account, &self.path, &self.name).to_string()
    }
}

/// A role's trust policy is a JSON object of a bounded size.
pub(crate) fn check_trust_policy(document: &str) -> Result<(), RoleError> {
    check_document(document)?;
    let characters = document.chars().filter(|character| !character.is_whitespace()).count();
    if characters > TRUST_POLICY_CHARACTERS_MAX { Err(RoleError::TrustTooLarge) } else { Ok(()) }
}

/// A policy is a JSON object.
pub(crate) fn check_document(document: &str) -> Result<(), RoleError> {
    let is_object = document.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(document).is_ok();
    if is_object { Ok(()) } else { Err(RoleError::PolicyNotJson) }
}

/// Adds tags to those that are there; one of a known key, whatever its case, takes the place of the old one.
pub(crate) fn add_tags(
    tags: &mut Vec<(String, String)>,
    added: Vec<(String, String)>,
) -> Result<(), RoleError> {
    for (at, (key, _)) in added.iter().enumerate() {
        if added[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
            return Err(RoleError::SameTagTwice);
        }
    }
    for (key, value) in added {
        match tags.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            Some(tag) => *tag = (key, value),
            None => tags.push((key, value)),
        }
    }
    if tags.len() > TAGS_MAX { Err(RoleError::TooManyTags) } else { Ok(()) }
}

/// `AROA` and 17 characters.
pub(crate) fn new_id(random: &Random) -> String {
    let digit = |byte: &u8| char::from(ID_DIGITS[usize::from(byte % 32)]);
    format!("AROA{}", random.bytes::<17>().iter().map(digit).collect::<String>())
}

pub(crate) fn get(tx: &mut dyn Tx, account: &str, name: &str) -> Result<Role, RoleError> {
    find(tx, account, name)?.ok_or_else(|| RoleError::NotFound(name.to_owned()))
}

pub(crate) fn insert(tx: &mut dyn Tx, account: &str, role: &Role) -> Result<(), RoleError> {
    if find(tx, account, &role.name)?.is_some() {
        return Err(RoleError::AlreadyExists(role.name.clone()));
    }
    write(tx, account, role)
}

/// Changes a role that exists.
pub(crate) fn update(
    tx: &mut dyn Tx,
    account: &str,
    name: &str,
    change: impl FnOnce(&mut Role) -> Result<(), RoleError>,
) -> Result<(), RoleError> {
    let mut role = get(tx, account, name)?;
    change(&mut role)?;
    write(tx, account, &role)
}

pub(crate) fn delete(tx: &mut dyn Tx, account: &str, name: &str) -> Result<(), RoleError> {
    let role = get(tx, account, name)?;
    if !inline_policies::all(tx, account, &role)?.is_empty() {
        return Err(RoleError::StillInline);
    }
    if !attached(tx, account, &role.name)?.is_empty() {
        return Err(RoleError::StillAttached);
    }
    Ok(tx.delete(&role_key(account, &role.name))?)
}

/// At most `limit` roles whose names come after `after`, and whether there are more.
pub(crate) fn page(
    tx: &mut dyn Tx,
    account: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<(Vec<Role>, bool), RoleError> {
    let all = Key::of("iam/role").text(account);
    let range = after.map_or(all.children(), |name| all.children_after(&role_key(account, name)));
    let mut records = values(tx, range, limit.saturating_add(1))?;
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let roles = records.iter().map(|record| stored::decode(record)).collect::<Result<_, _>>()?;
    Ok((roles, more))
}

/// Attaches a policy; one that is attached already stays so.
pub(crate) fn attach(tx: &mut dyn Tx, account: &str, name: &str, policy: &str) -> Result<(), RoleError> {
    let role = get(tx, account, name)?;
    let attached = attached(tx, account, &role.name)?;
    if attached.len() >= POLICIES_MAX && !attached.iter().any(|attached| attached == policy) {
        return Err(RoleError::TooManyPolicies);
    }
    let key = attachment_key(account, &role.name).text(policy);
    Ok(tx.put(&key, Bytes::copy_from_slice(policy.as_bytes()))?)
}

pub(crate) fn detach(tx: &mut dyn Tx, account: &str, name: &str, policy: &str) -> Result<(), RoleError> {
    let role = get(tx, account, name)?;
    if !attached(tx, account, &role.name)?.iter().any(|attached| attached == policy) {
        return Err(RoleError::NotAttached(policy.to_owned()));
    }
    Ok(tx.delete(&attachment_key(account, &role.name).text(policy))?)
}

/// ARNs of the policies attached to a role.
pub(crate) fn attached(tx: &mut dyn Tx, account: &str, name: &str) -> Result<Vec<String>, RoleError> {
    let policies = values(tx, attachment_key(account, name).children(), POLICIES_MAX as u32)?;
    Ok(policies.iter().map(|policy| String::from_utf8_lossy(policy).into_owned()).collect())
}

/// White space in the trust policy does not count for the quota, but must fit.
fn write(tx: &mut dyn Tx, account: &str, role: &Role) -> Result<(), RoleError> {
    let record = stored::encode(role)?;
    if record.len() > VALUE_BYTES_MAX {
        return Err(RoleError::TrustTooLarge);
    }
    Ok(tx.put(&role_key(account, &role.name), record)?)
}

fn find(tx: &mut dyn Tx, account: &str, name: &str) -> Result<Option<Role>, RoleError> {
    let Some(record) = tx.get(&role_key(account, name))? else { return Ok(None) };
    Ok(Some(stored::decode(&record)?))
}

pub(crate) fn values(tx: &mut dyn Tx, range: KeyRange, limit: u32) -> Result<Vec<Bytes>, RoleError> {
    let mut values = Vec::new();
    tx.scan(range, Order::Ascending, limit, &mut |_, value| {
        values.push(Bytes::copy_from_slice(value));
        ControlFlow::Continue(())
    })?;
    Ok(values)
}

/// Two names that differ in case only are one role.
fn role_key(account: &str, name: &str) -> Key {
    Key::of("iam/role").text(account).text(&name.to_ascii_lowercase())
}

fn attachment_key(account: &str, name: &str) -> Key {
    Key::of("iam/role-policy").text(account).text(&name.to_ascii_lowercase())
}
