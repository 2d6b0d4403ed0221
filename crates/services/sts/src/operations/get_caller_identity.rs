//! GetCallerIdentity: needs no permission, and is the first call of most tools.

use hearth_aws::{ApiError, Cx, Operation, shape};

use crate::Sts;

pub(crate) struct GetCallerIdentity;

shape! {
    pub(crate) struct Input {}
    pub(crate) struct Output {
        user_id: String,
        account: String,
        arn: String,
    }
}

impl Operation for GetCallerIdentity {
    const NAME: &'static str = "GetCallerIdentity";
    type State = Sts;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Sts>, _: Input) -> Result<Output, ApiError> {
        let caller = cx.call.caller.clone();
        // The caller's own account: a role's session may call from a function in another one.
        let account = caller.arn.split(':').nth(4).filter(|account| !account.is_empty());
        let account = account.unwrap_or(&cx.call.account).to_owned();
        Ok(Output { user_id: caller.user_id, account, arn: caller.arn })
    }
}
