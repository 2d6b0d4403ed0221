//! An environment behind its lock. Everybody who has news (the caller's task, the driver, the Runtime API's
//! connections) takes it, applies an event, and leaves what must be waited for to the driver.
//!
//! Never: waits under the lock; leaves the driver asleep with work to do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, SemaphorePermit, oneshot};
use uuid::Uuid;

use super::Setup;
use super::answers::Outcome;
use super::calls::Delivery;
use super::core::Core;
use super::journal::Journal;
use super::state::{Environment, Event};
use crate::worker::{Call, Failure, Response};

/// An environment, shared by its driver, its callers and its connections.
pub(crate) struct Shared {
    setup: Arc<Setup>,
    core: Mutex<Core>,
    /// Something is left for the driver.
    pub(super) wake: Notify,
    /// Held while a body is collected: its memory is the server's, so one at a time is enough for a runtime.
    collecting: Semaphore,
}

impl Shared {
    pub(super) fn new(setup: Arc<Setup>, journal: Journal) -> Self {
        Self {
            setup: setup.clone(),
            core: Mutex::new(Core::new(setup, journal)),
            wake: Notify::new(),
            collecting: Semaphore::new(1),
        }
    }

    /// What is fixed for it.
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something under the lock, then wakes the driver if there is something left for it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let done = act(&mut core);
        let wake = core.todo.any();
        drop(core);
        if wake {
            self.wake.notify_one();
        }
        done
    }

    /// Applies an event; false when the runtime may not do that now.
    pub(super) fn apply(&self, event: Event) -> bool {
        self.with(|core| core.apply(event))
    }

    /// A call arrived.
    pub(super) fn invoke(&self, call: Call) -> oneshot::Receiver<Result<Response, Failure>> {
        self.with(|core| core.invoke(call))
    }

    /// A Runtime API client waits for work; `None` when too many do.
    pub(crate) fn ask_next(&self) -> Option<oneshot::Receiver<Delivery>> {
        self.with(Core::ask_next)
    }

    /// The runtime answered this request by HTTP; false when that is not allowed now, or another one runs.
    pub(crate) fn responded_to(&self, request: &str, outcome: Outcome) -> bool {
        self.with(|core| {
            let current = core.current().map(|(call, _)| call.request_id.hyphenated().to_string());
            current.as_deref() == Some(request) && core.responded(outcome)
        })
    }

    /// The runtime reported a failed init by HTTP; false when that is not allowed now.
    pub(crate) fn init_failed(&self, outcome: Outcome) -> bool {
        self.with(|core| core.init_failed(outcome))
    }

    /// The right to collect a body; comes when the one before is done.
    pub(crate) async fn may_collect(&self) -> Option<SemaphorePermit<'_>> {
        self.collecting.acquire().await.ok() // it is never closed
    }

    /// The request that runs, or was answered last and is not settled.
    pub(crate) fn current_request(&self) -> Option<Uuid> {
        self.lock().current().map(|(call, _)| call.request_id)
    }

    /// The state as the Runtime API names it.
    pub(crate) fn runtime_state(&self) -> &'static str {
        match self.lock().machine() {
            Environment::Starting { .. } | Environment::Repeating { .. } => "Started",
            Environment::Broken | Environment::Stalled { .. } => "InitError",
            Environment::Idle | Environment::Frozen => "Ready",
            Environment::Busy { .. } => "Running",
            Environment::Settling { .. } => "RuntimeResponseSentState",
            Environment::Resetting { .. } | Environment::Closing | Environment::Closed => "Exited",
        }
    }
}
