//! The log of one environment: lines out of its output pipe and the platform's own, in order, in batches.
//!
//! ```text
//! pipe ─▶ partial line ─▶ events ──▶ batch ──try_send──▶ whoever keeps logs
//!                            └────▶ the last 4,096 bytes, while a caller wants them
//! ```
//!
//! Never: grows with what a function writes; waits for whoever keeps logs; loses events without saying so.

use std::sync::Arc;

use hearth_world::World;
use tokio::sync::mpsc;

use super::said::{Said, is_below};
use crate::worker::{LogBatch, LogEvent, Report, Revision};

/// Of one event; longer lines are split. CloudWatch Logs takes 256 KB.
pub(crate) const LINE_BYTES_MAX: usize = 256 * 1024;
/// Of events that wait to be sent, before they are sent in the middle of an invocation.
const BATCH_BYTES_MAX: usize = 64 * 1024;
/// Of the log that `LogType: Tail` answers.
pub(crate) const TAIL_BYTES: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(crate) struct Journal {
    world: World,
    revision: Arc<Revision>,
    stream: String,
    reports: mpsc::Sender<Report>,
    partial: Vec<u8>,
    events: Vec<LogEvent>,
    events_bytes: usize,
    dropped: u64,
    tail: Option<Vec<u8>>,
}

impl Journal {
    /// An empty log with a stream of its own.
    pub(crate) fn new(world: World, revision: Arc<Revision>, reports: mpsc::Sender<Report>) -> Self {
        let day = world.physical().now().format("%Y/%m/%d");
        let (name, version, random) =
            (&revision.function_name, &revision.version, world.random().hex::<16>());
        // In a group that several functions may have, a stream says whose it is.
        let stream = if revision.log_group == format!("/aws/lambda/{name}") {
            format!("{day}/[{version}]{random}")
        } else {
            format!("{day}/{name}[{version}][{random}]")
        };
        Self {
            world,
            revision,
            stream,
            reports,
            partial: Vec::new(),
            events: Vec::new(),
            events_bytes: 0,
            dropped: 0,
            tail: None,
        }
    }

    /// `YYYY/MM/DD/[VERSION]32 hex`; in a group that is not the function's own `YYYY/MM/DD/FUNCTION[VERSION][32 hex]`.
    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// Takes what the function wrote.
    pub(crate) fn output(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.partial.is_empty() && line.len() <= LINE_BYTES_MAX {
                self.event(line);
            } else {
                self.extend_partial(line);
                self.end_line();
            }
        }
        self.extend_partial(bytes);
    }

    /// Ends an unfinished line: nothing written later belongs to it.
    pub(crate) fn end_line(&mut self) {
        if !self.partial.is_empty() {
            let mut line = std::mem::take(&mut self.partial);
            self.event(&line);
            line.clear();
            // The buffer is kept unless one long line made it large.
            if line.capacity() <= BATCH_BYTES_MAX {
                self.partial = line;
            }
        }
    }

    /// An event of the platform, as the function's log has it.
    pub(crate) fn tell(&mut self, said: &Said<'_>) {
        self.end_line();
        for line in said.lines(&self.revision, self.world.physical().now()) {
            self.push(line);
        }
    }

    /// A line of the platform.
    #[cfg(test)]
    pub(crate) fn platform(&mut self, line: String) {
        self.end_line();
        self.push(line);
    }

    /// Keeps the last bytes from here on.
    pub(crate) fn begin_tail(&mut self) {
        self.tail = Some(Vec::with_capacity(TAIL_BYTES));
    }

    /// The last 4,096 bytes since [`Journal::begin_tail`], newlines included.
    pub(crate) fn take_tail(&mut self) -> Option<Vec<u8>> {
        let mut tail = self.tail.take()?;
        tail.drain(..tail.len().saturating_sub(TAIL_BYTES));
        Some(tail)
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self) {
        if self.events.is_empty() {
            return;
        }
        let mut events = std::mem::take(&mut self.events);
        self.events_bytes = 0;
        let count = events.len() as u64;
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            let time = events.first().map_or_else(|| self.world.physical().now(), |event| event.time);
            let message =
                format!("{dropped} log events were dropped: they came faster than they could be kept");
            events.insert(0, LogEvent { time, message });
        }
        let batch = LogBatch {
            account: self.revision.account.clone(),
            region: self.revision.region.clone(),
            group: self.revision.log_group.clone(),
            stream: self.stream.clone(),
            events,
        };
        if self.reports.try_send(Report::Log(batch)).is_err() {
            self.dropped = dropped + count;
        }
    }

    fn extend_partial(&mut self, mut bytes: &[u8]) {
        while self.partial.len() + bytes.len() > LINE_BYTES_MAX {
            let (fits, rest) = bytes.split_at(LINE_BYTES_MAX - self.partial.len());
            self.partial.extend_from_slice(fits);
            self.end_line();
            bytes = rest;
        }
        self.partial.extend_from_slice(bytes);
    }

    fn event(&mut self, line: &[u8]) {
        // A runtime joins the lines of one record by carriage returns.
        let text = String::from_utf8_lossy(line);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        if !is_below(self.revision.log_format, text) {
            self.push(text.replace('\r', "\n"));
        }
    }

    fn push(&mut self, message: String) {
        if let Some(tail) = &mut self.tail {
            let start = message.len().saturating_sub(TAIL_BYTES);
            tail.extend_from_slice(&message.as_bytes()[start..]);
            tail.push(b'\n');
            if tail.len() > 2 * TAIL_BYTES {
                tail.drain(..tail.len() - TAIL_BYTES);
            }
        }
        self.events_bytes += message.len();
        self.events.push(LogEvent { time: self.world.physical().now(), message });
        if self.events_bytes > BATCH_BYTES_MAX || self.events.len() >= BATCH_BYTES_MAX / 64 {
            self.flush();
        }
    }
}

#[cfg(test)]
mod tests;
