//! The seam: [`Store`] runs closures over a [`Tx`]. Every engine passes the same contract suite.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hearth_world::Timestamp;
use tokio::sync::watch;

use crate::key::{Key, KeyRange};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a transaction does, so that an engine can choose how to run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only reads; sees one state of the store.
    Read,
    /// Reads and writes.
    Write,
    /// Claims the first unclaimed records of a range.
    Take,
}

/// The largest value: 64 KB. What is larger belongs into a blob.
pub const VALUE_BYTES_MAX: usize = 65_536;

/// The longest key: 1 KB of parts and as much of sort key, below the 2.7 KB of a PostgreSQL index entry.
pub const KEY_BYTES_MAX: usize = 2_048;

/// Why an engine could not run a transaction.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine failed: I/O, a full disk, a lost connection. Nothing of the transaction happened.
    #[error("the store failed: {0}")]
    Engine(Arc<str>),
    /// A write failed to reach the disk; no write can be promised until a restart. Whether the transaction that
    /// meets this first is there after the restart is open, as after a loss of power. Reads show what was
    /// acknowledged before, where the engine keeps its data outside of the failed connection.
    #[error("the store takes no writes until a restart, after a failed write to disk: {0}")]
    Poisoned(Arc<str>),
    /// The connection was lost during the commit, and nobody could be asked since: the transaction is there as a
    /// whole or not at all. A remote engine alone says this.
    #[error("the outcome of the transaction is not known: {0}")]
    Uncertain(Arc<str>),
    /// A value above 64 KB: it belongs into a blob.
    #[error("a value of {bytes} bytes is over the limit of {limit}")]
    ValueTooLarge {
        /// The value's size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A key above its limit.
    #[error("a key of {bytes} bytes is over the limit of {limit}")]
    KeyTooLong {
        /// The key's size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A write inside a [`Kind::Read`] transaction.
    #[error("a write in a transaction that only reads")]
    ReadOnly,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// The result of one step in a transaction. An error must be passed on: the transaction is lost.
pub type TxResult<T> = Result<T, StoreError>;

/// How a closure ends a transaction without a commit.
#[derive(Debug)]
pub enum Abort {
    /// The closure decided against it; the caller keeps its own reason.
    Decided,
    /// A step failed.
    Failed(StoreError),
}

impl From<StoreError> for Abort {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// A transaction's body. It may run more than once: what it captures must allow that.
pub type Job = Box<dyn FnMut(&mut dyn Tx) -> Result<(), Abort> + Send>;

/// What a scan shows each key and value to, until it breaks.
pub type Each<'e> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'e;

/// The order of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

/// One engine of durable state.
pub trait Store: Send + Sync {
    /// Runs a transaction; `Ok` means committed and, for writes, on stable storage.
    /// `Err(Abort::Decided)` of the closure is `Ok(())` here without a commit: see [`transact`].
    /// A closure that swallows the error of a step is not committed: the step's error is the answer.
    /// A panic of the closure rolls back and is an answer too. Dropped before it was queued, nothing runs;
    /// afterwards the transaction runs without a listener.
    fn submit(&self, kind: Kind, job: Job) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Whether other servers may write to it: what was read once may be old by now without a word to this process.
    fn is_shared(&self) -> bool {
        false
    }

    /// Tells that something under the prefix may have changed. A hint: coalesced, without data, may fire for nothing.
    fn watch(&self, prefix: Key) -> Watch;
}

/// Reads and writes of one transaction.
pub trait Tx {
    /// The time of the transaction, the same at every run of the closure.
    fn now(&self) -> Timestamp;

    /// Values of the keys, in their order.
    fn get_many(&mut self, keys: &[Key]) -> TxResult<Vec<Option<Bytes>>>;

    /// Writes a value of up to 64 KB.
    fn put(&mut self, key: &Key, value: Bytes) -> TxResult<()>;

    /// Deletes a key; absent is fine.
    fn delete(&mut self, key: &Key) -> TxResult<()>;

    /// Shows at most `limit` entries of the range to `each`, until it breaks. An empty value of `range.to` is the
    /// end of all keys; a range that ends before it begins is empty.
    fn scan(&mut self, range: KeyRange, order: Order, limit: u32, each: &mut Each<'_>) -> TxResult<()>;

    /// Takes the first `n` entries of the range out of the store; two takers never get the same one.
    fn take(&mut self, range: KeyRange, n: u32) -> TxResult<Vec<(Key, Bytes)>>;

    /// The value of one key.
    fn get(&mut self, key: &Key) -> TxResult<Option<Bytes>> {
        Ok(self.get_many(std::slice::from_ref(key))?.pop().flatten())
    }
}

/// Waits for hints of change.
#[derive(Clone, Debug)]
pub struct Watch {
    changes: watch::Receiver<u64>,
}

impl Watch {
    /// A watch on a counter that the engine raises.
    pub fn new(changes: watch::Receiver<u64>) -> Self {
        Self { changes }
    }

    /// Waits for the next hint. Never returns again once the store is gone. Cancel-safe.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Runs a writing transaction and returns what the closure decided. On `Err` nothing was written.
pub async fn transact<T, E, F>(store: &dyn Store, body: F) -> Result<T, E>
where
    F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    run(store, Kind::Write, body).await
}

/// Runs a transaction that only reads.
pub async fn transact_read<T, E, F>(store: &dyn Store, body: F) -> Result<T, E>
where
    F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    run(store, Kind::Read, body).await
}

/// Runs a transaction that claims records with [`Tx::take`]: an engine may let takers pass each other where writers
/// would wait.
pub async fn transact_take<T, E, F>(store: &dyn Store, body: F) -> Result<T, E>
where
    F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    run(store, Kind::Take, body).await
}

async fn run<T, E, F>(store: &dyn Store, kind: Kind, mut body: F) -> Result<T, E>
where
    F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    // The closure may run several times: each run overwrites the word of the one before, so what is found after
    // the engine's `Ok` is the word of the run that was committed (or that decided against it).
    let last_word = Arc::new(Mutex::new(None));
    let word = last_word.clone();
    let job: Job = Box::new(move |tx| {
        let result = body(tx);
        let abort = result.is_err();
        *word.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        if abort { Err(Abort::Decided) } else { Ok(()) }
    });
    store.submit(kind, job).await?;
    let result = last_word.lock().unwrap_or_else(PoisonError::into_inner).take();
    result.unwrap_or_else(|| Err(StoreError::Closed.into()))
}
