//! ListFunctions: at most 50 functions a page, in the order of their names.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hearth_aws::names::{FunctionName, LATEST};
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Configuration, Detail, Owner};
use crate::limits::LIST_PAGE_MAX;

pub(crate) struct ListFunctions;

shape! {
    pub(crate) struct Input {
        master_region: Option<String>,
        function_version: Option<String>,
        marker: Option<String>,
        max_items: Option<u32>,
    }
    pub(crate) struct Output {
        next_marker: Option<String>,
        functions: Vec<Configuration>,
    }
}

impl Operation for ListFunctions {
    const NAME: &'static str = "ListFunctions";
    type State = Lambda;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Output, ApiError> {
        let every_version = input.function_version.is_some();
        if input.master_region.is_some() && !every_version {
            return Err(parameter("MasterRegion needs FunctionVersion to be ALL.").into());
        }
        // The master of every function here is its own region.
        if input.master_region.is_some_and(|region| region != "ALL" && region != cx.call.region) {
            return Ok(Output { next_marker: None, functions: Vec::new() });
        }
        let after =
            input.marker.filter(|marker| !marker.is_empty()).map(|marker| name_of(&marker)).transpose()?;
        let limit = input.max_items.unwrap_or(LIST_PAGE_MAX).clamp(1, LIST_PAGE_MAX);
        let owner = Owner::of(&cx.call);
        let key = owner.clone();
        let page =
            transact_read(&*cx.store, move |tx| functions::page(tx, &key, after.as_ref(), limit)).await?;
        let last = page.functions.last().filter(|_| page.more);
        let next_marker = last.map(|function| BASE64_URL_SAFE_NO_PAD.encode(function.name.as_str()));
        let qualifier = every_version.then_some(LATEST);
        let show = |function| Configuration::of(&*cx.worker, &owner, function, qualifier, Detail::Listed);
        Ok(Output { next_marker, functions: page.functions.into_iter().map(show).collect() })
    }
}

/// A marker is the name of the last function shown: it stays good when functions come and go.
fn name_of(marker: &str) -> Result<FunctionName, FunctionError> {
    let name = BASE64_URL_SAFE_NO_PAD.decode(marker).ok().and_then(|name| String::from_utf8(name).ok());
    let name = name.and_then(|name| FunctionName::parse(&name));
    name.ok_or_else(|| parameter("The Marker is not one that a page of this list ended with."))
}

fn parameter(text: &str) -> FunctionError {
    FunctionError::Parameter(text.to_owned())
}
