//! ListRoles: in the order of their names, 100 a page unless fewer are asked for.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use super::role::Shown;
use crate::{Iam, roles};

pub(crate) struct ListRoles;

shape! {
    pub(crate) struct Input {
        path_prefix: Option<String>,
        marker: Option<String>,
        max_items: Option<u32>,
    }
    pub(crate) struct Output {
        roles: Vec<Shown>,
        is_truncated: bool,
        marker: Option<String>,
    }
}

/// Roles looked at for one page, when fewer are asked for than that.
const PAGE: u32 = 100;

/// `MaxItems` of the model.
const PAGE_MAX: u32 = 1_000;

impl Operation for ListRoles {
    const NAME: &'static str = "ListRoles";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let limit = input.max_items.unwrap_or(PAGE).clamp(1, PAGE_MAX);
        let (page, is_truncated) =
            transact_read(&*cx.store, move |tx| roles::page(tx, &account, input.marker.as_deref(), limit))
                .await?;
        // The marker is the last role looked at: a page may hold fewer than asked for, as AWS's may.
        let marker = page.last().filter(|_| is_truncated).map(|role| role.name.clone());
        let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
        let shown = page.into_iter().filter(|role| role.path.starts_with(&prefix));
        let roles = shown.map(|role| Shown::listed(&cx.call.account, role)).collect();
        Ok(Output { roles, is_truncated, marker })
    }
}
