//! A future that outlives whoever waits for it.
//!
//! A caller may hang up at any moment, and its call is dropped then. A function that runs goes on all the same,
//! and so does a write that has begun: what follows it (a cache that forgets, a task that activates) must not be
//! lost. While the caller waits, the future is polled in place, without another task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use hearth_world::{TaskGroup, TaskKind};
use tracing::Span;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Polls a future in place; when dropped after its first poll and before its end, a task of the group brings it
/// to its end. Dropped before the first poll it never begins.
pub(crate) struct Enduring<T: Send + 'static> {
    future: Option<Boxed<T>>,
    begun: bool,
    tasks: TaskGroup,
}

impl<T: Send + 'static> Enduring<T> {
    pub(crate) fn new(tasks: &TaskGroup, future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Some(Box::pin(future)), begun: false, tasks: tasks.clone() }
    }
}

impl<T: Send + 'static> Future for Enduring<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.begun = true;
        let future = self.future.as_mut().expect("a future is not polled after its end");
        let outcome = future.as_mut().poll(cx);
        if outcome.is_ready() {
            self.future = None;
        }
        outcome
    }
}

impl<T: Send + 'static> Drop for Enduring<T> {
    fn drop(&mut self) {
        let Some(future) = self.future.take().filter(|_| self.begun) else { return };
        // Without a runtime the process is ending, and its functions with it.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.tasks.spawn(TaskKind::Request, Span::current(), |_| async move {
                future.await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_has_begun_goes_on_when_its_caller_is_gone() {
        let tasks = TaskGroup::new();
        let (release, released) = oneshot::channel::<()>();
        let (finish, finished) = oneshot::channel::<()>();
        let mut call = Enduring::new(&tasks, async move {
            released.await.expect("the test releases it");
            finish.send(()).expect("the test waits");
        });
        assert!((&mut call).now_or_never().is_none());
        drop(call);
        release.send(()).expect("it goes on");
        finished.await.expect("it came to its end");
    }

    #[tokio::test]
    async fn what_was_never_polled_never_begins() {
        let tasks = TaskGroup::new();
        drop(Enduring::new(&tasks, async { unreachable!("nobody waited") }));
        assert_eq!(tasks.running(), 0);
    }
}
