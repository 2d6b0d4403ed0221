//! The listener: accepts connections, bounds them, and hands requests on.
//!
//! ```text
//! accept ──────────────────▶ a seat of CONNECTIONS_MAX, if need be ─▶ HTTP/1.1 or HTTP/2 ─▶ Handler ─▶ answer
//! accept ─▶ TLS handshake ─▶ an idle guest's
//!                      stop: no new request; what runs is finished, at most as long as the drain
//! ```
//!
//! Never: knows what a request means; lets a silent peer hold a connection for ever, or keep others out.

mod bodies;
mod connection;
mod descriptors;
mod guests;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{Span, debug, warn};

use hearth_world::{Clock, Stop, TaskGroup, TaskKind};

use crate::gate::Gate;
use crate::own::Body;
use crate::tls::{HANDSHAKE_TIME, Handshakes};

pub use bodies::Asked;
pub use connection::serve;
pub use descriptors::raise as raise_descriptors;
pub use guests::Guest;

use guests::{Guests, Host};

/// Connections at the same time. When one more comes, the one that did nothing for longest leaves.
pub const CONNECTIONS_MAX: usize = 4_096;

/// Connections that may wait in the kernel's queue to be accepted. With the usual 128, who comes in a burst of more
/// is heard a second later, when its system tries again.
const BACKLOG: i32 = 4_096;

/// Between two looks for guests who have kept us waiting for too long.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Wait after a failed accept: out of descriptors, most likely, which only time mends.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Between two looks for a seat while everybody is being answered.
const SEAT_RETRY: Duration = Duration::from_millis(50);

/// Answers one request.
pub type Handler = Arc<dyn Fn(Request<Asked>) -> Answering + Send + Sync>;

/// An answer on its way.
pub type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Serves the listener until the group stops, over TLS if that is given. Every connection is a task of the same group.
pub fn spawn(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    gate: Arc<Gate>,
    clock: Clock,
    tasks: &TaskGroup,
) {
    // It listens already, with a queue of the library's choice: the same call makes it longer.
    if let Err(error) = rustix::net::listen(&listener, BACKLOG) {
        warn!(%error, "the listener's queue stays short");
    }
    let guests = Guests::new(descriptors::bounded(CONNECTIONS_MAX), clock.clone());
    spawn_sweeper(guests.clone(), clock.clone(), tasks);
    let front = Arc::new(Front { gate, clock, guests });
    let group = tasks.clone();
    tasks.spawn(TaskKind::Service, Span::none(), move |stop| async move {
        match tls {
            None => front.listen(&listener, &group, &stop).await,
            Some(tls) => front.listen_for_tls(&listener, &TlsAcceptor::from(tls), &group, &stop).await,
        }
    });
}

fn spawn_sweeper(guests: Arc<Guests>, clock: Clock, tasks: &TaskGroup) {
    tasks.spawn(TaskKind::Service, Span::none(), move |stop| async move {
        while stop.or(clock.sleep(SWEEP_EVERY)).await.is_some() {
            guests.sweep();
        }
    });
}

/// What every connection needs.
struct Front {
    gate: Arc<Gate>,
    clock: Clock,
    guests: Arc<Guests>,
}

impl Front {
    /// A connection is a guest from its first byte on.
    async fn listen(self: &Arc<Self>, listener: &TcpListener, group: &TaskGroup, stop: &Stop) {
        while let Some((stream, peer)) = stop.or(self.accept(listener)).await {
            let Some(guest) = stop.or(self.seat(peer)).await else { return };
            let Some(handler) = self.handler(&stream, peer) else { continue };
            let front = self.clone();
            group.spawn(TaskKind::Request, Span::none(), move |stop| async move {
                front.serve(stream, handler, guest, &stop).await;
            });
        }
    }

    /// Every connection is accepted: handshakes have a bound of their own, and a seat is taken after them.
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
                let shaken = stop.or(place.hold(front.shake(stream, peer, &tls))).await;
                let Some((stream, guest)) = shaken.flatten().flatten() else { return };
                front.serve(stream, handler, guest, &stop).await;
            });
        }
    }

    /// A finished handshake with a seat for the connection, or nothing when either takes too long.
    async fn shake(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tls: &TlsAcceptor,
    ) -> Option<(TlsStream<TcpStream>, Guest)> {
        let shaken = async {
            let stream = tls.accept(stream).await?;
            Ok::<_, std::io::Error>((stream, self.seat(peer).await))
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

    async fn serve<S>(&self, stream: S, handler: Handler, guest: Guest, stop: &Stop)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let counted = self.gate.counts.connection();
        serve(stream, handler, &guest, &self.clock, stop).await;
        drop((guest, counted));
    }

    /// The next connection. Cancel-safe: a connection is taken only when it is returned.
    async fn accept(&self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        debug!(%error, "TCP_NODELAY is not set");
                    }
                    return (stream, peer);
                }
                Err(error) => {
                    warn!(%error, "a connection was not accepted");
                    self.guests.make_room();
                    self.clock.sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    /// A seat, as soon as there is one: while all are being answered, the newcomer waits. Cancel-safe.
    async fn seat(&self, peer: SocketAddr) -> Guest {
        loop {
            match self.guests.admit(Host::of(peer.ip())) {
                Some(guest) => return guest,
                None => {
                    tokio::select! {
                        () = self.guests.freed() => {}
                        () = self.clock.sleep(SEAT_RETRY) => {}
                    }
                }
            }
        }
    }
}

/// Whether only this machine can reach the address.
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
