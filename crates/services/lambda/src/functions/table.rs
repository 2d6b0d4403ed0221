//! Functions in the store, and what is written with them: tags, the account's code size, the list of functions
//! still to be settled. Everything here runs inside a transaction.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use hearth_aws::names::FunctionName;
use hearth_store::{Key, KeyRange, Order, StoreError, Tx};

use super::function::{Function, Owner, State, Update};
use super::stored::{self, RecordError};
use crate::error::FunctionError;
use crate::limits::TAGS_MAX;

/// Tags by key. Each is a record of its own: 50 of the largest would fill almost a whole one, of 64 KB.
pub(crate) type Tags = BTreeMap<String, String>;

/// A page of functions in the order of their names.
pub(crate) struct Page {
    pub(crate) functions: Vec<Function>,
    pub(crate) more: bool,
}

pub(crate) fn get(
    tx: &mut dyn Tx,
    owner: &Owner,
    name: &FunctionName,
) -> Result<Option<Function>, FunctionError> {
    let Some(record) = tx.get(&function_key(owner, name))? else { return Ok(None) };
    Ok(Some(stored::decode(&record).map_err(|source| unreadable(name.as_str(), source))?))
}

/// Writes a function that does not exist yet, with its tags and its share of the account's code.
pub(crate) fn insert(
    tx: &mut dyn Tx,
    owner: &Owner,
    function: &Function,
    tags: &Tags,
) -> Result<(), FunctionError> {
    put(tx, owner, function)?;
    set_tags(tx, owner, &function.name, tags)?;
    charge(tx, owner, 0, function.code_bytes)
}

/// Writes a function over what it was. Whoever calls has seen to the blobs.
pub(crate) fn replace(
    tx: &mut dyn Tx,
    owner: &Owner,
    old: &Function,
    new: &Function,
) -> Result<(), FunctionError> {
    put(tx, owner, new)?;
    charge(tx, owner, old.code_bytes, new.code_bytes)
}

/// Writes a record, and keeps the list of those to be settled.
fn put(tx: &mut dyn Tx, owner: &Owner, function: &Function) -> Result<(), FunctionError> {
    let record = stored::encode(function).map_err(|source| unreadable(function.name.as_str(), source))?;
    tx.put(&function_key(owner, &function.name), record)?;
    let pending = pending_key(owner, &function.name);
    match (&function.state, &function.update) {
        (State::Pending, _) | (State::Active, Update::InProgress { .. }) => {
            tx.put(&pending, stored::encode_texts(&[&owner.account, &owner.region, function.name.as_str()]))?;
        }
        (State::Active, Update::Settled | Update::Failed { .. }) | (State::Failed { .. }, _) => {
            tx.delete(&pending)?;
        }
    }
    Ok(())
}

/// Deletes a function with all that was written beside it.
pub(crate) fn delete(tx: &mut dyn Tx, owner: &Owner, function: &Function) -> Result<(), FunctionError> {
    for key in tags(tx, owner, &function.name)?.keys() {
        tx.delete(&tag_key(owner, &function.name).text(key))?;
    }
    tx.delete(&recursion_key(owner, &function.name))?;
    tx.delete(&pending_key(owner, &function.name))?;
    tx.delete(&function_key(owner, &function.name))?;
    charge(tx, owner, function.code_bytes, 0)
}

/// At most `limit` functions whose names come after `after`.
pub(crate) fn page(
    tx: &mut dyn Tx,
    owner: &Owner,
    after: Option<&FunctionName>,
    limit: u32,
) -> Result<Page, FunctionError> {
    let all = Key::of("lambda/function").text(&owner.account).text(&owner.region);
    let range = match after {
        Some(name) => all.children_after(&function_key(owner, name)),
        None => all.children(),
    };
    let mut records = values(tx, range, limit.saturating_add(1))?;
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let functions = records
        .iter()
        .map(|record| stored::decode(record).map_err(|source| unreadable("in a listing", source)))
        .collect::<Result<_, _>>()?;
    Ok(Page { functions, more })
}

/// Adds tags, or gives them new values.
pub(crate) fn set_tags(
    tx: &mut dyn Tx,
    owner: &Owner,
    name: &FunctionName,
    tags: &Tags,
) -> Result<(), FunctionError> {
    for (key, value) in tags {
        tx.put(&tag_key(owner, name).text(key), stored::encode_texts(&[key, value]))?;
    }
    Ok(())
}

/// Takes a tag away, if it is there.
pub(crate) fn delete_tag(
    tx: &mut dyn Tx,
    owner: &Owner,
    name: &FunctionName,
    key: &str,
) -> Result<(), FunctionError> {
    Ok(tx.delete(&tag_key(owner, name).text(key))?)
}

/// A function's tags.
pub(crate) fn tags(tx: &mut dyn Tx, owner: &Owner, name: &FunctionName) -> Result<Tags, FunctionError> {
    let records = values(tx, tag_key(owner, name).children(), TAGS_MAX as u32)?;
    let tag = |record: &Bytes| {
        let [key, value] =
            stored::decode_texts(record).map_err(|source| unreadable(name.as_str(), source))?;
        Ok((key, value))
    };
    records.iter().map(tag).collect()
}

/// Whether a function that calls itself goes on (`RecursiveLoop` `Allow`).
pub(crate) fn allows_recursion(
    tx: &mut dyn Tx,
    owner: &Owner,
    name: &FunctionName,
) -> Result<bool, FunctionError> {
    Ok(tx.get(&recursion_key(owner, name))?.is_some())
}

/// Lets a function that calls itself go on, or has it stopped, which is what it is without a word.
pub(crate) fn allow_recursion(
    tx: &mut dyn Tx,
    owner: &Owner,
    name: &FunctionName,
    allow: bool,
) -> Result<(), FunctionError> {
    let key = recursion_key(owner, name);
    if allow {
        tx.put(&key, Bytes::from_static(b"1"))?;
    } else {
        tx.delete(&key)?;
    }
    Ok(())
}

/// Whether the account, which may have `limit` bytes in all, may have code of `new` bytes where it has `old`.
pub(crate) fn check_room(
    tx: &mut dyn Tx,
    owner: &Owner,
    limit: u64,
    old: u64,
    new: u64,
) -> Result<(), FunctionError> {
    let used = code_usage(tx, owner)?.saturating_sub(old).saturating_add(new);
    if new > old && used > limit {
        return Err(FunctionError::CodeStorageExceeded);
    }
    Ok(())
}

/// The account has code of `new` bytes where it had `old`.
pub(crate) fn charge(tx: &mut dyn Tx, owner: &Owner, old: u64, new: u64) -> Result<(), FunctionError> {
    if old == new {
        return Ok(());
    }
    let used = code_usage(tx, owner)?.saturating_sub(old).saturating_add(new);
    Ok(tx.put(&usage_key(owner), Bytes::copy_from_slice(&used.to_be_bytes()))?)
}

/// Bytes of all packages and layers that an account has in a region.
pub(crate) fn code_usage(tx: &mut dyn Tx, owner: &Owner) -> Result<u64, FunctionError> {
    let Some(record) = tx.get(&usage_key(owner))? else { return Ok(0) };
    let bytes =
        record.as_ref().try_into().map_err(|_| unreadable("of all code", RecordError::Version(None)))?;
    Ok(u64::from_be_bytes(bytes))
}

/// The first functions still to be settled, of every owner, that come after `after`.
pub(crate) fn pending(
    tx: &mut dyn Tx,
    after: Option<&(Owner, FunctionName)>,
    limit: u32,
) -> Result<Vec<(Owner, FunctionName)>, FunctionError> {
    let all = Key::of("lambda/pending");
    let range = match after {
        Some((owner, name)) => all.children_after(&pending_key(owner, name)),
        None => all.children(),
    };
    let records = values(tx, range, limit)?;
    let entry = |record: &Bytes| {
        let [account, region, name] =
            stored::decode_texts(record).map_err(|source| unreadable("to be activated", source))?;
        let name =
            FunctionName::parse(&name).ok_or_else(|| unreadable(&name, RecordError::Value(name.clone())))?;
        Ok((Owner { account, region }, name))
    };
    records.iter().map(entry).collect()
}

fn values(tx: &mut dyn Tx, range: KeyRange, limit: u32) -> Result<Vec<Bytes>, StoreError> {
    let mut values = Vec::new();
    tx.scan(range, Order::Ascending, limit, &mut |_, value| {
        values.push(Bytes::copy_from_slice(value));
        ControlFlow::Continue(())
    })?;
    Ok(values)
}

fn unreadable(name: &str, source: RecordError) -> FunctionError {
    FunctionError::Unreadable { name: name.to_owned(), source }
}

/// A function's record; whoever waits for a change of it watches this.
pub(crate) fn function_key(owner: &Owner, name: &FunctionName) -> Key {
    Key::of("lambda/function").text(&owner.account).text(&owner.region).text(name.as_str())
}

fn tag_key(owner: &Owner, name: &FunctionName) -> Key {
    Key::of("lambda/tag").text(&owner.account).text(&owner.region).text(name.as_str())
}

/// There when a function may call itself.
fn recursion_key(owner: &Owner, name: &FunctionName) -> Key {
    Key::of("lambda/recursion").text(&owner.account).text(&owner.region).text(name.as_str())
}

fn usage_key(owner: &Owner) -> Key {
    Key::of("lambda/code-usage").text(&owner.account).text(&owner.region)
}

/// A system keyspace: it is read across accounts after a restart.
fn pending_key(owner: &Owner, name: &FunctionName) -> Key {
    Key::of("lambda/pending").text(&owner.account).text(&owner.region).text(name.as_str())
}
