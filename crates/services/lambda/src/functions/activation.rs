//! Pending becomes Active, or Failed: after CreateFunction has answered, and again after a restart in between.

use std::sync::Arc;
use std::time::Duration;

use hearth_aws::names::FunctionName;
use hearth_store::{transact, transact_read};
use hearth_worker::{CodeDigest, PrepareError};
use hearth_world::TaskKind;
use tracing::{info, info_span, warn};
use uuid::Uuid;

use super::function::{Function, Owner, State, StateReasonCode};
use super::table;
use crate::Lambda;
use crate::error::{Chain, FunctionError};

/// Functions that are activated one after the other before the next ones are read.
const PAGE: u32 = 100;

/// A server that lives settles a function in less.
const TAKE_OVER_AFTER: Duration = Duration::from_secs(10);

/// How often it is looked for what other servers left.
const TAKE_OVER_INTERVAL: Duration = Duration::from_secs(5);

/// Settles one function in a task of its own.
pub(crate) fn activate(lambda: &Arc<Lambda>, owner: Owner, function: Function) {
    let span = info_span!("activate", account = owner.account, function = %function.name);
    let lambda = lambda.clone();
    lambda.tasks.clone().spawn(TaskKind::Service, span, |stop| async move {
        // Dropped by a stop it stays Pending, and the next start takes it up.
        if let Some(Err(error)) = stop.or(settle(&lambda, &owner, &function)).await {
            warn!(error = %Chain(&error), "the function stays Pending until the next start");
        }
    });
}

/// Takes up what a former run of the server left Pending.
pub(crate) fn resume(lambda: &Arc<Lambda>) {
    let lambda = lambda.clone();
    lambda.tasks.clone().spawn(TaskKind::Service, info_span!("resume"), |stop| async move {
        if let Some(Err(error)) = stop.or(settle_all(&lambda, Duration::ZERO)).await {
            warn!(error = %Chain(&error), "functions stay Pending until the next start");
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
                warn!(error = %Chain(&error), "functions stay Pending until the next look");
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
        warn!(error = %Chain(&error), account = owner.account, "a function stays Pending until the next start");
    }
}

async fn settle(lambda: &Lambda, owner: &Owner, function: &Function) -> Result<(), FunctionError> {
    let outcome = judge(lambda, function).await?;
    let revision_id = lambda.world.random().uuid();
    let (key, created_as) = ((owner.clone(), function.name.clone()), function.revision_id);
    let state = outcome.clone();
    let settled = transact(&*lambda.store, move |tx| {
        let (owner, name) = &key;
        leave_pending(tx, owner, name, created_as, &state, revision_id)
    })
    .await?;
    // A function that is Pending is never remembered, so there is nothing to forget: an invocation that saw it Active
    // already keeps what it made.
    if settled {
        match outcome {
            State::Failed { reason, .. } => info!(reason, "the function is Failed"),
            state => info!(state = state.name(), "the function is settled"),
        }
    }
    Ok(())
}

/// Writes the outcome, unless the function was deleted, or deleted and created again, meanwhile.
fn leave_pending(
    tx: &mut dyn hearth_store::Tx,
    owner: &Owner,
    name: &FunctionName,
    created_as: Uuid,
    state: &State,
    revision_id: Uuid,
) -> Result<bool, FunctionError> {
    let Some(function) = table::get(tx, owner, name)? else { return Ok(false) };
    if function.revision_id != created_as || function.state != State::Pending {
        return Ok(false);
    }
    table::replace(tx, owner, &Function { state: state.clone(), revision_id, ..function })?;
    Ok(true)
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
    match lambda.worker.prepare(CodeDigest(function.code.to_string())).await {
        Ok(_) => {
            lambda.worker.warm_up(&function.runtime).await;
            Ok(State::Active)
        }
        Err(PrepareError::Host(reason)) => {
            Err(FunctionError::Prepare { name: function.name.to_string(), reason })
        }
        Err(error) => failed(StateReasonCode::ZipFile, error.to_string()),
    }
}
