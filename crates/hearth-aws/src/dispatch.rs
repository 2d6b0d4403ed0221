//! A checked call to the operation that answers it: the way is the same for a request from the network and for
//! one service that calls another.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tracing::error;

use crate::document::Document;
use crate::error::{ApiError, Code};
use crate::model::{Model, OperationFacts};
use crate::operation::{BoxFuture, Call, Service};
use crate::validation;

/// Decides whether a call may be made. Asked before every operation, whoever calls.
pub trait Authorise: Send + Sync {
    /// Says yes, or why not. `action` is what a policy names (`lambda:InvokeFunction`), `input` has passed the
    /// model's checks.
    fn authorise<'a>(
        &'a self,
        call: &'a Call,
        action: &'a str,
        input: &'a Document,
    ) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// Says yes to everything: `hearth up` without policies.
#[derive(Clone, Copy, Debug)]
pub struct AllowAll;

impl Authorise for AllowAll {
    fn authorise<'a>(
        &'a self,
        _: &'a Call,
        _: &'a str,
        _: &'a Document,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The services of one server.
pub struct Services {
    served: Vec<Served>,
    authorise: Arc<dyn Authorise>,
}

/// A service and its model.
#[derive(Debug)]
pub(crate) struct Served {
    pub service: Service,
    pub model: &'static Model,
}

impl Services {
    /// Services by their models.
    ///
    /// # Panics
    /// When a service is named as no model is, or has an operation that its model lacks: a fault of the program.
    pub fn new(services: Vec<Service>, authorise: Arc<dyn Authorise>) -> Self {
        let served = services.into_iter().map(|service| {
            let model = Model::of(service.name()).unwrap_or_else(|| panic!("no model {}", service.name()));
            for operation in service.operations() {
                assert!(model.operation(operation).is_some(), "model {} has no {operation}", service.name());
            }
            Served { service, model }
        });
        Self { served: served.collect(), authorise }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Served> {
        self.served.iter()
    }

    /// Whether a call of a service that reads its requests itself may be made.
    pub(crate) async fn authorise(
        &self,
        call: &Call,
        action: &str,
        input: &Document,
    ) -> Result<(), ApiError> {
        self.authorise.authorise(call, action, input).await
    }

    /// Checks the input by the model, asks for permission, and lets the operation answer.
    pub async fn answer(&self, call: Call, input: Document) -> Result<Document, ApiError> {
        let served = self.served.iter().find(|served| served.service.name() == call.service);
        let served = served.ok_or_else(|| service_not_built(call.service))?;
        let operation = served.model.operation(call.operation);
        let operation = operation.ok_or_else(|| unknown(call.operation))?;
        validation::check(served.model, operation, &input)?;
        let (service, name) = (call.service, call.operation);
        self.authorise.authorise(&call, &action(service, name), &input).await?;
        let answer = served.service.answer(call, input).ok_or_else(|| not_built(service, name))?;
        AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
            error!(service, operation = name, "an operation panicked");
            Err(ApiError::internal(Panicked))
        })
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.served.iter().map(|served| &served.service)).finish()
    }
}

impl Served {
    /// Whether the operation is built; the error names it.
    pub(crate) fn built(&self, operation: &OperationFacts) -> Result<(), ApiError> {
        self.service
            .has(operation.name)
            .then_some(())
            .ok_or_else(|| not_built(self.service.name(), operation.name))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the operation panicked")]
struct Panicked;

/// An operation of the model that Hearth does not answer yet.
fn not_built(service: &str, operation: &str) -> ApiError {
    ApiError::client(
        Code::NotImplemented,
        format!(
            "Operation {operation} of service {service} is not implemented by Hearth yet; docs/coverage.md lists what is."
        ),
    )
}

/// A service of AWS that Hearth does not have yet.
pub(crate) fn service_not_built(service: &str) -> ApiError {
    let text = format!("Service {service} is not implemented by Hearth yet; docs/coverage.md lists what is.");
    ApiError::client(Code::NotImplemented, text)
}

/// An operation that the service's model does not know.
pub(crate) fn unknown(operation: &str) -> ApiError {
    ApiError::client(Code::UnknownOperation, format!("Could not find operation {operation}"))
}

/// The name of an operation in policies, where it is not the operation's own.
fn action(service: &str, operation: &str) -> String {
    let name = match (service, operation) {
        ("lambda", "Invoke" | "InvokeWithResponseStream") => "InvokeFunction",
        ("lambda", "GetLayerVersionByArn") => "GetLayerVersion",
        _ => operation,
    };
    format!("{service}:{name}")
}
