//! Metric filters as they are kept. Everything here runs inside a transaction.
//!
//! GAP(metrics): a filter is checked, kept and shown; it publishes nothing until CloudWatch metrics are there.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use hearth_store::{Key, Order, Stored, Tx, VALUE_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::error::LogsError;
use crate::keys::Owner;

/// Metric filters of one group: AWS's quota.
const FILTERS_MAX: u32 = 100;

/// One filter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MetricFilter {
    /// The group's name.
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) transformation: Transformation,
    /// Milliseconds since 1970.
    pub(crate) created: u64,
}

impl Stored for MetricFilter {}

/// What a match publishes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transformation {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) value: String,
    pub(crate) default_value: Option<f64>,
    pub(crate) dimensions: Option<BTreeMap<String, String>>,
    pub(crate) unit: Option<String>,
}

impl MetricFilter {
    fn key(&self, owner: &Owner) -> Key {
        owner.metric_filters_of(&self.group).text(&self.name)
    }
}

/// Adds a filter, or changes the one of its name.
pub(crate) fn put(tx: &mut dyn Tx, owner: &Owner, filter: &MetricFilter) -> Result<(), LogsError> {
    let key = filter.key(owner);
    let known = tx.get(&key)?.map(|record| MetricFilter::decode(&record)).transpose()?;
    if known.is_none() && count(tx, owner, &filter.group)? >= FILTERS_MAX {
        return Err(LogsError::Limit);
    }
    let created = known.map_or(filter.created, |known| known.created);
    let record = MetricFilter { created, ..filter.clone() }.encode()?;
    if record.len() > VALUE_BYTES_MAX {
        return Err(LogsError::invalid("The metric filter is larger than Hearth can keep."));
    }
    Ok(tx.put(&key, record)?)
}

/// How many filters a group has.
pub(crate) fn count(tx: &mut dyn Tx, owner: &Owner, group: &str) -> Result<u32, LogsError> {
    let mut count = 0;
    tx.scan(owner.metric_filters_of(group).children(), Order::Ascending, FILTERS_MAX, &mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

pub(crate) fn delete(tx: &mut dyn Tx, owner: &Owner, group: &str, name: &str) -> Result<(), LogsError> {
    let key = owner.metric_filters_of(group).text(name);
    tx.get(&key)?.ok_or(LogsError::NoFilter("metric filter"))?;
    Ok(tx.delete(&key)?)
}

/// The group is gone, and its filters with it.
pub(crate) fn delete_all(tx: &mut dyn Tx, owner: &Owner, group: &str) -> Result<(), LogsError> {
    let mut keys = Vec::new();
    tx.scan(owner.metric_filters_of(group).children(), Order::Ascending, FILTERS_MAX, &mut |key, _| {
        keys.push(Key::from_bytes(key));
        ControlFlow::Continue(())
    })?;
    Ok(keys.iter().try_for_each(|key| tx.delete(key))?)
}

/// A page of filters, and group and name of its last one when there may be more.
pub(crate) type Page = (Vec<MetricFilter>, Option<(String, String)>);

/// At most `limit` wanted filters of a group, or of all groups, behind a group and a name; the last of them, when
/// there may be more.
pub(crate) fn page(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: Option<&str>,
    after: Option<&(String, String)>,
    limit: usize,
    wanted: &dyn Fn(&MetricFilter) -> bool,
) -> Result<Page, LogsError> {
    let all = group.map_or_else(|| owner.metric_filters(), |group| owner.metric_filters_of(group));
    let mut range = all.children();
    if let Some((group, name)) = after {
        let key = owner.metric_filters_of(group).text(name);
        range.from = range.from.max([key.as_bytes(), &[0]].concat());
    }
    let (mut found, mut more, mut failed) = (Vec::<MetricFilter>::new(), false, None);
    tx.scan(range, Order::Ascending, u32::MAX, &mut |_, record| {
        match MetricFilter::decode(record) {
            Err(error) => failed = Some(error),
            Ok(filter) if !wanted(&filter) => return ControlFlow::Continue(()),
            Ok(_) if found.len() >= limit => more = true,
            Ok(filter) => {
                found.push(filter);
                return ControlFlow::Continue(());
            }
        }
        ControlFlow::Break(())
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let last = found.last().map(|filter| (filter.group.clone(), filter.name.clone()));
    Ok((found, last.filter(|_| more)))
}
