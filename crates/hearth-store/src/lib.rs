//! Durable state: transactions over an ordered key-value space, and blobs by content.
//!
//! A transaction is a synchronous closure that may run again. It has no clock of its own, no I/O and no await, so
//! it can be grouped, retried and simulated. Acknowledged means on stable storage.
//!
//! Never: knows what it stores; lets a closure's effect be seen before its commit.

mod blobs;
mod key;
mod seam;
mod simulated;
mod sqlite;

// pub use blobs::{BlobDigest, Blobs};
pub use key::{Key, KeyRange};
pub use seam::{Abort, Job, Kind, Order, Store, StoreError, Tx, TxResult, Watch, transact, transact_read};
// pub use simulated::SimulatedStore;
// pub use sqlite::SqliteStore;
