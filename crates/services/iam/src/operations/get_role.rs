//! GetRole: a role with its tags.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use super::role::Shown;
use crate::{Iam, roles};

pub(crate) struct GetRole;

shape! {
    pub(crate) struct Input {
        role_name: String,
    }
    pub(crate) struct Output {
        role: Shown,
    }
}

impl Operation for GetRole {
    const NAME: &'static str = "GetRole";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let role = transact_read(&*cx.store, move |tx| roles::get(tx, &account, &input.role_name)).await?;
        Ok(Output { role: Shown::read(&cx.call.account, role) })
    }
}
