//! What no function here has, because the operation that would give it is not built: deploy tools and consoles ask for
//! it, and read AWS's answer for a function that has none. An operation leaves this file when its counterpart comes.

use hearth_aws::names::{FunctionRef, LATEST};
use hearth_aws::{ApiError, Cx, Document};
use hearth_store::transact_read;

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions;
use crate::reference::Asked;

/// A read about the function that was asked for: the members of its answer, and what finds them.
macro_rules! of_function {
    ($(#[$doc:meta])* $name:ident { $($output:tt)* } |$cx:ident, $asked:ident| $body:block) => {
        $(#[$doc])*
        pub(crate) struct $name;

        const _: () = {
            hearth_aws::shape! {
                pub struct Input { function_name: FunctionRef, qualifier: Option<String>, name: Option<String> }
                pub struct Output { $($output)* }
            }

            impl hearth_aws::Operation for $name {
                const NAME: &'static str = stringify!($name);
                type State = Lambda;
                type Input = Input;
                type Output = Output;

                #[allow(unused_variables)]
                async fn call($cx: &Cx<Lambda>, input: Input) -> Result<Output, ApiError> {
                    // The path of an alias says its name beside the function's.
                    let $asked = Asked::of(&$cx.call, &input.function_name, input.qualifier.or(input.name))?;
                    $body
                }
            }
        };
    };
}

of_function! {
    /// No function is signed.
    GetFunctionCodeSigningConfig { code_signing_config_arn: Option<String> } |cx, asked| {
        exists(cx, &asked).await?;
        Ok(Output { code_signing_config_arn: None })
    }
}

of_function! {
    /// No function has reserved concurrency: an empty answer, not an error.
    GetFunctionConcurrency { reserved_concurrent_executions: Option<u32> } |cx, asked| {
        if asked.qualifier.is_some() {
            return Err(FunctionError::Qualified.into());
        }
        exists(cx, &asked).await?;
        Ok(Output { reserved_concurrent_executions: None })
    }
}

of_function! {
    /// No function has a policy. AWS says the same where there is no function.
    GetPolicy { policy: Option<String> } |cx, asked| { Err(FunctionError::NothingThere.into()) }
}

of_function! {
    /// No function has a URL. AWS says the same where there is no function.
    GetFunctionUrlConfig { function_url: Option<String> } |cx, asked| { Err(FunctionError::NothingThere.into()) }
}

of_function! {
    /// No function has a URL.
    ListFunctionUrlConfigs { function_url_configs: Vec<Document> } |cx, asked| {
        exists_or(cx, &asked, "Function does not exist").await?;
        Ok(Output { function_url_configs: Vec::new() })
    }
}

of_function! {
    /// No function has an alias.
    ListAliases { aliases: Vec<Document> } |cx, asked| {
        exists(cx, &asked).await?;
        Ok(Output { aliases: Vec::new() })
    }
}

of_function! {
    /// No function has an alias. AWS says the same where there is no function.
    GetAlias { alias_arn: Option<String> } |cx, asked| {
        Err(FunctionError::Missing(format!("Cannot find alias arn: {}", asked.arn())).into())
    }
}

of_function! {
    /// No function has settings of its asynchronous invocations. AWS says the same where there is no function.
    GetFunctionEventInvokeConfig { function_arn: Option<String> } |cx, asked| {
        let qualifier = Some(asked.qualifier.clone().unwrap_or(LATEST.to_owned()));
        let arn = Asked { qualifier, ..asked }.arn();
        Err(FunctionError::Missing(format!("The function {arn} doesn't have an EventInvokeConfig")).into())
    }
}

of_function! {
    /// No function has settings of its asynchronous invocations.
    ListFunctionEventInvokeConfigs { function_event_invoke_configs: Vec<Document> } |cx, asked| {
        exists_or(cx, &asked, "The function doesn't exist.").await?;
        Ok(Output { function_event_invoke_configs: Vec::new() })
    }
}

of_function! {
    /// No function has provisioned concurrency.
    ListProvisionedConcurrencyConfigs { provisioned_concurrency_configs: Vec<Document> } |cx, asked| {
        exists(cx, &asked).await?;
        Ok(Output { provisioned_concurrency_configs: Vec::new() })
    }
}

async fn exists(cx: &Cx<Lambda>, asked: &Asked) -> Result<(), FunctionError> {
    let key = asked.clone();
    transact_read(&*cx.store, move |tx| {
        functions::get(tx, &key.owner, &key.name)?.map(drop).ok_or_else(|| key.not_found())
    })
    .await
}

/// The same, with another text for a function that is not there.
async fn exists_or(cx: &Cx<Lambda>, asked: &Asked, text: &str) -> Result<(), FunctionError> {
    exists(cx, asked).await.map_err(|error| match error {
        FunctionError::NotFound(_) => FunctionError::Missing(text.to_owned()),
        error => error,
    })
}
