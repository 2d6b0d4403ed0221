//! AttachRolePolicy: one of AWS's managed policies; a second time changes nothing.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use crate::error::RoleError;
use crate::{Iam, managed_policies, roles};

pub(crate) struct AttachRolePolicy;

shape! {
    pub(crate) struct Input {
        role_name: String,
        policy_arn: String,
    }
    pub(crate) struct Output {}
}

impl Operation for AttachRolePolicy {
    const NAME: &'static str = "AttachRolePolicy";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        transact(&*cx.store, move |tx| {
            roles::get(tx, &account, &input.role_name)?;
            if managed_policies::name(&input.policy_arn).is_none() {
                return Err(RoleError::NoPolicy(input.policy_arn.clone()));
            }
            roles::attach(tx, &account, &input.role_name, &input.policy_arn)
        })
        .await?;
        Ok(Output {})
    }
}
