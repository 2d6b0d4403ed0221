//! What an invocation runs: one revision of a function, made from its record once and remembered.
//!
//! Whoever writes a function forgets it here after the commit and before the answer. A reader that began before
//! the write cannot bring the old one back: it carries the generation in which it began.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hearth_aws::names::{FunctionName, LATEST};
use hearth_store::transact_read;
use hearth_worker::{CodeDigest, Identity, Revision, Secret};
use hearth_world::Random;

use super::identity;
use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Function, Owner, State};
use crate::reference::Asked;

/// Functions remembered at the same time; more are read from the store again.
const TARGETS_MAX: usize = 10_000;

/// An invocation waits so long for its function to be created.
const PENDING_WAIT: Duration = Duration::from_secs(1);

/// One revision, ready to run.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) revision: Arc<Revision>,
    /// Account and region: whose concurrency a call counts against.
    pub(crate) scope: Arc<str>,
    retired: AtomicBool,
}

impl Target {
    pub(super) fn new(random: &Random, owner: &Owner, function: Function) -> Self {
        let identity = identity::new_session(random, &function);
        let revision = Revision {
            id: function.revision_id,
            account: owner.account.clone(),
            region: owner.region.clone(),
            function_name: function.name.to_string(),
            version: LATEST.to_owned(),
            runtime: function.runtime,
            handler: function.handler,
            memory_mb: function.memory_mb,
            timeout: Duration::from_secs(function.timeout_seconds.into()),
            ephemeral_mb: function.ephemeral_mb,
            environment: Secret(function.environment.unwrap_or_default()),
            layers: Vec::new(),
            code: CodeDigest(function.code.to_string()),
            log_group: function.log_group,
            identity,
        };
        let scope = format!("{}/{}", owner.account, owner.region).into();
        Self { revision: Arc::new(revision), scope, retired: AtomicBool::new(false) }
    }

    fn access_key_id(&self) -> &str {
        &self.revision.identity.credentials.access_key_id
    }

    /// Whether the function has changed or gone since: its environments are not used again.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }
}

/// The functions that were invoked lately.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    targets: HashMap<String, Arc<Target>>,
    /// By the access key that the function signs with.
    sessions: HashMap<String, Arc<Target>>,
    /// Grows with every function that is forgotten.
    generation: u64,
}

impl Revisions {
    fn get(&self, owner: &Owner, name: &FunctionName) -> Result<Arc<Target>, u64> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.targets.get(&key(owner, name)).cloned().ok_or(known.generation)
    }

    /// Remembers a target that was read since `generation`; of two that were read at the same time the first stays.
    fn remember(&self, generation: u64, owner: &Owner, name: &FunctionName, target: Target) -> Arc<Target> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.generation != generation {
            // Good for the call that read it, which is as old as the record; not for later ones.
            return Arc::new(target);
        }
        if let Some(target) = known.targets.get(&key(owner, name)) {
            return target.clone();
        }
        if known.targets.len() >= TARGETS_MAX {
            let any = known.targets.keys().next().cloned();
            any.and_then(|any| known.remove(&any));
        }
        let target = Arc::new(target);
        known.sessions.insert(target.access_key_id().to_owned(), target.clone());
        known.targets.insert(key(owner, name), target.clone());
        target
    }

    /// Whom an access key belongs to, if a function has it.
    fn session(&self, access_key_id: &str) -> Option<Arc<Target>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.sessions.get(access_key_id).cloned()
    }

    /// To be called after every committed write of a function.
    pub(crate) fn forget(&self, owner: &Owner, name: &FunctionName) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.generation += 1;
        if let Some(target) = known.remove(&key(owner, name)) {
            target.retired.store(true, Ordering::Release);
        }
    }
}

impl Known {
    fn remove(&mut self, key: &str) -> Option<Arc<Target>> {
        let target = self.targets.remove(key)?;
        self.sessions.remove(target.access_key_id());
        Some(target)
    }
}

impl Lambda {
    /// Whom an access key belongs to, when it is the one of a function that was invoked lately: its calls from
    /// outside of a sandbox are verified with it. Inside, the socket tells who calls.
    pub fn session(&self, access_key_id: &str) -> Option<Identity> {
        Some(self.revisions.session(access_key_id)?.revision.identity.clone())
    }
}

fn key(owner: &Owner, name: &FunctionName) -> String {
    format!("{}/{}/{name}", owner.account, owner.region)
}

/// A function that exists.
pub(crate) enum Found {
    Ready(Arc<Target>),
    /// In the state of this name, in which it cannot be invoked.
    NotReady(&'static str),
}

impl Found {
    fn is_pending(&self) -> bool {
        matches!(self, Self::NotReady(state) if *state == State::Pending.name())
    }
}

/// Finds what an invocation runs. A function that is being created is waited for a little: here that takes some
/// milliseconds, so that a script which does not wait would get AWS's 409 now and then, and not always.
pub(crate) async fn find_settled(lambda: &Lambda, asked: &Asked) -> Result<Found, FunctionError> {
    let found = find(lambda, asked).await?;
    if !found.is_pending() {
        return Ok(found);
    }
    let mut changes = lambda.store.watch(functions::function_key(&asked.owner, &asked.name));
    let settled = async {
        loop {
            let found = find(lambda, asked).await?;
            if !found.is_pending() {
                return Ok(found);
            }
            changes.changed().await;
        }
    };
    lambda.world.physical().timeout(PENDING_WAIT, settled).await.unwrap_or(Ok(found))
}

/// Finds what an invocation runs.
async fn find(lambda: &Lambda, asked: &Asked) -> Result<Found, FunctionError> {
    // An invocation without qualifier misses `$LATEST` (unlike GetFunction).
    let not_found = || {
        let qualifier = Some(asked.qualifier.clone().unwrap_or(LATEST.to_owned()));
        Asked { qualifier, ..asked.clone() }.not_found()
    };
    if !asked.is_latest() {
        return Err(not_found());
    }
    let generation = match lambda.revisions.get(&asked.owner, &asked.name) {
        Ok(target) => return Ok(Found::Ready(target)),
        Err(generation) => generation,
    };
    let (owner, name) = (asked.owner.clone(), asked.name.clone());
    let read = transact_read(&*lambda.store, move |tx| functions::get(tx, &owner, &name)).await?;
    let function = read.ok_or_else(not_found)?;
    if function.state != State::Active {
        return Ok(Found::NotReady(function.state.name()));
    }
    let target = Target::new(lambda.world.random(), &asked.owner, function);
    Ok(Found::Ready(lambda.revisions.remember(generation, &asked.owner, &asked.name, target)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { account: "000000000000".into(), region: "us-east-1".into() }
    }

    fn target() -> Target {
        Target::new(&Random::seeded(1), &owner(), Function::example("f"))
    }

    #[test]
    fn a_reader_that_began_before_a_write_does_not_bring_the_old_revision_back() {
        let (revisions, name) = (Revisions::default(), Function::example("f").name);
        let generation = revisions.get(&owner(), &name).expect_err("nothing is known");
        revisions.forget(&owner(), &name);
        revisions.remember(generation, &owner(), &name, target());
        assert!(revisions.get(&owner(), &name).is_err());
    }

    #[test]
    fn a_forgotten_revision_is_retired_for_those_who_still_hold_it() {
        let (revisions, name) = (Revisions::default(), Function::example("f").name);
        let generation = revisions.get(&owner(), &name).expect_err("nothing is known");
        let first = revisions.remember(generation, &owner(), &name, target());
        let second = revisions.remember(generation, &owner(), &name, target());
        assert!(Arc::ptr_eq(&first, &second), "two readers at the same time share one identity");
        revisions.forget(&owner(), &name);
        assert!(first.is_retired());
    }
}
