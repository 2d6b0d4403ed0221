//! The entries as one job sees and changes them. Its changes wait here until the job has ended well.
//!
//! ```text
//!   held back  ── scan over own changes, or too many of them ──▶ in a savepoint
//!      │ job ends well: written                                     │ job ends well: released
//!      └ job ends otherwise: forgotten                              └ otherwise: rolled back
//! ```
//!
//! Most jobs read, then write a few keys. For them a savepoint (three statements more, and a copy of every page that
//! is touched) would cost more than the writes themselves.
//!
//! Never: writes for a job that ends otherwise than well; shows a job anything but its own changes over the others'.

use std::collections::BTreeMap;

use bytes::Bytes;
use rusqlite::Connection;

use super::entries::{SqliteEntries, execute, failed};
use crate::key::KeyRange;
use crate::seam::{Each, Order, StoreError, TxResult};
use crate::transaction::Entries;

/// Changes held back; a job with more of them gets a savepoint.
const HELD_BACK_MAX: usize = 256;

/// Bytes of keys and values held back.
const HELD_BACK_BYTES_MAX: usize = 1_048_576;

/// One job's entries. See the module.
pub(super) struct Pending<'c> {
    connection: &'c Connection,
    /// What was written, `None` for what was deleted.
    held_back: BTreeMap<Vec<u8>, Option<Bytes>>,
    bytes: usize,
    in_savepoint: bool,
}

impl<'c> Pending<'c> {
    /// Nothing changed yet. The connection is inside a transaction.
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, held_back: BTreeMap::new(), bytes: 0, in_savepoint: false }
    }

    /// The job ended well: its changes become part of the transaction. After an error it is not known which.
    pub(super) fn keep(mut self) -> TxResult<()> {
        if self.in_savepoint {
            return execute(self.connection, "RELEASE job").map_err(failed);
        }
        self.write()
    }

    /// The job ended otherwise: nothing of it stays. After an error that is not known.
    pub(super) fn forget(self) -> TxResult<()> {
        if self.in_savepoint {
            execute(self.connection, "ROLLBACK TO job").map_err(failed)?;
            execute(self.connection, "RELEASE job").map_err(failed)?;
        }
        Ok(())
    }

    fn write(&mut self) -> TxResult<()> {
        let mut entries = SqliteEntries(self.connection);
        for (key, change) in std::mem::take(&mut self.held_back) {
            match change {
                Some(value) => entries.put(&key, &value)?,
                None => entries.delete(&key)?,
            }
        }
        Ok(())
    }

    fn change(&mut self, key: &[u8], change: Option<&[u8]>) -> TxResult<()> {
        if self.held_back.len() >= HELD_BACK_MAX || self.bytes >= HELD_BACK_BYTES_MAX {
            self.enter_savepoint()?;
        }
        if !self.in_savepoint {
            self.bytes += key.len() + change.map_or(0, <[u8]>::len);
            self.held_back.insert(key.to_vec(), change.map(Bytes::copy_from_slice));
            return Ok(());
        }
        let mut entries = SqliteEntries(self.connection);
        match change {
            Some(value) => entries.put(key, value),
            None => entries.delete(key),
        }
    }

    fn enter_savepoint(&mut self) -> TxResult<()> {
        if !self.in_savepoint {
            execute(self.connection, "SAVEPOINT job").map_err(failed)?;
            self.in_savepoint = true;
            self.write()?;
        }
        Ok(())
    }

    fn has_changes_in(&self, range: &KeyRange) -> bool {
        let ends_after = |key: &[u8]| range.to.is_empty() || key < &range.to[..];
        let mut from = self
            .held_back
            .range::<[u8], _>((std::ops::Bound::Included(&range.from[..]), std::ops::Bound::Unbounded));
        from.next().is_some_and(|(key, _)| ends_after(key))
    }
}

impl Entries for Pending<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.held_back.get(key) {
            Some(change) => Ok(change.clone()),
            None => SqliteEntries(self.connection).get(key),
        }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> TxResult<()> {
        self.change(key, Some(value))
    }

    fn delete(&mut self, key: &[u8]) -> TxResult<()> {
        self.change(key, None)
    }

    fn scan(&mut self, range: &KeyRange, order: Order, limit: u32, each: &mut Each<'_>) -> TxResult<()> {
        if self.has_changes_in(range) {
            self.enter_savepoint()?;
        }
        SqliteEntries(self.connection).scan(range, order, limit, each)
    }
}
