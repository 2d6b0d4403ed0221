//! What a customer calls Lambda: functions, and their invocation.
//!
//! ```text
//! operations/   one file per operation of the API
//!   functions/  what a function is, stored and shown; Pending becomes Active, updates are made
//!   layers/     layer versions, and which of them a function uses
//!   invocation/ which environment runs a call
//! objects       packages that lie in S3
//! logs          where the lines of functions go
//! package       links to the code of functions
//! ```
//!
//! Never: runs code itself (a [`Worker`] does); knows HTTP; answers a setting that it does not act on with success.

mod enduring;
mod error;
mod functions;
mod invocation;
mod layers;
pub mod limits;
mod logs;
mod objects;
mod operations;
mod options;
mod package;
mod parameters;
mod reference;
mod runtimes;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use hearth_aws::credentials::{Roles, Sessions};
use hearth_store::{BlobKeeper, MigrationError, Store};
use hearth_worker::Worker;
use hearth_world::{TaskGroup, World};
use tokio::sync::Semaphore;

use enduring::Enduring;
use invocation::{Revisions, Scheduler};
pub use logs::LogSink;
pub use objects::{Object, ObjectError, ObjectName, Objects};
pub use operations::service;
pub use options::{CREDENTIALS, CREDENTIALS_LEFT, IDLE, Options, Quotas, ROOM_WAIT};
use package::LinkKey;
pub use package::PackageError;
pub use runtimes::Deprecated;

/// What the service is made of.
pub struct LambdaDeps {
    /// Holds the functions.
    pub store: Arc<dyn Store>,
    /// Holds their packages.
    pub blobs: BlobKeeper,
    /// Runs them. Its reports are taken by this service.
    pub worker: Arc<dyn Worker>,
    /// Time and randomness.
    pub world: World,
    /// Whose tasks the service's are. To be stopped after the worker's shutdown, so that its last reports are taken.
    pub tasks: TaskGroup,
    /// Whose roles functions have. Those that are not there are accepted.
    pub roles: Arc<dyn Roles>,
    /// Issues the credentials of functions.
    pub sessions: Arc<Sessions>,
    /// Takes what functions write.
    pub logs: Arc<dyn LogSink>,
    /// Keeps the objects of S3 that packages are copied from.
    pub objects: Arc<dyn Objects>,
    /// Settings.
    pub options: Options,
}

/// Brings the records of earlier releases to the newest format. Before [`Lambda::open`].
pub async fn migrate(store: &dyn Store) -> Result<(), MigrationError> {
    hearth_store::migrate(store, "lambda", functions::MIGRATIONS).await
}

/// Whether a store needs no [`migrate`]: what is read without it may lack what newer releases write.
pub async fn is_migrated(store: &dyn Store) -> Result<bool, MigrationError> {
    hearth_store::is_migrated(store, "lambda", functions::MIGRATIONS).await
}

/// The state of the service, shared by its operations.
pub struct Lambda {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: BlobKeeper,
    pub(crate) worker: Arc<dyn Worker>,
    pub(crate) world: World,
    pub(crate) tasks: TaskGroup,
    pub(crate) roles: Arc<dyn Roles>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) object_reads: Semaphore,
    pub(crate) options: Options,
    pub(crate) revisions: Revisions,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) link_key: LinkKey,
}

impl Lambda {
    /// Starts the service, inside of a runtime: its tasks run, and functions that a former run left Pending are
    /// taken up.
    pub fn open(deps: LambdaDeps) -> Arc<Self> {
        let LambdaDeps { store, blobs, worker, world, tasks, roles, sessions, logs, objects, options } = deps;
        let scheduler = Arc::new(Scheduler::new(worker.clone(), world.clone(), options.clone()));
        invocation::keep_up(&tasks, scheduler.clone(), logs);
        let link_key = LinkKey::new(world.random());
        let revisions = Revisions::default();
        let lambda = Arc::new(Self {
            store,
            blobs,
            worker,
            world,
            tasks,
            roles,
            sessions,
            objects,
            object_reads: Semaphore::new(objects::READS_MAX),
            options,
            revisions,
            scheduler,
            link_key,
        });
        functions::resume(&lambda);
        functions::take_over(&lambda);
        lambda
    }

    /// Does work that goes on when the caller who waits for it hangs up.
    pub(crate) fn enduring<F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F) -> Enduring<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Enduring::new(&self.tasks, work(self.clone()))
    }
}

impl fmt::Debug for Lambda {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lambda").field("options", &self.options).finish_non_exhaustive()
    }
}
