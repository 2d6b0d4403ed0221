//! DeleteLayerVersion: the version goes, if it is there. Functions that use it hold its package themselves.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::{garbage, transact};

use super::get_layer_version::version;
use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Owner};
use crate::layers::{self, LayerName};

pub(crate) struct DeleteLayerVersion;

shape! {
    pub(crate) struct Input {
        layer_name: String,
        version_number: i64,
    }
    pub(crate) struct Output {}
}

impl Operation for DeleteLayerVersion {
    const NAME: &'static str = "DeleteLayerVersion";
    type State = Lambda;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Output, ApiError> {
        let version = version(input.version_number)?;
        let name = match LayerName::of(&cx.call, &input.layer_name) {
            // A layer that is not there is deleted already.
            Err(FunctionError::NothingThere) => return Ok(Output {}),
            name => name?,
        };
        let (owner, grace) = (Owner::of(&cx.call), cx.blobs.grace());
        transact(&*cx.store, move |tx| {
            let Some(layer) = layers::get(tx, &owner, &name, version)? else { return Ok(()) };
            layers::delete(tx, &owner, &name, version)?;
            garbage::release(tx, &layer.digest, &layer.holder(&owner), grace)?;
            functions::charge(tx, &owner, layer.bytes, 0)
        })
        .await?;
        Ok(Output {})
    }
}
