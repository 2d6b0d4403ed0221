//! CreateFunction: checks, keeps the package, writes the function, and answers while it is still Pending.
//!
//! The order is what makes a crash harmless: the package is durable before the record that names it, the record holds
//! the package from its own transaction on, and it says Pending until the function is known to run, which the next
//! start takes up.

use std::sync::Arc;

use hearth_aws::names::{FunctionName, RoleArn};
use hearth_aws::{ApiError, Cx, Operation};
use hearth_store::garbage::{self, Ticket};
use hearth_store::{transact, transact_read};

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Configuration, Detail, Function, Owner, State, Tags, Update};
use crate::layers::{self, LayerVersionRef};
use crate::objects::Package;
use crate::parameters::{CreateInput, Wanted};
use crate::reference::Asked;
use crate::runtimes;

/// How often a package is put that is collected before its function holds it. Once is rare: it takes longer than the
/// grace to unpack, or somebody asks for all garbage to go now.
pub(super) const PUTS_MAX: u32 = 3;

pub(crate) struct CreateFunction;

impl Operation for CreateFunction {
    const NAME: &'static str = "CreateFunction";
    type State = Lambda;
    type Input = CreateInput;
    type Output = Configuration;

    async fn call(cx: &Cx<Lambda>, input: CreateInput) -> Result<Configuration, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, None)?;
        let wanted = input.check(&cx.call)?;
        let (deprecated, today) = (cx.state().options.deprecated_runtimes, cx.state().world.domain().now());
        runtimes::check_create_date(&wanted.runtime, deprecated, today)
            .map_err(|error| FunctionError::Parameter(error.to_string()))?;
        if asked.qualifier.is_some() {
            return Err(
                FunctionError::Parameter("A new function is named without a qualifier.".into()).into()
            );
        }
        let Asked { owner, name, .. } = asked;
        let layers = layers::check_layers(&cx.call, &wanted.layers)?;
        check_role(cx, &wanted.role).await?;
        let created = cx.state().enduring(|lambda| async move {
            let function = create(&lambda, &owner, name, wanted, layers).await?;
            functions::activate(&lambda, owner.clone(), function.clone());
            Ok::<_, FunctionError>(Configuration::of(&*lambda.worker, &owner, function, None, Detail::Whole))
        });
        Ok(created.await?)
    }
}

/// Whether a function may have this role.
pub(super) async fn check_role(cx: &Cx<Lambda>, role: &RoleArn) -> Result<(), ApiError> {
    if cx.options.roles_must_exist && cx.roles.find(role).await?.is_none() {
        // GAP(roles): a role whose trust policy does not name Lambda is accepted.
        return Err(FunctionError::RoleNotAssumable.into());
    }
    Ok(())
}

async fn create(
    lambda: &Arc<Lambda>,
    owner: &Owner,
    name: FunctionName,
    wanted: Wanted,
    layers: Vec<LayerVersionRef>,
) -> Result<Function, FunctionError> {
    // Seen again in the writing transaction; here it saves the work for the package.
    let key = (owner.clone(), name.clone());
    if transact_read(&*lambda.store, move |tx| functions::get(tx, &key.0, &key.1)).await?.is_some() {
        return Err(FunctionError::AlreadyExists(name.to_string()));
    }
    for _ in 0..PUTS_MAX {
        let Package { kept, bytes } = wanted.source.keep(lambda, "package").await?;
        let ticket = kept.ticket;
        let code_bytes = functions::unpack(lambda, name.as_str(), &ticket.digest).await?;
        let new = New {
            function: function(lambda, &name, &wanted, &ticket, bytes),
            tags: wanted.tags.clone(),
            layers: layers.clone(),
            code_bytes,
            ticket,
        };
        if let Some(function) = insert(lambda, owner, new).await? {
            lambda.revisions.forget(owner, &name);
            return Ok(function);
        }
    }
    Err(FunctionError::Collected(PUTS_MAX))
}

fn function(lambda: &Lambda, name: &FunctionName, wanted: &Wanted, ticket: &Ticket, bytes: u64) -> Function {
    let wanted = wanted.clone();
    Function {
        log_group: wanted.logging.group.unwrap_or_else(|| format!("/aws/lambda/{name}")),
        log_format: wanted.logging.format,
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
        code_bytes: bytes,
        last_modified: lambda.world.domain().now(),
        revision_id: lambda.world.random().uuid(),
        state: State::Pending,
        layers: Vec::new(),
        update: Update::Settled,
    }
}

/// What is written together.
#[derive(Clone)]
struct New {
    function: Function,
    tags: Tags,
    layers: Vec<LayerVersionRef>,
    /// Of the package, unpacked.
    code_bytes: u64,
    ticket: Ticket,
}

/// Writes the function, and answers it with its layers; `None` when its package was collected meanwhile.
async fn insert(lambda: &Lambda, owner: &Owner, new: New) -> Result<Option<Function>, FunctionError> {
    let owner = owner.clone();
    let room = lambda.options.code_storage_bytes_of(&owner.account);
    transact(&*lambda.store, move |tx| {
        let New { mut function, tags, layers, code_bytes, ticket } = new.clone();
        if functions::get(tx, &owner, &function.name)?.is_some() {
            return Err(FunctionError::AlreadyExists(function.name.to_string()));
        }
        functions::check_room(tx, &owner, room, 0, function.code_bytes)?;
        if !garbage::hold(tx, &ticket, &owner.holder(&function.name))? {
            return Ok(None);
        }
        function.layers = layers::used(tx, &owner, &function, &layers, code_bytes)?;
        functions::insert(tx, &owner, &function, &tags)?;
        Ok(Some(function))
    })
    .await
}
