//! Uploads in parts as they are kept. Everything here runs inside a transaction.

use std::ops::ControlFlow;

use hearth_store::{Order, Stored, Tx};

use crate::error::Failure;
use crate::keys;
use crate::records::Part;

/// Parts of one upload.
pub(crate) const PARTS_MAX: u32 = 10_000;

/// All parts with an upload's number, in order.
pub(crate) fn parts(tx: &mut dyn Tx, upload: u64) -> Result<Vec<Part>, Failure> {
    let (mut parts, mut failed) = (Vec::new(), None);
    tx.scan(keys::parts(upload).children(), Order::Ascending, PARTS_MAX, &mut |_, record| {
        match Part::decode(record) {
            Ok(part) => parts.push(part),
            Err(error) => failed = Some(error),
        }
        if failed.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed.map_or(Ok(parts), |error| Err(error.into()))
}
