//! The policies that are part of a role, in the store. Everything here runs inside a transaction.

use bytes::Bytes;
use hearth_store::{Key, Tx, VALUE_BYTES_MAX};

use crate::error::RoleError;
use crate::roles::{self, Role};
use crate::stored::{self, InlinePolicy};

/// All inline policies of one role together, in characters without white space (quota of IAM).
pub(crate) const INLINE_CHARACTERS_MAX: usize = 10_240;

/// More than fit into [`INLINE_CHARACTERS_MAX`]: a policy has two characters at least.
const POLICIES_MAX: u32 = 5_121;

/// Writes a policy, over one of the same name if there is one.
pub(crate) fn put(
    tx: &mut dyn Tx,
    account: &str,
    role: &str,
    policy: &InlinePolicy,
) -> Result<(), RoleError> {
    let role = roles::get(tx, account, role)?;
    let others = all(tx, account, &role)?;
    let others = others.iter().filter(|other| !other.name.eq_ignore_ascii_case(&policy.name));
    let others: usize = others.map(|other| characters(&other.document)).sum();
    let record = stored::encode_inline(policy)?;
    // White space does not count for the quota, but must fit.
    if others + characters(&policy.document) > INLINE_CHARACTERS_MAX || record.len() > VALUE_BYTES_MAX {
        return Err(RoleError::InlineTooLarge(role.name));
    }
    Ok(tx.put(&key(account, &role.name, &policy.name), record)?)
}

pub(crate) fn get(tx: &mut dyn Tx, account: &str, role: &str, name: &str) -> Result<InlinePolicy, RoleError> {
    let role = roles::get(tx, account, role)?;
    let record = tx.get(&key(account, &role.name, name))?;
    let record = record.ok_or_else(|| RoleError::NoInlinePolicy(name.to_owned()))?;
    Ok(stored::decode_inline(&record)?)
}

pub(crate) fn delete(tx: &mut dyn Tx, account: &str, role: &str, name: &str) -> Result<(), RoleError> {
    get(tx, account, role, name)?;
    Ok(tx.delete(&key(account, role, name))?)
}

/// In the order of their names.
pub(crate) fn all(tx: &mut dyn Tx, account: &str, role: &Role) -> Result<Vec<InlinePolicy>, RoleError> {
    let records: Vec<Bytes> = roles::values(tx, of_role(account, &role.name).children(), POLICIES_MAX)?;
    Ok(records.iter().map(|record| stored::decode_inline(record)).collect::<Result<_, _>>()?)
}

fn characters(document: &str) -> usize {
    document.chars().filter(|character| !character.is_whitespace()).count()
}

/// Two names that differ in case only are one policy.
fn key(account: &str, role: &str, name: &str) -> Key {
    of_role(account, role).text(&name.to_ascii_lowercase())
}

fn of_role(account: &str, role: &str) -> Key {
    Key::of("iam/role-inline-policy").text(account).text(&role.to_ascii_lowercase())
}
