//! What a customer calls CloudWatch Logs: groups, streams and events, and what functions write.
//!
//! ```text
//! operations/   one file per operation, or per family of them
//!   groups streams    records by name          keys      where everything lies
//!   batches           events, compressed       position  an event's place, id and token
//!   read              events in their order    patterns/ which of them match
//!   ingest            what functions write     expiry    what leaves the disk
//!   subscriptions/    what goes to functions   metric_filters  kept, and shown
//! ```
//!
//! PutLogEvents answers when its events are on stable storage. What functions write is written in the background.
//! Never: knows another service; shows an event of a stream or group that was deleted, or that has expired.

mod batches;
mod error;
mod expiry;
mod groups;
mod ingest;
mod keys;
mod metric_filters;
mod operations;
mod patterns;
mod position;
mod read;
mod streams;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use hearth_aws::Client;
use hearth_store::Store;
use hearth_world::{Stop, TaskGroup, World};
pub use ingest::{Batch, Ingest};
pub use operations::service;
use tokio::sync::Semaphore;

/// The state of the service, shared by its operations.
pub struct Logs {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: World,
    /// Ends the streams of those who follow.
    pub(crate) stop: Stop,
    pub(crate) sessions: operations::Sessions,
    /// Whom subscription filters call.
    pub(crate) client: Arc<dyn Client>,
    /// Room for parcels of subscription filters that are being packed.
    pub(crate) packing: Arc<Semaphore>,
}

impl Logs {
    /// The service over a store. `stop` ends live tails; subscription filters call functions by `client`.
    pub fn open(store: Arc<dyn Store>, world: World, stop: Stop, client: Arc<dyn Client>) -> Arc<Self> {
        let packing = Arc::new(Semaphore::new(subscriptions::PACKED_AT_ONCE_MAX));
        Arc::new(Self { store, world, stop, sessions: operations::Sessions::default(), client, packing })
    }

    /// Lets what expired and what was deleted leave the disk, and delivers to subscription filters, until the group
    /// stops. The client must be connected.
    pub fn keep_up(self: &Arc<Self>, tasks: &TaskGroup) {
        expiry::keep_up(self, tasks);
        subscriptions::keep_up(self, tasks);
    }

    /// Starts the writer of what functions write. When the group stops, what waits is written first.
    pub fn ingest(self: &Arc<Self>, tasks: &TaskGroup) -> Ingest {
        ingest::start(self, tasks)
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.world.domain().now().as_millis()).unwrap_or(0)
    }

    /// A number for a new group or stream.
    pub(crate) fn number(&self) -> u64 {
        u64::from_le_bytes(self.world.random().bytes())
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Logs").finish_non_exhaustive()
    }
}
