//! What a customer calls IAM: roles, the managed policies attached to them and the policies inside them.
//!
//! IAM is global: no key has a region. What is stored here is not yet what decides about a call.
//!
//! Never: a role that is half there; knows another service.

mod error;
mod inline_policies;
mod managed_policies;
mod operations;
mod roles;
mod stored;

use std::fmt;
use std::sync::Arc;

use hearth_store::Store;
use hearth_world::World;
pub use operations::service;

/// The state of the service, shared by its operations.
pub struct Iam {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: World,
}

impl Iam {
    /// The service over a store.
    pub fn open(store: Arc<dyn Store>, world: World) -> Arc<Self> {
        Arc::new(Self { store, world })
    }
}

impl fmt::Debug for Iam {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Iam").finish_non_exhaustive()
    }
}
