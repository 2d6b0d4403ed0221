//! The operations of the CloudWatch Logs API: a file each, or each family that shares its code.

mod family;
mod filter_log_events;
mod get_log_events;
mod groups;
mod live_tail;
mod metric_filters;
mod put_log_events;
mod streams;
mod subscription_filters;
mod tags;

use std::sync::Arc;

use hearth_aws::Service;

use crate::Logs;

pub(crate) use live_tail::Sessions;

/// The operations that are built.
pub fn service(state: Arc<Logs>) -> Service {
    Service::new("logs")
        .with::<groups::CreateLogGroup>(&state)
        .with::<streams::CreateLogStream>(&state)
        .with::<groups::DeleteLogGroup>(&state)
        .with::<streams::DeleteLogStream>(&state)
        .with::<metric_filters::DeleteMetricFilter>(&state)
        .with::<groups::DeleteRetentionPolicy>(&state)
        .with::<subscription_filters::DeleteSubscriptionFilter>(&state)
        .with::<groups::DescribeLogGroups>(&state)
        .with::<streams::DescribeLogStreams>(&state)
        .with::<metric_filters::DescribeMetricFilters>(&state)
        .with::<subscription_filters::DescribeSubscriptionFilters>(&state)
        .with::<filter_log_events::FilterLogEvents>(&state)
        .with::<get_log_events::GetLogEvents>(&state)
        .with::<tags::ListTagsForResource>(&state)
        .with::<tags::ListTagsLogGroup>(&state)
        .with::<put_log_events::PutLogEvents>(&state)
        .with::<groups::PutLogGroupDeletionProtection>(&state)
        .with::<metric_filters::PutMetricFilter>(&state)
        .with::<groups::PutRetentionPolicy>(&state)
        .with::<subscription_filters::PutSubscriptionFilter>(&state)
        .with::<live_tail::StartLiveTail>(&state)
        .with::<tags::TagLogGroup>(&state)
        .with::<tags::TagResource>(&state)
        .with::<metric_filters::TestMetricFilter>(&state)
        .with::<tags::UntagLogGroup>(&state)
        .with::<tags::UntagResource>(&state)
}
