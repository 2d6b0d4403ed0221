//! The account's alias: one at most, and unique among all accounts. In a transaction.

use bytes::Bytes;
use hearth_store::{Key, Tx};

use crate::error::IamError;

pub(crate) fn alias(tx: &mut dyn Tx, account: &str) -> Result<Option<String>, IamError> {
    let found = tx.get(&of_account(account))?;
    Ok(found.map(|alias| String::from_utf8_lossy(&alias).into_owned()))
}

/// Takes the place of the account's former alias.
pub(crate) fn put_alias(tx: &mut dyn Tx, account: &str, alias: &str) -> Result<(), IamError> {
    if tx.get(&owner(alias))?.is_some_and(|owner| owner != account.as_bytes()) {
        return Err(IamError::Taken(format!("The account alias {alias} already exists.")));
    }
    if let Some(old) = self::alias(tx, account)? {
        tx.delete(&owner(&old))?;
    }
    tx.put(&owner(alias), Bytes::copy_from_slice(account.as_bytes()))?;
    Ok(tx.put(&of_account(account), Bytes::copy_from_slice(alias.as_bytes()))?)
}

pub(crate) fn delete_alias(tx: &mut dyn Tx, account: &str, alias: &str) -> Result<(), IamError> {
    if self::alias(tx, account)?.as_deref() != Some(alias) {
        return Err(IamError::Nothing(format!("The account alias {alias} cannot be found.")));
    }
    tx.delete(&owner(alias))?;
    Ok(tx.delete(&of_account(account))?)
}

fn of_account(account: &str) -> Key {
    Key::of("iam/account-alias").text(account)
}

fn owner(alias: &str) -> Key {
    Key::of("iam/account-alias-owner").text(alias)
}
