//! DeleteFunction: the function goes with everything that belongs to it; what runs of it comes to its end.

use hearth_aws::names::{FunctionRef, LATEST};
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::{garbage, transact};

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions;
use crate::reference::Asked;

pub(crate) struct DeleteFunction;

shape! {
    pub(crate) struct Input {
        function_name: FunctionRef,
        qualifier: Option<String>,
    }
    pub(crate) struct Output {
        status_code: i64,
    }
}

impl Operation for DeleteFunction {
    const NAME: &'static str = "DeleteFunction";
    type State = Lambda;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Output, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, input.qualifier)?;
        match asked.qualifier.as_deref() {
            None => cx.state().enduring(|lambda| async move { delete(&lambda, asked).await }).await?,
            Some(LATEST) => return Err(FunctionError::DeleteLatest.into()),
            Some(version) if version.bytes().all(|byte| byte.is_ascii_digit()) => {
                delete_version(cx, asked).await?;
            }
            Some(_) => return Err(FunctionError::DeleteAlias.into()),
        }
        Ok(Output { status_code: 204 })
    }
}

async fn delete(lambda: &Lambda, asked: Asked) -> Result<(), FunctionError> {
    let (key, grace) = (asked.clone(), lambda.blobs.grace());
    let deleted = transact(&*lambda.store, move |tx| {
        let function = functions::get(tx, &key.owner, &key.name)?.ok_or_else(|| key.not_found())?;
        functions::delete(tx, &key.owner, &function)?;
        for digest in function.blobs() {
            garbage::release(tx, &digest, &key.owner.holder(&key.name), grace)?;
        }
        Ok::<_, FunctionError>(function)
    })
    .await?;
    lambda.revisions.forget(&asked.owner, &asked.name);
    lambda.scheduler.retire(deleted.serving().revision_id);
    Ok(())
}

/// A version that does not exist is deleted with success, if its function exists.
// GAP(versions): there is none that exists.
async fn delete_version(cx: &Cx<Lambda>, asked: Asked) -> Result<(), FunctionError> {
    hearth_store::transact_read(&*cx.store, move |tx| {
        functions::get(tx, &asked.owner, &asked.name)?.map(drop).ok_or_else(|| asked.not_found())
    })
    .await
}
