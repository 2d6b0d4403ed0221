//! What one SQL transaction has read so far, and what the closures in it have changed: the entries as they would be
//! after its commit.
//!
//! Never: shows an entry that the transaction's snapshot and changes do not give.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::key::KeyRange;
use crate::seam::Order;

/// Single reads kept; a closure that reads more asks again.
const READS_MAX: usize = 8_192;

/// The same for ranges.
const RANGES_MAX: usize = 512;

/// Changes by key; `None` is a deletion.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Bytes>>;

/// Entries in key order, as they come from the server.
pub(super) type Rows = Vec<(Vec<u8>, Bytes)>;

/// What a scan asks the server for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) range: KeyRange,
    pub(super) order: Order,
    pub(super) limit: u32,
}

/// The first rows of a range.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    pub(super) rows: Rows,
    /// Whether the range has no more.
    pub(super) complete: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Known {
    reads: BTreeMap<Vec<u8>, Option<Bytes>>,
    ranges: Vec<(Wish, Fetched)>,
    /// Of the closures that ended well.
    pub(super) changes: Changes,
    pub(super) claims: Claims,
}

impl Known {
    pub(super) fn read(&self, key: &[u8]) -> Option<&Option<Bytes>> {
        self.reads.get(key)
    }

    pub(super) fn note_reads(&mut self, keys: Vec<Vec<u8>>, rows: Rows) {
        if self.reads.len() + keys.len() > READS_MAX {
            self.reads.clear();
        }
        self.reads.extend(keys.into_iter().map(|key| (key, None)));
        self.reads.extend(rows.into_iter().map(|(key, value)| (key, Some(value))));
    }

    pub(super) fn range(&self, wish: &Wish) -> Option<&Fetched> {
        self.ranges.iter().find(|(known, _)| known == wish).map(|(_, fetched)| fetched)
    }

    pub(super) fn note_range(&mut self, wish: Wish, fetched: Fetched) {
        if self.ranges.len() >= RANGES_MAX {
            self.ranges.clear();
        }
        self.ranges.push((wish, fetched));
    }
}

/// Entries that this transaction has taken out of the table, each for a closure; what no closure took goes back.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) rows: BTreeMap<Vec<u8>, Bytes>,
    /// How far each range was claimed.
    reached: Vec<(KeyRange, Reached)>,
}

/// All that nobody else holds is claimed up to here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    Nothing,
    /// Up to this key, included.
    Key(Vec<u8>),
    End,
}

impl Claims {
    pub(super) fn reached(&self, range: &KeyRange) -> Reached {
        let found = self.reached.iter().find(|(known, _)| known == range);
        found.map_or(Reached::Nothing, |(_, reached)| reached.clone())
    }

    /// Notes what a claim of `asked` entries brought.
    pub(super) fn note(&mut self, range: &KeyRange, asked: u32, rows: Rows) {
        let reached = match rows.iter().map(|(key, _)| key).max() {
            Some(last) if rows.len() >= asked as usize => Reached::Key(last.clone()),
            _ => Reached::End,
        };
        self.rows.extend(rows);
        self.reached.retain(|(known, _)| known != range);
        self.reached.push((range.clone(), reached));
    }

    /// Where the next claim begins.
    pub(super) fn rest(&self, range: &KeyRange) -> KeyRange {
        match self.reached(range) {
            Reached::Key(mut last) => {
                last.push(0);
                KeyRange { from: last, to: range.to.clone() }
            }
            Reached::Nothing | Reached::End => range.clone(),
        }
    }
}

/// Changes of a closure over those of the ones before it, in this range and order.
pub(super) fn changes_in(before: &Changes, own: &Changes, range: &KeyRange) -> Changes {
    let mut merged = Changes::new();
    for changes in [before, own] {
        let inside = changes.range::<[u8], _>(bounds(range));
        merged.extend(inside.map(|(key, change)| (key.clone(), change.clone())));
    }
    merged
}

/// Whether no key can be in it.
pub(super) fn is_empty(range: &KeyRange) -> bool {
    !range.to.is_empty() && range.from >= range.to
}

/// The bounds of a range that is not empty.
pub(super) fn bounds(range: &KeyRange) -> (Bound<&[u8]>, Bound<&[u8]>) {
    let to = if range.to.is_empty() { Bound::Unbounded } else { Bound::Excluded(range.to.as_slice()) };
    (Bound::Included(range.from.as_slice()), to)
}
