//! How one service calls another: as any client would, with the same checks.

mod remote;
#[cfg(test)]
mod tests;

pub use remote::{Endpoint, Remote};

use std::sync::{Arc, OnceLock};

use crate::dispatch::Services;
use crate::document::Document;
use crate::error::ApiError;
use crate::operation::{BoxFuture, Call};

/// Makes calls to AWS services: our own in this process, or a real endpoint by configuration.
pub trait Client: Send + Sync {
    /// Makes one call. `call.service` and `call.operation` say to whom.
    fn call(&self, call: Call, input: Document) -> BoxFuture<'_, Result<Document, ApiError>>;
}

/// The services of this process. Made before them, because they hold it, and connected when they stand.
#[derive(Debug, Default)]
pub struct InProcess {
    services: OnceLock<Arc<Services>>,
}

impl InProcess {
    /// Connects to the services. Only the first time counts.
    pub fn connect(&self, services: Arc<Services>) {
        let _ = self.services.set(services);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a call was made before the services stood")]
struct NotConnected;

impl Client for InProcess {
    fn call(&self, call: Call, input: Document) -> BoxFuture<'_, Result<Document, ApiError>> {
        Box::pin(async move {
            let services = self.services.get().ok_or_else(|| ApiError::internal(NotConnected))?;
            services.answer(call, input).await
        })
    }
}
