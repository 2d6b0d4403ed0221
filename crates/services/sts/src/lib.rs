//! What a customer calls STS: who am I, and temporary credentials.
//!
//! Never: keeps state (what it issues carries all that is to be known); checks a signature (that is done before a
//! call comes here).

mod error;
mod operations;
mod options;

use std::fmt;
use std::sync::Arc;

use hearth_aws::credentials::{Roles, Sessions};
use hearth_world::World;

pub use operations::service;
pub use options::Options;

/// What the service is made of.
pub struct StsDeps {
    /// Issues the credentials.
    pub sessions: Arc<Sessions>,
    /// Whose roles can be assumed.
    pub roles: Arc<dyn Roles>,
    /// Time and randomness.
    pub world: World,
    /// Settings.
    pub options: Options,
}

/// The state of the service, shared by its operations.
pub struct Sts {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) roles: Arc<dyn Roles>,
    pub(crate) world: World,
    pub(crate) options: Options,
}

impl Sts {
    /// The service.
    pub fn open(deps: StsDeps) -> Arc<Self> {
        let StsDeps { sessions, roles, world, options } = deps;
        Arc::new(Self { sessions, roles, world, options })
    }
}

impl fmt::Debug for Sts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sts").field("options", &self.options).finish_non_exhaustive()
    }
}
