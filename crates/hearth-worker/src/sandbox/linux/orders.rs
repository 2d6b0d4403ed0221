//! What waits to be told to the spawner, in order.
//!
//! Never: grows without bound by what can be refused; loses a kill.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use hearth_sandbox::api::{Command, SandboxId, SandboxSpec, UnpackError, UnpackSpec, Unpacked};
use tokio::sync::{Notify, oneshot};

use super::super::{Running, SandboxError};

/// Starts, archives and removals that wait for the spawner at most; further ones are refused.
pub(super) const ORDERS_MAX: usize = 4096;
#[derive(Debug, Default)]
pub(super) struct Orders {
    waiting: Mutex<VecDeque<Order>>,
    pub(super) arrived: Notify,
}

#[derive(Debug)]
pub(super) enum Order {
    Start(SandboxId, Box<SandboxSpec>, oneshot::Sender<Result<Running, SandboxError>>),
    Unpack(u64, UnpackSpec, Vec<OwnedFd>, oneshot::Sender<Result<Unpacked, UnpackError>>),
    Remove(u64, PathBuf, oneshot::Sender<Result<(), String>>),
    /// Kill, freeze, thaw, limit: answered by nothing.
    Tell(Command),
}

impl Orders {
    /// Takes an order, unless too many wait.
    pub(super) fn add(&self, order: Order) -> Result<(), Order> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= ORDERS_MAX && !matches!(order, Order::Tell(_)) {
            return Err(order);
        }
        waiting.push_back(order);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Ends a sandbox that nobody knows of.
    pub(super) fn end(&self, id: SandboxId) {
        for command in [Command::Kill(id), Command::Forget(id)] {
            self.add(Order::Tell(command)).ok(); // such an order is always taken
        }
    }

    /// The next one.
    pub(super) fn take(&self) -> Option<Order> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// The next one is this one again.
    pub(super) fn put_back(&self, order: Order) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_front(order);
    }
}

/// The order does not fit into one message.
pub(super) fn is_too_large(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(code) if code == rustix::io::Errno::MSGSIZE.raw_os_error())
        || error.kind() == io::ErrorKind::InvalidInput
}

/// Tells who waits for it that it was not carried out.
pub(super) fn refuse(order: Order, error: &io::Error) {
    match order {
        Order::Start(_, _, answer) => drop(answer.send(Err(SandboxError::Refused(error.to_string())))),
        Order::Unpack(_, _, _, answer) => drop(answer.send(Err(UnpackError::Host(error.to_string())))),
        Order::Remove(_, _, answer) => drop(answer.send(Err(error.to_string()))),
        Order::Tell(_) => {}
    }
}
