//! Runs an invocation: admits it, finds it an environment, and tries another when that one was gone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hearth_worker::{Call, EnvironmentId, Failure, Reason, Response, StartError, Worker};
use hearth_world::World;
use tokio::sync::Notify;
use uuid::Uuid;

use super::placement::{Place, Placement};
use super::target::Target;
use crate::Options;
use crate::error::InvokeError;

/// Idle environments that are tried before a new one: many may have died at once without a report yet.
const WARM_ATTEMPTS: u32 = 3;

/// Environments that are tried for one invocation, idle and new.
const ATTEMPTS_MAX: u32 = 6;

/// Brings calls and environments together.
pub(crate) struct Scheduler {
    pub(super) worker: Arc<dyn Worker>,
    pub(super) world: World,
    pub(super) options: Options,
    placement: Mutex<Placement>,
    /// An environment became idle, or is gone.
    changed: Notify,
}

impl Scheduler {
    pub(crate) fn new(worker: Arc<dyn Worker>, world: World, options: Options) -> Self {
        Self { worker, world, options, placement: Mutex::default(), changed: Notify::new() }
    }

    /// Runs one call. Must be polled to its end: the environment returns to its stack afterwards.
    pub(crate) async fn run(&self, target: &Target, call: Call) -> Result<Response, InvokeError> {
        let _admitted = self.admit(target)?;
        for attempt in 0..ATTEMPTS_MAX {
            let id = self.environment(target, attempt < WARM_ATTEMPTS).await?;
            match self.worker.invoke(id, call.clone()).await {
                Ok(response) => {
                    self.release(target, id);
                    return Ok(response);
                }
                Err(Failure::Gone) => self.closed(id),
                Err(Failure::NotStarted(reason)) => {
                    self.closed(id);
                    return Err(InvokeError::NotStarted(reason));
                }
                Err(Failure::ShuttingDown) => return Err(InvokeError::ShuttingDown),
            }
        }
        Err(InvokeError::NoEnvironment(ATTEMPTS_MAX))
    }

    /// Ends all environments of a revision, the busy ones after their calls.
    pub(crate) fn retire(&self, revision: Uuid) {
        let ids = self.placement().retire(revision);
        self.stop(&ids, Reason::Superseded);
    }

    /// Ends those that have been idle for too long.
    pub(super) fn expire(&self) {
        let ids = self.placement().expire(self.world.physical().now(), self.options.idle);
        self.stop(&ids, Reason::Spindown);
    }

    /// The worker reports that an environment is gone.
    pub(super) fn closed(&self, id: EnvironmentId) {
        self.placement().closed(id);
        self.changed.notify_waiters();
    }

    fn admit<'s>(&'s self, target: &'s Target) -> Result<Admitted<'s>, InvokeError> {
        // GAP(concurrency): reserved and provisioned concurrency of the function come before the account's.
        let limit = self.options.concurrent_executions_of(&target.revision.account);
        if self.placement().admit(&target.scope, limit) {
            Ok(Admitted { scheduler: self, target })
        } else {
            Err(InvokeError::ConcurrencyExceeded)
        }
    }

    /// An environment for one call: idle, new, or whatever becomes free while the call may wait.
    async fn environment(&self, target: &Target, warm: bool) -> Result<EnvironmentId, InvokeError> {
        let clock = self.world.physical();
        let (limit, revision) = (self.options.environments_max, target.revision.id);
        let mut deadline = None;
        loop {
            let changed = self.changed.notified();
            let place = self.placement().choose(revision, warm, limit);
            match place {
                Place::Reuse(id) => return Ok(id),
                Place::Start => match self.start(target).await {
                    Ok(id) => return Ok(id),
                    Err(StartError::HostFull) => {}
                    Err(StartError::ShuttingDown) => return Err(InvokeError::ShuttingDown),
                    Err(StartError::RuntimeMissing(text)) => return Err(InvokeError::RuntimeMissing(text)),
                    Err(StartError::Code(error)) => return Err(InvokeError::NotStarted(error.to_string())),
                },
                Place::Full => {}
            }
            let deadline = *deadline.get_or_insert_with(|| {
                self.make_room();
                clock.now().after(self.options.room_wait)
            });
            if clock.timeout(deadline.since(clock.now()), changed).await.is_err() {
                return Err(InvokeError::HostFull(self.placement().count()));
            }
        }
    }

    async fn start(&self, target: &Target) -> Result<EnvironmentId, StartError> {
        let started = self.worker.start(target.revision.clone()).await;
        let mut placement = self.placement();
        match &started {
            Ok(id) => placement.started(target.revision.id, *id),
            Err(_) => placement.not_started(),
        }
        started
    }

    /// Ends one idle environment of whichever function, for a call that waits.
    fn make_room(&self) {
        let evicted = self.placement().evict();
        self.stop(evicted.as_slice(), Reason::Spindown);
    }

    fn release(&self, target: &Target, id: EnvironmentId) {
        let superseded = {
            let mut placement = self.placement();
            // Under the lock: `retire` finds it idle, or it is found retired here.
            let superseded = target.is_retired() && placement.end(id);
            placement.release(id, self.world.physical().now());
            superseded
        };
        if superseded {
            self.worker.stop(id, Reason::Superseded);
        }
        self.changed.notify_waiters();
    }

    fn stop(&self, ids: &[EnvironmentId], why: Reason) {
        for id in ids {
            self.worker.stop(*id, why);
        }
    }

    fn placement(&self) -> MutexGuard<'_, Placement> {
        self.placement.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that counts against its account until this is dropped.
struct Admitted<'s> {
    scheduler: &'s Scheduler,
    target: &'s Target,
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.scheduler.placement().leave(&self.target.scope);
    }
}
