//! TagRole: adds tags, or changes those that are there.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use super::role::{Tag, pairs};
use crate::{Iam, roles};

pub(crate) struct TagRole;

shape! {
    pub(crate) struct Input {
        role_name: String,
        tags: Vec<Tag>,
    }
    pub(crate) struct Output {}
}

impl Operation for TagRole {
    const NAME: &'static str = "TagRole";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let tags = pairs(input.tags);
        transact(&*cx.store, move |tx| {
            let tags = tags.clone();
            roles::update(tx, &account, &input.role_name, |role| roles::add_tags(&mut role.tags, tags))
        })
        .await?;
        Ok(Output {})
    }
}
