//! The database's tables, its format version, and every migration: the one place where they are.
//!
//! Never: a migration is changed once a release carried it; a later one is added instead.

use hearth_world::World;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as ours (`PRAGMA application_id`): "Hrth".
pub(super) const APPLICATION_ID: i32 = 0x4872_7468;

/// What leads from each format to the next; the first one from an empty file. The format is their number.
const MIGRATIONS: &[&str] = &[
    // 1: entries in key order, and the formats this file has been through.
    "CREATE TABLE meta (format INTEGER PRIMARY KEY, since_micros INTEGER NOT NULL) STRICT;
     CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;",
    // 2: services bring their own records to new formats from here on. An older program, which would not say that it
    // needs a blob no more, is refused.
    "",
];

/// The newest format this program knows.
pub(super) const NEWEST: u32 = MIGRATIONS.len() as u32;

/// Pages of 4 KB kept in memory by a connection that writes: 8 MB.
const WRITER_CACHE_KIB: i64 = 8_192;

/// The same for each one that reads: 2 MB.
const READER_CACHE_KIB: i64 = 2_048;

/// Statements a connection keeps prepared; it uses fewer.
const STATEMENTS_MAX: usize = 24;

/// Statements stay prepared: without this, SQLite prepares a scan anew for each range, to plan for that one.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Prepares a connection that writes. `FULL`: each commit waits until the log is on stable storage.
pub(super) fn prepare_writer(connection: &Connection) -> rusqlite::Result<()> {
    keep_statements(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)
}

/// Prepares a connection that only reads.
pub(super) fn prepare_reader(connection: &Connection) -> rusqlite::Result<()> {
    keep_statements(connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)
}

/// The file's format; zero where there is none yet.
pub(super) fn format(connection: &Connection) -> rusqlite::Result<u32> {
    if !connection.table_exists(None, "meta")? {
        return Ok(0);
    }
    connection.query_row("SELECT coalesce(max(format), 0) FROM meta", [], |row| row.get(0))
}

/// Brings the file from `format` to the newest one: all steps or none.
pub(super) fn migrate(connection: &mut Connection, format: u32, world: &World) -> rusqlite::Result<()> {
    if format == NEWEST {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let since = world.physical().now().as_micros();
    for (reached, migration) in (1..=NEWEST).zip(MIGRATIONS).skip(format as usize) {
        tx.execute_batch(migration)?;
        tx.execute("INSERT INTO meta (format, since_micros) VALUES (?1, ?2)", (reached, since))?;
    }
    tx.commit()
}
