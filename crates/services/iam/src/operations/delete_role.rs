//! DeleteRole: refused while a policy is attached.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use crate::{Iam, roles};

pub(crate) struct DeleteRole;

shape! {
    pub(crate) struct Input {
        role_name: String,
    }
    pub(crate) struct Output {}
}

impl Operation for DeleteRole {
    const NAME: &'static str = "DeleteRole";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        transact(&*cx.store, move |tx| roles::delete(tx, &account, &input.role_name)).await?;
        Ok(Output {})
    }
}
