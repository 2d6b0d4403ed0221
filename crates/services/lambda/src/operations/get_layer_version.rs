//! GetLayerVersion and GetLayerVersionByArn: one version of a layer, with a link to its package.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::Owner;
use crate::layers::{self, LayerName, LayerVersionRef, Published};

pub(crate) struct GetLayerVersion;
pub(crate) struct GetLayerVersionByArn;

shape! {
    pub(crate) struct Input {
        layer_name: String,
        version_number: i64,
    }
    pub(crate) struct ByArnInput {
        arn: String,
    }
}

impl Operation for GetLayerVersion {
    const NAME: &'static str = "GetLayerVersion";
    type State = Lambda;
    type Input = Input;
    type Output = Published;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Published, ApiError> {
        let name = LayerName::of(&cx.call, &input.layer_name)?;
        Ok(get(cx, name, version(input.version_number)?).await?)
    }
}

impl Operation for GetLayerVersionByArn {
    const NAME: &'static str = "GetLayerVersionByArn";
    type State = Lambda;
    type Input = ByArnInput;
    type Output = Published;

    async fn call(cx: &Cx<Lambda>, input: ByArnInput) -> Result<Published, ApiError> {
        let asked = LayerVersionRef::parse(&input.arn).ok_or(FunctionError::NothingThere)?;
        let name = LayerName::of(&cx.call, asked.layer_arn())?;
        Ok(get(cx, name, version(i64::try_from(asked.version).unwrap_or(i64::MAX))?).await?)
    }
}

/// Versions are counted from 1.
pub(super) fn version(given: i64) -> Result<u64, FunctionError> {
    let version = u64::try_from(given).ok().filter(|version| *version > 0);
    version.ok_or_else(|| FunctionError::Parameter("Layer Version Cannot be less than 1".to_owned()))
}

async fn get(cx: &Cx<Lambda>, name: LayerName, version: u64) -> Result<Published, FunctionError> {
    let owner = Owner::of(&cx.call);
    let key = owner.clone();
    let found = transact_read(&*cx.store, move |tx| layers::get(tx, &key, &name, version)).await?;
    let layer = found.ok_or(FunctionError::NothingThere)?;
    Ok(Published::of(cx.state(), &owner, layer, &cx.call.host))
}
