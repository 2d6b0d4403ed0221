//! What is to leave the disk, a page at a time: bytes that no version names, and what is left of a deleted bucket.
//!
//! ```text
//! small object, blob ─▶ at once, in the transaction that removes what named it (a blob after its grace)
//! parts of an object or upload ─▶ timer s3/parts ─▶ pages of parts
//! parts that a completion leaves out ─▶ pages before the transaction that completes
//! uploads and documents of a bucket that is gone ─▶ timer s3/bucket ─▶ pages
//! ```
//!
//! Never: deletes in one transaction more than a page.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hearth_store::timers::{self, Fate, Fired, Timer, Timers};
use hearth_store::{Key, Order, Stored, Tx, garbage, transact};
use hearth_world::TaskGroup;

use crate::S3;
use crate::error::Failure;
use crate::keys;
use crate::records::{Content, Part, Upload};
use crate::settings::{lifecycle, sweep};

/// Parts of an upload or an object.
const PARTS: &str = "s3/parts";

/// What is left of a bucket.
const BUCKET: &str = "s3/bucket";

/// Records that one transaction deletes.
const PAGE: u32 = 200;

/// Starts what fires the timers of this service, until the group stops.
pub(crate) fn keep_up(s3: &Arc<S3>, tasks: &TaskGroup) {
    let (parts, buckets, looking) = (s3.clone(), s3.clone(), s3.clone());
    Timers::new(s3.store.clone(), s3.world.clone())
        .on(PARTS, move |fired| pages(parts.clone(), fired, parts_page))
        .on(BUCKET, move |fired| pages(buckets.clone(), fired, bucket_page))
        .on(lifecycle::TIMER, move |fired| sweep::look(looking.clone(), fired))
        .spawn(tasks);
}

/// Who holds the blob of an object or a part.
pub(crate) fn holder(number: u64) -> String {
    format!("s3/object/{number:016x}")
}

/// The bytes of an object or a part are needed no more.
pub(crate) fn content(
    tx: &mut dyn Tx,
    number: u64,
    content: Content,
    grace: Duration,
) -> Result<(), Failure> {
    match content {
        Content::Empty => Ok(()),
        Content::Inline => Ok(tx.delete(&keys::bytes(number))?),
        Content::Blob(digest) => Ok(garbage::release(tx, &digest, &holder(number), grace)?),
        Content::Parts(upload) => parts(tx, upload),
    }
}

/// The parts with this upload's number are needed no more.
pub(crate) fn parts(tx: &mut dyn Tx, upload: u64) -> Result<(), Failure> {
    set(tx, PARTS, upload)
}

/// The bucket is gone: so is what is under its number.
pub(crate) fn bucket(tx: &mut dyn Tx, number: u64) -> Result<(), Failure> {
    set(tx, BUCKET, number)
}

fn set(tx: &mut dyn Tx, kind: &'static str, number: u64) -> Result<(), Failure> {
    let due = tx.now();
    Ok(timers::set(tx, &Timer { kind, id: format!("{number:016x}"), due, payload: Bytes::new() })?)
}

/// Deletes pages until nothing is left.
async fn pages(
    s3: Arc<S3>,
    fired: Fired,
    page: fn(&mut dyn Tx, u64, Duration) -> Result<bool, Failure>,
) -> Fate {
    let Ok(number) = u64::from_str_radix(&fired.id, 16) else { return Fate::Done };
    let grace = s3.blobs.grace();
    loop {
        match transact(&*s3.store, move |tx| page(tx, number, grace)).await {
            Ok(true) => return Fate::Done,
            Ok(false) => {}
            Err(failure) => {
                let cause = failure.source.map_or(failure.message, |cause| cause.to_string());
                return Fate::Failed(cause);
            }
        }
    }
}

fn entries(tx: &mut dyn Tx, space: &Key) -> Result<Vec<(Key, Bytes)>, Failure> {
    let mut found = Vec::new();
    tx.scan(space.children(), Order::Ascending, PAGE, &mut |key, value| {
        found.push((Key::from_bytes(key), Bytes::copy_from_slice(value)));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Whether nothing is left.
fn parts_page(tx: &mut dyn Tx, upload: u64, grace: Duration) -> Result<bool, Failure> {
    let found = entries(tx, &keys::parts(upload))?;
    for (key, record) in &found {
        let part = Part::decode(record)?;
        content(tx, part.number, part.content, grace)?;
        tx.delete(key)?;
    }
    Ok(found.is_empty())
}

/// Whether nothing is left.
fn bucket_page(tx: &mut dyn Tx, bucket: u64, _: Duration) -> Result<bool, Failure> {
    let uploads = entries(tx, &keys::uploads(bucket))?;
    for (key, record) in &uploads {
        parts(tx, Upload::decode(record)?.number)?;
        tx.delete(key)?;
    }
    let documents = entries(tx, &keys::documents(bucket))?;
    for (key, _) in &documents {
        tx.delete(key)?;
    }
    Ok(uploads.is_empty() && documents.is_empty())
}
