//! The server's ends of one sandbox: its channel and its output pipe, read and written without ever waiting.
//!
//! Never: blocks; reads more at once than a pipe can hold.

use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use hearth_sandbox::api::SandboxId;
use tokio::net::unix::pipe;

use super::journal::Journal;
use crate::channel;
use crate::worker::Call;

/// One read of the output pipe.
const READ_BYTES: usize = 16 * 1024;
/// Taken in one turn of the driver: what a pipe holds unless its owner made it larger.
const OUTPUT_TURN_BYTES: usize = 64 * 1024;
/// Room for one read of the channel; a large answer makes its own.
pub(super) const CHANNEL_READ_BYTES: usize = 8 * 1024;
/// The largest pipe an unprivileged process can make: what a function wrote before its answer fits in.
const DRAIN_BYTES_MAX: usize = 1024 * 1024;

/// See the module.
pub(super) struct Link {
    pub(super) id: SandboxId,
    sending: Option<Arc<pipe::Sender>>,
    output: Option<Arc<pipe::Receiver>>,
    outbox: Option<(Bytes, Bytes)>,
}

impl Link {
    pub(super) fn new(
        id: SandboxId,
        sending: Option<Arc<pipe::Sender>>,
        output: Arc<pipe::Receiver>,
    ) -> Self {
        Self { id, sending, output: Some(output), outbox: None }
    }

    pub(super) fn has_channel(&self) -> bool {
        self.sending.is_some()
    }

    /// Sends an event; false when a part of it is left for [`Link::flush`].
    pub(super) fn deliver(&mut self, call: &Call, deadline_ms: i64, number: u32) -> io::Result<bool> {
        self.outbox = Some((channel::event_head(call, deadline_ms, number).into(), call.payload.clone()));
        self.flush()
    }

    /// Sends what is left of an event; false when the runtime has to read first.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let Some(sending) = &self.sending else { return Err(io::ErrorKind::NotConnected.into()) };
        while let Some((head, payload)) = &mut self.outbox {
            match sending.try_write_vectored(&[IoSlice::new(head), IoSlice::new(payload)]) {
                Ok(sent) => {
                    let of_head = sent.min(head.len());
                    head.advance(of_head);
                    payload.advance(sent - of_head);
                    if head.is_empty() && payload.is_empty() {
                        self.outbox = None;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => {
                    // Nobody reads any more: a pipe without a reader is always writable, and would be tried for ever.
                    self.outbox = None;
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    pub(super) fn has_outbox(&self) -> bool {
        self.outbox.is_some()
    }

    /// Reads the output pipe until it is empty, whether or not the reactor has seen yet that it is not.
    pub(super) fn drain(&mut self, journal: &mut Journal) {
        self.read_output(journal, DRAIN_BYTES_MAX, |output, buffer| Ok(rustix::io::read(output, buffer)?));
    }

    /// As [`Link::drain`], and lets the reactor know when the pipe is empty. Takes a pipe's usual content at most,
    /// so that a function that never stops writing waits for others, not others for it.
    pub(super) fn drain_ready(&mut self, journal: &mut Journal) -> Drained {
        self.read_output(journal, OUTPUT_TURN_BYTES, pipe::Receiver::try_read)
    }
    fn read_output(
        &mut self,
        journal: &mut Journal,
        bytes_max: usize,
        read: impl Fn(&pipe::Receiver, &mut [u8]) -> io::Result<usize>,
    ) -> Drained {
        let Some(output) = &self.output else { return Drained::Closed };
        let mut taken = 0;
        let mut buffer = [0; READ_BYTES];
        loop {
            match read(output, &mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    journal.output(&buffer[..length]);
                    taken += length;
                    if taken >= bytes_max {
                        return Drained::Partly;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Drained::Empty,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.output = None;
        Drained::Closed
    }
}

/// What is left of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    /// Nothing now.
    Empty,
    /// More than one turn takes.
    Partly,
    /// Nothing ever: nobody can write any more.
    Closed,
}

/// Reads what is left in the channel of a runtime that has ended, whether or not the reactor has seen it.
pub(super) fn read_rest(channel: &pipe::Receiver, read: &mut BytesMut) -> io::Result<bool> {
    let mut buffer = [0; CHANNEL_READ_BYTES];
    let mut taken = 0;
    while taken < DRAIN_BYTES_MAX {
        match rustix::io::read(channel, &mut buffer) {
            Ok(0) => return Ok(false),
            Ok(length) => {
                read.extend_from_slice(&buffer[..length]);
                taken += length;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}
