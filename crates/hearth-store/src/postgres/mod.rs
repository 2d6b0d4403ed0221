//! The engine of a cluster: one table of a PostgreSQL server, or of what speaks its wire, that several servers share.
//!
//! ```text
//!            ┌─ Write ─▶ one lane, SERIALIZABLE ──────▶ all that waited in one commit ─▶ answers, hints
//!   submit ──┼─ Take ──▶ one lane, READ COMMITTED, rows locked by others passed over ──▶ answers, hints
//!            └─ Read ──▶ a few lanes, one snapshot for all that waited ─▶ answers
//! ```
//!
//! Owns its threads, a connection each. `docs/decisions/0150-postgresql.md` says why it is so.
//! Never: answers before the server has the commit on stable storage; takes a lost answer for a failure.

mod address;
mod hints;
mod known;
mod reader;
mod schema;
mod session;
mod statements;
mod tls;
mod view;
mod worker;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use hearth_world::World;

pub use address::{NotAnAddress, PostgresAddress};

use crate::key::Key;
use crate::lane::Lane;
use crate::seam::{BoxFuture, Job, Kind, Store, StoreError, Watch};
use hints::Hints;
use reader::Reader;
use session::Session;
use worker::{Marks, Worker};

/// Connections that read.
const READERS: usize = 4;

/// Bytes of a server's name among those that share a database, before they become hexadecimal digits.
const SERVER_BYTES: usize = 8;

/// Why the store could not be opened. Each is one line for the user, without the password.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No connection, or no permission to make one.
    #[error("{reason}")]
    Unreachable {
        /// Which server, and its own words.
        reason: String,
    },
    /// The server refused what the store needs of it.
    #[error("PostgreSQL at {server} cannot be used as a store: {reason}")]
    Refused {
        /// The server, without a password.
        server: String,
        /// Its own words.
        reason: String,
    },
    /// The server would acknowledge what a loss of power takes.
    #[error(
        "PostgreSQL at {server} runs with {setting} = off, and loses what it acknowledged with the power: switch it on"
    )]
    NotDurable {
        /// The server, without a password.
        server: String,
        /// Its setting.
        setting: String,
    },
    /// A later release has written the tables.
    #[error(
        "the tables at {server} were written by a newer release (format {found}, this one knows up to {known})"
    )]
    Newer {
        /// The server, without a password.
        server: String,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// No thread could be started.
    #[error("cannot start a thread for the store: {0}")]
    Thread(#[from] io::Error),
}

/// PostgreSQL as a [`Store`]. Dropping it commits what was queued and joins its threads.
pub struct PostgresStore {
    world: World,
    readers: Lane,
    taker: Lane,
    writer: Arc<Lane>,
    hints: Arc<Hints>,
    teller: Mutex<Option<JoinHandle<()>>>,
}

impl PostgresStore {
    /// Connects, makes or migrates the tables in the schema `hearth`, and starts the threads.
    pub async fn open(address: &PostgresAddress, world: &World) -> Result<Self, PostgresError> {
        Self::open_with(address, world, true).await
    }

    /// Without `listen` hints come by polling, as from a server that has no LISTEN.
    async fn open_with(
        address: &PostgresAddress,
        world: &World,
        listen: bool,
    ) -> Result<Self, PostgresError> {
        let (address, world) = (address.clone(), world.clone());
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&address, &world, listen)).await;
        match opened {
            Ok(opened) => opened,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    fn open_blocking(address: &PostgresAddress, world: &World, listen: bool) -> Result<Self, PostgresError> {
        let mut session = Session::new(address.clone())?;
        schema::prepare(&mut session, address, world)?;
        let server = world.random().hex::<SERVER_BYTES>();
        let (hints, teller) = hints::hints(Session::new(address.clone())?, &server, listen);
        let hints = Arc::new(hints);
        let worker = |kind, name: &str, session, writer| Worker {
            kind,
            reader: Reader::new(session, kind),
            world: world.clone(),
            hints: hints.clone(),
            marks: Marks { name: format!("{server}/{name}"), rows: 0, number: None },
            writer,
            away_since: None,
        };
        let writing = worker(Kind::Write, "write", session, None);
        let writer = Arc::new(Lane::start("store-writer", std::iter::once(move |queue| writing.run(queue)))?);
        let taking = worker(Kind::Take, "take", Session::new(address.clone())?, Some(writer.clone()));
        let taker = Lane::start("store-taker", std::iter::once(move |queue| taking.run(queue)))?;
        let readers = (0..READERS)
            .map(|_| Ok(worker(Kind::Read, "read", Session::new(address.clone())?, None)))
            .collect::<io::Result<Vec<_>>>()?;
        let readers = readers.into_iter().map(|reader| move |queue| reader.run(queue));
        let readers = Lane::start("store-reader", readers)?;
        let teller = thread::Builder::new().name("store-hints".to_owned()).spawn(move || teller.run())?;
        let teller = Mutex::new(Some(teller));
        Ok(Self { world: world.clone(), readers, taker, writer, hints, teller })
    }

    /// Refuses what comes from now on, commits what was queued, and ends the threads. May be called again.
    pub async fn close(&self) {
        // A taker may still pass a transaction on to the writer, and each of them tells of its commits.
        for threads in [self.readers.stop(), self.taker.stop()] {
            join_elsewhere(threads).await;
        }
        join_elsewhere(self.writer.stop()).await;
        join_elsewhere(self.stop_hints()).await;
    }

    fn stop_hints(&self) -> Vec<JoinHandle<()>> {
        self.hints.stop();
        self.teller.lock().unwrap_or_else(PoisonError::into_inner).take().into_iter().collect()
    }
}

impl Store for PostgresStore {
    fn submit(&self, kind: Kind, job: Job) -> BoxFuture<'_, Result<(), StoreError>> {
        let now = self.world.domain().now();
        let lane = match kind {
            Kind::Read => &self.readers,
            Kind::Write => &*self.writer,
            Kind::Take => &self.taker,
        };
        Box::pin(lane.submit(kind, now, job))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn watch(&self, prefix: Key) -> Watch {
        self.hints.watches.watch(&prefix)
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        join(self.readers.stop());
        join(self.taker.stop());
        join(self.writer.stop());
        join(self.stop_hints());
    }
}

async fn join_elsewhere(threads: Vec<JoinHandle<()>>) {
    let joined = tokio::task::spawn_blocking(move || join(threads)).await;
    debug_assert!(joined.is_ok(), "joining does not panic");
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread of the store panicked");
        }
    }
}

#[cfg(test)]
mod tests;
