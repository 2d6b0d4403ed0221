//! Things with a name that is theirs alone in an account, whatever its case: users, groups, roles, policies and
//! instance profiles. Everything here runs inside a transaction.

use std::ops::ControlFlow;

use bytes::Bytes;
use hearth_store::{Key, KeyRange, Order, Stored, Tx, VALUE_BYTES_MAX};

use crate::error::{IamError, What};

/// A kind of record.
pub(crate) trait Record: Stored {
    const WHAT: What;
    /// The keyspace; below it come the account and the name in small letters.
    const SPACE: &'static str;
    /// The quota's name in texts, and how many an account may have.
    const QUOTA: (&'static str, u32);

    /// As it was given at the creation.
    fn name(&self) -> &str;
}

pub(crate) fn find<R: Record>(tx: &mut dyn Tx, account: &str, name: &str) -> Result<Option<R>, IamError> {
    let Some(record) = tx.get(&key::<R>(account, name))? else { return Ok(None) };
    Ok(Some(R::decode(&record)?))
}

pub(crate) fn get<R: Record>(tx: &mut dyn Tx, account: &str, name: &str) -> Result<R, IamError> {
    find(tx, account, name)?.ok_or_else(|| IamError::NotFound(R::WHAT, name.to_owned()))
}

/// A new record, under a free name and below the quota.
pub(crate) fn insert<R: Record>(tx: &mut dyn Tx, account: &str, record: &R) -> Result<(), IamError> {
    if find::<R>(tx, account, record.name())?.is_some() {
        return Err(IamError::AlreadyExists(R::WHAT, record.name().to_owned()));
    }
    let (quota, limit) = R::QUOTA;
    if count(tx, all::<R>(account).children(), limit)? >= limit {
        return Err(IamError::Quota { quota, limit });
    }
    put(tx, account, record)
}

/// Writes a record, over the one of its name. Fifty tags of the longest foreign letters do not fit into one.
pub(crate) fn put<R: Record>(tx: &mut dyn Tx, account: &str, record: &R) -> Result<(), IamError> {
    let bytes = record.encode()?;
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(IamError::TooLarge(R::WHAT, record.name().to_owned()));
    }
    Ok(tx.put(&key::<R>(account, record.name()), bytes)?)
}

pub(crate) fn remove<R: Record>(tx: &mut dyn Tx, account: &str, name: &str) -> Result<(), IamError> {
    Ok(tx.delete(&key::<R>(account, name))?)
}

/// At most `limit` records whose names come after `after`, and whether there are more.
pub(crate) fn page<R: Record>(
    tx: &mut dyn Tx,
    account: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<(Vec<R>, bool), IamError> {
    let all = all::<R>(account);
    let range = after.map_or(all.children(), |name| all.children_after(&key::<R>(account, name)));
    let mut records = values(tx, range, limit.saturating_add(1))?;
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    Ok((records.iter().map(|record| R::decode(record)).collect::<Result<_, _>>()?, more))
}

/// How many there are of a kind, counted up to its quota.
pub(crate) fn number<R: Record>(tx: &mut dyn Tx, account: &str) -> Result<u32, IamError> {
    count(tx, all::<R>(account).children(), R::QUOTA.1)
}

/// How many keys lie in a range, counted up to a limit.
pub(crate) fn count(tx: &mut dyn Tx, range: KeyRange, limit: u32) -> Result<u32, IamError> {
    let mut found = 0;
    tx.scan(range, Order::Ascending, limit, &mut |_, _| {
        found += 1;
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The first values of a range.
pub(crate) fn values(tx: &mut dyn Tx, range: KeyRange, limit: u32) -> Result<Vec<Bytes>, IamError> {
    let mut values = Vec::new();
    tx.scan(range, Order::Ascending, limit, &mut |_, value| {
        values.push(Bytes::copy_from_slice(value));
        ControlFlow::Continue(())
    })?;
    Ok(values)
}

/// The first keys of a range.
pub(crate) fn keys(tx: &mut dyn Tx, range: KeyRange, limit: u32) -> Result<Vec<Key>, IamError> {
    let mut keys = Vec::new();
    tx.scan(range, Order::Ascending, limit, &mut |key, _| {
        keys.push(Key::from_bytes(key));
        ControlFlow::Continue(())
    })?;
    Ok(keys)
}

fn all<R: Record>(account: &str) -> Key {
    Key::of(R::SPACE).text(account)
}

/// Two names that differ in case only are one.
fn key<R: Record>(account: &str, name: &str) -> Key {
    all::<R>(account).text(&name.to_ascii_lowercase())
}
