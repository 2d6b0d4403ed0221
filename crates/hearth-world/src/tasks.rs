//! Tasks belong to a group that outlives them; a group can be told to stop and waited for.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{Instrument, Span, error};

/// What a task does for the server, and so what its failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Serves one connection or call; its panic is logged and concerns nobody else.
    Request,
    /// Works until told to stop; its panic is logged as an error.
    Service,
    /// Polls one source until told to stop.
    Poller,
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

    /// Runs a task in the group. A panic in it is logged and ends that task alone.
    pub fn spawn<F, T>(&self, kind: TaskKind, span: Span, task: F)
    where
        F: FnOnce(Stop) -> T,
        T: Future<Output = ()> + Send + 'static,
    {
        let future = task(self.stop_signal()).instrument(span);
        let guard = Running::enter(&self.inner);
        #[allow(clippy::disallowed_methods, reason = "the one place where tasks are made")]
        let task = tokio::spawn(async move {
            let guard = guard;
            future.await;
            guard.done();
        });
        drop(task);
        let _ = kind;
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

/// Counts a task as running until dropped, and notes when it ended by a panic.
struct Running {
    group: Arc<Group>,
    done: bool,
}

impl Running {
    fn enter(group: &Arc<Group>) -> Self {
        group.running.send_modify(|count| *count += 1);
        Self { group: group.clone(), done: false }
    }

    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.done && std::thread::panicking() {
            error!("a task panicked; the server goes on without it");
        }
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
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_group_waits_for_its_tasks_and_says_how_many_did_not_end() {
        let group = TaskGroup::new();
        group.spawn(TaskKind::Service, Span::none(), |stop| async move { stop.stopped().await });
        group.spawn(TaskKind::Service, Span::none(), |_| std::future::pending());
        assert_eq!(group.running(), 2);
        group.stop();
        assert_eq!(group.join(Duration::from_millis(50)).await, Err(Unfinished(1)));
    }

    #[tokio::test]
    async fn a_panic_ends_one_task_and_is_no_longer_counted() {
        let group = TaskGroup::new();
        group.spawn(TaskKind::Request, Span::none(), |_| async { panic!("announced: a test of panics") });
        assert_eq!(group.join(Duration::from_secs(5)).await, Ok(()));
    }
}
