//! UpdateRole: a role's description and its longest session. What is not given stays.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use crate::{Iam, roles};

pub(crate) struct UpdateRole;

shape! {
    pub(crate) struct Input {
        role_name: String,
        description: Option<String>,
        max_session_duration: Option<u32>,
    }
    pub(crate) struct Output {}
}

impl Operation for UpdateRole {
    const NAME: &'static str = "UpdateRole";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let Input { role_name, description, max_session_duration } = input;
        transact(&*cx.store, move |tx| {
            let description = description.clone();
            roles::update(tx, &account, &role_name, |role| {
                if let Some(description) = description {
                    role.description = Some(description).filter(|description| !description.is_empty());
                }
                role.session_seconds_max = max_session_duration.unwrap_or(role.session_seconds_max);
                Ok(())
            })
        })
        .await?;
        Ok(Output {})
    }
}
