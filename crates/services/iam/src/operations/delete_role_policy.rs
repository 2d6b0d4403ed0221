//! DeleteRolePolicy: takes a policy out of a role.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use crate::{Iam, inline_policies};

pub(crate) struct DeleteRolePolicy;

shape! {
    pub(crate) struct Input {
        role_name: String,
        policy_name: String,
    }
    pub(crate) struct Output {}
}

impl Operation for DeleteRolePolicy {
    const NAME: &'static str = "DeleteRolePolicy";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let name = input.policy_name;
        transact(&*cx.store, move |tx| inline_policies::delete(tx, &account, &input.role_name, &name))
            .await?;
        Ok(Output {})
    }
}
