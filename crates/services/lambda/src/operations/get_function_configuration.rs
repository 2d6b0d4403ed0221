//! GetFunctionConfiguration: what waiters poll until the function is Active.

use hearth_aws::names::FunctionRef;
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use super::get_function::existing;
use crate::Lambda;
use crate::functions::{Configuration, Detail};
use crate::reference::Asked;

pub(crate) struct GetFunctionConfiguration;

shape! {
    pub(crate) struct Input {
        function_name: FunctionRef,
        qualifier: Option<String>,
    }
}

impl Operation for GetFunctionConfiguration {
    const NAME: &'static str = "GetFunctionConfiguration";
    type State = Lambda;
    type Input = Input;
    type Output = Configuration;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Configuration, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, input.qualifier)?;
        let key = asked.clone();
        let function = transact_read(&*cx.store, move |tx| existing(tx, &key)).await?;
        Ok(Configuration::of(&*cx.worker, &asked.owner, function, asked.qualifier.as_deref(), Detail::Whole))
    }
}
