//! The listener: accepts connections, bounds them, and hands requests on.
//!
//! ```text
//! accept ─▶ a permit of CONNECTIONS_MAX ─▶ HTTP/1.1 or HTTP/2 ─▶ Handler ─▶ answer
//!                          stop: no new request; what runs is finished, at most as long as the drain
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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{Span, debug, warn};

use hearth_world::{Clock, Stop, TaskGroup, TaskKind};

use crate::gate::Gate;
use crate::own::Body;

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
pub fn spawn(listener: TcpListener, gate: Arc<Gate>, clock: Clock, tasks: &TaskGroup) {
    let group = tasks.clone();
    tasks.spawn(TaskKind::Service, Span::none(), move |stop| async move {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        while let Some(accepted) = stop.or(accept(&listener, &room, &clock)).await {
            let (stream, peer, permit) = accepted;
            let Ok(local) = stream.local_addr() else { continue };
            let (handler, counted) = (gate.handler(local, peer), gate.counts.connection());
            let clock = clock.clone();
            group.spawn(TaskKind::Request, Span::none(), move |stop| async move {
                serve(stream, handler, &clock, &stop).await;
                drop((permit, counted));
            });
        }
    });
}

/// The next connection, with room for it. Cancel-safe: a connection is taken only when it is returned.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    clock: &Clock,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let permit = room.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => {
                warn!(%error, "a connection was not accepted");
                clock.sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// Serves one connection until it closes, falls silent, or the group stops and its requests are answered.
pub async fn serve(stream: TcpStream, handler: Handler, clock: &Clock, stop: &Stop) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY is not set");
    }
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
