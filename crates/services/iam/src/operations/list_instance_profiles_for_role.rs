//! ListInstanceProfilesForRole: none: instance profiles are for EC2, and cannot be made here. Deploy tools
//! ask before they delete a role.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use crate::{Iam, roles};

pub(crate) struct ListInstanceProfilesForRole;

shape! {
    pub(crate) struct Input {
        role_name: String,
    }
    pub(crate) struct Output {
        instance_profiles: Vec<InstanceProfile>,
        is_truncated: bool,
    }
    pub(crate) struct InstanceProfile {}
}

impl Operation for ListInstanceProfilesForRole {
    const NAME: &'static str = "ListInstanceProfilesForRole";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        transact_read(&*cx.store, move |tx| roles::get(tx, &account, &input.role_name)).await?;
        Ok(Output { instance_profiles: Vec::new(), is_truncated: false })
    }
}
