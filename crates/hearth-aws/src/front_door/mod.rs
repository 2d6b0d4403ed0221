//! The front door: one HTTP request in, one HTTP response out.
//!
//! ```text
//! defence ─▶ route ─▶ signature present? ─▶ body (bounded) ─▶ caller ─▶ protocol ─▶ Services ─▶ protocol
//! ```
//!
//! Never: answers an AWS call without an `Authorization`, except what AWS serves unsigned; buffers a body beyond
//! its operation's limit; lets a web page in.

mod body;
mod caller;
mod defence;
mod encoding;
mod foreign;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod limits;
mod route;
mod streaming;

use std::error::Error;
use std::fmt::Display;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use hearth_world::World;
use http::header::{AUTHORIZATION, CONNECTION, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tracing::error;
use uuid::Uuid;

pub use caller::{Key, Keys, NoKeys};
pub use defence::is_under;

use self::body::Room;

use crate::credentials::Sessions;
use crate::dispatch::{Authorise, Services};
use crate::error::{ApiError, Code};
use crate::model::Protocol;
use crate::operation::{Caller, Service};
use crate::protocols;
use crate::protocols::failure::{self, Speaker};
use crate::protocols::rpc_v2_cbor;
use crate::sigv4::Claim;
use streaming::Streamed;

/// A response's body: whole, or an event stream that goes on.
pub type ResponseBody = UnsyncBoxBody<Bytes, std::convert::Infallible>;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Where a request came in, which decides who may speak.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A listener of the server.
    Listener {
        /// The connection's own end: an address of ours that `Host` may name.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
    },
    /// A socket inside a function's sandbox: the socket says who calls.
    Sandbox(Arc<SandboxCaller>),
}

/// Who calls from a sandbox. One for all its connections: they share the memory for large bodies.
#[derive(Clone, Debug)]
pub struct SandboxCaller {
    account: String,
    caller: Caller,
    host: String,
    room: Room,
}

impl SandboxCaller {
    /// A function's account, its execution role's session, and the endpoint's address inside, for a request without
    /// `Host`.
    pub fn new(account: String, caller: Caller, host: String) -> Self {
        Self { account, caller, host, room: Room::of_a_sandbox() }
    }
}

/// What the front door can be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account of access keys that name none: 12 digits.
    pub account: String,
    /// Further names that `Host` may have.
    pub hosts: Vec<String>,
    /// Whether an access key that Hearth did not make is accepted, as `up` does; `serve` refuses it.
    pub accept_unknown_keys: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { account: "000000000000".to_owned(), hosts: Vec::new(), accept_unknown_keys: true }
    }
}

/// Answers every AWS request of one server.
pub struct FrontDoor {
    services: Arc<Services>,
    keys: Arc<dyn Keys>,
    sessions: Option<Arc<Sessions>>,
    options: Options,
    world: World,
    rooms: Rooms,
}

/// Memory for large bodies, apart for those outside and those inside: neither takes the other's.
struct Rooms {
    listeners: Room,
    sandboxes: Room,
}

/// A request that is refused, and in whose shape it is told.
struct Refusal {
    speaker: Speaker,
    error: ApiError,
}

impl FrontDoor {
    /// A front door to these services, with no access keys of Hearth's own.
    ///
    /// # Panics
    /// As [`Services::new`].
    pub fn new(
        services: Vec<Service>,
        options: Options,
        world: World,
        authorise: Arc<dyn Authorise>,
    ) -> Self {
        Self::to(Arc::new(Services::new(services, authorise)), options, world)
    }

    /// A front door to services that others use too: [`InProcess`](crate::InProcess).
    pub fn to(services: Arc<Services>, options: Options, world: World) -> Self {
        let rooms = Rooms { listeners: Room::of_a_side(), sandboxes: Room::of_a_side() };
        Self { services, keys: Arc::new(NoKeys), sessions: None, options, world, rooms }
    }

    /// The same door with access keys that Hearth made: their signatures are verified.
    #[must_use]
    pub fn with_keys(self, keys: Arc<dyn Keys>) -> Self {
        Self { keys, ..self }
    }

    /// The same door with temporary credentials that were issued by these sessions.
    #[must_use]
    pub fn with_sessions(self, sessions: Arc<Sessions>) -> Self {
        Self { sessions: Some(sessions), ..self }
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>, origin: Origin) -> Response<ResponseBody>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let request_id = self.world.random().uuid();
        let (parts, body) = request.into_parts();
        if let Some(reader) = self.foreign(&parts, &origin) {
            return self.handle_foreign(&*reader, parts, body, &origin, request_id).await;
        }
        let mut body = pin!(body);
        let answer = self.answer(&parts, body.as_mut(), &origin, request_id).await;
        let mut response = answer.unwrap_or_else(|refusal| {
            log_internal(&refusal.error, request_id);
            whole(failure::write(refusal.speaker, &refusal.error, request_id))
        });
        if !body::drain(&self.world, &parts, body).await {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let mut text = Uuid::encode_buffer();
        let text: &str = request_id.hyphenated().encode_lower(&mut text);
        if let Ok(request_id) = HeaderValue::from_str(text) {
            response.headers_mut().insert(REQUEST_ID, request_id);
        }
        response
    }

    /// Whether a request may talk to us at all; for what is served beside AWS, like `/_hearth`.
    /// The error is the whole answer.
    pub fn admit(&self, parts: &Parts, origin: &Origin) -> Result<(), Box<Response<ResponseBody>>> {
        defence::check(parts, origin, &self.options.hosts).map_err(|error| {
            let request_id = self.world.random().uuid();
            Box::new(whole(failure::write(Speaker::Nobody(Protocol::RestJson1), &error, request_id)))
        })
    }

    /// Whether nothing in a request says what it is for, as when somebody asks for the bare address.
    pub fn is_bare(&self, parts: &Parts, origin: &Origin) -> bool {
        let is_silent = parts.uri.path() == "/" && parts.uri.query().is_none() && !has_word_of_aws(parts);
        is_silent && defence::is_plain(parts, &self.options.hosts) && self.foreign(parts, origin).is_none()
    }

    async fn answer<B>(
        &self,
        parts: &Parts,
        body: Pin<&mut B>,
        origin: &Origin,
        request_id: Uuid,
    ) -> Result<Response<ResponseBody>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Display,
    {
        let query = parts.uri.query().unwrap_or_default();
        let claim = Claim::of(&parts.headers, query);
        let service = claim.as_ref().ok().and_then(|claim| Some(claim.as_ref()?.scope().service));
        let unrouted = |error| Refusal { speaker: route::speaker(parts, service), error };
        defence::check(parts, origin, &self.options.hosts).map_err(unrouted)?;
        let mut parameters = Vec::new();
        let target = route::find(&self.services, parts, service, &mut parameters).map_err(unrouted)?;
        let (model, protocol, operation) = (target.model(), target.protocol(), target.operation());
        let named = |error| Refusal { speaker: Speaker::Service(model, protocol), error };
        let claim = claim.map_err(named)?;
        if let Some(operation) = operation {
            route::require_signature(claim.as_ref(), protocol, operation).map_err(named)?;
            target.served().built(operation).map_err(named)?;
        }
        let limit = limits::of(model.facts().service, operation, &parts.headers);
        let rooms = match origin {
            Origin::Listener { .. } => [None, Some(&self.rooms.listeners)],
            Origin::Sandbox(sandbox) => [Some(&sandbox.room), Some(&self.rooms.sandboxes)],
        };
        let (body, held) = body::read(&self.world, rooms, parts, body, limit).await.map_err(named)?;
        let _held = limit.keeps_room().then_some(held);

        let readable = encoding::decode(parts, protocol, &body, limit).map_err(named)?;
        let (model, operation, input) = target.read(&self.services, parts, &parameters, &readable)?;
        let named = |error| Refusal { speaker: Speaker::Service(model, protocol), error };
        route::require_signature(claim.as_ref(), protocol, operation).map_err(named)?;
        let caller = self.caller(parts, claim.as_ref(), &body, origin).await.map_err(named)?;
        let call = caller.call(parts, origin, model.facts().service, operation.name, request_id);
        let mut output = self.services.answer(call, input).await.map_err(named)?;
        let ours = |error| named(ApiError::internal(error));
        let streamed = Streamed::take(model, protocol, operation, &mut output).map_err(ours)?;
        let head = protocols::write(model, protocol, operation, output, request_id).map_err(ours)?;
        Ok(match streamed {
            Some(streamed) => streamed.follow(head),
            None => whole(head),
        })
    }
}

impl std::fmt::Debug for FrontDoor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FrontDoor")
            .field("services", &self.services)
            .field("options", &self.options)
            .finish()
    }
}

/// Whether a header stands there that only AWS's clients send.
fn has_word_of_aws(parts: &Parts) -> bool {
    parts.headers.contains_key(AUTHORIZATION)
        || parts
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("x-amz-") || *name == rpc_v2_cbor::PROTOCOL)
}

fn whole(response: Response<Bytes>) -> Response<ResponseBody> {
    response.map(|bytes| Full::new(bytes).boxed_unsync())
}

/// The client reads a general text; the whole chain of causes is for our log.
fn log_internal(error: &ApiError, request_id: Uuid) {
    if error.code != Code::ServiceFailure {
        return;
    }
    let mut chain = error.message.clone();
    let mut cause = error.source();
    while let Some(error) = cause {
        chain = format!("{chain}: {error}");
        cause = error.source();
    }
    error!(%request_id, error = chain, "a call failed by a fault of ours");
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::toys;
