//! Calls to a real endpoint: AWS itself, or anything that speaks as it does.
//!
//! ```text
//! input ─▶ protocol ─▶ signature ─▶ outbound policy ─▶ endpoint ─▶ protocol ─▶ output or ApiError
//!            ▲                                            │
//!            └── a pause with jitter ◀── 5xx, throttled, no connection: at most ATTEMPTS_MAX times in all
//! ```
//!
//! Never: connects past the outbound policy; follows a redirect; tries a refused call again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};

use hearth_outbound::{Limits, Outbound, OutboundError};
use hearth_world::World;

use super::Client;
use crate::dispatch::{service_not_built, unknown};
use crate::document::{Document, ShapeError};
use crate::error::{ApiError, Code};
use crate::model::{Model, OperationFacts, Protocol};
use crate::operation::{BoxFuture, Call};
use crate::protocols::outgoing::Outgoing;
use crate::protocols::{incoming, outgoing};
use crate::sigv4::{self, SignError, SigningKey};

/// Attempts of one call, the first one included: AWS's SDKs make three.
const ATTEMPTS_MAX: u32 = 3;
/// The pause before the second attempt is at most this long, before the third twice that.
const PAUSE: Duration = Duration::from_millis(100);
/// One attempt. The longest that a queue lets a receiver wait is 20 s.
const ATTEMPT_TIME: Duration = Duration::from_secs(60);
/// A page of queue messages has 1 MB, one of a stream 10 MB, in base64 a third more.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Codes with which services say that the same call may succeed later.
const TRANSIENT: &[Code] =
    &[Code::ServiceFailure, Code::Throttling, Code::TooManyRequests, Code::RequestTimeout];

/// Exceptions of models that say the same.
const TRANSIENT_EXCEPTIONS: &[&str] = &[
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
];

/// An endpoint, and as whom it is called.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `https://sqs.eu-west-1.amazonaws.com`, `http://10.1.2.3:9324`: scheme, host and port.
    pub url: Uri,
    /// Signs every call.
    pub key: SigningKey,
}

/// See the module.
pub struct Remote {
    outbound: Arc<Outbound>,
    endpoint: Endpoint,
    world: World,
}

/// Why a call was not made, or not answered. The caller reads a general text; this is for the log.
#[derive(Debug, thiserror::Error)]
enum RemoteError {
    #[error("write {0} for another endpoint")]
    Write(&'static str, #[source] ShapeError),
    #[error("sign a call to another endpoint")]
    Sign(#[from] SignError),
    #[error("the endpoint's URL is not usable")]
    Url(#[from] http::Error),
    #[error("{0} is spoken in no protocol that calls are written in")]
    Protocol(&'static str),
    #[error("call {operation} at another endpoint")]
    Outbound {
        operation: &'static str,
        #[source]
        source: OutboundError,
    },
}

impl From<RemoteError> for ApiError {
    fn from(error: RemoteError) -> Self {
        Self::internal(error)
    }
}

impl Remote {
    /// A client of this endpoint.
    pub fn new(outbound: Arc<Outbound>, endpoint: Endpoint, world: World) -> Self {
        Self { outbound, endpoint, world }
    }

    async fn call(&self, call: Call, input: Document) -> Result<Document, ApiError> {
        let model = Model::of(call.service).ok_or_else(|| service_not_built(call.service))?;
        let operation = model.operation(call.operation).ok_or_else(|| unknown(call.operation))?;
        let protocol = outgoing::protocol(model).ok_or(RemoteError::Protocol(call.service))?;
        let written = outgoing::write(model, protocol, operation, input);
        let written = written.map_err(|error| RemoteError::Write(operation.name, error))?;
        let mut attempt = 1;
        loop {
            let (outcome, again) = self.attempt(&call, model, protocol, operation, &written).await;
            if !again || attempt == ATTEMPTS_MAX {
                return outcome;
            }
            self.world.physical().sleep(self.pause(attempt)).await;
            attempt += 1;
        }
    }

    /// One attempt, and whether another one may end differently.
    async fn attempt(
        &self,
        call: &Call,
        model: &'static Model,
        protocol: Protocol,
        operation: &'static OperationFacts,
        written: &Outgoing,
    ) -> (Result<Document, ApiError>, bool) {
        let answer = match self.send(call, model, written).await {
            Ok(answer) => answer,
            Err(error) => {
                let again = matches!(&error, RemoteError::Outbound { source, .. } if source.is_transient());
                return (Err(error.into()), again);
            }
        };
        let outcome = incoming::read(model, protocol, operation, &answer);
        let again = match &outcome {
            Err(error) => answer.status().is_server_error() || is_transient(error.code),
            Ok(_) => false,
        };
        (outcome, again)
    }

    async fn send(
        &self,
        call: &Call,
        model: &Model,
        written: &Outgoing,
    ) -> Result<Response<Bytes>, RemoteError> {
        let mut url = self.endpoint.url.clone().into_parts();
        url.path_and_query =
            Some(PathAndQuery::try_from(&written.path_and_query).map_err(http::Error::from)?);
        let url = Uri::from_parts(url).map_err(http::Error::from)?;
        let request = Request::builder().method(written.method.clone()).uri(url);
        let (mut head, body) = request.body(written.body.clone())?.into_parts();
        head.headers.extend(written.headers.clone());
        if let Some(trace) = call.trace_id.as_ref().and_then(|trace| HeaderValue::try_from(trace).ok()) {
            head.headers.insert("x-amzn-trace-id", trace);
        }
        // Signed anew for every attempt: signatures have a time.
        let (digest, now) = (sigv4::body_sha256(&body), self.world.physical().now());
        let name = model.facts().signing_name;
        sigv4::sign(&mut head, &digest, &self.endpoint.key, &call.region, name, now)?;
        let limits = Limits { time: ATTEMPT_TIME, answer_bytes_max: ANSWER_BYTES_MAX, redirects_max: 0 };
        let sent = self.outbound.send(Request::from_parts(head, body), limits).await;
        sent.map_err(|source| RemoteError::Outbound { operation: call.operation, source })
    }

    /// Any time up to the attempt's longest pause: callers that failed together do not come back together.
    fn pause(&self, attempt: u32) -> Duration {
        let longest = u64::try_from((PAUSE * 2u32.pow(attempt - 1)).as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.world.random().below(longest))
    }
}

fn is_transient(code: Code) -> bool {
    TRANSIENT.contains(&code) || matches!(code, Code::Modelled(name) if TRANSIENT_EXCEPTIONS.contains(&name))
}

impl Client for Remote {
    fn call(&self, call: Call, input: Document) -> BoxFuture<'_, Result<Document, ApiError>> {
        Box::pin(self.call(call, input))
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Remote").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
