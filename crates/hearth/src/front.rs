//! The listener: accepts connections, bounds them, and hands requests on.
//!
//! ```text
//! accept ─▶ a seat of CONNECTIONS_MAX, if need be an idle guest's ─▶ HTTP/1.1 or HTTP/2 ─▶ Handler ─▶ answer
//!                          stop: no new request; what runs is finished, at most as long as the drain
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
use tokio::net::{TcpListener, TcpStream};
use tracing::{Span, debug, warn};

use hearth_world::{Clock, TaskGroup, TaskKind};

use crate::gate::Gate;
use crate::own::Body;

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

/// Serves the listener until the group stops. Every connection is a task of the same group.
pub fn spawn(listener: TcpListener, gate: Arc<Gate>, clock: Clock, tasks: &TaskGroup) {
    // It listens already, with a queue of the library's choice: the same call makes it longer.
    if let Err(error) = rustix::net::listen(&listener, BACKLOG) {
        warn!(%error, "the listener's queue stays short");
    }
    let group = tasks.clone();
    let guests = Guests::new(descriptors::bounded(CONNECTIONS_MAX), clock.clone());
    spawn_sweeper(guests.clone(), clock.clone(), tasks);
    tasks.spawn(TaskKind::Service, Span::none(), move |stop| async move {
        while let Some((stream, peer)) = stop.or(accept(&listener, &guests, &clock)).await {
            let Some(guest) = stop.or(seat(&guests, Host::of(peer.ip()), &clock)).await else { return };
            let Ok(local) = stream.local_addr() else { continue };
            let (handler, counted) = (gate.handler(local, peer), gate.counts.connection());
            let clock = clock.clone();
            group.spawn(TaskKind::Request, Span::none(), move |stop| async move {
                serve(stream, handler, &guest, &clock, &stop).await;
                drop((guest, counted));
            });
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

/// The next connection. Cancel-safe: a connection is taken only when it is returned.
async fn accept(listener: &TcpListener, guests: &Guests, clock: &Clock) -> (TcpStream, SocketAddr) {
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
                guests.make_room();
                clock.sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// A seat, as soon as there is one: while all are being answered, the newcomer waits. Cancel-safe.
async fn seat(guests: &Arc<Guests>, host: Host, clock: &Clock) -> Guest {
    loop {
        match guests.admit(host) {
            Some(guest) => return guest,
            None => {
                tokio::select! {
                    () = guests.freed() => {}
                    () = clock.sleep(SEAT_RETRY) => {}
                }
            }
        }
    }
}

/// Whether only this machine can reach the address.
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
