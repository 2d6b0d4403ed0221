//! Tasks belong to a group that outlives them; a group can be told to stop and waited for.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tracing::{Instrument, Span, error, warn};

/// What a task does for the server, and so what its failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Serves one connection or call; its panic is a warning and concerns nobody else.
    Request,
    /// Works until told to stop; its panic is an error: the server lacks a part from now on.
    Service,
    /// Polls one source until told to stop; its panic is an error: nobody polls that source any more.
    Poller,
}

impl TaskKind {
    fn log_panic(self, panic: &(dyn Any + Send)) {
        let text = panic.downcast_ref::<&str>().copied();
        let message =
            text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
        match self {
            Self::Request => warn!(panic = message, "a request panicked and was given up"),
            Self::Service => error!(panic = message, "a service panicked; the server goes on without it"),
            Self::Poller => error!(panic = message, "a poller panicked; its source is no longer polled"),
        }
    }
}

/// Tasks still running when the time to stop was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished(pub usize);

/// A group of tasks. Cheap to clone; clones are the same group.
#[derive(Clone, Debug)]
pub struct TaskGroup {
    inner: Arc<Group>,
}

#[derive(Debug)]
struct Group {
    stop: watch::Sender<bool>,
    running: watch::Sender<usize>,
}

impl TaskGroup {
    /// An empty group.
    #[allow(clippy::new_without_default, reason = "a group is made on purpose, never by default")]
    pub fn new() -> Self {
        Self { inner: Arc::new(Group { stop: watch::Sender::new(false), running: watch::Sender::new(0) }) }
    }

    /// Runs a task in the group. A panic in it is logged, by its kind, and ends that task alone.
    pub fn spawn<F, T>(&self, kind: TaskKind, span: Span, task: F)
    where
        F: FnOnce(Stop) -> T,
        T: Future<Output = ()> + Send + 'static,
    {
        let future = task(self.stop_signal());
        let running = Running::enter(&self.inner);
        let guarded = async move {
            let _running = running;
            // Unwinding is safe here: nothing of the task is used after it.
            if let Err(panic) = AssertUnwindSafe(future).catch_unwind().await {
                kind.log_panic(panic.as_ref());
            }
        };
        #[allow(clippy::disallowed_methods, reason = "the one place where tasks are made")]
        let task = tokio::spawn(guarded.instrument(span));
        drop(task);
    }

    /// The signal that the group's tasks see.
    pub fn stop_signal(&self) -> Stop {
        Stop { signal: self.inner.stop.subscribe() }
    }

    /// Tells all tasks to stop; returns at once.
    pub fn stop(&self) {
        self.inner.stop.send_replace(true);
    }

    /// How many tasks run now.
    pub fn running(&self) -> usize {
        *self.inner.running.borrow()
    }

    /// Waits until no task runs, at most `limit`.
    pub async fn join(&self, limit: Duration) -> Result<(), Unfinished> {
        let mut running = self.inner.running.subscribe();
        let finished = tokio::time::timeout(limit, running.wait_for(|count| *count == 0)).await.is_ok();
        if finished { Ok(()) } else { Err(Unfinished(self.running())) }
    }
}

/// Counts a task as running until dropped, however it ended.
struct Running {
    group: Arc<Group>,
}

impl Running {
    fn enter(group: &Arc<Group>) -> Self {
        group.running.send_modify(|count| *count += 1);
        Self { group: group.clone() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.group.running.send_modify(|count| *count -= 1);
    }
}

/// Tells a task that its group is to stop.
#[derive(Clone, Debug)]
pub struct Stop {
    signal: watch::Receiver<bool>,
}

impl Stop {
    /// Whether the group was told to stop.
    pub fn is_stopped(&self) -> bool {
        *self.signal.borrow()
    }

    /// Waits until the group is told to stop. Cancel-safe.
    pub async fn stopped(&self) {
        // An error means that the group is gone, which is a stop too.
        let _ = self.signal.clone().wait_for(|stopped| *stopped).await;
    }

    /// The future's output, or `None` when the group stops first; the future is dropped then.
    pub async fn or<F: Future>(&self, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.stopped() => None,
            output = future => Some(output),
        }
    }
}

#[cfg(test)]
mod tests;
