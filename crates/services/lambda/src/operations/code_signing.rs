//! Code signing, of which there is nothing: CreateCodeSigningConfig is not built, so no configuration can be found,
//! listed or given to a function. Deploy tools read and remove what they never set.

use hearth_aws::names::FunctionRef;
use hearth_aws::{ApiError, Cx, Document, Operation, shape};
use hearth_store::transact_read;

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions;
use crate::reference::Asked;

shape! {
    pub(crate) struct ListInput {}
    pub(crate) struct ListOutput {
        code_signing_configs: Vec<Document>,
    }
    pub(crate) struct ConfigInput {
        code_signing_config_arn: String,
    }
    pub(crate) struct Nothing {}
    pub(crate) struct PutInput {
        code_signing_config_arn: String,
        function_name: FunctionRef,
    }
    pub(crate) struct DeleteInput {
        function_name: FunctionRef,
    }
}

pub(crate) struct ListCodeSigningConfigs;

impl Operation for ListCodeSigningConfigs {
    const NAME: &'static str = "ListCodeSigningConfigs";
    type State = Lambda;
    type Input = ListInput;
    type Output = ListOutput;

    async fn call(_: &Cx<Lambda>, _: ListInput) -> Result<ListOutput, ApiError> {
        Ok(ListOutput { code_signing_configs: Vec::new() })
    }
}

/// Operations on a configuration, none of which is there.
macro_rules! of_configuration {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl Operation for $name {
            const NAME: &'static str = stringify!($name);
            type State = Lambda;
            type Input = ConfigInput;
            type Output = Nothing;

            async fn call(_: &Cx<Lambda>, input: ConfigInput) -> Result<Nothing, ApiError> {
                let arn = input.code_signing_config_arn;
                let text = format!("The Lambda code signing configuration {arn} can not be found.");
                Err(ApiError::from(FunctionError::Missing(text)).without_type())
            }
        }
    )*};
}

of_configuration! {
    /// Finds none.
    GetCodeSigningConfig;
    /// Finds none.
    DeleteCodeSigningConfig;
    /// Finds none.
    ListFunctionsByCodeSigningConfig;
}

/// Gives a function a configuration, which is looked for before the function is.
pub(crate) struct PutFunctionCodeSigningConfig;

impl Operation for PutFunctionCodeSigningConfig {
    const NAME: &'static str = "PutFunctionCodeSigningConfig";
    type State = Lambda;
    type Input = PutInput;
    type Output = Nothing;

    async fn call(_: &Cx<Lambda>, input: PutInput) -> Result<Nothing, ApiError> {
        Err(FunctionError::NoCodeSigningConfig(input.code_signing_config_arn).into())
    }
}

/// Takes a function's configuration away, also when it has none.
pub(crate) struct DeleteFunctionCodeSigningConfig;

impl Operation for DeleteFunctionCodeSigningConfig {
    const NAME: &'static str = "DeleteFunctionCodeSigningConfig";
    type State = Lambda;
    type Input = DeleteInput;
    type Output = Nothing;

    async fn call(cx: &Cx<Lambda>, input: DeleteInput) -> Result<Nothing, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, None)?;
        transact_read(&*cx.store, move |tx| {
            functions::get(tx, &asked.owner, &asked.name)?.map(drop).ok_or_else(|| asked.not_found())
        })
        .await?;
        Ok(Nothing {})
    }
}
