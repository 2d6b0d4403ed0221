//! Pending becomes Active, or Failed, and an update is made or taken back: after the operation has answered, and again
//! after a restart in between.

use std::sync::Arc;
use std::time::Duration;

use hearth_aws::names::FunctionName;
use hearth_store::{Tx, garbage, transact, transact_read};
use hearth_worker::{CodeDigest, PrepareError};
use hearth_world::TaskKind;
use tracing::{info, info_span, warn};
use uuid::Uuid;

use super::function::{Function, Owner, State, StateReasonCode, Update};
use super::table;
use crate::Lambda;
use crate::error::{Chain, FunctionError};

/// Functions that are settled one after the other before the next ones are read.
const PAGE: u32 = 100;

/// A server that lives settles a function in less.
const TAKE_OVER_AFTER: Duration = Duration::from_secs(10);

/// How long a function waits that could not be settled.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is looked for what other servers left.
const TAKE_OVER_INTERVAL: Duration = Duration::from_secs(5);

/// Settles one function in a task of its own: again and again while the host cannot (its disk is full), until the
/// server stops, and then the next start takes it up.
pub(crate) fn activate(lambda: &Arc<Lambda>, owner: Owner, function: Function) {
    let span = info_span!("activate", account = owner.account, function = %function.name);
    let lambda = lambda.clone();
    lambda.tasks.clone().spawn(TaskKind::Service, span, |stop| async move {
        let clock = lambda.world.physical().clone();
        while let Some(Err(error)) = stop.or(settle(&lambda, &owner, &function)).await {
            warn!(error = %Chain(&error), "the function is not settled yet");
            if stop.or(clock.sleep(RETRY_INTERVAL)).await.is_none() {
                return;
            }
        }
    });
}

/// Takes up what a former run of the server left Pending.
pub(crate) fn resume(lambda: &Arc<Lambda>) {
    let lambda = lambda.clone();
    lambda.tasks.clone().spawn(TaskKind::Service, info_span!("resume"), |stop| async move {
        if let Some(Err(error)) = stop.or(settle_all(&lambda, Duration::ZERO)).await {
            warn!(error = %Chain(&error), "functions are not settled until the next start");
        }
    });
}

/// Takes up what other servers of the same store left Pending: the one that created a function settles it, and when
/// it has not after a while, anybody does. The first to commit wins.
pub(crate) fn take_over(lambda: &Arc<Lambda>) {
    if !lambda.store.is_shared() {
        return;
    }
    let lambda = lambda.clone();
    lambda.tasks.clone().spawn(TaskKind::Service, info_span!("take over"), |stop| async move {
        let clock = lambda.world.physical().clone();
        while stop.or(clock.sleep(TAKE_OVER_INTERVAL)).await.is_some() {
            if let Some(Err(error)) = stop.or(settle_all(&lambda, TAKE_OVER_AFTER)).await {
                warn!(error = %Chain(&error), "functions are not settled until the next look");
            }
        }
    });
}

/// Settles what is Pending since at least this long.
async fn settle_all(lambda: &Lambda, since: Duration) -> Result<(), FunctionError> {
    let mut last: Option<(Owner, FunctionName)> = None;
    loop {
        let after = last.clone();
        let page = transact_read(&*lambda.store, move |tx| table::pending(tx, after.as_ref(), PAGE)).await?;
        let Some(end) = page.last().cloned() else { return Ok(()) };
        for (owner, name) in page {
            settle_named(lambda, &owner, name, since).await;
        }
        last = Some(end);
    }
}

/// One that cannot be settled does not hold up the others.
async fn settle_named(lambda: &Lambda, owner: &Owner, name: FunctionName, since: Duration) {
    let key = (owner.clone(), name);
    let settled = async {
        match transact_read(&*lambda.store, move |tx| table::get(tx, &key.0, &key.1)).await? {
            Some(function) if lambda.world.domain().now().since(function.last_modified) >= since => {
                settle(lambda, owner, &function).await
            }
            Some(_) | None => Ok(()),
        }
    };
    if let Err(error) = settled.await {
        warn!(error = %Chain(&error), account = owner.account, "a function is not settled until the next start");
    }
}

async fn settle(lambda: &Lambda, owner: &Owner, function: &Function) -> Result<(), FunctionError> {
    let outcome = match judge(lambda, function).await {
        // An update has something to fall back to, and who waits for it learns why.
        Err(FunctionError::Prepare { reason, .. }) if function.state == State::Active => {
            State::Failed { code: StateReasonCode::Internal, reason }
        }
        judged => judged?,
    };
    let (revision_id, grace) = (lambda.world.random().uuid(), lambda.blobs.grace());
    let (key, seen, verdict) = (owner.clone(), function.clone(), outcome.clone());
    // Who reads that the update is ready must not run what was before it, although it is forgotten a moment later.
    let _changing = lambda.revisions.change(owner, &function.name);
    let settled = transact(&*lambda.store, move |tx| {
        let Some(current) = table::get(tx, &key, &seen.name)? else { return Ok(false) };
        // Deleted, changed, or settled by another server meanwhile.
        if current.revision_id != seen.revision_id {
            return Ok(false);
        }
        let Some(new) = settled(current.clone(), verdict.clone(), revision_id) else { return Ok(false) };
        release_unused(tx, &key, &current, &new, grace)?;
        table::replace(tx, &key, &current, &new)?;
        Ok::<_, FunctionError>(true)
    });
    if !settled.await? {
        return Ok(());
    }
    // A function that is Pending is never remembered: an invocation that saw it Active already keeps what it made.
    if let Update::InProgress { before } = &function.update {
        lambda.revisions.forget(owner, &function.name);
        lambda.scheduler.retire(before.revision_id);
    }
    match outcome {
        State::Failed { reason, .. } => info!(reason, "the function, or its update, is Failed"),
        State::Active | State::Pending => info!("the function is settled"),
    }
    Ok(())
}

/// What a function becomes that is or is not ready to run; `None` when it waited for nothing.
fn settled(function: Function, outcome: State, revision_id: Uuid) -> Option<Function> {
    match (&function.state, &function.update, outcome) {
        (State::Pending, _, state) => Some(Function { state, revision_id, ..function }),
        (State::Active, Update::InProgress { before }, State::Failed { code, reason }) => Some(Function {
            revision_id,
            update: Update::Failed { code, reason },
            last_modified: function.last_modified,
            ..(**before).clone()
        }),
        (State::Active, Update::InProgress { .. }, State::Active | State::Pending) => {
            Some(Function { revision_id, update: Update::Settled, ..function })
        }
        (State::Active, Update::Settled | Update::Failed { .. }, _) | (State::Failed { .. }, _, _) => None,
    }
}

/// Lets go of the blobs that a function needs no more.
fn release_unused(
    tx: &mut dyn Tx,
    owner: &Owner,
    old: &Function,
    new: &Function,
    grace: Duration,
) -> Result<(), FunctionError> {
    let holder = owner.holder(&new.name);
    for digest in old.blobs().difference(&new.blobs()) {
        garbage::release(tx, digest, &holder, grace)?;
    }
    Ok(())
}

/// Whether this host can run the function.
async fn judge(lambda: &Lambda, function: &Function) -> Result<State, FunctionError> {
    let failed = |code, reason| Ok(State::Failed { code, reason });
    if let Err(how_to_get_it) = lambda.worker.supports(&function.runtime) {
        return failed(StateReasonCode::Runtime, how_to_get_it);
    }
    let host = lambda.options.architecture;
    if function.architecture != host {
        let wanted = &function.architecture;
        let reason = format!(
            "This host runs functions for {host}, and this one is for {wanted}. Create it again with {host}, \
             or on a host that is {wanted}."
        );
        return failed(StateReasonCode::Configuration, reason);
    }
    let layers = function.layers.iter().map(|layer| &layer.digest);
    for digest in std::iter::once(&function.code).chain(layers) {
        match lambda.worker.prepare(CodeDigest(digest.to_string())).await {
            Ok(_) => {}
            Err(PrepareError::Host(reason)) => {
                return Err(FunctionError::Prepare { name: function.name.to_string(), reason });
            }
            Err(error) => return failed(StateReasonCode::ZipFile, error.to_string()),
        }
    }
    lambda.worker.warm_up(&function.runtime).await;
    Ok(State::Active)
}
