//! Access keys of users and of an account's root. In a transaction.

use bytes::Bytes;
use hearth_store::{Key, Stored, Tx};
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::IamError;
use crate::names;
use crate::records;
use crate::users::User;

/// Access keys of one user (quota of IAM).
const KEYS_PER_USER: u32 = 2;

/// Under which owner the root's keys lie. No id looks so.
pub(crate) const ROOT: &str = "root";

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    /// Signatures are made of it, so it is kept as it is.
    pub(crate) secret: String,
    pub(crate) account: String,
    /// A user's id, or [`ROOT`].
    pub(crate) owner: String,
    pub(crate) active: bool,
    pub(crate) created: Timestamp,
}

impl Stored for AccessKey {}

/// When and where a key was used last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastUsed {
    pub(crate) at: Timestamp,
    pub(crate) service: String,
    pub(crate) region: String,
}

impl Stored for LastUsed {}

/// The one who signs with a key.
pub(crate) enum Owner {
    Root,
    User(User),
}

/// A new key of a user or of the root. Its id is free, or the answer is `false`: another one must be tried.
pub(crate) fn insert(tx: &mut dyn Tx, key: &AccessKey) -> Result<bool, IamError> {
    if find(tx, &key.id)?.is_some() {
        return Ok(false);
    }
    if of(tx, &key.account, &key.owner)?.len() >= KEYS_PER_USER as usize {
        return Err(IamError::Quota { quota: "AccessKeysPerUser", limit: KEYS_PER_USER });
    }
    tx.put(&keys_of(&key.account, &key.owner).text(&key.id), Bytes::copy_from_slice(key.id.as_bytes()))?;
    put(tx, key)?;
    Ok(true)
}

/// The root's first key, if the account never had one.
pub(crate) fn insert_root_once(tx: &mut dyn Tx, key: &AccessKey) -> Result<bool, IamError> {
    let made = Key::of("iam/root-key-made").text(&key.account);
    if tx.get(&made)?.is_some() {
        return Ok(false);
    }
    tx.put(&made, Bytes::copy_from_slice(key.id.as_bytes()))?;
    insert(tx, key)
}

pub(crate) fn find(tx: &mut dyn Tx, id: &str) -> Result<Option<AccessKey>, IamError> {
    let Some(record) = tx.get(&by_id(id))? else { return Ok(None) };
    Ok(Some(AccessKey::decode(&record)?))
}

/// Whose key it is, if the owner still exists.
pub(crate) fn owner(tx: &mut dyn Tx, key: &AccessKey) -> Result<Option<Owner>, IamError> {
    if key.owner == ROOT {
        return Ok(Some(Owner::Root));
    }
    let mut users = names::find(tx, &key.account, std::slice::from_ref(&key.owner))?;
    Ok(users.pop().map(Owner::User))
}

/// A key of this owner.
pub(crate) fn get(tx: &mut dyn Tx, account: &str, owner: &str, id: &str) -> Result<AccessKey, IamError> {
    let found = find(tx, id)?.filter(|key| key.account == account && key.owner == owner);
    found.ok_or_else(|| IamError::NoAccessKey(id.to_owned()))
}

pub(crate) fn put(tx: &mut dyn Tx, key: &AccessKey) -> Result<(), IamError> {
    Ok(tx.put(&by_id(&key.id), key.encode()?)?)
}

pub(crate) fn delete(tx: &mut dyn Tx, key: &AccessKey) -> Result<(), IamError> {
    tx.delete(&keys_of(&key.account, &key.owner).text(&key.id))?;
    tx.delete(&used_key(&key.id))?;
    Ok(tx.delete(&by_id(&key.id))?)
}

/// The keys of an owner, in the order of their ids.
pub(crate) fn of(tx: &mut dyn Tx, account: &str, owner: &str) -> Result<Vec<AccessKey>, IamError> {
    let ids = records::values(tx, keys_of(account, owner).children(), KEYS_PER_USER)?;
    let mut keys = Vec::new();
    for id in ids {
        keys.extend(find(tx, &String::from_utf8_lossy(&id))?);
    }
    Ok(keys)
}

pub(crate) fn last_used(tx: &mut dyn Tx, id: &str) -> Result<Option<LastUsed>, IamError> {
    let Some(record) = tx.get(&used_key(id))? else { return Ok(None) };
    Ok(Some(LastUsed::decode(&record)?))
}

/// Keeps when a key was used, unless it is gone.
pub(crate) fn put_last_used(tx: &mut dyn Tx, id: &str, used: &LastUsed) -> Result<(), IamError> {
    if find(tx, id)?.is_some() {
        tx.put(&used_key(id), used.encode()?)?;
    }
    Ok(())
}

/// Ids are unique among all accounts: a request names nothing else.
fn by_id(id: &str) -> Key {
    Key::of("iam/access-key").text(id)
}

fn used_key(id: &str) -> Key {
    Key::of("iam/access-key-used").text(id)
}

fn keys_of(account: &str, owner: &str) -> Key {
    Key::of("iam/user-access-key").text(account).text(owner)
}
