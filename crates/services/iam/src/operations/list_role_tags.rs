//! ListRoleTags: the tags of a role.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use super::page::Page;
use super::role::Tag;
use crate::{Iam, roles};

pub(crate) struct ListRoleTags;

shape! {
    pub(crate) struct Input {
        role_name: String,
        marker: Option<String>,
        max_items: Option<u32>,
    }
    pub(crate) struct Output {
        tags: Vec<Tag>,
        is_truncated: bool,
        marker: Option<String>,
    }
}

impl Operation for ListRoleTags {
    const NAME: &'static str = "ListRoleTags";
    type State = Iam;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Iam>, input: Input) -> Result<Output, ApiError> {
        let account = cx.call.account.clone();
        let role = transact_read(&*cx.store, move |tx| roles::get(tx, &account, &input.role_name)).await?;
        let tags = role.tags.into_iter().map(|(key, value)| Tag { key, value });
        let Page { items, is_truncated, marker } = Page::of(tags, input.marker, input.max_items)?;
        Ok(Output { tags: items, is_truncated, marker })
    }
}
