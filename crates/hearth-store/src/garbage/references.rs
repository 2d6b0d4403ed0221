//! Who holds which blob. Everything here runs inside a transaction.
//!
//! ```text
//! system/blob            digest          ─▶ its life, size, kind, whether it is being collected
//! system/blob-reference  digest  holder  ─▶ nothing
//! ```

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::blobs::BlobDigest;
use crate::key::Key;
use crate::records;
use crate::seam::{Order, StoreError, Tx, TxResult};
use crate::timers::{self, Fired, Timer};

const VERSION_1: u8 = 1;

/// The kind of the timers that collect blobs.
pub const COLLECT: &str = "store/collect";

/// The right to hold one life of a blob, for whoever announced it and put its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Which blob.
    pub digest: BlobDigest,
    life: u64,
}

/// What an announcement met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// The bytes may be put, and held with this ticket.
    Ready(Ticket),
    /// The blob is being collected: announce it again once its record has changed.
    Collecting,
}

/// A blob on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// Which.
    pub digest: BlobDigest,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it is for, in the words of who announced it first: `package`.
    pub kind: String,
}

#[derive(Serialize, Deserialize)]
struct BlobV1 {
    life: u64,
    bytes: u64,
    kind: String,
    collecting: bool,
}

/// Says that these bytes will be put: until they are held, they stay for `grace` at least. `life` numbers the blob's
/// new life, if it begins one: a random number, drawn outside of the transaction.
pub fn announce(
    tx: &mut dyn Tx,
    digest: &BlobDigest,
    kind: &str,
    bytes: u64,
    life: u64,
    grace: Duration,
) -> TxResult<Announced> {
    let life = match read(tx, digest)? {
        Some(blob) if blob.collecting => return Ok(Announced::Collecting),
        Some(blob) => blob.life,
        None => {
            write(tx, digest, &BlobV1 { life, bytes, kind: kind.to_owned(), collecting: false })?;
            life
        }
    };
    if !is_held(tx, digest)? {
        collect_after(tx, digest, grace)?;
    }
    Ok(Announced::Ready(Ticket { digest: *digest, life }))
}

/// Holds a blob for whoever the holder names. `false`, and nothing is written, when the blob was collected since it
/// was announced: put it again.
pub fn hold(tx: &mut dyn Tx, ticket: &Ticket, holder: &str) -> TxResult<bool> {
    let blob = read(tx, &ticket.digest)?;
    if blob.is_none_or(|blob| blob.collecting || blob.life != ticket.life) {
        return Ok(false);
    }
    tx.put(&reference_key(&ticket.digest).text(holder), Bytes::new())?;
    timers::cancel(tx, COLLECT, &ticket.digest.to_string())?;
    Ok(true)
}

/// Holds a blob whose file is there since before there were records of blobs.
pub fn adopt(tx: &mut dyn Tx, digest: &BlobDigest, kind: &str, bytes: u64, holder: &str) -> TxResult<()> {
    if read(tx, digest)?.is_none() {
        write(tx, digest, &BlobV1 { life: 0, bytes, kind: kind.to_owned(), collecting: false })?;
    }
    tx.put(&reference_key(digest).text(holder), Bytes::new())?;
    timers::cancel(tx, COLLECT, &digest.to_string())?;
    Ok(())
}

/// A holder needs the blob no more. What nobody holds goes after `grace`.
pub fn release(tx: &mut dyn Tx, digest: &BlobDigest, holder: &str, grace: Duration) -> TxResult<()> {
    tx.delete(&reference_key(digest).text(holder))?;
    if read(tx, digest)?.is_some() && !is_held(tx, digest)? {
        collect_after(tx, digest, grace)?;
    }
    Ok(())
}

/// Lets at most `limit` blobs that wait for their end go now, those whose digests come after `after`. Returns the last
/// one's, `None` when all have been told.
pub fn hasten(tx: &mut dyn Tx, after: Option<&str>, limit: u32) -> TxResult<Option<String>> {
    let page = timers::waiting(tx, COLLECT, after, limit)?;
    let now = tx.now();
    for timer in page.iter().filter(|timer| !timer.claimed && timer.due > now) {
        let digest = timer.id.parse().map_err(|_| StoreError::Engine("a timer names no blob".into()))?;
        // One that is marked waits until nothing that was sent to delete it is under way.
        if read(tx, &digest)?.is_none_or(|blob| !blob.collecting) {
            collect_after(tx, &digest, Duration::ZERO)?;
        }
    }
    Ok(page.last().filter(|_| page.len() == limit as usize).map(|timer| timer.id.clone()))
}

/// Whether a file of this digest has a record.
pub fn is_known(tx: &mut dyn Tx, digest: &BlobDigest) -> TxResult<bool> {
    Ok(tx.get(&blob_key(digest))?.is_some())
}

/// What is on record of a blob.
pub fn info(tx: &mut dyn Tx, digest: &BlobDigest) -> TxResult<Option<BlobInfo>> {
    Ok(read(tx, digest)?.map(|blob| BlobInfo { digest: *digest, bytes: blob.bytes, kind: blob.kind }))
}

/// At most `limit` blobs on record in the order of their digests, those that come after `after`.
pub fn known(tx: &mut dyn Tx, after: Option<&BlobDigest>, limit: u32) -> TxResult<Vec<BlobInfo>> {
    let all = Key::of("system/blob");
    let range = match after {
        Some(digest) => all.children_after(&blob_key(digest)),
        None => all.children(),
    };
    let mut found = Vec::new();
    tx.scan(range, Order::Ascending, limit, &mut |key, value| {
        found.push((key.to_vec(), Bytes::copy_from_slice(value)));
        ControlFlow::Continue(())
    })?;
    let info = |(key, value): (Vec<u8>, Bytes)| {
        let key = Key::from_bytes(&key);
        let mut parts = key.parts();
        let digest = parts.text().and_then(|_| parts.text()).and_then(|text| text.parse().ok());
        let digest = digest.ok_or_else(|| StoreError::Engine("the key of a blob is damaged".into()))?;
        let BlobV1 { bytes, kind, .. } = decode(&value)?;
        Ok(BlobInfo { digest, bytes, kind })
    };
    found.into_iter().map(info).collect()
}

/// Whether a collector has begun with it.
#[cfg(test)]
pub(super) fn is_collecting(tx: &mut dyn Tx, digest: &BlobDigest) -> TxResult<bool> {
    Ok(read(tx, digest)?.is_some_and(|blob| blob.collecting))
}

/// What a collector finds when the timer of a blob has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Somebody holds it, or it is gone, or another has the timer: nothing is to be done.
    Leave,
    /// From now on nobody can hold it, and its file may be deleted.
    Collect,
}

/// Looks for holders, and marks the blob when there are none. The claim lasts for `claim` from now on.
pub(super) fn mark(
    tx: &mut dyn Tx,
    fired: &Fired,
    digest: &BlobDigest,
    claim: Duration,
) -> TxResult<Verdict> {
    if !fired.renew(tx, claim)? {
        return Ok(Verdict::Leave);
    }
    match read(tx, digest)? {
        // A collector was interrupted here.
        Some(blob) if blob.collecting => Ok(Verdict::Collect),
        Some(blob) if !is_held(tx, digest)? => {
            write(tx, digest, &BlobV1 { collecting: true, ..blob })?;
            Ok(Verdict::Collect)
        }
        Some(_) | None => {
            fired.settle(tx)?;
            Ok(Verdict::Leave)
        }
    }
}

/// The file is deleted: the record goes, and the timer with it.
pub(super) fn collected(tx: &mut dyn Tx, fired: &Fired, digest: &BlobDigest) -> TxResult<()> {
    if fired.settle(tx)? && read(tx, digest)?.is_some_and(|blob| blob.collecting) {
        tx.delete(&blob_key(digest))?;
    }
    Ok(())
}

/// Whether anybody holds it.
pub fn is_held(tx: &mut dyn Tx, digest: &BlobDigest) -> TxResult<bool> {
    let mut held = false;
    tx.scan(reference_key(digest).children(), Order::Ascending, 1, &mut |_, _| {
        held = true;
        ControlFlow::Break(())
    })?;
    Ok(held)
}

/// The record of a blob: whoever waits for the end of its collection watches this.
pub(super) fn blob_key(digest: &BlobDigest) -> Key {
    Key::of("system/blob").text(&digest.to_string())
}

fn reference_key(digest: &BlobDigest) -> Key {
    Key::of("system/blob-reference").text(&digest.to_string())
}

fn collect_after(tx: &mut dyn Tx, digest: &BlobDigest, grace: Duration) -> TxResult<()> {
    let due = tx.now().after(grace);
    timers::set(tx, &Timer { kind: COLLECT, id: digest.to_string(), due, payload: Bytes::new() })
}

fn read(tx: &mut dyn Tx, digest: &BlobDigest) -> TxResult<Option<BlobV1>> {
    tx.get(&blob_key(digest))?.map(|record| decode(&record)).transpose()
}

fn decode(record: &[u8]) -> TxResult<BlobV1> {
    records::decode(VERSION_1, "the record of a blob", record)
}

fn write(tx: &mut dyn Tx, digest: &BlobDigest, blob: &BlobV1) -> TxResult<()> {
    tx.put(&blob_key(digest), records::encode(VERSION_1, blob)?)
}
