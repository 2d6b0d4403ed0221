//! ListAttachedRolePolicies: all of a role's policies in one page; the quota keeps them few.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use super::page::Page;
use crate::{Iam, managed_policies, roles};

pub(crate) struct ListAttachedRolePolicies;

shape! {
    pub(crate) struct Input {
        role_name: String,
        path_prefix: Option<String>,
        marker: Option<String>,
        max_items: Option<u32>,
    }
    pub(crate) struct Output {
        attached_policies: Vec<AttachedPolicy>,
        is_truncated: bool,
        marker: Option<String>,
    }
    pub(crate) struct AttachedPolicy {
        policy_name: String,
        policy_arn: String,
    }
}

impl Operation for ListAttachedRolePolicies {
    const NAME: &'static str = "ListAttachedRolePolicies";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let policies = transact_read(&*cx.store, move |tx| {
            let role = roles::get(tx, &account, &input.role_name)?;
            roles::attached(tx, &account, &role.name)
        })
        .await?;
        let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
        let found = policies.into_iter().filter(|arn| path(arn).starts_with(&prefix));
        let Page { items, is_truncated, marker } = Page::of(found.map(shown), input.marker, input.max_items)?;
        Ok(Output { attached_policies: items, is_truncated, marker })
    }
}

/// `/service-role/` of `arn:aws:iam::aws:policy/service-role/NAME`.
fn path(arn: &str) -> &str {
    let resource = arn.split_once(":policy").map_or("/", |(_, resource)| resource);
    resource.rfind('/').map_or("/", |end| &resource[..=end])
}

fn shown(policy_arn: String) -> AttachedPolicy {
    let name = managed_policies::name(&policy_arn).unwrap_or_default();
    AttachedPolicy { policy_name: name.to_owned(), policy_arn }
}
