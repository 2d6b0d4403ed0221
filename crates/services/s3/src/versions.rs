//! Versions of keys: the one place where they come and go. Everything here runs inside a transaction.
//!
//! ```text
//!                 Never                    Enabled                     Suspended
//! put             replaces "null"          adds a version              replaces "null", which becomes the newest
//! delete          removes "null"           adds a delete marker        replaces "null" by a delete marker
//! delete version  removes it; the one before it becomes the newest
//! ```
//!
//! Never: two versions "null" of one key; a listed key whose newest version is a delete marker.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use hearth_store::{KeyParts, Order, StoreError, Stored, Tx};

use crate::error::Failure;
use crate::records::{Bucket, Listed, NULL, Object, Version, Versioning};
use crate::{keys, reclaim};

/// What a version's id looks like: sequence and a random number, in hexadecimal digits.
const ID_CHARACTERS: usize = 32;

/// A version and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    pub(crate) sequence: u64,
    pub(crate) version: Version,
}

/// What a change needs beside the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// For a new version's id. Drawn outside of the transaction.
    pub(crate) random: u64,
    /// How long bytes stay that nobody needs.
    pub(crate) grace: Duration,
}

/// What a change did.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Changed {
    /// The version that was written or removed, where the bucket has versions.
    pub(crate) id: Option<String>,
    /// It is a delete marker.
    pub(crate) is_marker: bool,
}

impl Changed {
    /// The id as the answer to a write shows it: only a version of its own has one there.
    pub(crate) fn written(self) -> Option<String> {
        self.id.filter(|id| id != NULL)
    }
}

/// The newest version.
pub(crate) fn newest(tx: &mut dyn Tx, bucket: u64, key: &str) -> Result<Option<Standing>, Failure> {
    let mut found = None;
    tx.scan(keys::versions(bucket).text(key).children(), Order::Ascending, 1, &mut |key, record| {
        found = Some((key.to_vec(), Bytes::copy_from_slice(record)));
        ControlFlow::Break(())
    })?;
    let Some((key, record)) = found else { return Ok(None) };
    let (_, sequence) = place(&key)?;
    Ok(Some(Standing { sequence, version: Version::decode(&record)? }))
}

/// Key and sequence number of a version, from its place in the store.
pub(crate) fn place(key: &[u8]) -> Result<(String, u64), Failure> {
    let mut parts = KeyParts::of(key);
    let place = parts.text().and_then(|_| parts.number()).and_then(|_| parts.text()).zip(parts.number());
    let damaged = || Failure::from(StoreError::Engine("the key of a version is damaged".into()));
    place.map(|(key, sequence)| (key, !sequence)).ok_or_else(damaged)
}

/// The version with this id, or `None`.
pub(crate) fn find(tx: &mut dyn Tx, bucket: u64, key: &str, id: &str) -> Result<Option<Standing>, Failure> {
    let sequence = if id == NULL {
        let newest = newest(tx, bucket, key)?;
        if newest.as_ref().is_some_and(|newest| newest.version.id == NULL) {
            return Ok(newest);
        }
        null(tx, bucket, key)?
    } else {
        Some(sequence_of(id)?)
    };
    let Some(sequence) = sequence else { return Ok(None) };
    let Some(record) = tx.get(&keys::version(bucket, key, sequence))? else { return Ok(None) };
    let version = Version::decode(&record)?;
    Ok((version.id == id).then_some(Standing { sequence, version }))
}

/// The object that a client asks for: the newest, or that of a version.
pub(crate) fn get(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    key: &str,
    id: Option<&str>,
) -> Result<(Version, Object), Failure> {
    let found = match id {
        None => newest(tx, bucket.number, key)?,
        Some(id) => {
            let found = find(tx, bucket.number, key, id)?;
            Some(found.ok_or_else(|| Failure::no_version(key, id))?)
        }
    };
    let Some(mut version) = found.map(|found| found.version) else { return Err(Failure::no_key(key)) };
    if let Some(object) = version.object.take() {
        return Ok((version, object));
    }
    let failure = match id {
        None => Failure::no_key(key),
        Some(_) => {
            let text = "The specified method is not allowed against this resource.";
            let failure = Failure::new(405, "MethodNotAllowed", text);
            failure.with("Method", "GET").with("ResourceType", "DeleteMarker").header("allow", "DELETE")
        }
    };
    Err(failure.header("x-amz-delete-marker", "true").header("x-amz-version-id", &version.id))
}

/// Writes an object as the newest version.
pub(crate) fn put(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    key: &str,
    object: Object,
    change: Change,
) -> Result<Changed, Failure> {
    add(tx, bucket, key, Some(object), change)
}

/// Deletes without naming a version.
pub(crate) fn delete(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    key: &str,
    change: Change,
) -> Result<Changed, Failure> {
    if bucket.versioning != Versioning::Never {
        return add(tx, bucket, key, None, change);
    }
    if let Some(newest) = newest(tx, bucket.number, key)? {
        remove(tx, bucket.number, key, newest, change.grace)?;
        tx.delete(&keys::listed(bucket.number).text(key))?;
    }
    Ok(Changed { id: None, is_marker: false })
}

/// Removes one version for ever. One that is not there is removed already.
pub(crate) fn delete_version(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    key: &str,
    id: &str,
    change: Change,
) -> Result<Changed, Failure> {
    let Some(found) = find(tx, bucket.number, key, id)? else {
        return Ok(Changed { id: Some(id.to_owned()), is_marker: false });
    };
    let is_marker = found.version.object.is_none();
    remove(tx, bucket.number, key, found, change.grace)?;
    if id == NULL {
        tx.delete(&keys::null(bucket.number, key))?;
    }
    let listed = keys::listed(bucket.number).text(key);
    match newest(tx, bucket.number, key)? {
        None => tx.delete(&listed)?,
        Some(newest) => {
            if newest.version.id == NULL {
                tx.delete(&keys::null(bucket.number, key))?;
            }
            match &newest.version.object {
                Some(object) => {
                    let entry = Listed::of(object, newest.sequence, newest.version.modified);
                    tx.put(&listed, entry.encode()?)?;
                }
                None => tx.delete(&listed)?,
            }
        }
    }
    Ok(Changed { id: Some(id.to_owned()), is_marker })
}

/// Writes a version again whose tags or documents changed.
pub(crate) fn update(tx: &mut dyn Tx, bucket: u64, key: &str, standing: &Standing) -> Result<(), Failure> {
    let record = standing.version.encode()?;
    if record.len() > hearth_store::VALUE_BYTES_MAX {
        return Err(Failure::new(
            400,
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    Ok(tx.put(&keys::version(bucket, key, standing.sequence), record)?)
}

fn add(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    key: &str,
    object: Option<Object>,
    change: Change,
) -> Result<Changed, Failure> {
    let newest = newest(tx, bucket.number, key)?;
    let now = u64::try_from(tx.now().as_micros()).unwrap_or(0);
    let sequence = newest.as_ref().map_or(0, |newest| newest.sequence.saturating_add(1)).max(now);
    let is_null_newest = newest.as_ref().is_some_and(|newest| newest.version.id == NULL);
    let id = if bucket.versioning == Versioning::Enabled {
        if let Some(newest) = newest.filter(|_| is_null_newest) {
            let pointer = Bytes::copy_from_slice(&newest.sequence.to_be_bytes());
            tx.put(&keys::null(bucket.number, key), pointer)?;
        }
        format!("{sequence:016x}{:016x}", change.random)
    } else {
        let old = if is_null_newest { newest } else { find(tx, bucket.number, key, NULL)? };
        if let Some(old) = old {
            remove(tx, bucket.number, key, old, change.grace)?;
            tx.delete(&keys::null(bucket.number, key))?;
        }
        NULL.to_owned()
    };
    let listed = keys::listed(bucket.number).text(key);
    let modified = tx.now().as_micros();
    match &object {
        Some(object) => tx.put(&listed, Listed::of(object, sequence, modified).encode()?)?,
        None => tx.delete(&listed)?,
    }
    let is_marker = object.is_none();
    let version = Version { id: id.clone(), modified, object };
    update(tx, bucket.number, key, &Standing { sequence, version })?;
    let id = (bucket.versioning != Versioning::Never).then_some(id);
    Ok(Changed { id, is_marker })
}

fn remove(tx: &mut dyn Tx, bucket: u64, key: &str, found: Standing, grace: Duration) -> Result<(), Failure> {
    tx.delete(&keys::version(bucket, key, found.sequence))?;
    match found.version.object {
        Some(object) => reclaim::content(tx, object.number, object.content, grace),
        None => Ok(()),
    }
}

/// Where the version "null" stands, when it is not the newest.
fn null(tx: &mut dyn Tx, bucket: u64, key: &str) -> Result<Option<u64>, Failure> {
    let pointer = tx.get(&keys::null(bucket, key))?;
    Ok(pointer.and_then(|pointer| Some(u64::from_be_bytes(pointer.as_ref().try_into().ok()?))))
}

/// Where the version with this id stands, whether it is there or not.
pub(crate) fn sequence_of(id: &str) -> Result<u64, Failure> {
    let digits = id.get(..ID_CHARACTERS / 2).filter(|_| id.len() == ID_CHARACTERS);
    let sequence = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    sequence.ok_or_else(|| Failure::argument("versionId", id, "Invalid version id specified"))
}

#[cfg(test)]
mod tests;
