//! The listener: accepts connections, bounds them, and hands requests on.
//!
//! ```text
//! accept ──────────────────▶ a permit of CONNECTIONS_MAX ─▶ HTTP/1.1 or HTTP/2 ─▶ Handler ─▶ answer
//! accept ─▶ TLS handshake ─▶            stop: no new request; what runs is finished, at most as long as the drain
//! ```
//!
//! Never: knows what a request means; lets a silent peer hold a connection for ever.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{Span, debug, warn};

use hearth_world::{Clock, Stop, TaskGroup, TaskKind};

use crate::gate::Gate;
use crate::own::Body;
use crate::tls::{HANDSHAKE_TIME, Handshakes};

/// Connections at the same time; more wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 4_096;

/// How long a peer may take for the head of a request; also how long a connection may lie idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of a request's head: AWS's load balancers take 60 KB.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Requests at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;

/// Wait after a failed accept: out of descriptors, most likely, which only time mends.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Answers one request.
pub type Handler = Arc<dyn Fn(Request<Incoming>) -> Answering + Send + Sync>;

/// An answer on its way.
pub type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Serves the listener until the group stops. Every connection is a task of the same group.
pub fn spawn(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    gate: Arc<Gate>,
    clock: Clock,
    tasks: &TaskGroup,
) {
    let front = Arc::new(Front { gate, clock, room: Arc::new(Semaphore::new(CONNECTIONS_MAX)) });
    let group = tasks.clone();
    tasks.spawn(TaskKind::Service, Span::none(), move |stop| async move {
        match tls {
            None => front.listen(&listener, &group, &stop).await,
            Some(tls) => front.listen_for_tls(&listener, &TlsAcceptor::from(tls), &group, &stop).await,
        }
    });
}

/// What every connection needs.
struct Front {
    gate: Arc<Gate>,
    clock: Clock,
    room: Arc<Semaphore>,
}

impl Front {
    /// A connection is accepted when there is room for it.
    async fn listen(self: &Arc<Self>, listener: &TcpListener, group: &TaskGroup, stop: &Stop) {
        let next = async || {
            let permit = self.permit().await;
            (self.accept(listener).await, permit)
        };
        while let Some(((stream, peer), permit)) = stop.or(next()).await {
            let Some(handler) = self.handler(&stream, peer) else { continue };
            let front = self.clone();
            group.spawn(TaskKind::Request, Span::none(), move |stop| async move {
                front.serve(stream, handler, permit, &stop).await;
            });
        }
    }

    /// Every connection is accepted: handshakes have a bound of their own, and room is taken after them.
    async fn listen_for_tls(
        self: &Arc<Self>,
        listener: &TcpListener,
        tls: &TlsAcceptor,
        group: &TaskGroup,
        stop: &Stop,
    ) {
        let handshakes = Arc::new(Handshakes::default());
        while let Some((stream, peer)) = stop.or(self.accept(listener)).await {
            let Some(handler) = self.handler(&stream, peer) else { continue };
            let (front, tls, place) = (self.clone(), tls.clone(), handshakes.enter());
            group.spawn(TaskKind::Request, Span::none(), move |stop| async move {
                let shaken = stop.or(place.hold(front.shake(stream, &tls))).await;
                let Some((stream, permit)) = shaken.flatten().flatten() else { return };
                front.serve(stream, handler, permit, &stop).await;
            });
        }
    }

    /// A finished handshake with room for the connection, or nothing when either takes too long.
    async fn shake(
        &self,
        stream: TcpStream,
        tls: &TlsAcceptor,
    ) -> Option<(TlsStream<TcpStream>, OwnedSemaphorePermit)> {
        let shaken = async {
            let stream = tls.accept(stream).await?;
            Ok::<_, std::io::Error>((stream, self.permit().await))
        };
        match self.clock.timeout(HANDSHAKE_TIME, shaken).await {
            Ok(Ok(shaken)) => Some(shaken),
            Ok(Err(error)) => {
                debug!(%error, "a handshake failed");
                None
            }
            Err(_) => None,
        }
    }

    fn handler(&self, stream: &TcpStream, peer: SocketAddr) -> Option<Handler> {
        let local = stream.local_addr().ok()?;
        Some(self.gate.handler(local, peer))
    }

    async fn serve<S>(&self, stream: S, handler: Handler, permit: OwnedSemaphorePermit, stop: &Stop)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let counted = self.gate.counts.connection();
        serve(stream, handler, &self.clock, stop).await;
        drop((permit, counted));
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        self.room.clone().acquire_owned().await.expect("the semaphore is never closed")
    }

    /// The next connection. Cancel-safe: a connection is taken only when it is returned.
    async fn accept(&self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    not_delayed(&stream);
                    return (stream, peer);
                }
                Err(error) => {
                    warn!(%error, "a connection was not accepted");
                    self.clock.sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }
}

/// Small answers leave at once.
pub fn not_delayed(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY is not set");
    }
}

/// Serves one connection until it closes, falls silent, or the group stops and its requests are answered.
pub async fn serve<S>(stream: S, handler: Handler, clock: &Clock, stop: &Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let spoke = Arc::new(AtomicBool::new(false));
    let heard = spoke.clone();
    let service = service_fn(move |request| {
        heard.store(true, Ordering::Relaxed);
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(HEAD_TIMEOUT);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut first = pin!(clock.sleep(HEAD_TIMEOUT));
    let mut stopping = pin!(stop.stopped());
    let (mut watched, mut draining) = (true, false);
    loop {
        // Each branch may be dropped: the connection is pinned outside and goes on where it was.
        tokio::select! {
            biased;
            outcome = connection.as_mut() => {
                if let Err(error) = outcome {
                    debug!(%error, "a connection ended early");
                }
                return;
            }
            () = stopping.as_mut(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            () = first.as_mut(), if watched => {
                watched = false;
                if !spoke.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    }
}

/// Whether only this machine can reach the address.
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
