//! The simulated engine: ordered maps in memory, run inline, with the faults of a disk drawn from the world's seed.
//!
//! ```text
//!   closure ─▶ latest ─▶ unsynced ──── sync ───▶ durable ─▶ answers, hints
//!                           └── crash: a part of it is there, the rest never was ──▶ latest = durable
//! ```
//!
//! Writers see `latest`, readers only `durable`: what nobody was told is not seen.
//! Never: answers before the sync; lets half a transaction survive a crash.

mod entries;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hearth_world::{Timestamp, World};

use crate::key::Key;
use crate::seam::{BoxFuture, Job, Kind, Store, StoreError, Watch};
use crate::transaction::{self, Verdict, Written};
use crate::watches::Watches;
pub(crate) use entries::MapEntries;

/// How often something goes wrong, each out of 1,000 transactions. The default is never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The closure runs once more before its commit, as after a conflict.
    pub reruns_per_mille: u32,
    /// The commit is refused and nothing has happened, as on a full disk.
    pub refused_commits_per_mille: u32,
    /// The sync fails, and the store is closed until [`SimulatedStore::crash`].
    pub failed_syncs_per_mille: u32,
}

/// An engine for simulations from a seed, with the semantics of the real ones.
#[derive(Debug)]
pub struct SimulatedStore {
    world: World,
    faults: Faults,
    state: Mutex<State>,
    watches: Watches,
}

type Map = BTreeMap<Vec<u8>, Bytes>;

#[derive(Debug, Default)]
struct State {
    /// What survives a crash.
    durable: Map,
    /// `durable` with all of `unsynced`.
    latest: Map,
    /// Committed transactions that no sync has covered yet, in their order.
    unsynced: Vec<Commit>,
    /// Commits that a sync has covered, since the beginning.
    synced: u64,
    /// Rises with each crash: who committed before it must not hear of success after it.
    lives: u64,
    poison: Option<Arc<str>>,
}

#[derive(Debug)]
struct Commit {
    changes: BTreeMap<Vec<u8>, Option<Bytes>>,
    written: Written,
}

/// A commit that waits for its sync.
#[derive(Clone, Copy)]
struct Ticket {
    life: u64,
    number: u64,
}

impl SimulatedStore {
    /// An empty store.
    pub fn new(world: &World, faults: Faults) -> Self {
        let watches = Watches::new();
        Self { world: world.clone(), faults, state: Mutex::default(), watches }
    }

    /// The same store, and from now on these faults.
    #[must_use]
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// The power goes and comes back. What was synced is there; of the rest, the disk may have kept the first few
    /// transactions whole. The one it was writing is torn, which its checksum tells, and it was never there.
    pub fn crash(&self) {
        let mut state = self.lock();
        let kept = self.world.random().below(state.unsynced.len() as u64 + 1) as usize;
        let survivors: Vec<Commit> = state.unsynced.drain(..).take(kept).collect();
        for commit in survivors {
            apply(&mut state.durable, commit.changes);
        }
        state.latest = state.durable.clone();
        state.lives += 1;
        state.poison = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn befalls(&self, per_mille: u32) -> bool {
        per_mille > 0 && self.world.random().below(1_000) < u64::from(per_mille)
    }

    fn read(&self, now: Timestamp, mut job: Job) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.check()?;
        match transaction::run(&mut MapEntries::new(&mut state.durable), Kind::Read, now, &mut job) {
            Verdict::Commit(_) => Ok(()),
            Verdict::RollBack(answer) => answer,
        }
    }

    /// Runs the closure and commits it without a sync; `None` when there is nothing to be synced.
    fn commit(&self, kind: Kind, now: Timestamp, mut job: Job) -> Result<Option<Ticket>, StoreError> {
        let mut state = self.lock();
        state.check()?;
        if self.befalls(self.faults.reruns_per_mille) {
            let mut first = MapEntries::new(&mut state.latest);
            transaction::run(&mut first, kind, now, &mut job);
            first.roll_back();
        }
        let mut entries = MapEntries::new(&mut state.latest);
        let written = match transaction::run(&mut entries, kind, now, &mut job) {
            Verdict::Commit(written) if written.is_empty() => return Ok(None),
            Verdict::Commit(written) => written,
            Verdict::RollBack(answer) => {
                entries.roll_back();
                return answer.map(|()| None);
            }
        };
        if self.befalls(self.faults.refused_commits_per_mille) {
            entries.roll_back();
            return Err(StoreError::Engine("the commit was refused (simulated)".into()));
        }
        let changes = entries.changes();
        state.unsynced.push(Commit { changes, written });
        Ok(Some(Ticket { life: state.lives, number: state.synced + state.unsynced.len() as u64 }))
    }

    /// Makes this commit and all others that wait durable, as one group.
    fn sync(&self, ticket: Ticket) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.lives != ticket.life {
            return Err(StoreError::Poisoned("the power went before the sync (simulated)".into()));
        }
        if state.synced >= ticket.number {
            return Ok(());
        }
        state.check()?;
        if self.befalls(self.faults.failed_syncs_per_mille) {
            let reason: Arc<str> = "the sync failed (simulated)".into();
            state.poison = Some(reason.clone());
            return Err(StoreError::Poisoned(reason));
        }
        let group = std::mem::take(&mut state.unsynced);
        state.synced += group.len() as u64;
        for commit in group {
            apply(&mut state.durable, commit.changes);
            self.watches.committed(&commit.written);
        }
        Ok(())
    }
}

impl State {
    fn check(&self) -> Result<(), StoreError> {
        self.poison.clone().map_or(Ok(()), |reason| Err(StoreError::Poisoned(reason)))
    }
}

impl Store for SimulatedStore {
    fn submit(&self, kind: Kind, job: Job) -> BoxFuture<'_, Result<(), StoreError>> {
        let now = self.world.domain().now();
        Box::pin(async move {
            if kind == Kind::Read {
                return self.read(now, job);
            }
            match self.commit(kind, now, job)? {
                None => Ok(()),
                Some(ticket) => {
                    // Others commit here and share the sync, or the power goes.
                    tokio::task::yield_now().await;
                    self.sync(ticket)
                }
            }
        })
    }

    fn watch(&self, prefix: Key) -> Watch {
        self.watches.watch(&prefix)
    }
}

fn apply(map: &mut Map, changes: BTreeMap<Vec<u8>, Option<Bytes>>) {
    for (key, value) in changes {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}

#[cfg(test)]
mod tests;
