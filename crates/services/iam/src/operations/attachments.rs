//! Managed policies of users, groups and roles: the same three operations for each, and who has a policy.

use hearth_aws::shape;

use super::family::{operation, path, read, write};
use super::inline_policies::changeable;
use super::page::Page;
use crate::error::What;
use crate::policies;
use crate::principals::{self, Entities, Principal, Use};

shape! {
    pub(super) struct AttachedPolicy {
        policy_name: String,
        policy_arn: String,
    }
    pub(super) struct PolicyUser {
        user_name: String,
        user_id: String,
    }
    pub(super) struct PolicyGroup {
        group_name: String,
        group_id: String,
    }
    pub(super) struct PolicyRole {
        role_name: String,
        role_id: String,
    }
}

macro_rules! family {
    ($what:expr, $name:ident: $attach:ident $detach:ident $list:ident) => {
        operation! {
            /// One that is attached already stays so.
            $attach { $name: String, policy_arn: String } => {} |cx, input| {
                write(cx, move |tx, account| {
                    let principal = changeable(tx, account, $what, &input.$name)?;
                    principal.attach(tx, account, &input.policy_arn)
                })
                .await?;
                Ok(Output {})
            }
        }

        operation! {
            /// Takes a policy off.
            $detach { $name: String, policy_arn: String } => {} |cx, input| {
                write(cx, move |tx, account| {
                    let principal = changeable(tx, account, $what, &input.$name)?;
                    principal.detach(tx, account, &input.policy_arn)
                })
                .await?;
                Ok(Output {})
            }
        }

        operation! {
            /// The quota keeps them few.
            $list { $name: String, path_prefix: Option<String>, marker: Option<String>, max_items: Option<u32> }
            => { attached_policies: Vec<AttachedPolicy>, is_truncated: bool, marker: Option<String> } |cx, input| {
                let policies = read(cx, move |tx, account| {
                    Principal::get(tx, account, $what, &input.$name)?.attached(tx, account)
                });
                let prefix = path(input.path_prefix);
                let shown = policies.await?.into_iter().filter(|arn| path_of(arn).starts_with(&prefix)).map(shown);
                let Page { items, is_truncated, marker } = Page::of(shown, input.marker, input.max_items)?;
                Ok(Output { attached_policies: items, is_truncated, marker })
            }
        }
    };
}

family!(What::User, user_name: AttachUserPolicy DetachUserPolicy ListAttachedUserPolicies);
family!(What::Group, group_name: AttachGroupPolicy DetachGroupPolicy ListAttachedGroupPolicies);
family!(What::Role, role_name: AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies);

/// One who has a policy.
enum Entity {
    Group(PolicyGroup),
    User(PolicyUser),
    Role(PolicyRole),
}

operation! {
    /// Who has a policy, attached or as a boundary: groups, then users, then roles.
    ListEntitiesForPolicy {
        policy_arn: String,
        entity_filter: Option<String>,
        path_prefix: Option<String>,
        policy_usage_filter: Option<String>,
        marker: Option<String>,
        max_items: Option<u32>,
    } => {
        policy_groups: Vec<PolicyGroup>,
        policy_users: Vec<PolicyUser>,
        policy_roles: Vec<PolicyRole>,
        is_truncated: bool,
        marker: Option<String>,
    } |cx, input| {
        let used = match input.policy_usage_filter.as_deref() {
            Some("PermissionsBoundary") => Use::Boundary,
            _ => Use::Attached,
        };
        let found = read(cx, move |tx, account| {
            policies::get(tx, account, &input.policy_arn)?;
            principals::entities(tx, account, &input.policy_arn, used)
        });
        let entities = entities(found.await?, &path(input.path_prefix));
        let filter = input.entity_filter;
        let wanted = entities.into_iter().filter(|entity| match filter.as_deref() {
            Some("User") => matches!(entity, Entity::User(_)),
            Some("Group") => matches!(entity, Entity::Group(_)),
            Some("Role") => matches!(entity, Entity::Role(_)),
            Some("LocalManagedPolicy" | "AWSManagedPolicy") => false,
            _ => true,
        });
        let page = Page::of(wanted, input.marker, input.max_items)?;
        let mut output = Output {
            policy_groups: Vec::new(),
            policy_users: Vec::new(),
            policy_roles: Vec::new(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        };
        for entity in page.items {
            match entity {
                Entity::Group(group) => output.policy_groups.push(group),
                Entity::User(user) => output.policy_users.push(user),
                Entity::Role(role) => output.policy_roles.push(role),
            }
        }
        Ok(output)
    }
}

fn entities(found: Entities, prefix: &str) -> Vec<Entity> {
    let Entities { users, groups, roles } = found;
    let groups = groups.into_iter().filter(|group| group.path.starts_with(prefix));
    let groups = groups.map(|group| PolicyGroup { group_name: group.name, group_id: group.id });
    let users = users.into_iter().filter(|user| user.path.starts_with(prefix));
    let users = users.map(|user| PolicyUser { user_name: user.name, user_id: user.id });
    let roles = roles.into_iter().filter(|role| role.path.starts_with(prefix));
    let roles = roles.map(|role| PolicyRole { role_name: role.name, role_id: role.id });
    groups.map(Entity::Group).chain(users.map(Entity::User)).chain(roles.map(Entity::Role)).collect()
}

/// `/service-role/` of `arn:aws:iam::aws:policy/service-role/NAME`.
fn path_of(arn: &str) -> &str {
    let resource = arn.split_once(":policy").map_or("/", |(_, resource)| resource);
    resource.rfind('/').map_or("/", |end| &resource[..=end])
}

fn shown(policy_arn: String) -> AttachedPolicy {
    let name = policy_arn.rsplit('/').next().unwrap_or_default();
    AttachedPolicy { policy_name: name.to_owned(), policy_arn }
}
