//! Groups and who is in them.

use super::family::{new_id, operation, path, read, write};
use super::page::{Page, limit};
use super::shown::{GroupShown, UserShown};
use crate::groups::{self, Group};
use crate::users::User;
use crate::{names, records};

operation! {
    /// A group of nobody.
    CreateGroup { path: Option<String>, group_name: String } => { group: GroupShown } |cx, input| {
        let group = Group {
            name: input.group_name,
            id: new_id(cx, "AGPA"),
            path: path(input.path),
            created: cx.world.domain().now(),
        };
        let made = group.clone();
        write(cx, move |tx, account| names::insert(tx, account, &made)).await?;
        Ok(Output { group: GroupShown::of(&cx.call.account, group) })
    }
}

operation! {
    /// A group and its members, in the order of their ids.
    GetGroup { group_name: String, marker: Option<String>, max_items: Option<u32> }
    => { group: GroupShown, users: Vec<UserShown>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let limit = limit(input.max_items);
        let found = read(cx, move |tx, account| {
            let group: Group = records::get(tx, account, &input.group_name)?;
            let members = groups::members(tx, account, &group, input.marker.as_deref(), limit)?;
            Ok((group, members))
        });
        let (group, members) = found.await?;
        let page = Page::read(members, |user| user.id.clone());
        let Page { items, is_truncated, marker } =
            page.shown(|user| Some(UserShown::listed(&cx.call.account, user)));
        Ok(Output { group: GroupShown::of(&cx.call.account, group), users: items, is_truncated, marker })
    }
}

operation! {
    /// In the order of their names.
    ListGroups { path_prefix: Option<String>, marker: Option<String>, max_items: Option<u32> }
    => { groups: Vec<GroupShown>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let limit = limit(input.max_items);
        let found = read(cx, move |tx, account| {
            records::page::<Group>(tx, account, input.marker.as_deref(), limit)
        });
        let page = Page::read(found.await?, |group| group.name.clone());
        let prefix = path(input.path_prefix);
        let Page { items, is_truncated, marker } = page.shown(|group| {
            group.path.starts_with(&prefix).then(|| GroupShown::of(&cx.call.account, group))
        });
        Ok(Output { groups: items, is_truncated, marker })
    }
}

operation! {
    /// The groups that a user is in: ten at most.
    ListGroupsForUser { user_name: String, marker: Option<String>, max_items: Option<u32> }
    => { groups: Vec<GroupShown>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let found = read(cx, move |tx, account| {
            let user: User = records::get(tx, account, &input.user_name)?;
            groups::of_user(tx, account, &user)
        });
        let shown = found.await?.into_iter().map(|group| GroupShown::of(&cx.call.account, group));
        let Page { items, is_truncated, marker } = Page::of(shown, input.marker, input.max_items)?;
        Ok(Output { groups: items, is_truncated, marker })
    }
}

operation! {
    /// Another name or path; members and policies stay.
    UpdateGroup { group_name: String, new_path: Option<String>, new_group_name: Option<String> } => {} |cx, input| {
        write(cx, move |tx, account| {
            let (name, path) = (input.new_group_name.as_deref(), input.new_path.as_deref());
            names::rename::<Group>(tx, account, &input.group_name, name, path)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// A group that has neither members nor policies.
    DeleteGroup { group_name: String } => {} |cx, input| {
        write(cx, move |tx, account| groups::delete(tx, account, &input.group_name)).await?;
        Ok(Output {})
    }
}

operation! {
    /// One who is in it already stays so.
    AddUserToGroup { group_name: String, user_name: String } => {} |cx, input| {
        write(cx, move |tx, account| groups::add(tx, account, &input.group_name, &input.user_name)).await?;
        Ok(Output {})
    }
}

operation! {
    /// One who is not in it is no error.
    RemoveUserFromGroup { group_name: String, user_name: String } => {} |cx, input| {
        write(cx, move |tx, account| groups::remove(tx, account, &input.group_name, &input.user_name)).await?;
        Ok(Output {})
    }
}
