//! What an invocation runs: one revision of a function, made from its record once and remembered.
//!
//! Where other servers write to the same store, what is remembered counts only while the record is still the one it
//! was made from: that is one read an invocation.
//!
//! Whoever changes what a function runs forgets it here after the commit and before the answer. A reader that began before
//! the write cannot bring the old one back: it carries the generation in which it began. An update becomes ready with
//! nobody waiting for an answer: from before that commit until it is forgotten here, each call reads the record as well.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hearth_aws::names::{FunctionName, LATEST};
use hearth_store::transact_read;
use hearth_worker::{CodeDigest, Identity, Revision, Secret};
use hearth_world::Timestamp;

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
    /// No invocation begins with its credentials from then on.
    usable_until: Timestamp,
    retired: AtomicBool,
}

impl Target {
    pub(super) fn new(owner: &Owner, function: Function, session: (Identity, Timestamp)) -> Self {
        let (identity, usable_until) = session;
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
            layers: function.layers.iter().map(|layer| CodeDigest(layer.digest.to_string())).collect(),
            code: CodeDigest(function.code.to_string()),
            log_group: function.log_group,
            log_format: function.log_format,
            identity,
        };
        let scope = format!("{}/{}", owner.account, owner.region).into();
        Self { revision: Arc::new(revision), scope, usable_until, retired: AtomicBool::new(false) }
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
    /// Grows with every function that is forgotten.
    generation: u64,
    /// Functions that are about to be forgotten, and by how many.
    changing: HashMap<String, u32>,
}

/// While it is there, what is remembered of a function counts only as far as its record says the same: a caller may
/// have seen the commit already.
pub(crate) struct Changing<'r> {
    revisions: &'r Revisions,
    key: String,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let mut known = self.revisions.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = known.changing.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                known.changing.remove(&self.key);
            }
        }
    }
}

impl Revisions {
    /// What is remembered, or the generation; and whether the function is changing.
    fn look(&self, owner: &Owner, name: &FunctionName) -> (Result<Arc<Target>, u64>, bool) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let key = key(owner, name);
        (known.targets.get(&key).cloned().ok_or(known.generation), known.changing.contains_key(&key))
    }

    #[cfg(test)]
    fn get(&self, owner: &Owner, name: &FunctionName) -> Result<Arc<Target>, u64> {
        self.look(owner, name).0
    }

    /// To be held over a commit that others may see before the function is forgotten.
    pub(crate) fn change(&self, owner: &Owner, name: &FunctionName) -> Changing<'_> {
        let key = key(owner, name);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known.changing.entry(key.clone()).or_default() += 1;
        Changing { revisions: self, key }
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
            any.and_then(|any| known.targets.remove(&any));
        }
        let target = Arc::new(target);
        known.targets.insert(key(owner, name), target.clone());
        target
    }

    /// To be called after every committed write of a function.
    pub(crate) fn forget(&self, owner: &Owner, name: &FunctionName) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.generation += 1;
        if let Some(target) = known.targets.remove(&key(owner, name)) {
            target.retired.store(true, Ordering::Release);
        }
    }

    /// Forgets this target, unless another one has come in its place since: the generation, and whether it did.
    fn expire(&self, owner: &Owner, name: &FunctionName, old: &Target) -> (u64, bool) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        old.retired.store(true, Ordering::Release);
        let key = key(owner, name);
        let is_known = known.targets.get(&key).is_some_and(|target| std::ptr::eq(&**target, old));
        if is_known {
            known.targets.remove(&key);
        }
        (known.generation, is_known)
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
    let now = lambda.world.physical().now();
    let (known, changing) = lambda.revisions.look(&asked.owner, &asked.name);
    let fresh = known.as_ref().is_ok_and(|target| now < target.usable_until);
    if let Ok(target) = &known
        && fresh
        && !changing
        && !lambda.store.is_shared()
    {
        return Ok(Found::Ready(target.clone()));
    }
    let (owner, name) = (asked.owner.clone(), asked.name.clone());
    let read = transact_read(&*lambda.store, move |tx| functions::get(tx, &owner, &name)).await?;
    let read = read.map(Function::serving);
    let generation = match known {
        Ok(target)
            if fresh && read.as_ref().is_some_and(|function| function.revision_id == target.revision.id) =>
        {
            return Ok(Found::Ready(target));
        }
        Ok(target) => outdated(lambda, asked, &target),
        Err(generation) => generation,
    };
    let function = read.ok_or_else(not_found)?;
    if function.state != State::Active {
        return Ok(Found::NotReady(function.state.name()));
    }
    let role = lambda.roles.find(&function.role).await.map_err(FunctionError::Role)?;
    let (sessions, random) = (&lambda.sessions, lambda.world.random());
    let life = lambda.options.credentials;
    let session = identity::new_session(sessions, random, now, life, &function, role.map(|role| role.id));
    let target = Target::new(&asked.owner, function, session);
    Ok(Found::Ready(lambda.revisions.remember(generation, &asked.owner, &asked.name, target)))
}

/// Another server has changed or deleted the function, or its credentials are near their end: environments that hold
/// the old ones end after their calls. Gives the generation from which on it is read again.
fn outdated(lambda: &Lambda, asked: &Asked, old: &Target) -> u64 {
    let (generation, forgotten) = lambda.revisions.expire(&asked.owner, &asked.name, old);
    if forgotten {
        lambda.scheduler.retire(old.revision.id);
    }
    generation
}

#[cfg(test)]
mod tests {
    use hearth_aws::Sessions;
    use hearth_world::Random;

    use super::*;
    use crate::options::CREDENTIALS;

    fn owner() -> Owner {
        Owner { account: "000000000000".into(), region: "us-east-1".into() }
    }

    fn target() -> Target {
        let (function, start) = (Function::example("f"), Timestamp::from_millis(0));
        let sessions = Sessions::new([1; 32]);
        let session =
            identity::new_session(&sessions, &Random::seeded(1), start, CREDENTIALS, &function, None);
        Target::new(&owner(), function, session)
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
    fn what_is_remembered_of_a_function_that_changes_is_held_against_its_record_until_it_is_forgotten() {
        let (revisions, name) = (Revisions::default(), Function::example("f").name);
        let generation = revisions.get(&owner(), &name).expect_err("nothing is known");
        revisions.remember(generation, &owner(), &name, target());
        assert!(!revisions.look(&owner(), &name).1);
        let (one, other) = (revisions.change(&owner(), &name), revisions.change(&owner(), &name));
        drop(one);
        let (known, changing) = revisions.look(&owner(), &name);
        assert!(known.is_ok() && changing, "as long as somebody changes it");
        revisions.forget(&owner(), &name);
        drop(other);
        let (known, changing) = revisions.look(&owner(), &name);
        assert!(known.is_err() && !changing);
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

    #[test]
    fn a_revision_whose_credentials_end_makes_room_for_its_successor_alone() {
        let (revisions, name) = (Revisions::default(), Function::example("f").name);
        let generation = revisions.get(&owner(), &name).expect_err("nothing is known");
        let old = revisions.remember(generation, &owner(), &name, target());
        let (generation, forgotten) = revisions.expire(&owner(), &name, &old);
        assert!(forgotten);
        let renewed = revisions.remember(generation, &owner(), &name, target());
        assert!(old.is_retired() && !Arc::ptr_eq(&old, &renewed));
        assert!(!revisions.expire(&owner(), &name, &old).1);
        let found = revisions.get(&owner(), &name).expect("a late one changes nothing");
        assert!(Arc::ptr_eq(&found, &renewed) && !renewed.is_retired());
    }
}
