//! DetachRolePolicy: what is not attached is an error.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use crate::{Iam, roles};

pub(crate) struct DetachRolePolicy;

shape! {
    pub(crate) struct Input {
        role_name: String,
        policy_arn: String,
    }
    pub(crate) struct Output {}
}

impl Operation for DetachRolePolicy {
    const NAME: &'static str = "DetachRolePolicy";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        transact(&*cx.store, move |tx| roles::detach(tx, &account, &input.role_name, &input.policy_arn))
            .await?;
        Ok(Output {})
    }
}
