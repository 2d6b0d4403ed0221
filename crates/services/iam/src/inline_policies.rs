//! The policies that are part of a user, a group or a role: one record each. In a transaction.

use hearth_store::{Key, Stored, Tx, VALUE_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::error::{IamError, What};
use crate::principals::Principal;
use crate::records;

/// All inline policies of one principal together, in characters without white space (quotas of IAM).
const fn characters_max(what: What) -> usize {
    match what {
        What::User => 2_048,
        What::Group => 5_120,
        _ => 10_240,
    }
}

/// More than fit into the quota: a policy has two characters at least.
const POLICIES_MAX: u32 = 5_121;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InlinePolicy {
    pub(crate) name: String,
    pub(crate) document: String,
}

impl Stored for InlinePolicy {}

/// Writes a policy, over one of the same name if there is one.
pub(crate) fn put(
    tx: &mut dyn Tx,
    account: &str,
    principal: &Principal,
    policy: &InlinePolicy,
) -> Result<(), IamError> {
    let others = all(tx, account, principal)?;
    let others = others.iter().filter(|other| !other.name.eq_ignore_ascii_case(&policy.name));
    let others: usize = others.map(|other| characters(&other.document)).sum();
    let record = policy.encode()?;
    let limit = characters_max(principal.what);
    // White space does not count for the quota, but must fit.
    if others + characters(&policy.document) > limit || record.len() > VALUE_BYTES_MAX {
        return Err(IamError::InlineTooLarge { limit, what: principal.what, name: principal.name.clone() });
    }
    Ok(tx.put(&key(account, principal, &policy.name), record)?)
}

pub(crate) fn get(
    tx: &mut dyn Tx,
    account: &str,
    principal: &Principal,
    name: &str,
) -> Result<InlinePolicy, IamError> {
    let record = tx.get(&key(account, principal, name))?;
    let record = record.ok_or_else(|| IamError::NoInlinePolicy(principal.what, name.to_owned()))?;
    Ok(InlinePolicy::decode(&record)?)
}

pub(crate) fn delete(
    tx: &mut dyn Tx,
    account: &str,
    principal: &Principal,
    name: &str,
) -> Result<(), IamError> {
    get(tx, account, principal, name)?;
    Ok(tx.delete(&key(account, principal, name))?)
}

/// Nothing is deleted that has policies of its own or attached ones.
pub(crate) fn none_left(tx: &mut dyn Tx, account: &str, principal: &Principal) -> Result<(), IamError> {
    if !names(tx, account, principal)?.is_empty() {
        return Err(IamError::Holds("delete policies"));
    }
    if !principal.attached(tx, account)?.is_empty() {
        return Err(IamError::Holds("detach all policies"));
    }
    Ok(())
}

/// In their order.
pub(crate) fn names(tx: &mut dyn Tx, account: &str, principal: &Principal) -> Result<Vec<String>, IamError> {
    Ok(all(tx, account, principal)?.into_iter().map(|policy| policy.name).collect())
}

/// In the order of their names.
fn all(tx: &mut dyn Tx, account: &str, principal: &Principal) -> Result<Vec<InlinePolicy>, IamError> {
    let records = records::values(tx, principal.inline(account).children(), POLICIES_MAX)?;
    Ok(records.iter().map(|record| InlinePolicy::decode(record)).collect::<Result<_, _>>()?)
}

/// As quotas count: without white space.
pub(crate) fn characters(document: &str) -> usize {
    document.chars().filter(|character| !character.is_whitespace()).count()
}

/// Two names that differ in case only are one policy.
fn key(account: &str, principal: &Principal, name: &str) -> Key {
    principal.inline(account).text(&name.to_ascii_lowercase())
}
