//! CreateFunction: checks, keeps the package, writes the function, and answers while it is still Pending.
//!
//! The order is what makes a crash harmless: the package is durable before the record that names it, the record holds
//! the package from its own transaction on, and it says Pending until the function is known to run, which the next
//! start takes up.

use std::sync::Arc;

use hearth_aws::names::FunctionName;
use hearth_aws::{ApiError, Cx, Operation};
use hearth_store::garbage::{self, Ticket};
use hearth_store::{BlobDigest, transact, transact_read};
use hearth_worker::{CodeDigest, PrepareError};

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Configuration, Detail, Function, Owner, State, Tags};
use crate::limits::{CODE_STORAGE_BYTES_MAX, CODE_UNZIPPED_BYTES_MAX};
use crate::parameters::{CreateInput, Wanted};
use crate::reference::Asked;

/// How often a package is put that is collected before its function holds it. Once is rare: it takes longer than the
/// grace to unpack, or somebody asks for all garbage to go now.
const PUTS_MAX: u32 = 3;

pub(crate) struct CreateFunction;

impl Operation for CreateFunction {
    const NAME: &'static str = "CreateFunction";
    type State = Lambda;
    type Input = CreateInput;
    type Output = Configuration;

    async fn call(cx: &Cx<Lambda>, input: CreateInput) -> Result<Configuration, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, None)?;
        let wanted = input.check()?;
        if asked.qualifier.is_some() {
            return Err(
                FunctionError::Parameter("A new function is named without a qualifier.".into()).into()
            );
        }
        let Asked { owner, name, .. } = asked;
        if cx.options.roles_must_exist && cx.roles.find(&wanted.role).await?.is_none() {
            // GAP(roles): a role whose trust policy does not name Lambda is accepted.
            return Err(FunctionError::RoleNotAssumable.into());
        }
        let created = cx.state().enduring(|lambda| async move {
            let function = create(&lambda, &owner, name, wanted).await?;
            functions::activate(&lambda, owner.clone(), function.clone());
            Ok::<_, FunctionError>(Configuration::of(&*lambda.worker, &owner, function, None, Detail::Whole))
        });
        Ok(created.await?)
    }
}

async fn create(
    lambda: &Arc<Lambda>,
    owner: &Owner,
    name: FunctionName,
    wanted: Wanted,
) -> Result<Function, FunctionError> {
    // Seen again in the writing transaction; here it saves the work for the package.
    let key = (owner.clone(), name.clone());
    if transact_read(&*lambda.store, move |tx| functions::get(tx, &key.0, &key.1)).await?.is_some() {
        return Err(FunctionError::AlreadyExists(name.to_string()));
    }
    for _ in 0..PUTS_MAX {
        let kept = lambda.blobs.put("package", wanted.zip.clone()).await?;
        let ticket = kept.ticket;
        prepare(lambda, &name, &ticket.digest).await?;
        let function = function(lambda, &name, &wanted, &ticket);
        if insert(lambda, owner, function.clone(), wanted.tags.clone(), ticket).await? {
            lambda.revisions.forget(owner, &name);
            return Ok(function);
        }
    }
    Err(FunctionError::Collected(PUTS_MAX))
}

fn function(lambda: &Lambda, name: &FunctionName, wanted: &Wanted, ticket: &Ticket) -> Function {
    let wanted = wanted.clone();
    Function {
        log_group: wanted.log_group.unwrap_or_else(|| format!("/aws/lambda/{name}")),
        name: name.clone(),
        role: wanted.role,
        runtime: wanted.runtime,
        handler: wanted.handler,
        description: wanted.description,
        timeout_seconds: wanted.timeout_seconds,
        memory_mb: wanted.memory_mb,
        ephemeral_mb: wanted.ephemeral_mb,
        architecture: wanted.architecture,
        environment: wanted.environment,
        code: ticket.digest,
        code_bytes: wanted.zip.len() as u64,
        last_modified: lambda.world.domain().now(),
        revision_id: lambda.world.random().uuid(),
        state: State::Pending,
    }
}

async fn prepare(lambda: &Lambda, name: &FunctionName, code: &BlobDigest) -> Result<(), FunctionError> {
    match lambda.worker.prepare(CodeDigest(code.to_string())).await {
        Ok(bytes) if bytes > CODE_UNZIPPED_BYTES_MAX => Err(FunctionError::UnzippedTooLarge),
        Ok(_) => Ok(()),
        Err(PrepareError::TooLarge { .. }) => Err(FunctionError::UnzippedTooLarge),
        Err(PrepareError::Bad(_)) => Err(FunctionError::ZipUnreadable),
        Err(PrepareError::Host(reason)) => Err(FunctionError::Prepare { name: name.to_string(), reason }),
    }
}

/// Writes the function; `false` when its package was collected meanwhile.
async fn insert(
    lambda: &Lambda,
    owner: &Owner,
    function: Function,
    tags: Tags,
    ticket: Ticket,
) -> Result<bool, FunctionError> {
    let owner = owner.clone();
    transact(&*lambda.store, move |tx| {
        if functions::get(tx, &owner, &function.name)?.is_some() {
            return Err(FunctionError::AlreadyExists(function.name.to_string()));
        }
        if functions::code_usage(tx, &owner)?.saturating_add(function.code_bytes) > CODE_STORAGE_BYTES_MAX {
            return Err(FunctionError::CodeStorageExceeded);
        }
        if !garbage::hold(tx, &ticket, &owner.holder(&function.name))? {
            return Ok(false);
        }
        functions::insert(tx, &owner, &function, &tags)?;
        Ok(true)
    })
    .await
}
