//! Subscription filters: what of a group goes to a function.

use std::sync::Arc;

use hearth_aws::names::Arn;
use hearth_aws::{ApiError, Code, Cx, shape};

use super::family::{long, operation, owner, pattern, read, write};
use crate::error::LogsError;
use crate::subscriptions::{self, Subscription};
use crate::{Logs, groups};

/// How events are spread over a destination; a function gets one stream's in each call, whatever is said.
const BY_STREAM: &str = "ByLogStream";

/// AWS's answer for a function that is not there as well as for one that may not be called.
const NOT_CALLED: &str = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission \
                          to execute your function.";

shape! {
    camelCase;
    /// A filter as it is described.
    pub(super) struct SubscriptionFilter {
        filter_name: String,
        log_group_name: String,
        filter_pattern: String,
        destination_arn: String,
        distribution: String,
        apply_on_transformed_logs: bool,
        creation_time: i64,
    }
}

fn shown(filter: Subscription) -> SubscriptionFilter {
    SubscriptionFilter {
        filter_name: filter.name,
        log_group_name: filter.group,
        filter_pattern: filter.pattern,
        destination_arn: filter.destination,
        distribution: filter.distribution,
        apply_on_transformed_logs: false,
        creation_time: long(filter.created),
    }
}

operation! {
    /// Adds a filter or changes the one of its name.
    PutSubscriptionFilter {
        log_group_name: String,
        filter_name: String,
        filter_pattern: String,
        destination_arn: String,
        role_arn: Option<String>,
        distribution: Option<String>,
        apply_on_transformed_logs: Option<bool>,
        field_selection_criteria: Option<String>,
        emit_system_fields: Option<Vec<String>>,
    } => {} |cx, input| {
        pattern(Some(&input.filter_pattern))?;
        // GAP(logs): log transformers, and the fields that come with them.
        if input.apply_on_transformed_logs == Some(true) {
            return Err(LogsError::invalid("Hearth does not transform logs yet: applyOnTransformedLogs.").into());
        }
        let has_fields = input.emit_system_fields.is_some_and(|fields| !fields.is_empty());
        if has_fields || input.field_selection_criteria.is_some_and(|criteria| !criteria.is_empty()) {
            let text = "Hearth does not have system fields yet: emitSystemFields and fieldSelectionCriteria.";
            return Err(LogsError::invalid(text).into());
        }
        let name = input.log_group_name.clone();
        read(cx, move |tx, owner| groups::get(tx, owner, &name)).await?;
        check_destination(cx, &input.destination_arn, &input.log_group_name, input.role_arn.is_some()).await?;
        let wanted = Arc::new(Subscription {
            number: cx.number(),
            group: input.log_group_name,
            name: input.filter_name,
            pattern: input.filter_pattern,
            destination: input.destination_arn,
            distribution: input.distribution.unwrap_or_else(|| BY_STREAM.to_owned()),
            created: cx.now(),
        });
        write(cx, move |tx, owner| {
            let group = groups::get(tx, owner, &wanted.group)?;
            subscriptions::put(tx, owner, group.number, &wanted)
        })
        .await?;
        Ok(Output {})
    }
}

/// A destination is a function that exists, and that does not write into the very group.
async fn check_destination(
    cx: &Cx<Logs>,
    destination: &str,
    group: &str,
    has_role: bool,
) -> Result<(), ApiError> {
    let arn = Arn::parse(destination);
    let arn = arn.ok_or_else(|| LogsError::invalid(format!("Invalid destinationArn: {destination}")))?;
    match arn.service.as_str() {
        "lambda" => {}
        // GAP(logs): other destinations than functions.
        "kinesis" | "firehose" | "logs" => {
            let text = format!("Hearth delivers logs to Lambda functions only yet, not to {}.", arn.service);
            return Err(LogsError::Invalid(text).into());
        }
        other => {
            let text =
                format!("PutSubscriptionFilter operation cannot work with destinationArn for vendor {other}");
            return Err(LogsError::Invalid(text).into());
        }
    }
    if has_role {
        let text = "destinationArn for vendor lambda cannot be used with roleArn";
        return Err(LogsError::invalid(text).into());
    }
    let own = subscriptions::log_group_of(cx, &owner(cx), destination).await.map_err(|error| {
        if error.code == Code::ServiceFailure { error } else { LogsError::invalid(NOT_CALLED).into() }
    })?;
    if own == group {
        let text = "The log group provided is reserved for the function logs of the destination function.";
        return Err(LogsError::invalid(text).into());
    }
    Ok(())
}

operation! {
    /// A group's, in the order of their names.
    DescribeSubscriptionFilters {
        log_group_name: String,
        filter_name_prefix: Option<String>,
        next_token: Option<String>,
        limit: Option<u32>,
    } => { subscription_filters: Vec<SubscriptionFilter>, next_token: Option<String> } |cx, input| {
        let filters = read(cx, move |tx, owner| {
            let group = groups::get(tx, owner, &input.log_group_name)?;
            subscriptions::of(tx, owner, group.number)
        });
        let prefix = input.filter_name_prefix.unwrap_or_default();
        let after = input.next_token.unwrap_or_default();
        let mut filters = filters.await?.0;
        filters.retain(|filter| filter.name.starts_with(&prefix) && filter.name > after);
        let limit = input.limit.map_or(usize::MAX, |limit| limit as usize);
        let is_cut = filters.len() > limit;
        filters.truncate(limit);
        let next_token = filters.last().map(|filter| filter.name.clone()).filter(|_| is_cut);
        Ok(Output { subscription_filters: filters.into_iter().map(shown).collect(), next_token })
    }
}

operation! {
    /// What was not delivered yet is not any more.
    DeleteSubscriptionFilter { log_group_name: String, filter_name: String } => {} |cx, input| {
        write(cx, move |tx, owner| {
            let group = groups::get(tx, owner, &input.log_group_name)?;
            subscriptions::delete(tx, owner, group.number, &input.filter_name)
        })
        .await?;
        Ok(Output {})
    }
}
