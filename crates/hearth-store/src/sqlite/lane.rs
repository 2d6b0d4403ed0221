//! A bounded queue of transactions and the threads that serve it.
//!
//! Never: answers twice; loses a transaction it took without the caller hearing [`StoreError::Closed`].

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use hearth_world::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::seam::{Job, Kind, StoreError};

/// Transactions that may wait; who comes then waits for a place.
const QUEUE_MAX: usize = 1_024;

/// One transaction on its way.
pub(super) struct Submission {
    pub(super) kind: Kind,
    pub(super) now: Timestamp,
    pub(super) job: Job,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Submission {
    /// Answers the caller, who may be gone.
    pub(super) fn answer(self, result: Result<(), StoreError>) {
        let _ = self.answer.send(result);
    }
}

/// The threads' end of a lane. Threads take turns at waiting.
#[derive(Clone)]
pub(super) struct Queue {
    receiver: Arc<Mutex<mpsc::Receiver<Submission>>>,
}

impl Queue {
    /// Waits for the next transaction; `None` once the lane has stopped and is empty.
    pub(super) fn wait(&self) -> Option<Submission> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
    }

    /// The next transaction if one waits already.
    pub(super) fn waiting(&self) -> Option<Submission> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).try_recv().ok()
    }
}

/// The callers' end of a lane.
pub(super) struct Lane {
    sender: Mutex<Option<mpsc::Sender<Submission>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Lane {
    /// Starts one thread for each body.
    pub(super) fn start<B>(name: &str, bodies: impl Iterator<Item = B>) -> io::Result<Self>
    where
        B: FnOnce(Queue) + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let queue = Queue { receiver: Arc::new(Mutex::new(receiver)) };
        let threads = bodies
            .map(|body| {
                let queue = queue.clone();
                thread::Builder::new().name(name.to_owned()).spawn(move || body(queue))
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self { sender: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    /// Queues a transaction and waits for its answer.
    pub(super) async fn submit(&self, kind: Kind, now: Timestamp, job: Job) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sender = sender.ok_or(StoreError::Closed)?;
        let submission = Submission { kind, now, job, answer };
        sender.send(submission).await.map_err(|_| StoreError::Closed)?;
        // The threads end only when no sender is left: this one must not outlive its use.
        drop(sender);
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Takes nothing more; the threads end when the queue is empty. They are the caller's to join.
    pub(super) fn stop(&self) -> Vec<JoinHandle<()>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Set once, when a write to disk failed. Clones are the same poison.
#[derive(Clone, Debug, Default)]
pub(super) struct Poison(Arc<OnceLock<Arc<str>>>);

impl Poison {
    pub(super) fn set(&self, reason: &str) -> StoreError {
        let reason = self.0.get_or_init(|| {
            tracing::error!(reason, "a write to disk failed: the store takes no writes until a restart");
            reason.into()
        });
        StoreError::Poisoned(reason.clone())
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.0.get().map_or(Ok(()), |reason| Err(StoreError::Poisoned(reason.clone())))
    }
}
