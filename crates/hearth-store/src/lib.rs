//! Durable state: transactions over an ordered key-value space, and blobs by content.
//!
//! A transaction is a synchronous closure that may run again. It has no clock of its own, no I/O and no await, so
//! it can be grouped, retried and simulated. Acknowledged means on stable storage.
//!
//! Never: knows what it stores; lets a closure's effect be seen before its commit.

mod blobs;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod folder;
pub mod garbage;
mod key;
mod lane;
pub mod leases;
mod migrations;
mod postgres;
mod records;
mod seam;
mod simulated;
mod sqlite;
pub mod timers;
mod transaction;
mod watches;

pub use blobs::{
    BlobDigest, BlobError, BlobReader, Blobs, HalfAKey, NotADigest, NotAPlace, S3Key, S3Place, S3Settings,
};
pub use garbage::{BlobDraft, BlobKeeper, KeepError, Kept};
pub use key::{Key, KeyParts, KeyRange};
pub use migrations::{BATCH, Migration, MigrationError, Step, is_migrated, migrate};
pub use postgres::{NotAnAddress, PostgresAddress, PostgresError, PostgresStore};
pub use records::{RecordError, Stored};
pub use seam::{
    Abort, BoxFuture, Each, Job, KEY_BYTES_MAX, Kind, Order, Store, StoreError, Tx, TxResult,
    VALUE_BYTES_MAX, Watch, transact, transact_read, transact_take,
};
pub use simulated::{Faults, SimulatedStore};
pub use sqlite::{OpenError, SqliteStore, SqliteView};
