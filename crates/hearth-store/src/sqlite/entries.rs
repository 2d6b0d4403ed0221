//! The entries of the database as one transaction sees them. Statements are prepared once a connection.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use crate::key::KeyRange;
use crate::seam::{Each, Order, StoreError, TxResult};
use crate::transaction::Entries;

const GET: &str = "SELECT value FROM entries WHERE key = ?1";
const PUT: &str = "INSERT INTO entries (key, value) VALUES (?1, ?2)
                   ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM entries WHERE key = ?1";
const SCAN: &str = "SELECT key, value FROM entries WHERE key >= ?1 AND key < ?2 ORDER BY key ASC LIMIT ?3";
const SCAN_TO_END: &str =
    "SELECT key, value FROM entries WHERE key >= ?1 AND ?2 = x'' ORDER BY key ASC LIMIT ?3";
const SCAN_BACK: &str =
    "SELECT key, value FROM entries WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3";
const SCAN_BACK_FROM_END: &str =
    "SELECT key, value FROM entries WHERE key >= ?1 AND ?2 = x'' ORDER BY key DESC LIMIT ?3";

/// A connection inside a transaction.
pub(super) struct SqliteEntries<'c>(pub(super) &'c Connection);

impl Entries for SqliteEntries<'_> {
    fn get(&mut self, key: &[u8]) -> TxResult<Option<Bytes>> {
        let mut statement = self.0.prepare_cached(GET).map_err(failed)?;
        let value = statement.query_row([key], |row| Ok(Bytes::copy_from_slice(row.get_ref(0)?.as_blob()?)));
        value.optional().map_err(failed)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> TxResult<()> {
        let mut statement = self.0.prepare_cached(PUT).map_err(failed)?;
        statement.execute([key, value]).map_err(failed)?;
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> TxResult<()> {
        let mut statement = self.0.prepare_cached(DELETE).map_err(failed)?;
        statement.execute([key]).map_err(failed)?;
        Ok(())
    }

    fn scan(&mut self, range: &KeyRange, order: Order, limit: u32, each: &mut Each<'_>) -> TxResult<()> {
        let sql = match (order, range.to.is_empty()) {
            (Order::Ascending, false) => SCAN,
            (Order::Ascending, true) => SCAN_TO_END,
            (Order::Descending, false) => SCAN_BACK,
            (Order::Descending, true) => SCAN_BACK_FROM_END,
        };
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(params![range.from, range.to, limit]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let key = row.get_ref(0).and_then(|key| Ok(key.as_blob()?)).map_err(failed)?;
            let value = row.get_ref(1).and_then(|value| Ok(value.as_blob()?)).map_err(failed)?;
            if each(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Runs a statement without parameters and rows.
pub(super) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// SQLite's own words as the store's error.
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Engine(error.to_string().into())
}
