//! ListRolePolicies: names of the policies inside a role.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use super::page::Page;
use crate::{Iam, inline_policies, roles};

pub(crate) struct ListRolePolicies;

shape! {
    pub(crate) struct Input {
        role_name: String,
        marker: Option<String>,
        max_items: Option<u32>,
    }
    pub(crate) struct Output {
        policy_names: Vec<String>,
        is_truncated: bool,
        marker: Option<String>,
    }
}

impl Operation for ListRolePolicies {
    const NAME: &'static str = "ListRolePolicies";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let policies = transact_read(&*cx.store, move |tx| {
            let role = roles::get(tx, &account, &input.role_name)?;
            inline_policies::all(tx, &account, &role)
        })
        .await?;
        let names = policies.into_iter().map(|policy| policy.name);
        let Page { items, is_truncated, marker } = Page::of(names, input.marker, input.max_items)?;
        Ok(Output { policy_names: items, is_truncated, marker })
    }
}
