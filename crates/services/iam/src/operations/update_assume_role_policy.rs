//! UpdateAssumeRolePolicy: another trust policy for a role.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use crate::{Iam, roles};

pub(crate) struct UpdateAssumeRolePolicy;

shape! {
    pub(crate) struct Input {
        role_name: String,
        policy_document: String,
    }
    pub(crate) struct Output {}
}

impl Operation for UpdateAssumeRolePolicy {
    const NAME: &'static str = "UpdateAssumeRolePolicy";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let document = input.policy_document;
        roles::check_trust_policy(&document)?;
        transact(&*cx.store, move |tx| {
            let trust_policy = document.clone();
            roles::update(tx, &account, &input.role_name, |role| {
                role.trust_policy = trust_policy;
                Ok(())
            })
        })
        .await?;
        Ok(Output {})
    }
}
