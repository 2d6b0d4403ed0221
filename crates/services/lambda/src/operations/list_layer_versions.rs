//! ListLayerVersions: the versions of one layer, newest first, at most 50 a page. An unknown layer has none.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use super::list_layers::bad_marker;
use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::Owner;
use crate::layers::{self, Filter, LayerName, Listed};
use crate::limits::LIST_PAGE_MAX;

pub(crate) struct ListLayerVersions;

shape! {
    pub(crate) struct Input {
        compatible_architecture: Option<String>,
        compatible_runtime: Option<String>,
        layer_name: String,
        marker: Option<String>,
        max_items: Option<u32>,
    }
    pub(crate) struct Output {
        next_marker: Option<String>,
        layer_versions: Vec<Listed>,
    }
}

impl Operation for ListLayerVersions {
    const NAME: &'static str = "ListLayerVersions";
    type State = Lambda;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Output, ApiError> {
        let name = match LayerName::of(&cx.call, &input.layer_name) {
            Err(FunctionError::NothingThere) => {
                return Ok(Output { next_marker: None, layer_versions: Vec::new() });
            }
            name => name?,
        };
        // A marker is the number of the last version shown.
        let marker = input.marker.filter(|marker| !marker.is_empty());
        let before = marker.map(|marker| marker.parse::<u64>().map_err(|_| bad_marker())).transpose()?;
        let limit = input.max_items.unwrap_or(LIST_PAGE_MAX).clamp(1, LIST_PAGE_MAX) as usize;
        let filter =
            Filter { runtime: input.compatible_runtime, architecture: input.compatible_architecture };
        let owner = Owner::of(&cx.call);
        let key = owner.clone();
        let mut found = transact_read(&*cx.store, move |tx| {
            layers::versions(tx, &key, &name, before, &filter, limit + 1)
        })
        .await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next_marker = found.last().filter(|_| more).map(|layer| layer.version.to_string());
        let layer_versions = found.into_iter().map(|layer| Listed::of(&owner, layer)).collect();
        Ok(Output { next_marker, layer_versions })
    }
}
