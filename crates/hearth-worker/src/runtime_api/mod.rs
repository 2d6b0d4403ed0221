//! What is served inside a sandbox: the HTTP Runtime API (2018-06-01) with the metadata endpoint beside it, the AWS
//! endpoint, the X-Ray daemon's port.
//!
//! The sockets were made in the sandbox's network namespace, so whoever connects is this function.
//!
//! Never: lets one sandbox's connections, headers or bodies cost another anything.

mod answer;
mod body;
mod metadata;
mod requests;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use hearth_world::{Stop, TaskGroup, TaskKind};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tracing::{debug, info_span};

use crate::environment::Shared;
use crate::worker::{Endpoint, Revision};
#[cfg(feature = "fuzzing")]
pub(crate) use requests::known_path;

/// Connections to one listening socket at once; more wait in its backlog.
const CONNECTIONS_MAX: usize = 16;
/// Request line and headers together, in bytes. An X-Ray error cause may have 1 MiB: it is a header.
const HEAD_BYTES_MAX: usize = 1024 * 1024 + 64 * 1024;
/// After an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The largest X-Ray datagram.
const DATAGRAM_BYTES_MAX: usize = 64 * 1024;

/// Serves the Runtime API on a listening socket until the group stops.
pub(crate) fn serve(socket: OwnedFd, environment: Arc<Shared>, group: &TaskGroup) -> io::Result<()> {
    accept(socket, group, "runtime api", move |connection, stop| {
        let environment = environment.clone();
        async move {
            let service = service_fn(move |request| requests::answer(environment.clone(), request));
            let mut server = http1::Builder::new();
            server.max_buf_size(HEAD_BYTES_MAX);
            let connection = server.serve_connection(TokioIo::new(connection), service);
            if let Some(Err(error)) = stop.or(connection).await {
                debug!(%error, "a connection to the Runtime API ended");
            }
        }
    })
}

/// Serves the AWS endpoint on a listening socket until the group stops.
pub(crate) fn serve_endpoint(
    socket: OwnedFd,
    endpoint: Arc<dyn Endpoint>,
    revision: Arc<Revision>,
    group: &TaskGroup,
) -> io::Result<()> {
    accept(socket, group, "endpoint", move |connection, stop| {
        let serving = endpoint.serve(connection, revision.clone());
        async move {
            stop.or(serving).await;
        }
    })
}

/// Takes what is sent to the X-Ray daemon until the group stops.
pub(crate) fn drain_datagrams(socket: OwnedFd, group: &TaskGroup) -> io::Result<()> {
    let socket = std::net::UdpSocket::from(socket);
    socket.set_nonblocking(true)?;
    let socket = UdpSocket::from_std(socket)?;
    group.spawn(TaskKind::Service, info_span!("x-ray daemon"), move |stop| async move {
        // GAP(xray): segments are read and thrown away.
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        while let Some(received) = stop.or(socket.recv(&mut datagram)).await {
            if received.is_err() {
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    });
    Ok(())
}

/// Accepts connections, at most [`CONNECTIONS_MAX`] at once, each a task of its own.
fn accept<F, T>(socket: OwnedFd, group: &TaskGroup, name: &'static str, serve: F) -> io::Result<()>
where
    F: Fn(TcpStream, Stop) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let connections = group.clone();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    group.spawn(TaskKind::Service, info_span!("accept", name), move |stop| async move {
        while let Some(Ok(seat)) = stop.or(room.clone().acquire_owned()).await {
            match stop.or(listener.accept()).await {
                None => break,
                Some(Err(error)) => {
                    debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                Some(Ok((connection, _))) => {
                    // Answers are small; waiting to fill a packet costs 40 ms.
                    connection.set_nodelay(true).ok();
                    connections.spawn(TaskKind::Request, info_span!("connection", name), |stop| {
                        let serving = serve(connection, stop);
                        async move {
                            serving.await;
                            drop(seat);
                        }
                    });
                }
            }
        }
    });
    Ok(())
}
