//! The statements of transactions, prepared once a connection.

use tokio_postgres::{Client, Error, Statement};

const GET: &str = "SELECT key, value FROM hearth.entries WHERE key = ANY ($1::bytea[])";
const SCAN: &str =
    "SELECT key, value FROM hearth.entries WHERE key >= $1 AND key < $2 ORDER BY key ASC LIMIT $3";
const SCAN_BACK: &str =
    "SELECT key, value FROM hearth.entries WHERE key >= $1 AND key < $2 ORDER BY key DESC LIMIT $3";
const PUT: &str = "INSERT INTO hearth.entries (key, value)
    SELECT * FROM unnest($1::bytea[], $2::bytea[])
    ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM hearth.entries WHERE key = ANY ($1::bytea[])";
/// MATERIALIZED: a plan that asks the inner query twice would lock twice as many.
const CLAIM: &str = "WITH first AS MATERIALIZED (
        SELECT key FROM hearth.entries WHERE key >= $1 AND key < $2
        ORDER BY key LIMIT $3 FOR UPDATE SKIP LOCKED)
    DELETE FROM hearth.entries AS entry USING first WHERE entry.key = first.key
    RETURNING entry.key, entry.value";
/// Fails, and the transaction with it, when the row is not there or closed.
const MARK: &str = "WITH moved AS (
        UPDATE hearth.commits SET number = $2 WHERE lane = $1 AND NOT closed RETURNING 1)
    SELECT 1 / count(*) FROM moved";

/// See the module.
pub(super) struct Statements {
    /// Keys to keys and values.
    pub(super) get: Statement,
    /// From, to, limit.
    pub(super) scan: Statement,
    /// From, to, limit; from the end.
    pub(super) scan_back: Statement,
    /// Keys, values.
    pub(super) put: Statement,
    /// Keys.
    pub(super) delete: Statement,
    /// From, to, limit: deletes the first that nobody else has locked.
    pub(super) claim: Statement,
    /// Lane, number of its commit: tells later whether the commit happened.
    pub(super) mark: Statement,
}

impl Statements {
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            get: client.prepare(GET).await?,
            scan: client.prepare(SCAN).await?,
            scan_back: client.prepare(SCAN_BACK).await?,
            put: client.prepare(PUT).await?,
            delete: client.prepare(DELETE).await?,
            claim: client.prepare(CLAIM).await?,
            mark: client.prepare(MARK).await?,
        })
    }
}
