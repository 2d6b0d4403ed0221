//! GetRolePolicy: a policy inside a role.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::{Tx, transact_read};

use super::role::encoded;
use crate::{Iam, inline_policies};

pub(crate) struct GetRolePolicy;

shape! {
    pub(crate) struct Input {
        role_name: String,
        policy_name: String,
    }
    pub(crate) struct Output {
        role_name: String,
        policy_name: String,
        policy_document: String,
    }
}

impl Operation for GetRolePolicy {
    const NAME: &'static str = "GetRolePolicy";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let (role_name, name) = (input.role_name.clone(), input.policy_name);
        let read = move |tx: &mut dyn Tx| inline_policies::get(tx, &account, &role_name, &name);
        let policy = transact_read(&*cx.store, read).await?;
        Ok(Output {
            role_name: input.role_name,
            policy_name: policy.name,
            policy_document: encoded(&policy.document),
        })
    }
}
