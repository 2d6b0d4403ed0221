//! ListLayers: the newest fitting version of every layer, at most 50 a page, in the order of their names.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::Owner;
use crate::layers::{self, Filter, LayerName, LayerVersion, Listed};
use crate::limits::LIST_PAGE_MAX;

pub(crate) struct ListLayers;

shape! {
    pub(crate) struct Input {
        compatible_architecture: Option<String>,
        compatible_runtime: Option<String>,
        marker: Option<String>,
        max_items: Option<u32>,
    }
    pub(crate) struct Output {
        next_marker: Option<String>,
        layers: Vec<Layer>,
    }
    pub(crate) struct Layer {
        layer_name: String,
        layer_arn: String,
        latest_matching_version: Listed,
    }
}

impl Operation for ListLayers {
    const NAME: &'static str = "ListLayers";
    type State = Lambda;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Output, ApiError> {
        let after = input.marker.filter(|marker| !marker.is_empty()).map(|marker| name_of(&marker));
        let limit = input.max_items.unwrap_or(LIST_PAGE_MAX).clamp(1, LIST_PAGE_MAX) as usize;
        let filter =
            Filter { runtime: input.compatible_runtime, architecture: input.compatible_architecture };
        let owner = Owner::of(&cx.call);
        // One more tells whether there is a next page.
        let mut found = fitting(cx, &owner, after.transpose()?, &filter, limit + 1).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let next_marker = last.map(|layer| BASE64_URL_SAFE_NO_PAD.encode(layer.name.as_str()));
        let show = |layer: LayerVersion| Layer {
            layer_name: layer.name.to_string(),
            layer_arn: layer.name.arn(&owner),
            latest_matching_version: Listed::of(&owner, layer),
        };
        Ok(Output { next_marker, layers: found.into_iter().map(show).collect() })
    }
}

/// At most `limit` layers that have a fitting version; read page by page, each in a transaction.
async fn fitting(
    cx: &Cx<Lambda>,
    owner: &Owner,
    mut after: Option<LayerName>,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<LayerVersion>, FunctionError> {
    let mut found = Vec::new();
    loop {
        let (owner, filter, last) = (owner.clone(), filter.clone(), after.clone());
        let page = transact_read(&*cx.store, move |tx| {
            let names = layers::names(tx, &owner, last.as_ref(), LIST_PAGE_MAX)?;
            let version = |name: &LayerName| layers::latest(tx, &owner, name, &filter);
            let versions: Result<Vec<_>, FunctionError> = names.iter().map(version).collect();
            Ok::<_, FunctionError>((names, versions?))
        });
        let (names, versions) = page.await?;
        found.extend(versions.into_iter().flatten());
        let is_end = names.len() < LIST_PAGE_MAX as usize;
        after = names.last().cloned();
        if is_end || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

/// A marker is the name of the last layer shown.
fn name_of(marker: &str) -> Result<LayerName, FunctionError> {
    let name = BASE64_URL_SAFE_NO_PAD.decode(marker).ok().and_then(|name| String::from_utf8(name).ok());
    name.and_then(|name| LayerName::parse(&name)).ok_or_else(bad_marker)
}

pub(super) fn bad_marker() -> FunctionError {
    FunctionError::Parameter("The Marker is not one that a page of this list ended with.".to_owned())
}
