//! What a customer calls S3: buckets, objects, versions, uploads in parts.
//!
//! ```text
//! wire/        requests in, answers out: where a bucket's name stands, S3's XML, s3s for the shapes
//! operations/  one file per operation, or per family of them
//!   buckets versions uploads   records, inside of transactions      keys      where everything lies
//!   listing                    pages of keys                        content/  bytes on their way in and out
//!   reclaim                    what leaves the disk
//! config/      what S3 refuses in a bucket's configurations, and what they mean     settings/  kept, shown, acted on
//! objects      objects for other parts of this program, without HTTP
//! ```
//!
//! A blob is stored before the record that names it, which is written in one transaction: acknowledged is durable.
//! Never: holds an object in memory; changes anything for a body that was not what it said.

mod buckets;
mod config;
mod content;
mod error;
mod keys;
mod listing;
mod names;
mod objects;
mod operations;
mod reclaim;
mod records;
mod settings;
mod uploads;
mod versions;
mod wire;

use std::fmt;
use std::sync::Arc;

use hearth_aws::Service;
use hearth_store::{BlobKeeper, Store};
use hearth_world::{TaskGroup, World};

pub use error::Failure;
pub use objects::{ObjectBytes, Objects};

/// What the service needs.
pub struct S3Deps {
    /// Where records are kept.
    pub store: Arc<dyn Store>,
    /// Where objects are kept.
    pub blobs: BlobKeeper,
    /// Clocks and random numbers.
    pub world: World,
}

/// The state of the service, shared by its operations.
pub struct S3 {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: BlobKeeper,
    pub(crate) world: World,
}

impl S3 {
    /// The service over a store and blobs.
    pub fn open(deps: S3Deps) -> Arc<Self> {
        let S3Deps { store, blobs, world } = deps;
        Arc::new(Self { store, blobs, world })
    }

    /// Lets what was deleted leave the disk, until the group stops.
    pub fn keep_up(self: &Arc<Self>, tasks: &TaskGroup) {
        reclaim::keep_up(self, tasks);
    }

    /// A number for what is new, of nothing else that is or was.
    pub(crate) fn number(&self) -> u64 {
        u64::from_le_bytes(self.world.random().bytes())
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("S3").finish_non_exhaustive()
    }
}

/// The service as the front door sees it.
pub fn service(state: Arc<S3>) -> Service {
    Service::foreign(wire::Wire::new(state))
}
#[cfg(test)]
mod tests;
