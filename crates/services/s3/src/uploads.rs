//! Uploads in parts as they are kept. Everything here runs inside a transaction.
//!
//! ```text
//! start ─▶ parts, in any order, some again ─▶ complete: an object whose bytes are the parts ─▶ (no upload any more)
//!                                          └▶ abort: the parts leave the disk
//! ```

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use hearth_store::{KeyParts, Order, StoreError, Stored, Tx};

use crate::error::Failure;
use crate::records::{Part, Upload};
use crate::{keys, reclaim};

/// Parts of one upload.
pub(crate) const PARTS_MAX: u32 = 10_000;

/// What an upload's id looks like: when it was started and its number, in hexadecimal digits.
const ID_CHARACTERS: usize = 32;

/// All parts with an upload's number, in order, each with its own number.
pub(crate) fn parts(tx: &mut dyn Tx, upload: u64) -> Result<Vec<(u32, Part)>, Failure> {
    parts_after(tx, upload, 0, PARTS_MAX)
}

/// At most `limit` parts that come after one.
pub(crate) fn parts_after(
    tx: &mut dyn Tx,
    upload: u64,
    after: u32,
    limit: u32,
) -> Result<Vec<(u32, Part)>, Failure> {
    let mut found = Vec::new();
    let space = keys::parts(upload);
    let range = space.children_after(&keys::part(upload, after));
    tx.scan(range, Order::Ascending, limit, &mut |place, record| {
        found.push((number(place), Bytes::copy_from_slice(record)));
        ControlFlow::Continue(())
    })?;
    let decoded = found.into_iter().map(|(number, record)| {
        let number = number.ok_or_else(|| StoreError::Engine("the key of a part is damaged".into()))?;
        Ok((number, Part::decode(&record)?))
    });
    decoded.collect()
}

fn number(place: &[u8]) -> Option<u32> {
    let mut parts = KeyParts::of(place);
    parts.text()?;
    parts.number()?;
    u32::try_from(parts.number()?).ok()
}

/// Starts an upload. Of two at the same moment, one is later.
pub(crate) fn start(tx: &mut dyn Tx, bucket: u64, key: &str, mut upload: Upload) -> Result<Upload, Failure> {
    let mut moment = u64::try_from(tx.now().as_micros()).unwrap_or(0);
    while tx.get(&keys::upload(bucket, key, moment))?.is_some() {
        moment += 1;
    }
    upload.started = tx.now().as_micros();
    upload.id = format!("{moment:016x}{:016x}", upload.number);
    tx.put(&keys::upload(bucket, key, moment), encoded(&upload)?)?;
    Ok(upload)
}

fn encoded(upload: &Upload) -> Result<Bytes, Failure> {
    let record = upload.encode()?;
    if record.len() > hearth_store::VALUE_BYTES_MAX {
        let text = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(Failure::new(400, "MetadataTooLarge", text));
    }
    Ok(record)
}

/// The upload with this id.
pub(crate) fn get(tx: &mut dyn Tx, bucket: u64, key: &str, id: &str) -> Result<Upload, Failure> {
    let place = moment_of(id).map(|moment| keys::upload(bucket, key, moment));
    let record = place.map(|place| tx.get(&place)).transpose()?.flatten();
    let upload = record.map(|record| Upload::decode(&record)).transpose()?;
    upload.filter(|upload| upload.id == id).ok_or_else(|| Failure::no_upload(id))
}

/// The upload is none any more; its parts stay.
pub(crate) fn end(tx: &mut dyn Tx, bucket: u64, key: &str, id: &str) -> Result<(), Failure> {
    if let Some(moment) = moment_of(id) {
        tx.delete(&keys::upload(bucket, key, moment))?;
    }
    Ok(())
}

/// Writes a part, in place of one with the same number.
pub(crate) fn put_part(
    tx: &mut dyn Tx,
    upload: u64,
    number: u32,
    part: &Part,
    grace: Duration,
) -> Result<(), Failure> {
    let place = keys::part(upload, number);
    if let Some(old) = tx.get(&place)? {
        let old = Part::decode(&old)?;
        reclaim::content(tx, old.number, old.content, grace)?;
    }
    Ok(tx.put(&place, part.encode()?)?)
}

/// Removes a part that is not to be in the object.
pub(crate) fn drop_part(
    tx: &mut dyn Tx,
    upload: u64,
    number: u32,
    part: &Part,
    grace: Duration,
) -> Result<(), Failure> {
    reclaim::content(tx, part.number, part.content, grace)?;
    Ok(tx.delete(&keys::part(upload, number))?)
}

/// When the upload with this id was started: where it stands among those of its key.
pub(crate) fn moment_of(id: &str) -> Option<u64> {
    let digits = id.get(..ID_CHARACTERS / 2).filter(|_| id.len() == ID_CHARACTERS)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The number of the upload with this id, under which its parts lie.
pub(crate) fn number_of(id: &str) -> Option<u64> {
    let digits = id.get(ID_CHARACTERS / 2..).filter(|_| id.len() == ID_CHARACTERS)?;
    u64::from_str_radix(digits, 16).ok()
}
