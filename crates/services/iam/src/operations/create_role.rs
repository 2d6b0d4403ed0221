//! CreateRole: a role with its trust policy.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact;

use super::role::{Shown, Tag, pairs};
use crate::Iam;
use crate::error::RoleError;
use crate::roles::{self, Role};

pub(crate) struct CreateRole;

shape! {
    pub(crate) struct Input {
        path: Option<String>,
        role_name: String,
        assume_role_policy_document: String,
        description: Option<String>,
        max_session_duration: Option<u32>,
        permissions_boundary: Option<String>,
        tags: Option<Vec<Tag>>,
    }
    pub(crate) struct Output {
        role: Shown,
    }
}

/// `MaxSessionDuration` when none is given, in seconds.
const SESSION_SECONDS: u32 = 3_600;

impl Operation for CreateRole {
    const NAME: &'static str = "CreateRole";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        check(&input)?;
        let mut tags = Vec::new();
        roles::add_tags(&mut tags, pairs(input.tags.unwrap_or_default()))?;
        let role = Role {
            name: input.role_name,
            id: roles::new_id(cx.world.random()),
            path: input.path.unwrap_or_else(|| "/".to_owned()),
            trust_policy: input.assume_role_policy_document,
            description: input.description.filter(|description| !description.is_empty()),
            session_seconds_max: input.max_session_duration.unwrap_or(SESSION_SECONDS),
            created: cx.world.domain().now(),
            tags,
        };
        let (account, inserted) = (cx.call.account.clone(), role.clone());
        transact(&*cx.store, move |tx| roles::insert(tx, &account, &inserted)).await?;
        Ok(Output { role: Shown::whole(&cx.call.account, role) })
    }
}

fn check(input: &Input) -> Result<(), RoleError> {
    roles::check_trust_policy(&input.assume_role_policy_document)?;
    if input.permissions_boundary.is_some() {
        return Err(RoleError::NotSupported("PermissionsBoundary"));
    }
    Ok(())
}
