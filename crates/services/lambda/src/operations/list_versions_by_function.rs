//! ListVersionsByFunction: `$LATEST`, the only version that there is.

use hearth_aws::names::{FunctionRef, LATEST};
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use crate::Lambda;
use crate::functions::{self, Configuration, Detail};
use crate::reference::Asked;

pub(crate) struct ListVersionsByFunction;

shape! {
    pub(crate) struct Input {
        function_name: FunctionRef,
    }
    pub(crate) struct Output {
        versions: Vec<Configuration>,
    }
}

impl Operation for ListVersionsByFunction {
    const NAME: &'static str = "ListVersionsByFunction";
    type State = Lambda;
    type Input = Input;
    type Output = Output;

    // GAP(versions): one page holds them all.
    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Output, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, None)?;
        let key = asked.clone();
        let function = transact_read(&*cx.store, move |tx| {
            functions::get(tx, &key.owner, &key.name)?.ok_or_else(|| key.not_found())
        })
        .await?;
        let latest = Configuration::of(&*cx.worker, &asked.owner, function, Some(LATEST), Detail::Listed);
        Ok(Output { versions: vec![latest] })
    }
}
