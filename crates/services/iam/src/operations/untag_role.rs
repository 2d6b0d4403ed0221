//! UntagRole: takes tags away; keys that are not there are no error.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use crate::{Iam, roles};

pub(crate) struct UntagRole;

shape! {
    pub(crate) struct Input {
        role_name: String,
        tag_keys: Vec<String>,
    }
    pub(crate) struct Output {}
}

impl Operation for UntagRole {
    const NAME: &'static str = "UntagRole";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let keys = input.tag_keys;
        transact(&*cx.store, move |tx| {
            roles::update(tx, &account, &input.role_name, |role| {
                role.tags.retain(|(key, _)| !keys.iter().any(|gone| gone.eq_ignore_ascii_case(key)));
                Ok(())
            })
        })
        .await?;
        Ok(Output {})
    }
}
