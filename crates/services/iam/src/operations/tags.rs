//! Tags of users, roles, policies and instance profiles: the same three operations for each.

use super::family::{operation, read, write};
use super::page::Page;
use super::shown::{Tag, pairs, tag_list};
use crate::instance_profiles::InstanceProfile;
use crate::roles::Role;
use crate::users::User;
use crate::{policies, records, tags};

macro_rules! family {
    ($get:path, $name:ident: $tag:ident $untag:ident $list:ident) => {
        operation! {
            /// Adds tags, or gives those that are there other values.
            $tag { $name: String, tags: Vec<Tag> } => {} |cx, input| {
                let added = pairs(Some(input.tags));
                write(cx, move |tx, account| {
                    let mut record = $get(tx, account, &input.$name)?;
                    tags::add(&mut record.tags, added.clone())?;
                    records::put(tx, account, &record)
                })
                .await?;
                Ok(Output {})
            }
        }

        operation! {
            /// Keys that are not there are no error.
            $untag { $name: String, tag_keys: Vec<String> } => {} |cx, input| {
                write(cx, move |tx, account| {
                    let mut record = $get(tx, account, &input.$name)?;
                    tags::remove(&mut record.tags, &input.tag_keys);
                    records::put(tx, account, &record)
                })
                .await?;
                Ok(Output {})
            }
        }

        operation! {
            /// In the order in which they were added.
            $list { $name: String, marker: Option<String>, max_items: Option<u32> }
            => { tags: Vec<Tag>, is_truncated: bool, marker: Option<String> } |cx, input| {
                let record = read(cx, move |tx, account| $get(tx, account, &input.$name)).await?;
                let Page { items, is_truncated, marker } =
                    Page::of(tag_list(&record.tags), input.marker, input.max_items)?;
                Ok(Output { tags: items, is_truncated, marker })
            }
        }
    };
}

family!(records::get::<User>, user_name: TagUser UntagUser ListUserTags);
family!(records::get::<Role>, role_name: TagRole UntagRole ListRoleTags);
family!(policies::own, policy_arn: TagPolicy UntagPolicy ListPolicyTags);
family!(
    records::get::<InstanceProfile>,
    instance_profile_name: TagInstanceProfile UntagInstanceProfile ListInstanceProfileTags
);
