//! Where the lines of functions go: to whoever keeps logs, by way of a seam.

use hearth_worker::LogBatch;

/// Keeps what functions write.
pub trait LogSink: Send + Sync {
    /// Takes a batch of one environment's lines. Returns at once: no function waits for those who keep logs, and what
    /// they cannot take they drop and count.
    fn write(&self, batch: LogBatch);
}
