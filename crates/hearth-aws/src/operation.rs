//! The seam between the wire and the services: an [`Operation`] answers one call, a [`Service`] is a list of them.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use crate::credentials::Session;
use crate::document::{Document, FromDocument, IntoDocument};
use crate::error::ApiError;
use crate::foreign::Foreign;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The access key id of the request, empty for an unsigned one.
    pub access_key_id: String,
    /// The ARN that policies and error texts name: a user, the account's root, or an assumed role.
    pub arn: String,
    /// `UserId` of GetCallerIdentity.
    pub user_id: String,
    /// The session behind temporary credentials that were issued here.
    pub session: Option<Arc<Session>>,
}

/// What every call carries, whatever the protocol.
#[derive(Clone, Debug)]
pub struct Call {
    /// The 12 digits that own everything the call touches.
    pub account: String,
    /// From the signature's scope.
    pub region: String,
    /// Who calls.
    pub caller: Caller,
    /// `x-amzn-RequestId` of the answer. For Invoke it is also the id that the function sees.
    pub request_id: uuid::Uuid,
    /// The service's model name (`lambda`) and the operation's name (`GetFunction`).
    pub service: &'static str,
    /// The operation's name.
    pub operation: &'static str,
    /// `Host` of the request: URLs in answers follow it. For a call inside the process, the main listener's address.
    pub host: String,
    /// `X-Amzn-Trace-Id` as received.
    pub trace_id: Option<String>,
}

/// A call together with the state of the service that answers it. Derefs to that state: `cx.store`.
#[derive(Debug)]
pub struct Cx<S> {
    /// The call.
    pub call: Call,
    state: Arc<S>,
}

impl<S> Cx<S> {
    /// A call to a service with this state.
    pub fn new(call: Call, state: Arc<S>) -> Self {
        Self { call, state }
    }

    /// The service's state, shared.
    pub fn state(&self) -> &Arc<S> {
        &self.state
    }
}

impl<S> Deref for Cx<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

/// One operation of a service's model: a checked, typed input in, a typed output or an AWS error out.
///
/// No HTTP, JSON or signature code belongs here; bindings, required members and constraints are the model's.
pub trait Operation: Send + Sync + 'static {
    /// As the model spells it.
    const NAME: &'static str;
    /// The service's state: store, worker, world.
    type State: Send + Sync + 'static;
    /// Made from the request.
    type Input: FromDocument + Send;
    /// Becomes the answer.
    type Output: IntoDocument + Send;

    /// Answers one call. What happens in the store happens in one transaction.
    fn call(
        cx: &Cx<Self::State>,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, ApiError>> + Send;
}

type Answer = BoxFuture<'static, Result<Document, ApiError>>;
type Handler = Box<dyn Fn(Call, Document) -> Answer + Send + Sync>;

/// A service as the front door sees it: a model's name and the operations that are built.
pub struct Service {
    name: &'static str,
    operations: BTreeMap<&'static str, Handler>,
    foreign: Option<Arc<dyn Foreign>>,
}

impl Service {
    /// A service without operations. `name` is the model's: `lambda`, `sts`, `iam`.
    pub fn new(name: &'static str) -> Self {
        Self { name, operations: BTreeMap::new(), foreign: None }
    }

    /// A service that reads its requests itself. Calls inside of this process do not reach it.
    pub fn foreign(foreign: Arc<dyn Foreign>) -> Self {
        Self { foreign: Some(foreign.clone()), ..Self::new(foreign.name()) }
    }

    /// Who reads the requests, if it is the service itself.
    pub(crate) fn reader(&self) -> Option<&Arc<dyn Foreign>> {
        self.foreign.as_ref()
    }

    /// Adds an operation that shares `state`.
    #[must_use]
    pub fn with<O: Operation>(mut self, state: &Arc<O::State>) -> Self {
        let state = state.clone();
        let handler: Handler = Box::new(move |call, input| {
            let state = state.clone();
            Box::pin(async move {
                let input = O::Input::from_document(input).map_err(ApiError::internal)?;
                Ok(O::call(&Cx::new(call, state), input).await?.into_document())
            })
        });
        self.operations.insert(O::NAME, handler);
        self
    }

    /// The model's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Names of the operations that are built, in order.
    pub fn operations(&self) -> impl Iterator<Item = &'static str> + '_ {
        let foreign = self.foreign.iter().flat_map(|foreign| foreign.operations());
        self.operations.keys().copied().chain(foreign.copied())
    }

    /// Whether this operation is built.
    pub fn has(&self, operation: &str) -> bool {
        self.operations().any(|built| built == operation)
    }

    /// Answers a checked call, or `None` when the operation is not built.
    pub fn answer(&self, call: Call, input: Document) -> Option<Answer> {
        Some(self.operations.get(call.operation)?(call, input))
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Service")
            .field("name", &self.name)
            .field("operations", &self.operations.keys())
            .finish()
    }
}
