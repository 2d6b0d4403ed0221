//! Filters of groups: a pattern can be tried, and there are none of those that act on events.
//!
//! GAP(logs): metric filters wait for CloudWatch metrics, subscription filters for asynchronous invocations. Until
//! then PutMetricFilter and PutSubscriptionFilter are refused as not built, and what lists filters finds none.

use std::collections::BTreeMap;

use hearth_aws::{Document, shape};

use super::family::{operation, pattern, read};
use crate::error::LogsError;
use crate::groups;

shape! {
    camelCase;
    /// A message that matches.
    pub(super) struct MetricFilterMatchRecord {
        event_number: i64,
        event_message: String,
        extracted_values: BTreeMap<String, String>,
    }
}

operation! {
    /// Which of some messages match a pattern, and what it takes out of them.
    TestMetricFilter { filter_pattern: String, log_event_messages: Vec<String> }
    => { matches: Vec<MetricFilterMatchRecord> } |cx, input| {
        let pattern = pattern(Some(&input.filter_pattern))?;
        let numbered = (0..).zip(input.log_event_messages);
        let matching = numbered.filter(|(_, message)| pattern.matches(message));
        let matches = matching.map(|(event_number, event_message)| MetricFilterMatchRecord {
            event_number,
            extracted_values: pattern.extracted(&event_message),
            event_message,
        });
        Ok(Output { matches: matches.collect() })
    }
}

operation! {
    /// None, of a group that must be there.
    DescribeMetricFilters { log_group_name: Option<String> } => { metric_filters: Vec<Document> } |cx, input| {
        if let Some(name) = input.log_group_name {
            read(cx, move |tx, owner| groups::get(tx, owner, &name)).await?;
        }
        Ok(Output { metric_filters: Vec::new() })
    }
}

operation! {
    /// There is none to delete.
    DeleteMetricFilter { log_group_name: String } => {} |cx, input| {
        read(cx, move |tx, owner| groups::get(tx, owner, &input.log_group_name)).await?;
        Err(LogsError::NoFilter("metric filter").into())
    }
}

operation! {
    /// None, of a group that must be there.
    DescribeSubscriptionFilters { log_group_name: String } => { subscription_filters: Vec<Document> }
    |cx, input| {
        read(cx, move |tx, owner| groups::get(tx, owner, &input.log_group_name)).await?;
        Ok(Output { subscription_filters: Vec::new() })
    }
}

operation! {
    /// There is none to delete.
    DeleteSubscriptionFilter { log_group_name: String } => {} |cx, input| {
        read(cx, move |tx, owner| groups::get(tx, owner, &input.log_group_name)).await?;
        Err(LogsError::NoFilter("subscription filter").into())
    }
}
