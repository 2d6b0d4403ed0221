//! Tags of groups, by the API of old that names the group and by the one that has its ARN.

use std::collections::BTreeMap;

use super::family::{named, operation, owner, read, write};
use crate::error::LogsError;
use crate::groups;

operation! {
    /// Adds tags.
    TagResource { resource_arn: String, tags: BTreeMap<String, String> } => {} |cx, input| {
        let name = named(&owner(cx), &input.resource_arn)?;
        write(cx, move |tx, owner| {
            let mut group = groups::get(tx, owner, &name)?;
            groups::tag(&mut group, input.tags.clone())?;
            groups::put(tx, owner, &group)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// Adds tags.
    TagLogGroup { log_group_name: String, tags: BTreeMap<String, String> } => {} |cx, input| {
        write(cx, move |tx, owner| {
            let mut group = groups::get(tx, owner, &input.log_group_name)?;
            match groups::tag(&mut group, input.tags.clone()) {
                // This operation's model has no other error for it.
                Err(error @ LogsError::TooManyTags(_)) => return Err(LogsError::Invalid(error.to_string())),
                tagged => tagged?,
            }
            groups::put(tx, owner, &group)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// Removes tags; those that are not there are no error.
    UntagResource { resource_arn: String, tag_keys: Vec<String> } => {} |cx, input| {
        let name = named(&owner(cx), &input.resource_arn)?;
        write(cx, move |tx, owner| {
            let mut group = groups::get(tx, owner, &name)?;
            group.tags.retain(|key, _| !input.tag_keys.contains(key));
            groups::put(tx, owner, &group)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// Removes tags; those that are not there are no error.
    UntagLogGroup { log_group_name: String, tags: Vec<String> } => {} |cx, input| {
        write(cx, move |tx, owner| {
            let mut group = groups::get(tx, owner, &input.log_group_name)?;
            group.tags.retain(|key, _| !input.tags.contains(key));
            groups::put(tx, owner, &group)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// All tags.
    ListTagsForResource { resource_arn: String } => { tags: BTreeMap<String, String> } |cx, input| {
        let name = named(&owner(cx), &input.resource_arn)?;
        let group = read(cx, move |tx, owner| groups::get(tx, owner, &name)).await?;
        Ok(Output { tags: group.tags })
    }
}

operation! {
    /// All tags.
    ListTagsLogGroup { log_group_name: String } => { tags: BTreeMap<String, String> } |cx, input| {
        let group = read(cx, move |tx, owner| groups::get(tx, owner, &input.log_group_name)).await?;
        Ok(Output { tags: group.tags })
    }
}
