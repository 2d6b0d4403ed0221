//! Roles: made, read, changed and deleted. Those of AWS's services are made by their service's name.

use super::family::{new_id, operation, path, read, write};
use super::page::{Page, limit};
use super::shown::{RoleShown, Tag, pairs};
use crate::error::IamError;
use crate::principals::Principal;
use crate::roles::{self, Role};
use crate::{documents, records, tags};

/// `MaxSessionDuration` when none is given, in seconds.
const SESSION_SECONDS: u32 = 3_600;

operation! {
    /// A role with its trust policy.
    CreateRole {
        path: Option<String>,
        role_name: String,
        assume_role_policy_document: String,
        description: Option<String>,
        max_session_duration: Option<u32>,
        permissions_boundary: Option<String>,
        tags: Option<Vec<Tag>>,
    } => { role: RoleShown } |cx, input| {
        check_trust(&input.assume_role_policy_document)?;
        let mut tags = Vec::new();
        tags::add(&mut tags, pairs(input.tags))?;
        let path = path(input.path);
        if path.starts_with("/aws-service-role/") {
            let text = "Service role paths are reserved for services; use CreateServiceLinkedRole.";
            return Err(IamError::Invalid(text.to_owned()).into());
        }
        let role = Role {
            name: input.role_name,
            id: new_id(cx, "AROA"),
            path,
            trust_policy: input.assume_role_policy_document,
            description: input.description.filter(|description| !description.is_empty()),
            session_seconds_max: input.max_session_duration.unwrap_or(SESSION_SECONDS),
            created: cx.world.domain().now(),
            tags,
            boundary: input.permissions_boundary,
        };
        let made = role.clone();
        write(cx, move |tx, account| roles::insert(tx, account, &made)).await?;
        Ok(Output { role: RoleShown::whole(&cx.call.account, role) })
    }
}

operation! {
    /// A role with its tags.
    GetRole { role_name: String } => { role: RoleShown } |cx, input| {
        let role = read(cx, move |tx, account| records::get(tx, account, &input.role_name)).await?;
        Ok(Output { role: RoleShown::read(&cx.call.account, role) })
    }
}

operation! {
    /// In the order of their names.
    ListRoles { path_prefix: Option<String>, marker: Option<String>, max_items: Option<u32> }
    => { roles: Vec<RoleShown>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let limit = limit(input.max_items);
        let found = read(cx, move |tx, account| {
            records::page::<Role>(tx, account, input.marker.as_deref(), limit)
        });
        let page = Page::read(found.await?, |role| role.name.clone());
        let prefix = path(input.path_prefix);
        let Page { items, is_truncated, marker } = page.shown(|role| {
            role.path.starts_with(&prefix).then(|| RoleShown::listed(&cx.call.account, role))
        });
        Ok(Output { roles: items, is_truncated, marker })
    }
}

operation! {
    /// A role's description and its longest session. What is not given stays.
    UpdateRole { role_name: String, description: Option<String>, max_session_duration: Option<u32> }
    => {} |cx, input| {
        write(cx, move |tx, account| {
            roles::update(tx, account, &input.role_name, |role| {
                if let Some(description) = &input.description {
                    role.description = Some(description.clone()).filter(|text| !text.is_empty());
                }
                role.session_seconds_max = input.max_session_duration.unwrap_or(role.session_seconds_max);
            })
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// A role's description.
    UpdateRoleDescription { role_name: String, description: String } => { role: RoleShown } |cx, input| {
        let changed = write(cx, move |tx, account| {
            roles::update(tx, account, &input.role_name, |role| {
                role.description = Some(input.description.clone()).filter(|text| !text.is_empty());
            })
        });
        Ok(Output { role: RoleShown::whole(&cx.call.account, changed.await?) })
    }
}

operation! {
    /// Another trust policy for a role.
    UpdateAssumeRolePolicy { role_name: String, policy_document: String } => {} |cx, input| {
        check_trust(&input.policy_document)?;
        write(cx, move |tx, account| {
            roles::update(tx, account, &input.role_name, |role| {
                role.trust_policy.clone_from(&input.policy_document);
            })
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// A role that has neither policies nor instance profiles.
    DeleteRole { role_name: String } => {} |cx, input| {
        write(cx, move |tx, account| roles::delete(tx, account, &input.role_name)).await?;
        Ok(Output {})
    }
}

operation! {
    /// The policy that limits what a role's policies may allow.
    PutRolePermissionsBoundary { role_name: String, permissions_boundary: String } => {} |cx, input| {
        write(cx, move |tx, account| {
            let mut role = roles::modifiable(tx, account, &input.role_name)?;
            let new = Some(input.permissions_boundary.as_str());
            Principal::of_role(&role).boundary_changed(tx, account, role.boundary.as_deref(), new)?;
            role.boundary = new.map(str::to_owned);
            records::put(tx, account, &role)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// No limit any more; without one it is no error.
    DeleteRolePermissionsBoundary { role_name: String } => {} |cx, input| {
        write(cx, move |tx, account| {
            let mut role = roles::modifiable(tx, account, &input.role_name)?;
            Principal::of_role(&role).boundary_changed(tx, account, role.boundary.as_deref(), None)?;
            role.boundary = None;
            records::put(tx, account, &role)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// The role of a service of AWS. Its policies are AWS's own, which are not known here: none is attached.
    CreateServiceLinkedRole {
        aws_service_name as "AWSServiceName": String,
        description: Option<String>,
        custom_suffix: Option<String>,
    } => { role: RoleShown } |cx, input| {
        let service = input.aws_service_name;
        let name = service_linked_name(&service, input.custom_suffix.as_deref())?;
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        let role = Role {
            id: new_id(cx, "AROA"),
            path: format!("/aws-service-role/{service}/"),
            trust_policy: trust,
            description: input.description.filter(|description| !description.is_empty()),
            session_seconds_max: SESSION_SECONDS,
            created: cx.world.domain().now(),
            tags: Vec::new(),
            boundary: None,
            name,
        };
        let made = role.clone();
        let inserted = write(cx, move |tx, account| {
            if records::find::<Role>(tx, account, &made.name)?.is_some() {
                let text = format!(
                    "Service role name {} has been taken in this account, please try a different suffix.",
                    made.name
                );
                return Err(IamError::Invalid(text));
            }
            roles::insert(tx, account, &made)
        });
        inserted.await?;
        Ok(Output { role: RoleShown::whole(&cx.call.account, role) })
    }
}

operation! {
    /// Done at once: nothing here uses the roles of AWS's services.
    DeleteServiceLinkedRole { role_name: String } => { deletion_task_id: String } |cx, input| {
        let task = cx.world.random().uuid();
        let deleted = write(cx, move |tx, account| {
            let role: Role = records::get(tx, account, &input.role_name)?;
            if !role.is_service_linked() {
                let text = format!("{} is not a service-linked role.", role.name);
                return Err(IamError::Invalid(text));
            }
            roles::remove(tx, account, &role)?;
            Ok(format!("task{}{}/{task}", role.path, role.name))
        });
        Ok(Output { deletion_task_id: deleted.await? })
    }
}

operation! {
    /// Every deletion that was answered is done.
    GetServiceLinkedRoleDeletionStatus { deletion_task_id: String } => { status: String } |cx, input| {
        if !input.deletion_task_id.starts_with("task/aws-service-role/") {
            let text = format!("The deletion task {} cannot be found.", input.deletion_task_id);
            return Err(IamError::Nothing(text).into());
        }
        Ok(Output { status: "SUCCEEDED".to_owned() })
    }
}

fn check_trust(document: &str) -> Result<(), IamError> {
    documents::check_trust(document)?;
    roles::check_trust_policy_size(document)
}

/// `AWSServiceRoleForAutoscaling_SUFFIX`. AWS's own spelling of a service's name is not always that of its host.
fn service_linked_name(service: &str, suffix: Option<&str>) -> Result<String, IamError> {
    let host = service.strip_suffix(".amazonaws.com").filter(|host| !host.is_empty());
    let host =
        host.filter(|host| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)));
    let host = host.ok_or_else(|| IamError::Invalid(format!("{service} is not a valid service name.")))?;
    let words = host.split(['.', '-']).filter(|word| !word.is_empty());
    let name: String = words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    let name = format!("AWSServiceRoleFor{name}");
    Ok(suffix.map_or(name.clone(), |suffix| format!("{name}_{suffix}")))
}
