//! Requests and answers, whole, with limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tracing::Span;

use hearth_world::{TaskGroup, TaskKind, World};

use crate::connect::connect;
use crate::error::OutboundError;
use crate::idle::{Idle, Sender};
use crate::policy::Policy;
use crate::resolve::Resolve;
use crate::roots::Roots;
use crate::streamed::{Back, Streamed};
use crate::url::Destination;

/// Until a connection, with TLS, stands.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What bounds one request. Every hop of redirects together.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first look at the name to the last byte of the answer.
    pub time: Duration,
    /// Of the answer's body.
    pub answer_bytes_max: usize,
    /// Followed; 0 hands the redirecting answer back.
    pub redirects_max: u32,
}

impl Default for Limits {
    /// 30 s, 1 MB, no redirect followed.
    fn default() -> Self {
        Self { time: Duration::from_secs(30), answer_bytes_max: 1024 * 1024, redirects_max: 0 }
    }
}

/// What the client is made of.
pub struct OutboundDeps {
    /// Who may be dialled.
    pub policy: Policy,
    /// Whose certificates are trusted.
    pub roots: Roots,
    /// Finds addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Whose tasks the connections are.
    pub tasks: TaskGroup,
    /// Time.
    pub world: World,
}

/// The one outbound client of a server. See the crate.
pub struct Outbound {
    policy: Policy,
    tls: Arc<ClientConfig>,
    resolver: Arc<dyn Resolve>,
    tasks: TaskGroup,
    world: World,
    idle: Arc<Idle>,
}

/// Sends one request over a connection of its own; the answer's body may go on for ever.
#[derive(Debug)]
pub struct Requester(Sender, String);

impl Outbound {
    /// A client without connections.
    pub fn new(deps: OutboundDeps) -> Self {
        let OutboundDeps { policy, roots, resolver, tasks, world } = deps;
        Self { policy, tls: roots.client(), resolver, tasks, world, idle: Arc::default() }
    }

    /// Sends a request to its absolute URL and reads the whole answer. `Host` and `Content-Length` are set here.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        limits: Limits,
    ) -> Result<Response<Bytes>, OutboundError> {
        let host = Destination::of(request.uri())?.host;
        let sent = self.world.physical().timeout(limits.time, self.follow(request, limits)).await;
        sent.unwrap_or(Err(OutboundError::TimedOut { host }))
    }

    /// A connection of its own to a URL's host, for an answer that is read as it comes. The caller bounds it.
    pub async fn open(&self, uri: &Uri) -> Result<Requester, OutboundError> {
        let destination = Destination::of(uri)?;
        Ok(Requester(self.connect(&destination).await?, destination.host))
    }

    /// Sends a request and hands out its answer as soon as the head is there; no redirect is followed. `time` is until
    /// then, `pause` is the longest wait for each further piece of the body.
    pub async fn stream(
        &self,
        request: Request<Bytes>,
        time: Duration,
        pause: Duration,
    ) -> Result<Response<Streamed>, OutboundError> {
        let destination = Destination::of(request.uri())?;
        let asked = self.world.physical().timeout(time, self.ask(&destination, request)).await;
        let late = OutboundError::TimedOut { host: destination.host.clone() };
        let (sender, answer) = asked.unwrap_or(Err(late))?;
        let (head, body) = answer.into_parts();
        let back = Back { idle: self.idle.clone(), destination, sender, world: self.world.clone() };
        Ok(Response::from_parts(head, Streamed::new(body, pause, back)))
    }

    async fn follow(
        &self,
        mut request: Request<Bytes>,
        limits: Limits,
    ) -> Result<Response<Bytes>, OutboundError> {
        let mut redirects = 0;
        loop {
            let destination = Destination::of(request.uri())?;
            let again = (limits.redirects_max > 0).then(|| request.clone());
            let answer = self.once(&destination, request, limits).await?;
            let Some(before) = again.filter(|_| is_redirect(answer.status())) else { return Ok(answer) };
            redirects += 1;
            let refused = || OutboundError::Redirect { host: destination.host.clone() };
            if redirects > limits.redirects_max {
                return Err(refused());
            }
            request = redirected(before, &answer, &destination).ok_or_else(refused)?;
        }
    }

    async fn once(
        &self,
        destination: &Destination,
        request: Request<Bytes>,
        limits: Limits,
    ) -> Result<Response<Bytes>, OutboundError> {
        let (sender, answer) = self.ask(destination, request).await?;
        self.read(destination, sender, answer, limits).await
    }

    /// Sends a request over a connection that is idle, or a new one, and waits for the head of its answer.
    async fn ask(
        &self,
        destination: &Destination,
        request: Request<Bytes>,
    ) -> Result<(Sender, Response<Incoming>), OutboundError> {
        let mut request = prepare(request)?;
        let now = || self.world.physical().now();
        // One that the other side has closed meanwhile gives the request back.
        while let Some(mut sender) = self.idle.take(destination, now()) {
            match sender.try_send_request(request).await {
                Ok(answer) => return Ok((sender, answer)),
                Err(mut unsent) => match unsent.take_message() {
                    Some(back) => request = back,
                    None => return Err(spoke(destination, unsent.into_error())),
                },
            }
        }
        let mut sender = self.connect(destination).await?;
        let answer = sender.send_request(request).await.map_err(|source| spoke(destination, source))?;
        Ok((sender, answer))
    }

    async fn connect(&self, destination: &Destination) -> Result<Sender, OutboundError> {
        let connecting = connect(destination, &self.policy, &*self.resolver, &self.tls);
        let connected = self.world.physical().timeout(CONNECT_MAX, connecting).await;
        let late = OutboundError::TimedOut { host: destination.host.clone() };
        let stream = connected.unwrap_or(Err(late))?;
        let mut builder = hyper::client::conn::http1::Builder::new();
        let handshake = builder.max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|source| spoke(destination, source))?;
        self.tasks.spawn(TaskKind::Request, Span::none(), |stop| async move {
            // How it ended is told by the request that used it.
            let _ = stop.or(connection).await;
        });
        Ok(sender)
    }

    async fn read(
        &self,
        destination: &Destination,
        sender: Sender,
        answer: Response<Incoming>,
        limits: Limits,
    ) -> Result<Response<Bytes>, OutboundError> {
        let (head, body) = answer.into_parts();
        let limit = limits.answer_bytes_max;
        let body = Limited::new(body, limit).collect().await.map_err(|error| {
            let host = destination.host.clone();
            match error.downcast::<hyper::Error>() {
                Ok(source) => OutboundError::Http { host, source: *source },
                Err(other) => {
                    debug_assert!(other.is::<LengthLimitError>(), "a limited body fails in two ways");
                    OutboundError::TooLarge { host, limit }
                }
            }
        })?;
        self.idle.keep(destination.clone(), sender, self.world.physical().now());
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Outbound").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Requester {
    /// Sends the request; its URL's host must be the one that was connected to.
    pub async fn send(mut self, request: Request<Bytes>) -> Result<Response<Incoming>, OutboundError> {
        let request = prepare(request)?;
        self.0.send_request(request).await.map_err(|source| OutboundError::Http { host: self.1, source })
    }
}

fn spoke(destination: &Destination, source: hyper::Error) -> OutboundError {
    OutboundError::Http { host: destination.host.clone(), source }
}

/// As it goes over the wire: the path alone, and a `Host` that the caller cannot choose.
fn prepare(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, OutboundError> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().ok_or(OutboundError::Url("it names no host"))?;
    let host =
        HeaderValue::try_from(authority.as_str()).map_err(|_| OutboundError::Url("it names no host"))?;
    head.headers.insert(HOST, host);
    head.headers.remove(CONTENT_LENGTH);
    let path = head.uri.path_and_query().map_or("/", |whole| whole.as_str());
    head.uri = path.parse().map_err(|_| OutboundError::Url("its path is unreadable"))?;
    Ok(Request::from_parts(head, Full::new(body)))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The next request, or `None` when it may not be made.
fn redirected(
    before: Request<Bytes>,
    answer: &Response<Bytes>,
    from: &Destination,
) -> Option<Request<Bytes>> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    let uri = absolute(location, before.uri())?;
    let to = Destination::of(&uri).ok()?;
    if from.tls && !to.tls {
        return None;
    }
    let (mut head, mut body) = before.into_parts();
    head.uri = uri;
    if to != *from {
        for secret in [AUTHORIZATION, COOKIE] {
            head.headers.remove(secret);
        }
    }
    let keeps =
        matches!(answer.status().as_u16(), 307 | 308) || matches!(head.method, Method::GET | Method::HEAD);
    if !keeps {
        head.method = Method::GET;
        body = Bytes::new();
        head.headers.remove(CONTENT_TYPE);
    }
    Some(Request::from_parts(head, body))
}

/// An absolute URL, one of the same scheme, or a path from the host's root.
fn absolute(location: &str, base: &Uri) -> Option<Uri> {
    let location = location.split('#').next()?;
    let scheme = base.scheme_str()?;
    if location.starts_with("//") {
        return format!("{scheme}:{location}").parse().ok();
    }
    if location.starts_with('/') {
        return format!("{scheme}://{}{location}", base.authority()?).parse().ok();
    }
    location.parse().ok()
}

#[cfg(test)]
mod tests;
