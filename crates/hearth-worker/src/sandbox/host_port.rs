//! A port of the host's loopback, served inside a sandbox because a person opened it by name.
//!
//! Never: another port than that; a connection that outlives its sandbox.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use hearth_world::{TaskGroup, TaskKind};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, info_span};

/// Connections of one sandbox through one port at once: more wait until one ends.
const CONNECTIONS_MAX: usize = 128;
/// The host's service takes a connection within so long.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Before another attempt to accept, when that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Carries what is sent to `socket` to this port of 127.0.0.1 and back, until the group stops.
pub(crate) fn serve(socket: OwnedFd, port: u16, group: &TaskGroup) -> io::Result<()> {
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = group.clone();
    group.spawn(TaskKind::Service, info_span!("host port", port), move |stop| async move {
        loop {
            let accepted = stop.or(async {
                let place = room.clone().acquire_owned().await;
                (listener.accept().await, place)
            });
            match accepted.await {
                None => break,
                Some((Ok((inside, _)), Ok(place))) => {
                    connections.spawn(
                        TaskKind::Service,
                        info_span!("host port", port),
                        move |stop| async move {
                            stop.or(carry(inside, port)).await;
                            drop(place);
                        },
                    );
                }
                Some(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    });
    Ok(())
}

async fn carry(mut inside: TcpStream, port: u16) {
    let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    // Dropping the inside's end resets it, which is what a closed port looks like.
    let Ok(Ok(mut host)) = tokio::time::timeout(CONNECT_LIMIT, connecting).await else {
        return debug!(port, "nothing listens on this port of the host");
    };
    if let Err(error) = tokio::io::copy_bidirectional(&mut inside, &mut host).await {
        debug!(%error, "a connection through a port of the host broke");
    }
}
