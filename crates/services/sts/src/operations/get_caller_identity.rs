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

#[cfg(test)]
mod tests {
    use hearth_aws::{Call, Caller, Document};

    use super::*;

    #[tokio::test]
    async fn the_caller_learns_its_account_its_arn_and_its_id() {
        let caller = Caller {
            access_key_id: "ASIAEXAMPLE".into(),
            arn: "arn:aws:sts::123456789012:assumed-role/exec/thumbnail".into(),
            user_id: "AROAEXAMPLE:thumbnail".into(),
        };
        let call = Call {
            account: "000000000000".into(),
            region: "us-east-1".into(),
            caller,
            request_id: uuid::Uuid::nil(),
            service: "sts",
            operation: GetCallerIdentity::NAME,
            host: "127.0.0.1:4566".into(),
            trace_id: None,
        };
        let answer = crate::service(Sts::open()).answer(call, Document::Structure(vec![]));
        let answer = answer.expect("the operation is built").await.expect("it always succeeds");
        let text = |text: &str| Document::String(text.to_owned());
        let expected = vec![
            ("UserId", text("AROAEXAMPLE:thumbnail")),
            ("Account", text("123456789012")),
            ("Arn", text("arn:aws:sts::123456789012:assumed-role/exec/thumbnail")),
        ];
        assert_eq!(answer, Document::Structure(expected));
    }
}
