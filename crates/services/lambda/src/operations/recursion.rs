//! PutFunctionRecursionConfig and GetFunctionRecursionConfig: whether a function that calls itself through a queue, a
//! topic or a bucket is stopped (`Terminate`) or goes on (`Allow`).
//!
//! GAP(recursion): nothing here calls functions by way of queues, topics or buckets yet, so no loop is there to be
//! stopped; whoever builds the first such way asks [`functions::allows_recursion`].

use hearth_aws::names::FunctionRef;
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::{Tx, transact, transact_read};

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions;
use crate::reference::Asked;

const ALLOW: &str = "Allow";
const TERMINATE: &str = "Terminate";

pub(crate) struct PutFunctionRecursionConfig;
pub(crate) struct GetFunctionRecursionConfig;

shape! {
    pub(crate) struct PutInput {
        function_name: FunctionRef,
        recursive_loop: String,
    }
    pub(crate) struct GetInput {
        function_name: FunctionRef,
    }
    pub(crate) struct Output {
        recursive_loop: String,
    }
}

impl Operation for PutFunctionRecursionConfig {
    const NAME: &'static str = "PutFunctionRecursionConfig";
    type State = Lambda;
    type Input = PutInput;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: PutInput) -> Result<Output, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, None)?;
        let allow = input.recursive_loop == ALLOW;
        transact(&*cx.store, move |tx| {
            exists(tx, &asked)?;
            functions::allow_recursion(tx, &asked.owner, &asked.name, allow)
        })
        .await?;
        Ok(shown(allow))
    }
}

impl Operation for GetFunctionRecursionConfig {
    const NAME: &'static str = "GetFunctionRecursionConfig";
    type State = Lambda;
    type Input = GetInput;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: GetInput) -> Result<Output, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, None)?;
        let allow = transact_read(&*cx.store, move |tx| {
            exists(tx, &asked)?;
            functions::allows_recursion(tx, &asked.owner, &asked.name)
        });
        Ok(shown(allow.await?))
    }
}

fn exists(tx: &mut dyn Tx, asked: &Asked) -> Result<(), FunctionError> {
    if asked.qualifier.is_some() {
        return Err(FunctionError::Qualified);
    }
    functions::get(tx, &asked.owner, &asked.name)?.map(drop).ok_or_else(|| asked.not_found())
}

fn shown(allow: bool) -> Output {
    Output { recursive_loop: if allow { ALLOW } else { TERMINATE }.to_owned() }
}
