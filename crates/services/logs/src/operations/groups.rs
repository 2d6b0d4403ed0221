//! Groups: made, listed, kept for how long, deleted.

use std::collections::BTreeMap;

use hearth_aws::shape;

use super::family::{long, named, operation, owner, read, write};
use crate::error::LogsError;
use crate::groups::{self, Group, RETENTION_DAYS};
use crate::keys::Owner;
use crate::{expiry, metric_filters};

/// Groups of one page: AWS's limit and default.
const PAGE: usize = 50;

shape! {
    camelCase;
    /// A group as it is described.
    pub(super) struct GroupShown {
        log_group_name: String,
        creation_time: i64,
        retention_in_days: Option<u32>,
        metric_filter_count: i64,
        arn: String,
        stored_bytes: i64,
        log_group_class: String,
        log_group_arn: String,
        deletion_protection_enabled: bool,
    }
}

fn shown(owner: &Owner, (group, metric_filters): (Group, u32)) -> GroupShown {
    let arn = group.arn(owner);
    GroupShown {
        creation_time: long(group.created),
        retention_in_days: group.retention_days,
        metric_filter_count: metric_filters.into(),
        arn: format!("{arn}:*"),
        // AWS counts what it bills, hours later.
        stored_bytes: 0,
        log_group_class: "STANDARD".to_owned(),
        log_group_arn: arn,
        deletion_protection_enabled: group.deletion_protection,
        log_group_name: group.name,
    }
}

operation! {
    /// A group without streams.
    CreateLogGroup {
        log_group_name: String,
        kms_key_id: Option<String>,
        tags: Option<BTreeMap<String, String>>,
        log_group_class: Option<String>,
        deletion_protection_enabled: Option<bool>,
    } => {} |cx, input| {
        if input.log_group_name.to_ascii_lowercase().starts_with("aws/") {
            return Err(LogsError::invalid("Log groups starting with AWS/ are reserved for AWS.").into());
        }
        // GAP(logs): groups encrypted with a customer's key, and the classes other than STANDARD.
        if input.kms_key_id.is_some() {
            return Err(LogsError::invalid("Hearth does not encrypt log groups with KMS keys yet.").into());
        }
        if let Some(class) = input.log_group_class.filter(|class| class != "STANDARD") {
            return Err(LogsError::invalid(format!("Hearth has no log group class {class} yet.")).into());
        }
        let mut group = Group::new(cx.number(), &input.log_group_name, cx.now());
        group.deletion_protection = input.deletion_protection_enabled.unwrap_or(false);
        groups::tag(&mut group, input.tags.unwrap_or_default())?;
        write(cx, move |tx, owner| groups::insert(tx, owner, &group)).await?;
        Ok(Output {})
    }
}

operation! {
    /// The group with all it holds.
    DeleteLogGroup { log_group_name: String } => {} |cx, input| {
        write(cx, move |tx, owner| groups::delete(tx, owner, &input.log_group_name)).await?;
        Ok(Output {})
    }
}

operation! {
    /// In the order of their names.
    DescribeLogGroups {
        account_identifiers: Option<Vec<String>>,
        log_group_name_prefix: Option<String>,
        log_group_name_pattern: Option<String>,
        next_token: Option<String>,
        limit: Option<u32>,
        log_group_class: Option<String>,
        log_group_identifiers: Option<Vec<String>>,
    } => { log_groups: Vec<GroupShown>, next_token: Option<String> } |cx, input| {
        if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
            let text = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.";
            return Err(LogsError::invalid(text).into());
        }
        let owner = owner(cx);
        let is_ours = input.account_identifiers.is_none_or(|accounts| accounts.contains(&owner.account))
            && input.log_group_class.is_none_or(|class| class == "STANDARD");
        let wanted = input.log_group_identifiers.map(|identifiers| {
            identifiers.iter().map(|identifier| named(&owner, identifier)).collect::<Result<Vec<_>, _>>()
        });
        let wanted = wanted.transpose()?;
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let found = read(cx, move |tx, owner| {
            let pattern = input.log_group_name_pattern.as_deref().unwrap_or_default();
            let (found, next) = groups::page(
                tx,
                owner,
                input.log_group_name_prefix.as_deref().unwrap_or_default(),
                input.next_token.as_deref(),
                limit,
                &|group: &Group| {
                    is_ours
                        && group.name.contains(pattern)
                        && wanted.as_ref().is_none_or(|wanted| wanted.contains(&group.name))
                },
            )?;
            let counted = found.into_iter().map(|group| {
                let filters = metric_filters::count(tx, owner, &group.name)?;
                Ok((group, filters))
            });
            Ok((counted.collect::<Result<Vec<_>, LogsError>>()?, next))
        });
        let (found, next_token) = found.await?;
        Ok(Output { log_groups: found.into_iter().map(|group| shown(&owner, group)).collect(), next_token })
    }
}

operation! {
    /// Events leave the group when they are so old; those that are already, now.
    PutRetentionPolicy { log_group_name: String, retention_in_days: u32 } => {} |cx, input| {
        let days = input.retention_in_days;
        if !RETENTION_DAYS.contains(&days) {
            let allowed = RETENTION_DAYS.map(|days| days.to_string()).join(", ");
            let text = format!(
                "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: \
                 Member must satisfy enum value set: [{allowed}]"
            );
            return Err(LogsError::Invalid(text).into());
        }
        retain(cx, input.log_group_name, Some(days)).await?;
        Ok(Output {})
    }
}

operation! {
    /// Events stay for ever.
    DeleteRetentionPolicy { log_group_name: String } => {} |cx, input| {
        retain(cx, input.log_group_name, None).await?;
        Ok(Output {})
    }
}

async fn retain(
    cx: &hearth_aws::Cx<crate::Logs>,
    name: String,
    days: Option<u32>,
) -> Result<(), hearth_aws::ApiError> {
    write(cx, move |tx, owner| {
        let mut group = groups::get(tx, owner, &name)?;
        group.retention_days = days;
        groups::put(tx, owner, &group)?;
        expiry::retention_changed(tx, owner, group.number, Some(&group))
    })
    .await
}

operation! {
    /// Whether DeleteLogGroup is refused.
    PutLogGroupDeletionProtection { log_group_identifier: String, deletion_protection_enabled: bool } => {}
    |cx, input| {
        let name = named(&owner(cx), &input.log_group_identifier)?;
        write(cx, move |tx, owner| {
            let mut group = groups::get(tx, owner, &name)?;
            group.deletion_protection = input.deletion_protection_enabled;
            groups::put(tx, owner, &group)
        })
        .await?;
        Ok(Output {})
    }
}
