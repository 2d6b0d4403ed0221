//! The embedded engine: one SQLite file, one thread that writes, a few that read.
//!
//! ```text
//!            ┌─ Write, Take ─▶ writer lane ─▶ job after job ─▶ one commit for all that waited ─▶ answers, hints
//!   submit ──┤
//!            └─ Read ────────▶ reader lane ─▶ one snapshot a job ─▶ answer
//! ```
//!
//! Owns the file, its lock and its threads.
//! After a failed write to disk nothing is written any more, and reads go on: what readers see is what was
//! acknowledged, because a commit that failed is not in the index of the log that they follow.
//!
//! Never: answers before the commit is on stable storage; writes after a failed write to disk.

mod entries;
mod file;
mod pending;
mod readers;
mod schema;
mod view;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use hearth_world::World;
use rusqlite::Connection;

pub use file::OpenError;
pub use view::SqliteView;

use crate::key::Key;
use crate::lane::{Lane, Poison};
use crate::seam::{BoxFuture, Job, Kind, Store, StoreError, Watch};
use crate::watches::Watches;
use readers::Reader;
use writer::Writer;

/// Threads that read. A read is short; more threads than processors only help while one of them waits for the disk.
const READERS: usize = 4;

/// SQLite as a [`Store`]. Dropping it commits what was queued and joins its threads.
pub struct SqliteStore {
    world: World,
    writer: Lane,
    /// Absent in memory: such a database belongs to one connection, and reads go through the writer.
    readers: Option<Lane>,
    watches: Arc<Watches>,
    poison: Poison,
    /// Held until the threads have ended: nobody else may open the file before.
    lock: Option<File>,
}

impl SqliteStore {
    /// Opens the database file, or makes it with its folder. One store a file: a second one is refused.
    pub fn open(path: &Path, world: &World) -> Result<Self, OpenError> {
        Self::open_folding_at(path, world, writer::LOG_PAGES)
    }

    /// The same with a log that is folded into the file as soon as it has so many pages of 4 KB: in a test that takes
    /// the disk away, that is to happen often.
    pub fn open_folding_at(path: &Path, world: &World, log_pages: i32) -> Result<Self, OpenError> {
        let (lock, connection) = file::open(path, world)?;
        let mut store = Self::start(connection, world, log_pages)
            .map_err(|source| file::io("start a thread for", path, source))?;
        store.lock = Some(lock);
        let readers = (0..READERS).map(|_| Reader::new(path.to_path_buf()));
        let bodies = readers.map(|reader| move |queue| reader.run(queue));
        store.readers = Some(
            Lane::start("store-reader", bodies)
                .map_err(|source| file::io("start a thread for", path, source))?,
        );
        Ok(store)
    }

    /// A store that is gone with its process: for tests and for servers without a memory.
    pub fn in_memory(world: &World) -> Result<Self, OpenError> {
        let path = Path::new(":memory:");
        let connection = file::in_memory(world)?;
        Self::start(connection, world, writer::LOG_PAGES)
            .map_err(|source| file::io("start a thread for", path, source))
    }

    fn start(connection: Connection, world: &World, log_pages: i32) -> std::io::Result<Self> {
        let watches = Arc::new(Watches::new());
        let poison = Poison::default();
        let writer = Writer::new(connection, watches.clone(), poison.clone(), log_pages);
        let writer = Lane::start("store-writer", std::iter::once(move |queue| writer.run(queue)))?;
        Ok(Self { world: world.clone(), writer, readers: None, watches, poison, lock: None })
    }

    /// Refuses what comes from now on, commits what was queued, ends the threads, and lets the file go. May be called
    /// again.
    pub async fn close(&self) {
        for lane in self.lanes() {
            let threads = lane.stop();
            // Joining waits for one transaction or one commit at most.
            let joined = tokio::task::spawn_blocking(move || join(threads)).await;
            debug_assert!(joined.is_ok(), "joining does not panic");
        }
        // Whoever still has this store can do nothing with it; another one may open the file.
        if let Some(Err(error)) = self.lock.as_ref().map(File::unlock) {
            tracing::warn!(%error, "the database's lock is kept until this store is gone");
        }
    }

    /// In the order of their end: the connection that closes last folds the log into the file, and must be the one
    /// that writes.
    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.readers.iter().chain([&self.writer])
    }
}

impl Store for SqliteStore {
    fn submit(&self, kind: Kind, job: Job) -> BoxFuture<'_, Result<(), StoreError>> {
        let now = self.world.domain().now();
        Box::pin(async move {
            match (&self.readers, kind) {
                (Some(readers), Kind::Read) => readers.submit(kind, now, job).await,
                (None, Kind::Read) | (_, Kind::Write | Kind::Take) => {
                    self.poison.check()?;
                    self.writer.submit(kind, now, job).await
                }
            }
        })
    }

    fn watch(&self, prefix: Key) -> Watch {
        self.watches.watch(&prefix)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.lanes().for_each(|lane| join(lane.stop()));
    }
}

fn join(threads: Vec<thread::JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread of the store panicked");
        }
    }
}

#[cfg(test)]
mod tests;
