//! ListAttachedRolePolicies: all of a role's policies in one page; the quota keeps them few.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use crate::error::RoleError;
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
        let first = match input.marker {
            Some(marker) => marker.parse().map_err(|_| RoleError::Marker)?,
            None => 0,
        };
        let limit = input.max_items.map_or(usize::MAX, |items| items as usize);
        let mut rest = policies.into_iter().filter(|arn| path(arn).starts_with(&prefix)).skip(first);
        let attached_policies: Vec<_> = rest.by_ref().take(limit).map(shown).collect();
        let is_truncated = rest.next().is_some();
        let marker = is_truncated.then(|| (first + attached_policies.len()).to_string());
        Ok(Output { attached_policies, is_truncated, marker })
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
