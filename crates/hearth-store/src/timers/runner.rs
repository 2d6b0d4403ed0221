//! Fires timers: claims what is due, runs its handler, settles it.
//!
//! It waits for the first of: the next time that is due, a hint that a timer was set, a look after a while in case
//! that the hint was lost or another server died.
//! Never: runs one timer twice at the same time in this process; more handlers at once than its limit; lets one kind
//! keep the others from firing.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hearth_world::{Stop, TaskGroup, TaskKind, Timestamp, World};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::{debug, info_span, warn};

use super::table::{self, DUE, Fired};
use crate::key::Key;
use crate::seam::{BoxFuture, Store, StoreError, transact, transact_read, transact_take};

/// How long others leave a claimed timer alone: what a killed server was doing begins again so much later.
const CLAIM_LASTS: Duration = Duration::from_secs(10);

/// How often a claim is held longer while its handler works.
const CLAIM_RENEWED: Duration = Duration::from_secs(3);

/// Handlers of one runner at once.
const HANDLERS_MAX: usize = 32;

/// How long until the next look when no hint comes; half as much again at random, so that servers do not look at once.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// How long a runner whose store failed waits before it tries again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The first wait after a failed handler; it doubles with each attempt.
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// The longest wait after a failed handler.
const RETRY_MAX: Duration = Duration::from_secs(900);

/// What becomes of a timer after its handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes, unless the handler has settled it or somebody has set it anew.
    Done,
    /// It fires again after this time.
    Again(Duration),
    /// It did not work, for this reason: it fires again after a wait that grows with each attempt.
    Failed(String),
}

/// Does what a timer of one kind is for. May be called again for the same timer.
pub type Handler = Arc<dyn Fn(Fired) -> BoxFuture<'static, Fate> + Send + Sync>;

/// The handlers of one server, by kind. Only timers of these kinds are claimed.
#[derive(Clone)]
pub struct Timers {
    store: Arc<dyn Store>,
    world: World,
    handlers: BTreeMap<&'static str, Handler>,
    running: Arc<Running>,
    places: Arc<Semaphore>,
}

/// The timers whose handlers are at work in this process, and a hint that one has ended.
#[derive(Default)]
struct Running {
    names: Mutex<HashSet<(&'static str, String)>>,
    ended: Notify,
}

impl Timers {
    /// A runner without handlers.
    pub fn new(store: Arc<dyn Store>, world: World) -> Self {
        let places = Arc::new(Semaphore::new(HANDLERS_MAX));
        Self { store, world, handlers: BTreeMap::new(), running: Arc::default(), places }
    }

    /// Adds the handler of a kind; a second one takes the place of the first.
    #[must_use]
    pub fn on<F>(mut self, kind: &'static str, handler: impl Fn(Fired) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Fate> + Send + 'static,
    {
        self.handlers.insert(kind, Arc::new(move |fired| Box::pin(handler(fired))));
        self
    }

    /// Fires timers in the group until it stops. What a stop interrupts fires again.
    pub fn spawn(self, tasks: &TaskGroup) {
        let group = tasks.clone();
        tasks.spawn(TaskKind::Service, info_span!("timers"), move |stop| async move {
            stop.clone().or(self.run(&group, &stop)).await;
        });
    }

    async fn run(&self, tasks: &TaskGroup, stop: &Stop) {
        let mut hints = self.store.watch(Key::of(DUE));
        let mut turn = 0;
        while !stop.is_stopped() {
            // One place at least, so that a claim is not made for nobody; the rest as they are free.
            let Ok(place) = self.places.clone().acquire_owned().await else { return };
            turn += 1;
            let claimed = match self.claim(1 + self.places.available_permits(), turn).await {
                Ok(claimed) => claimed,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    warn!(%error, "timers cannot be read");
                    self.world.physical().sleep(AFTER_FAILURE).await;
                    continue;
                }
            };
            if !claimed.is_empty() {
                self.start_all(tasks, claimed, place).await;
                continue;
            }
            drop(place);
            let look = LOOK_AGAIN
                + Duration::from_millis(self.world.random().below(LOOK_AGAIN.as_millis() as u64 / 2));
            let due = self.soonest().await;
            tokio::select! {
                () = hints.changed() => {}
                () = self.world.physical().sleep(look) => {}
                // A timer that its own handler has set anew may be due.
                () = self.running.ended.notified() => {}
                () = sleep_until(&self.world, due) => {}
            }
        }
    }

    /// Claims what is due, at most `n`. Each turn begins at another kind: one that is always due takes all places.
    async fn claim(&self, n: usize, turn: usize) -> Result<Vec<Fired>, StoreError> {
        // Drawn here, because the closure may run again.
        let owner = u128::from_le_bytes(self.world.random().bytes());
        let mut kinds: Vec<&'static str> = self.handlers.keys().copied().collect();
        let first = turn % kinds.len().max(1);
        kinds.rotate_left(first);
        let running = self.running.clone();
        transact_take(&*self.store, move |tx| {
            let mut all = Vec::new();
            for kind in &kinds {
                let room = u32::try_from(n - all.len()).unwrap_or(u32::MAX);
                let working = |id: &str| running.has(kind, id);
                all.extend(table::claim(
                    tx,
                    kind,
                    owner,
                    CLAIM_LASTS,
                    room,
                    (&working, running.count(kind)),
                )?);
            }
            Ok(all)
        })
        .await
    }

    /// When the next timer is due; `None` when there is none, or no store to ask: a look comes anyway.
    async fn soonest(&self) -> Option<Timestamp> {
        let kinds: Vec<&'static str> = self.handlers.keys().copied().collect();
        let running = self.running.clone();
        let soonest = transact_read::<_, StoreError, _>(&*self.store, move |tx| {
            let mut soonest = None;
            for kind in &kinds {
                let next = table::soonest_but(tx, kind, &|id| running.has(kind, id), running.count(kind))?;
                soonest = [soonest, next].into_iter().flatten().min();
            }
            Ok(soonest)
        });
        soonest.await.ok().flatten()
    }

    async fn start_all(&self, tasks: &TaskGroup, claimed: Vec<Fired>, first: OwnedSemaphorePermit) {
        let mut place = Some(first);
        for fired in claimed {
            let place = match place.take() {
                Some(place) => place,
                None => match self.places.clone().acquire_owned().await {
                    Ok(place) => place,
                    Err(_) => return,
                },
            };
            let Some(alone) = Alone::enter(&self.running, &fired) else {
                debug!(kind = fired.kind, id = fired.id, "a timer is still being worked on");
                continue;
            };
            let span = info_span!("timer", kind = fired.kind, id = fired.id);
            let runner = self.clone();
            tasks.spawn(TaskKind::Request, span, move |stop| async move {
                let (_place, _alone) = (place, alone);
                stop.or(runner.fire(fired)).await;
            });
        }
    }

    async fn fire(&self, fired: Fired) {
        let _at_work = self.world.domain().at_work();
        let Some(handler) = self.handlers.get(fired.kind) else { return };
        let fate = tokio::select! {
            fate = handler(fired.clone()) => fate,
            () = self.hold(&fired) => {
                debug!("a timer was set anew or cancelled while its handler worked");
                return;
            }
        };
        if let Err(error) = self.settle(fired, fate).await {
            warn!(%error, "a timer fires again: that it is done could not be written");
        }
    }

    /// Holds the claim for as long as its handler works. Ends when the claim is lost.
    async fn hold(&self, fired: &Fired) {
        loop {
            self.world.physical().sleep(CLAIM_RENEWED).await;
            let claim = fired.clone();
            let renewed = transact(&*self.store, move |tx| claim.renew(tx, CLAIM_LASTS)).await;
            match renewed {
                Ok(true) => {}
                Ok(false) => return,
                Err(StoreError::Closed) => return,
                Err(error) => warn!(%error, "the claim of a timer was not renewed"),
            }
        }
    }

    async fn settle(&self, fired: Fired, fate: Fate) -> Result<(), StoreError> {
        let wait = match fate {
            Fate::Done => None,
            Fate::Again(wait) => Some(wait),
            Fate::Failed(reason) => {
                let wait = self.after_failure(fired.attempts);
                warn!(
                    reason,
                    attempts = fired.attempts,
                    again_in_ms = wait.as_millis(),
                    "a timer did not do its work"
                );
                Some(wait)
            }
        };
        transact::<_, StoreError, _>(&*self.store, move |tx| {
            match wait {
                None => fired.settle(tx)?,
                Some(wait) => {
                    let due = tx.now().after(wait);
                    fired.again(tx, due)?
                }
            };
            Ok(())
        })
        .await
    }

    /// Doubles with each attempt, half of it at random.
    fn after_failure(&self, attempts: u32) -> Duration {
        let doubled = RETRY_FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(RETRY_MAX);
        let half = doubled / 2;
        half + Duration::from_millis(self.world.random().below(half.as_millis() as u64 + 1))
    }
}

impl Running {
    fn has(&self, kind: &'static str, id: &str) -> bool {
        lock(&self.names).contains(&(kind, id.to_owned()))
    }

    /// How many of a kind.
    fn count(&self, kind: &'static str) -> u32 {
        let names = lock(&self.names);
        u32::try_from(names.iter().filter(|(known, _)| *known == kind).count()).unwrap_or(u32::MAX)
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Timers").field("kinds", &self.handlers.keys()).finish_non_exhaustive()
    }
}

async fn sleep_until(world: &World, due: Option<Timestamp>) {
    match due {
        Some(due) => world.domain().sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The one handler of a timer in this process, until dropped: a claim may end while its handler still works.
struct Alone {
    running: Arc<Running>,
    name: (&'static str, String),
}

impl Alone {
    fn enter(running: &Arc<Running>, fired: &Fired) -> Option<Self> {
        let name = (fired.kind, fired.id.clone());
        let entered = lock(&running.names).insert(name.clone());
        entered.then(|| Self { running: running.clone(), name })
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        lock(&self.running.names).remove(&self.name);
        self.running.ended.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
