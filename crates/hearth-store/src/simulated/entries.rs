//! An ordered map as one transaction changes it: in place, with what was there before to go back to.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::Map;
use crate::key::KeyRange;
use crate::seam::{Each, Order, TxResult};
use crate::transaction::Entries;

pub(crate) struct MapEntries<'m> {
    map: &'m mut Map,
    /// The values from before the transaction, for each key it wrote.
    before: BTreeMap<Vec<u8>, Option<Bytes>>,
}

impl<'m> MapEntries<'m> {
    pub(crate) fn new(map: &'m mut Map) -> Self {
        Self { map, before: BTreeMap::new() }
    }

    /// What the transaction changed, as it is now.
    pub(crate) fn changes(self) -> BTreeMap<Vec<u8>, Option<Bytes>> {
        self.before.into_keys().map(|key| (key.clone(), self.map.get(&key).cloned())).collect()
    }

    pub(crate) fn roll_back(self) {
        super::apply(self.map, self.before);
    }
}

impl Entries for MapEntries<'_> {
    fn get(&mut self, key: &[u8]) -> TxResult<Option<Bytes>> {
        Ok(self.map.get(key).cloned())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> TxResult<()> {
        let before = self.map.insert(key.to_vec(), Bytes::copy_from_slice(value));
        self.before.entry(key.to_vec()).or_insert(before);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> TxResult<()> {
        let before = self.map.remove(key);
        self.before.entry(key.to_vec()).or_insert(before);
        Ok(())
    }

    fn scan(&mut self, range: &KeyRange, order: Order, limit: u32, each: &mut Each<'_>) -> TxResult<()> {
        let to = if range.to.is_empty() { Bound::Unbounded } else { Bound::Excluded(range.to.as_slice()) };
        if !range.to.is_empty() && range.to <= range.from {
            return Ok(());
        }
        let entries = self.map.range::<[u8], _>((Bound::Included(range.from.as_slice()), to));
        let mut visit = |(key, value): (&Vec<u8>, &Bytes)| each(key, value);
        // Both ends are the same: an `each` that breaks has what it wanted.
        let _ = match order {
            Order::Ascending => entries.take(limit as usize).try_for_each(&mut visit),
            Order::Descending => entries.rev().take(limit as usize).try_for_each(&mut visit),
        };
        Ok(())
    }
}
