//! The names of users and groups by their ids: what belongs to one is kept by its id, and names change. In a
//! transaction.

use bytes::Bytes;
use hearth_store::{Key, Tx};

use crate::error::IamError;
use crate::records::{self, Record};

/// What has an id that stays while its name and path may change.
pub(crate) trait Named: Record {
    fn id(&self) -> &str;
    /// Its name and its path, to be changed.
    fn names(&mut self) -> (&mut String, &mut String);
}

/// A new record, and its name by its id.
pub(crate) fn insert<R: Named>(tx: &mut dyn Tx, account: &str, record: &R) -> Result<(), IamError> {
    records::insert(tx, account, record)?;
    put(tx, account, record.id(), record.name())
}

/// Gives a record another name or path. What belongs to it stays where it is.
pub(crate) fn rename<R: Named>(
    tx: &mut dyn Tx,
    account: &str,
    name: &str,
    new_name: Option<&str>,
    new_path: Option<&str>,
) -> Result<(), IamError> {
    let mut record: R = records::get(tx, account, name)?;
    if let Some(path) = new_path {
        path.clone_into(record.names().1);
    }
    if let Some(new_name) = new_name {
        if !new_name.eq_ignore_ascii_case(record.name()) {
            if records::find::<R>(tx, account, new_name)?.is_some() {
                return Err(IamError::AlreadyExists(R::WHAT, new_name.to_owned()));
            }
            records::remove::<R>(tx, account, name)?;
        }
        new_name.clone_into(record.names().0);
    }
    records::put(tx, account, &record)?;
    put(tx, account, record.id(), record.name())
}

fn put(tx: &mut dyn Tx, account: &str, id: &str, name: &str) -> Result<(), IamError> {
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
