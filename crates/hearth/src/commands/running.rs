//! A server from its ready line to its end, the same for `up` and `serve`.

use std::future::Future;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::server::Server;

/// What a shell makes of a process that was ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Prints the line that says that the server is ready, serves until a signal comes or `lost` ends, and stops: running
/// calls have `drain`, a second signal ends at once.
pub(super) async fn serve(
    server: Server,
    ready_line: &str,
    drain: Duration,
    lost: impl Future<Output = anyhow::Error>,
) -> Result<()> {
    let mut signals = Signals::new()?;
    announce(ready_line)?;
    let outcome = tokio::select! {
        () = signals.next() => Ok(()),
        error = lost => Err(error),
    };
    info!("stopping: running calls may finish");
    tokio::select! {
        () = server.stop(drain) => outcome,
        // The spawner sees our end and kills every sandbox.
        () = signals.next() => {
            warn!("stopped at once: running calls are lost");
            std::process::exit(INTERRUPTED)
        }
    }
}

/// Prints a line for whoever waits for it.
pub(super) fn announce(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("print a line")
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("listen to signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// The next one. Cancel-safe.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
