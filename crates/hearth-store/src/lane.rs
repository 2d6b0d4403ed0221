//! A bounded queue of transactions and the threads that serve it.
//!
//! Never: answers twice; loses a transaction it took without the caller hearing [`StoreError::Closed`].

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};

use hearth_world::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::seam::{Job, Kind, StoreError};

/// Transactions that may wait; who comes then waits for a place.
const QUEUE_MAX: usize = 1_024;

/// One transaction on its way.
pub(crate) struct Submission {
    pub(crate) kind: Kind,
    pub(crate) now: Timestamp,
    pub(crate) job: Job,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Submission {
    /// Answers the caller, who may be gone.
    pub(crate) fn answer(self, result: Result<(), StoreError>) {
        let _ = self.answer.send(result);
    }
}

/// The threads' end of a lane. Threads take turns at waiting.
#[derive(Clone)]
pub(crate) struct Queue {
    receiver: Arc<Mutex<mpsc::Receiver<Submission>>>,
}

impl Queue {
    /// Waits for the next transaction; `None` once the lane has stopped and is empty.
    pub(crate) fn wait(&self) -> Option<Submission> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
    }

    /// The next transaction if one waits already. While another thread waits for one, there is none.
    pub(crate) fn waiting(&self) -> Option<Submission> {
        match self.receiver.try_lock() {
            Ok(mut receiver) => receiver.try_recv().ok(),
            Err(TryLockError::Poisoned(receiver)) => receiver.into_inner().try_recv().ok(),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// The callers' end of a lane.
pub(crate) struct Lane {
    sender: Mutex<Option<mpsc::Sender<Submission>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Lane {
    /// Starts one thread for each body.
    pub(crate) fn start<B>(name: &str, bodies: impl Iterator<Item = B>) -> io::Result<Self>
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
    pub(crate) async fn submit(&self, kind: Kind, now: Timestamp, job: Job) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sender = sender.ok_or(StoreError::Closed)?;
        let submission = Submission { kind, now, job, answer };
        sender.send(submission).await.map_err(|_| StoreError::Closed)?;
        // The threads end only when no sender is left: this one must not outlive its use.
        drop(sender);
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Queues a transaction that another lane cannot run; its caller waits on.
    pub(crate) fn pass_on(&self, submission: Submission) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Refused, it is dropped, and its caller hears that the store is closed.
        sender.map(|sender| sender.blocking_send(submission));
    }

    /// Takes nothing more; the threads end when the queue is empty. They are the caller's to join.
    pub(crate) fn stop(&self) -> Vec<JoinHandle<()>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Set once, when a write to disk failed. Clones are the same poison.
#[derive(Clone, Debug, Default)]
pub(crate) struct Poison(Arc<OnceLock<Arc<str>>>);

impl Poison {
    pub(crate) fn set(&self, reason: &str) -> StoreError {
        let reason = self.0.get_or_init(|| {
            tracing::error!(reason, "a write to disk failed: the store takes no writes until a restart");
            reason.into()
        });
        StoreError::Poisoned(reason.clone())
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.0.get().map_or(Ok(()), |reason| Err(StoreError::Poisoned(reason.clone())))
    }
}
