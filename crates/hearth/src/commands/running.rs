//! A server from its start to its end, the same for `up` and `serve`.

use std::future::Future;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::FutureExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::init::{self, Plan, Readiness};
use crate::reset::Reset;
use crate::server::Server;

/// What a shell makes of a process that was ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// How long running calls have when everything is removed: long enough for the answer to who asked for it.
const RESET_DRAIN: Duration = Duration::from_secs(1);

/// What a server does at its start, and says when it is done.
pub(super) struct Start<'s> {
    pub(super) plan: &'s Plan,
    pub(super) options: &'s init::Options,
    pub(super) place: init::Place,
    pub(super) readiness: Arc<Readiness>,
    /// The listening socket, where a reset hands it to the server that begins anew.
    pub(super) listener: Option<std::net::TcpListener>,
    /// The line that says that the server is ready.
    pub(super) ready_line: &'s (dyn Fn() -> String + Sync),
}

/// How a server ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// A signal came.
    Stopped,
    /// It was asked to begin anew, on this socket.
    Reset(Option<std::net::TcpListener>),
}

enum Why {
    Signal,
    Reset,
}

/// Does what the owner wants done at the start, says that the server is ready, serves until a signal comes, `lost` ends
/// or a reset is asked for, and stops: running calls have `drain`, a second signal ends at once.
pub(super) async fn serve(
    server: Server,
    start: Start<'_>,
    drain: Duration,
    reset: Option<&Reset>,
    signals: &mut Signals,
    lost: impl Future<Output = anyhow::Error>,
) -> Result<Ended> {
    let serving = async {
        let done = start.plan.run(start.options, &start.place, &start.readiness).await;
        done?;
        start.readiness.is_over();
        announce(&(start.ready_line)())?;
        std::future::pending::<Result<Why>>().await
    };
    let asked = async {
        match reset {
            Some(reset) => reset.asked().await,
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        () = signals.next() => Ok(Why::Signal),
        () = asked => Ok(Why::Reset),
        error = lost => Err(error),
        failed = serving => failed,
    };
    info!("stopping: running calls may finish");
    let (outcome, drain) = match outcome {
        Ok(Why::Reset) => (Ok(Ended::Reset(start.listener)), RESET_DRAIN),
        // The socket goes now: who comes is refused, and does not wait for a server that ends.
        ended => {
            drop(start.listener);
            (ended.map(|_| Ended::Stopped), drain)
        }
    };
    tokio::select! {
        () = server.stop(drain) => outcome,
        // The spawner sees our end and kills every sandbox.
        () = signals.next() => {
            warn!("stopped at once: running calls are lost");
            std::process::exit(INTERRUPTED)
        }
    }
}

/// Where a server that listens at this address is reached from this machine.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Why nothing can listen there, and what to do.
pub(super) fn cannot_listen(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            " (another server has this port, perhaps another hearth: stop it, or take another port with \
             --listen ADDR:PORT; port 0 takes any that is free)"
        }
        io::ErrorKind::AddrNotAvailable => " (this machine has no such address)",
        _ => "",
    };
    anyhow::anyhow!("cannot listen on {address}: {error}{advice}")
}

/// Prints a line for whoever waits for it.
pub(super) fn announce(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        // Who reads no further (`| head -1`) has what was waited for.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("print a line"),
    }
}

/// Ctrl-C and SIGTERM. Once it is made, none of them ends the process by itself, and none is lost.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("listen to signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Whether one has come that nobody has seen.
    pub(super) fn have_come(&mut self) -> bool {
        self.next().now_or_never().is_some()
    }

    /// The next one. Cancel-safe.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
