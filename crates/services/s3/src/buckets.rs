//! Buckets as they are kept. Everything here runs inside a transaction.

use std::ops::ControlFlow;

use bytes::Bytes;
use hearth_store::{Order, Stored, Tx};

use crate::error::Failure;
use crate::records::{Bucket, Versioning};
use crate::{keys, reclaim};

/// Buckets of one account: AWS's greatest quota.
const BUCKETS_MAX: u32 = 10_000;

/// A document of a sub-resource: what one value of the store takes.
const DOCUMENT_BYTES_MAX: usize = hearth_store::VALUE_BYTES_MAX;

/// The bucket of this name, whoever asks.
pub(crate) fn find(tx: &mut dyn Tx, name: &str) -> Result<Option<Bucket>, Failure> {
    Ok(tx.get(&keys::bucket(name))?.map(|record| Bucket::decode(&record)).transpose()?)
}

/// The bucket of this name, for an account that may use it.
// GAP(policies): a bucket is its account's alone, until policies and ACLs let others in.
pub(crate) fn get(tx: &mut dyn Tx, account: &str, name: &str) -> Result<Bucket, Failure> {
    let bucket = find(tx, name)?.ok_or_else(|| Failure::no_bucket(name))?;
    if bucket.account == account {
        Ok(bucket)
    } else {
        Err(Failure::new(403, "AccessDenied", "Access Denied"))
    }
}

/// Writes a bucket that is there already.
pub(crate) fn put(tx: &mut dyn Tx, bucket: &Bucket) -> Result<(), Failure> {
    Ok(tx.put(&keys::bucket(&bucket.name), bucket.encode()?)?)
}

/// Makes a bucket. `false` when the account has it already, in the one region where that is no error.
pub(crate) fn create(tx: &mut dyn Tx, new: &Bucket) -> Result<bool, Failure> {
    if let Some(existing) = find(tx, &new.name)? {
        if existing.account != new.account {
            let text = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                        system. Please select a different name and try again.";
            return Err(Failure::new(409, "BucketAlreadyExists", text).with("BucketName", &new.name));
        }
        if existing.region == "us-east-1" && new.region == "us-east-1" {
            return Ok(false);
        }
        let text = "Your previous request to create the named bucket succeeded and you already own it.";
        return Err(Failure::new(409, "BucketAlreadyOwnedByYou", text).with("BucketName", &new.name));
    }
    let mut owned = 0;
    tx.scan(keys::owned(&new.account).children(), Order::Ascending, BUCKETS_MAX, &mut |_, _| {
        owned += 1;
        ControlFlow::Continue(())
    })?;
    if owned >= BUCKETS_MAX {
        return Err(Failure::new(
            400,
            "TooManyBuckets",
            "You have attempted to create more buckets than allowed",
        ));
    }
    put(tx, new)?;
    tx.put(&keys::owned(&new.account).text(&new.name), Bytes::new())?;
    Ok(true)
}

/// Removes an empty bucket. Uploads that were not finished go with it, after that.
pub(crate) fn delete(tx: &mut dyn Tx, account: &str, name: &str) -> Result<(), Failure> {
    let bucket = get(tx, account, name)?;
    let (mut has_listed, mut has_versions) = (false, false);
    for (space, found) in
        [(keys::listed(bucket.number), &mut has_listed), (keys::versions(bucket.number), &mut has_versions)]
    {
        tx.scan(space.children(), Order::Ascending, 1, &mut |_, _| {
            *found = true;
            ControlFlow::Break(())
        })?;
    }
    if has_listed || has_versions {
        let text = match bucket.versioning {
            Versioning::Never => "The bucket you tried to delete is not empty",
            _ => "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
        };
        return Err(Failure::new(409, "BucketNotEmpty", text).with("BucketName", name));
    }
    tx.delete(&keys::bucket(name))?;
    tx.delete(&keys::owned(account).text(name))?;
    reclaim::bucket(tx, bucket.number)
}

/// At most `limit` buckets of an account in the order of their names, those after `after` whose names begin with
/// `prefix`.
pub(crate) fn page(
    tx: &mut dyn Tx,
    account: &str,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Bucket>, Failure> {
    let owned = keys::owned(account);
    let mut range = owned.children_from(prefix);
    if let Some(after) = after {
        range.from = range.from.max(owned.children_after(&owned.clone().text(after)).from);
    }
    let mut names = Vec::new();
    tx.scan(range, Order::Ascending, limit, &mut |key, _| {
        let mut parts = hearth_store::KeyParts::of(key);
        names.extend(parts.text().and_then(|_| parts.text()).and_then(|_| parts.text()));
        ControlFlow::Continue(())
    })?;
    let mut found = Vec::new();
    for name in names {
        found.extend(find(tx, &name)?);
    }
    Ok(found)
}

/// The stored document of a sub-resource.
pub(crate) fn document(tx: &mut dyn Tx, bucket: u64, name: &str) -> Result<Option<String>, Failure> {
    let stored = tx.get(&keys::documents(bucket).text(name))?;
    Ok(stored.map(|document| String::from_utf8_lossy(&document).into_owned()))
}

/// Stores the document of a sub-resource, or removes it.
pub(crate) fn put_document(
    tx: &mut dyn Tx,
    bucket: u64,
    name: &str,
    document: Option<&str>,
) -> Result<(), Failure> {
    let key = keys::documents(bucket).text(name);
    match document {
        Some(document) if document.len() > DOCUMENT_BYTES_MAX => {
            let text = format!("Hearth keeps documents of {DOCUMENT_BYTES_MAX} bytes at most.");
            Err(Failure::new(400, "MaxMessageLengthExceeded", text))
        }
        Some(document) => Ok(tx.put(&key, Bytes::copy_from_slice(document.as_bytes()))?),
        None => Ok(tx.delete(&key)?),
    }
}
