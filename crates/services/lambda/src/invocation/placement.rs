//! Which environment a call gets: the books of the scheduler, without a clock, a lock or a worker.
//!
//! Idle environments of a revision are a stack: the last one used is the next one used, so that caches stay hot
//! and the others can expire. An environment is counted until the worker has reported that it is gone.
//!
//! Never: hands an environment to two calls; counts one twice; uses one again that was told to end.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hearth_worker::EnvironmentId;
use hearth_world::Timestamp;
use uuid::Uuid;

/// Where a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// To this idle environment.
    Reuse(EnvironmentId),
    /// To a new one, for which room is kept.
    Start,
    /// Nowhere yet: the host has no room.
    Full,
}

/// All environments of this host, and the running calls of all accounts.
#[derive(Debug, Default)]
pub(super) struct Placement {
    pools: HashMap<Uuid, Pool>,
    environments: HashMap<EnvironmentId, Environment>,
    starting: u32,
    running: HashMap<Arc<str>, u32>,
}

/// The environments of one revision.
#[derive(Debug, Default)]
struct Pool {
    /// Longest idle first.
    idle: VecDeque<(EnvironmentId, Timestamp)>,
    environments: u32,
}

#[derive(Debug)]
struct Environment {
    revision: Uuid,
    ending: bool,
}

impl Placement {
    /// Counts a call of an account and region, unless `limit` run already.
    pub(super) fn admit(&mut self, scope: &Arc<str>, limit: u32) -> bool {
        let running = self.running.entry(scope.clone()).or_insert(0);
        let admitted = *running < limit;
        *running += u32::from(admitted);
        admitted
    }

    /// An admitted call is over.
    pub(super) fn leave(&mut self, scope: &Arc<str>) {
        if let Some(running) = self.running.get_mut(scope) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(scope);
            }
        }
    }

    /// The place of a call. `warm` allows an idle environment.
    pub(super) fn choose(&mut self, revision: Uuid, warm: bool, environments_max: u32) -> Place {
        let idle = self.pools.get_mut(&revision).filter(|_| warm).and_then(|pool| pool.idle.pop_back());
        match idle {
            Some((id, _)) => Place::Reuse(id),
            None if self.count() < environments_max => {
                self.starting += 1;
                Place::Start
            }
            None => Place::Full,
        }
    }

    /// Environments that take room: alive, ending, or about to start.
    pub(super) fn count(&self) -> u32 {
        self.starting + u32::try_from(self.environments.len()).unwrap_or(u32::MAX)
    }

    /// What [`Place::Start`] kept room for exists.
    pub(super) fn started(&mut self, revision: Uuid, id: EnvironmentId) {
        self.starting = self.starting.saturating_sub(1);
        self.environments.insert(id, Environment { revision, ending: false });
        self.pools.entry(revision).or_default().environments += 1;
    }

    /// What [`Place::Start`] kept room for does not come.
    pub(super) fn not_started(&mut self) {
        self.starting = self.starting.saturating_sub(1);
    }

    /// An environment has done its call and waits for the next one, unless it is ending or gone.
    pub(super) fn release(&mut self, id: EnvironmentId, now: Timestamp) {
        let Some(environment) = self.environments.get(&id).filter(|environment| !environment.ending) else {
            return;
        };
        if let Some(pool) = self.pools.get_mut(&environment.revision) {
            pool.idle.push_back((id, now));
        }
    }

    /// An environment is gone.
    pub(super) fn closed(&mut self, id: EnvironmentId) {
        let Some(environment) = self.environments.remove(&id) else { return };
        let Some(pool) = self.pools.get_mut(&environment.revision) else { return };
        pool.idle.retain(|(idle, _)| *idle != id);
        pool.environments = pool.environments.saturating_sub(1);
        if pool.environments == 0 {
            self.pools.remove(&environment.revision);
        }
    }

    /// This environment is told to end; `false` when it is gone or was told before.
    pub(super) fn end(&mut self, id: EnvironmentId) -> bool {
        let Some(environment) = self.environments.get_mut(&id) else { return false };
        if let Some(pool) = self.pools.get_mut(&environment.revision) {
            pool.idle.retain(|(idle, _)| *idle != id);
        }
        !std::mem::replace(&mut environment.ending, true)
    }

    /// All environments of a revision are told to end, the busy ones after their calls.
    pub(super) fn retire(&mut self, revision: Uuid) -> Vec<EnvironmentId> {
        let of_revision = |(id, environment): (&EnvironmentId, &Environment)| {
            (environment.revision == revision).then_some(*id)
        };
        let mut ids: Vec<_> = self.environments.iter().filter_map(of_revision).collect();
        ids.retain(|id| self.end(*id));
        ids
    }

    /// Those that have been idle since `idle` before `now` are told to end.
    pub(super) fn expire(&mut self, now: Timestamp, idle: Duration) -> Vec<EnvironmentId> {
        let expired = |(_, since): &&(EnvironmentId, Timestamp)| now.since(*since) >= idle;
        let pools = self.pools.values();
        let mut ids: Vec<_> =
            pools.flat_map(|pool| pool.idle.iter().take_while(expired).map(|(id, _)| *id)).collect();
        ids.retain(|id| self.end(*id));
        ids
    }

    /// The one that has been idle longest, of any function, is told to end, to make room.
    pub(super) fn evict(&mut self) -> Option<EnvironmentId> {
        let longest_idle = self.pools.values().filter_map(|pool| pool.idle.front());
        let (id, _) = *longest_idle.min_by_key(|(_, since)| *since)?;
        self.end(id).then_some(id)
    }
}

#[cfg(test)]
mod tests;
