//! GetRuntimeManagementConfig and PutRuntimeManagementConfig: which version of its runtime a function gets, and when.
//!
//! Functions run on this host's interpreters, whatever their version is: that is AWS's `Auto`. The other modes keep a
//! function at a version, which cannot be done with an interpreter that belongs to the host, so they are refused.

use hearth_aws::names::{FunctionRef, LATEST};
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use super::get_function::existing;
use crate::Lambda;
use crate::error::FunctionError;
use crate::parameters::not_supported;
use crate::reference::Asked;

const AUTO: &str = "Auto";
const MANUAL: &str = "Manual";

pub(crate) struct GetRuntimeManagementConfig;
pub(crate) struct PutRuntimeManagementConfig;

shape! {
    pub(crate) struct GetInput {
        function_name: FunctionRef,
        qualifier: Option<String>,
    }
    pub(crate) struct PutInput {
        function_name: FunctionRef,
        qualifier: Option<String>,
        update_runtime_on: String,
        runtime_version_arn: Option<String>,
    }
    pub(crate) struct Output {
        update_runtime_on: String,
        function_arn: String,
        runtime_version_arn: Option<String>,
    }
}

impl Operation for GetRuntimeManagementConfig {
    const NAME: &'static str = "GetRuntimeManagementConfig";
    type State = Lambda;
    type Input = GetInput;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: GetInput) -> Result<Output, ApiError> {
        automatic(cx, Asked::of(&cx.call, &input.function_name, input.qualifier)?).await
    }
}

impl Operation for PutRuntimeManagementConfig {
    const NAME: &'static str = "PutRuntimeManagementConfig";
    type State = Lambda;
    type Input = PutInput;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: PutInput) -> Result<Output, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, input.qualifier)?;
        let answer = automatic(cx, asked).await?;
        let named = input.runtime_version_arn.is_some_and(|arn| !arn.is_empty());
        match input.update_runtime_on.as_str() {
            MANUAL if !named => Err(parameter("RuntimeVersionArn is needed when UpdateRuntimeOn is Manual.")),
            AUTO if named => {
                Err(parameter("RuntimeVersionArn is given only when UpdateRuntimeOn is Manual."))
            }
            AUTO => Ok(answer),
            mode => Err(not_supported(&format!("UpdateRuntimeOn {mode}")).into()),
        }
    }
}

fn parameter(text: &str) -> ApiError {
    FunctionError::Parameter(text.to_owned()).into()
}

/// What every function has. The ARN of the answer names the version that was asked for.
async fn automatic(cx: &Cx<Lambda>, asked: Asked) -> Result<Output, ApiError> {
    let key = asked.clone();
    transact_read(&*cx.store, move |tx| existing(tx, &key).map(drop)).await?;
    let qualifier = Some(asked.qualifier.clone().unwrap_or(LATEST.to_owned()));
    Ok(Output {
        update_runtime_on: AUTO.to_owned(),
        function_arn: Asked { qualifier, ..asked }.arn(),
        runtime_version_arn: None,
    })
}
