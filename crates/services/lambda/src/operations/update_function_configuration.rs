//! UpdateFunctionConfiguration: changes the members that are sent. Calls run as before until the change is ready.

use hearth_aws::{ApiError, Cx, Operation};
use hearth_store::{BlobDigest, transact, transact_read};

use super::create_function::check_role;
use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Configuration, Detail, Function};
use crate::layers::{self, LayerVersionRef};
use crate::parameters::{Changes, UpdateInput};
use crate::reference::Asked;
use crate::runtimes;

pub(crate) struct UpdateFunctionConfiguration;

impl Operation for UpdateFunctionConfiguration {
    const NAME: &'static str = "UpdateFunctionConfiguration";
    type State = Lambda;
    type Input = UpdateInput;
    type Output = Configuration;

    async fn call(cx: &Cx<Lambda>, input: UpdateInput) -> Result<Configuration, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, None)?;
        let revision = input.revision_id.clone();
        // Seen again in the writing transaction; here it comes before everything about the new values.
        let (key, guard) = (asked.clone(), revision.clone());
        let function =
            transact_read(&*cx.store, move |tx| functions::changeable(tx, &key, guard.as_deref())).await?;
        let changes = input.check()?;
        let layers =
            changes.layers.as_deref().map(|arns| layers::check_layers(&cx.call, arns)).transpose()?;
        if let Some(role) = &changes.role {
            check_role(cx, role).await?;
        }
        let updated = cx.state().enduring(|lambda| async move {
            let layers = match layers {
                Some(layers) => Some(NewLayers {
                    layers,
                    code: function.code,
                    code_bytes: functions::unpack(&lambda, asked.name.as_str(), &function.code).await?,
                }),
                None => None,
            };
            let function = write(&lambda, &asked, revision, changes, layers).await?;
            functions::activate(&lambda, asked.owner.clone(), function.clone());
            let (worker, qualifier) = (&*lambda.worker, asked.qualifier.as_deref());
            Ok::<_, FunctionError>(Configuration::of(
                worker,
                &asked.owner,
                function,
                qualifier,
                Detail::Whole,
            ))
        });
        Ok(updated.await?)
    }
}

/// Layers, and the unpacked package that they share their limit with.
struct NewLayers {
    layers: Vec<LayerVersionRef>,
    code: BlobDigest,
    code_bytes: u64,
}

async fn write(
    lambda: &Lambda,
    asked: &Asked,
    revision: Option<String>,
    changes: Changes,
    layers: Option<NewLayers>,
) -> Result<Function, FunctionError> {
    let asked = asked.clone();
    let deprecated = lambda.options.deprecated_runtimes;
    let (now, revision_id) = (lambda.world.domain().now(), lambda.world.random().uuid());
    transact(&*lambda.store, move |tx| {
        let old = functions::changeable(tx, &asked, revision.as_deref())?;
        let mut new = changes.clone().applied_to(old.clone());
        runtimes::check_update_date(&new.runtime, deprecated, now)
            .map_err(|error| FunctionError::Parameter(error.to_string()))?;
        if let Some(NewLayers { layers, code, code_bytes }) = &layers {
            if *code != old.code {
                // Another update came and was made while this one measured the package.
                return Err(FunctionError::UpdateInProgress(asked.arn()));
            }
            new.layers = layers::used(tx, &asked.owner, &old, layers, *code_bytes)?;
        }
        functions::begin(tx, &asked.owner, old, Function { last_modified: now, revision_id, ..new })
    })
    .await
}
