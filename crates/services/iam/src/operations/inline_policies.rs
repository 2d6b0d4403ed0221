//! Policies inside users, groups and roles: the same four operations for each.

use super::family::{operation, read, write};
use super::page::Page;
use super::shown::encoded;
use crate::error::{IamError, What};
use crate::inline_policies::{self, InlinePolicy};
use crate::principals::Principal;
use crate::{documents, roles};

macro_rules! family {
    ($what:expr, $name:ident: $put:ident $get:ident $delete:ident $list:ident) => {
        operation! {
            /// Writes a policy, over one of the same name if there is one.
            $put { $name: String, policy_name: String, policy_document: String } => {} |cx, input| {
                documents::check_inline(&input.policy_document)?;
                let policy = InlinePolicy { name: input.policy_name, document: input.policy_document };
                write(cx, move |tx, account| {
                    let principal = changeable(tx, account, $what, &input.$name)?;
                    inline_policies::put(tx, account, &principal, &policy)
                })
                .await?;
                Ok(Output {})
            }
        }

        operation! {
            /// The document as it was written, URL-encoded.
            $get { $name: String, policy_name: String }
            => { $name: String, policy_name: String, policy_document: String } |cx, input| {
                let found = read(cx, move |tx, account| {
                    let principal = Principal::get(tx, account, $what, &input.$name)?;
                    let policy = inline_policies::get(tx, account, &principal, &input.policy_name)?;
                    Ok((principal.name, policy))
                });
                let (name, policy) = found.await?;
                let policy_document = encoded(&policy.document);
                Ok(Output { $name: name, policy_name: policy.name, policy_document })
            }
        }

        operation! {
            /// Takes a policy out.
            $delete { $name: String, policy_name: String } => {} |cx, input| {
                write(cx, move |tx, account| {
                    let principal = changeable(tx, account, $what, &input.$name)?;
                    inline_policies::delete(tx, account, &principal, &input.policy_name)
                })
                .await?;
                Ok(Output {})
            }
        }

        operation! {
            /// Their names, in order.
            $list { $name: String, marker: Option<String>, max_items: Option<u32> }
            => { policy_names: Vec<String>, is_truncated: bool, marker: Option<String> } |cx, input| {
                let names = read(cx, move |tx, account| {
                    let principal = Principal::get(tx, account, $what, &input.$name)?;
                    inline_policies::names(tx, account, &principal)
                });
                let Page { items, is_truncated, marker } =
                    Page::of(names.await?, input.marker, input.max_items)?;
                Ok(Output { policy_names: items, is_truncated, marker })
            }
        }
    };
}

family!(What::User, user_name: PutUserPolicy GetUserPolicy DeleteUserPolicy ListUserPolicies);
family!(What::Group, group_name: PutGroupPolicy GetGroupPolicy DeleteGroupPolicy ListGroupPolicies);
family!(What::Role, role_name: PutRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies);

/// One whose policies a customer may change.
pub(super) fn changeable(
    tx: &mut dyn hearth_store::Tx,
    account: &str,
    what: What,
    name: &str,
) -> Result<Principal, IamError> {
    match what {
        What::Role => Ok(Principal::of_role(&roles::modifiable(tx, account, name)?)),
        _ => Principal::get(tx, account, what, name),
    }
}
