//! The calls of one environment as its core keeps them, and what the core leaves to the driver.

use std::time::Instant;

use tokio::sync::oneshot;

use super::answers::Outcome;
use super::state::CallId;
use crate::worker::{Call, Failure, Response};

/// An invocation as the Runtime API hands it out.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) call: Call,
    pub(crate) deadline_ms: i64,
}

/// A call that is not answered, or not finished.
pub(super) struct Pending {
    pub(super) id: CallId,
    pub(super) call: Call,
    pub(super) reply: Option<oneshot::Sender<Result<Response, Failure>>>,
    pub(super) began: Instant,
    pub(super) deadline_ms: i64,
    pub(super) started: bool,
    pub(super) outcome: Option<Outcome>,
}

/// What only the driver can do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Todo {
    /// Start a sandbox.
    pub(super) launch: bool,
    /// Give up a sandbox that is still being made.
    pub(super) cancel: bool,
    /// Watch the deadline.
    pub(super) arm: bool,
    /// Send the rest of an event.
    pub(super) flush: bool,
    /// It is over.
    pub(super) closed: bool,
}

impl Todo {
    pub(super) fn any(self) -> bool {
        self.launch || self.cancel || self.arm || self.flush || self.closed
    }
}
