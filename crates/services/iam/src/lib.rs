//! What a customer calls IAM: users, groups, roles, their policies, and access keys.
//!
//! ```text
//! operations/  one file per operation, or per family of them that differ only in whom they are about
//!   users groups roles policies instance_profiles   records by name
//!   principals    whose policies are whose, written both ways
//!   access_keys   by id, for the front door
//!   documents     the grammar of policies
//! ```
//!
//! IAM is global: no key has a region. What is stored here is not yet what decides about a call.
//!
//! Never: a role that is half there; knows another service.

mod access_keys;
mod account;
mod documents;
mod error;
mod groups;
mod inline_policies;
mod instance_profiles;
mod keys;
mod last_uses;
mod managed_policies;
mod names;
mod operations;
mod policies;
mod principals;
mod records;
mod roles;
mod tags;
mod users;

use std::fmt;
use std::sync::Arc;

use hearth_store::Store;
use hearth_world::World;
pub use operations::service;

use last_uses::LastUses;

/// The state of the service, shared by its operations.
pub struct Iam {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: World,
    pub(crate) last_uses: LastUses,
}

impl Iam {
    /// The service over a store.
    pub fn open(store: Arc<dyn Store>, world: World) -> Arc<Self> {
        Arc::new(Self { store, world, last_uses: LastUses::default() })
    }
}

impl fmt::Debug for Iam {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Iam").finish_non_exhaustive()
    }
}
