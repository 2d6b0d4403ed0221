//! Users: made, read, renamed and deleted.

use super::caller::{Subject, subject};
use super::family::{new_id, operation, path, read, write};
use super::page::{Page, limit};
use super::shown::{Tag, UserShown, pairs};
use crate::principals::Principal;
use crate::users::{self, User};
use crate::{names, records, tags};

operation! {
    /// A user without keys and policies.
    CreateUser {
        path: Option<String>,
        user_name: String,
        permissions_boundary: Option<String>,
        tags: Option<Vec<Tag>>,
    } => { user: UserShown } |cx, input| {
        let mut tags = Vec::new();
        tags::add(&mut tags, pairs(input.tags))?;
        let user = User {
            name: input.user_name,
            id: new_id(cx, "AIDA"),
            path: path(input.path),
            created: cx.world.domain().now(),
            boundary: input.permissions_boundary,
            tags,
        };
        let made = user.clone();
        write(cx, move |tx, account| users::insert(tx, account, &made)).await?;
        Ok(Output { user: UserShown::whole(&cx.call.account, user) })
    }
}

operation! {
    /// A user with its tags; without a name the caller, who may be the root.
    GetUser { user_name: Option<String> } => { user: UserShown } |cx, input| {
        let name = match subject(cx, input.user_name)? {
            Subject::User(name) => name,
            Subject::Root => return Ok(Output { user: UserShown::root(&cx.call.account) }),
        };
        let user = read(cx, move |tx, account| records::get(tx, account, &name)).await?;
        Ok(Output { user: UserShown::whole(&cx.call.account, user) })
    }
}

operation! {
    /// In the order of their names.
    ListUsers { path_prefix: Option<String>, marker: Option<String>, max_items: Option<u32> }
    => { users: Vec<UserShown>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let limit = limit(input.max_items);
        let found = read(cx, move |tx, account| {
            records::page::<User>(tx, account, input.marker.as_deref(), limit)
        });
        let page = Page::read(found.await?, |user| user.name.clone());
        let prefix = path(input.path_prefix);
        let Page { items, is_truncated, marker } = page.shown(|user| {
            user.path.starts_with(&prefix).then(|| UserShown::listed(&cx.call.account, user))
        });
        Ok(Output { users: items, is_truncated, marker })
    }
}

operation! {
    /// Another name or path; keys, groups and policies stay.
    UpdateUser { user_name: String, new_path: Option<String>, new_user_name: Option<String> } => {} |cx, input| {
        write(cx, move |tx, account| {
            let (name, path) = (input.new_user_name.as_deref(), input.new_path.as_deref());
            names::rename::<User>(tx, account, &input.user_name, name, path)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// A user that has no keys, groups and policies.
    DeleteUser { user_name: String } => {} |cx, input| {
        write(cx, move |tx, account| users::delete(tx, account, &input.user_name)).await?;
        Ok(Output {})
    }
}

operation! {
    /// The policy that limits what a user's policies may allow.
    PutUserPermissionsBoundary { user_name: String, permissions_boundary: String } => {} |cx, input| {
        write(cx, move |tx, account| {
            let mut user: User = records::get(tx, account, &input.user_name)?;
            let new = Some(input.permissions_boundary.as_str());
            Principal::of_user(&user).boundary_changed(tx, account, user.boundary.as_deref(), new)?;
            user.boundary = new.map(str::to_owned);
            records::put(tx, account, &user)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// No limit any more; without one it is no error.
    DeleteUserPermissionsBoundary { user_name: String } => {} |cx, input| {
        write(cx, move |tx, account| {
            let mut user: User = records::get(tx, account, &input.user_name)?;
            Principal::of_user(&user).boundary_changed(tx, account, user.boundary.as_deref(), None)?;
            user.boundary = None;
            records::put(tx, account, &user)
        })
        .await?;
        Ok(Output {})
    }
}
