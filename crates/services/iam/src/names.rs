//! The names of users and groups by their ids: what belongs to one is kept by its id, and names change.

use bytes::Bytes;
use hearth_store::{Key, Tx};

use crate::error::IamError;
use crate::records::{self, Record};

pub(crate) fn put(tx: &mut dyn Tx, account: &str, id: &str, name: &str) -> Result<(), IamError> {
    Ok(tx.put(&key(account, id), Bytes::copy_from_slice(name.as_bytes()))?)
}

pub(crate) fn delete(tx: &mut dyn Tx, account: &str, id: &str) -> Result<(), IamError> {
    Ok(tx.delete(&key(account, id))?)
}

/// The records with these ids that exist.
pub(crate) fn find<R: Record>(tx: &mut dyn Tx, account: &str, ids: &[String]) -> Result<Vec<R>, IamError> {
    let keys: Vec<Key> = ids.iter().map(|id| key(account, id)).collect();
    let mut found = Vec::with_capacity(ids.len());
    for name in tx.get_many(&keys)?.into_iter().flatten() {
        found.extend(records::find(tx, account, &String::from_utf8_lossy(&name))?);
    }
    Ok(found)
}

fn key(account: &str, id: &str) -> Key {
    Key::of("iam/name-of").text(account).text(id)
}
