//! TLS of the listener: which certificate is shown, and how many may be shaking hands.
//!
//! ```text
//! --tls-cert, --tls-key ─▶ files ──────▶ Certificate ◀── SIGHUP: read again, or once a day: made anew
//! neither ─▶ own authority (data/tls) ─▶      │
//!                              connection ─▶ Handshakes (bounded) ─▶ HTTP/2 or HTTP/1.1
//! ```
//!
//! Never: another provider than ring; a private key on a line of the log.

mod authority;
mod certificate;
mod handshakes;

pub use authority::AUTHORITY_FILE;
pub use certificate::{Certificate, Source};
pub use handshakes::{HANDSHAKE_TIME, Handshakes};

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{Span, info, warn};

use hearth_world::{TaskGroup, TaskKind, World};

/// A certificate of our own lasts 30 days and is made anew every day.
const RENEWED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Takes the next certificate at SIGHUP, and one of our own every day.
pub fn keep_fresh(certificate: Arc<Certificate>, world: &World, tasks: &TaskGroup) -> Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("listen to SIGHUP")?;
    let world = world.clone();
    tasks.spawn(TaskKind::Service, Span::none(), move |stop| async move {
        loop {
            // Both may be dropped: the signal is kept by the kernel's side, and the time begins anew.
            let next = async {
                tokio::select! {
                    _ = hangup.recv() => {}
                    () = world.physical().sleep(RENEWED_EVERY), if certificate.is_own() => {}
                }
            };
            if stop.or(next).await.is_none() {
                return;
            }
            match certificate.renew(world.physical().now()) {
                Ok(()) => info!("the certificate was taken anew"),
                Err(error) => warn!(error = format!("{error:#}"), "the certificate before stays in use"),
            }
        }
    });
    Ok(())
}
