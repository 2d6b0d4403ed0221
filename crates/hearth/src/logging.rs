//! Hearth's own log: lines for people on stderr.
//!
//! Never: holds a payload, a variable or a key; writes to stdout, which belongs to a command's result.

use std::io::IsTerminal;

use anyhow::{Context, Result, ensure};
use tracing_subscriber::EnvFilter;

/// What a peer breaks of HTTP/2 is told by its library frame by frame, and every key that is not there by S3's as an
/// error: a client could fill the disk with it.
const QUIET: &str = "h2=error,s3s=off";

/// Starts the log. `level` is `error`, `warn`, `info`, `debug`, `trace`, or a filter like `hearth_worker=debug`.
pub fn start(level: &str) -> Result<()> {
    // A lone word is a level: as a filter it would name a part of the program that does not exist, and show nothing.
    let is_level =
        ["off", "error", "warn", "info", "debug", "trace"].contains(&level.to_lowercase().as_str());
    ensure!(
        is_level || level.contains('='),
        "--log {level} is not a level: error, warn, info, debug, trace, or a filter like hearth_worker=debug"
    );
    let filter = EnvFilter::try_new(format!("{QUIET},{level}"))
        .with_context(|| format!("{level} is not a log level"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    Ok(())
}
