//! GetFunction: the configuration, a link to the package, and the tags when there are any.

use hearth_aws::names::FunctionRef;
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::{Tx, transact_read};

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Configuration, Detail, Function, Tags};
use crate::reference::Asked;

pub(crate) struct GetFunction;

shape! {
    pub(crate) struct Input {
        function_name: FunctionRef,
        qualifier: Option<String>,
    }
    pub(crate) struct Output {
        configuration: Configuration,
        code: FunctionCodeLocation,
        tags: Option<Tags>,
    }
    pub(crate) struct FunctionCodeLocation {
        repository_type: String,
        location: String,
    }
}

impl Operation for GetFunction {
    const NAME: &'static str = "GetFunction";
    type State = Lambda;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Output, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, input.qualifier)?;
        let key = asked.clone();
        let (function, tags) = transact_read(&*cx.store, move |tx| -> Result<_, FunctionError> {
            Ok((existing(tx, &key)?, functions::tags(tx, &key.owner, &key.name)?))
        })
        .await?;
        let Asked { owner, qualifier, .. } = asked;
        Ok(Output {
            code: FunctionCodeLocation {
                repository_type: "S3".to_owned(),
                location: cx.package_link(&owner, &function, &cx.call.host),
            },
            // Tags belong to the function, and are shown only when it is asked for without a qualifier.
            tags: (qualifier.is_none() && !tags.is_empty()).then_some(tags),
            configuration: Configuration::of(
                &*cx.worker,
                &owner,
                function,
                qualifier.as_deref(),
                Detail::Whole,
            ),
        })
    }
}

/// The function that was asked for: `$LATEST`, the only version there is.
// GAP(versions): numbers and aliases are not found.
pub(super) fn existing(tx: &mut dyn Tx, asked: &Asked) -> Result<Function, FunctionError> {
    let found = functions::get(tx, &asked.owner, &asked.name)?;
    found.filter(|_| asked.is_latest()).ok_or_else(|| asked.not_found())
}
