//! PutRolePolicy: writes a policy into a role, over one of the same name.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use crate::stored::InlinePolicy;
use crate::{Iam, inline_policies, roles};

pub(crate) struct PutRolePolicy;

shape! {
    pub(crate) struct Input {
        role_name: String,
        policy_name: String,
        policy_document: String,
    }
    pub(crate) struct Output {}
}

impl Operation for PutRolePolicy {
    const NAME: &'static str = "PutRolePolicy";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        roles::check_document(&input.policy_document)?;
        let policy = InlinePolicy { name: input.policy_name, document: input.policy_document };
        transact(&*cx.store, move |tx| inline_policies::put(tx, &account, &input.role_name, &policy)).await?;
        Ok(Output {})
    }
}
