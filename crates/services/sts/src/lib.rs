//! What a customer calls STS: who am I.
//!
//! Never: keeps state; checks a signature (that is done before a call comes here).

mod operations;

use std::sync::Arc;

pub use operations::service;

/// The state of the service: none. The caller's identity comes with each call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sts;

impl Sts {
    /// The service.
    pub fn open() -> Arc<Self> {
        Arc::new(Self)
    }
}
