//! Log groups as they are kept. Everything here runs inside a transaction.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use hearth_store::{KeyRange, Order, Stored, Tx, VALUE_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::error::LogsError;
use crate::keys::Owner;
use crate::{expiry, metric_filters, subscriptions};

/// Tags of one resource.
pub(crate) const TAGS_MAX: usize = 50;

/// Groups of one account and region: AWS's quota.
const GROUPS_MAX: u32 = 1_000_000;

/// Days that PutRetentionPolicy takes, as its reference lists them.
pub(crate) const RETENTION_DAYS: [u32; 23] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
    3654,
];

/// A group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Its number, of no other group that is or was.
    pub(crate) number: u64,
    pub(crate) name: String,
    /// Milliseconds since 1970.
    pub(crate) created: u64,
    pub(crate) retention_days: Option<u32>,
    pub(crate) deletion_protection: bool,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Stored for Group {}

impl Group {
    /// A group without events.
    pub(crate) fn new(number: u64, name: &str, created: u64) -> Self {
        Self {
            number,
            name: name.to_owned(),
            created,
            retention_days: None,
            deletion_protection: false,
            tags: BTreeMap::new(),
        }
    }

    /// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`.
    pub(crate) fn arn(&self, owner: &Owner) -> String {
        format!("arn:aws:logs:{}:{}:log-group:{}", owner.region, owner.account, self.name)
    }

    /// How long events stay, if not for ever.
    pub(crate) fn retention(&self) -> Option<Duration> {
        self.retention_days.map(|days| Duration::from_secs(u64::from(days) * 86_400))
    }

    /// The time before which events have expired, in milliseconds since 1970.
    pub(crate) fn expired_before(&self, now: u64) -> u64 {
        let kept = self.retention().map(|kept| kept.as_millis() as u64);
        kept.map_or(0, |kept| now.saturating_sub(kept))
    }
}

pub(crate) fn find(tx: &mut dyn Tx, owner: &Owner, name: &str) -> Result<Option<Group>, LogsError> {
    Ok(tx.get(&owner.group(name))?.map(|record| Group::decode(&record)).transpose()?)
}

pub(crate) fn get(tx: &mut dyn Tx, owner: &Owner, name: &str) -> Result<Group, LogsError> {
    find(tx, owner, name)?.ok_or(LogsError::NoGroup)
}

pub(crate) fn insert(tx: &mut dyn Tx, owner: &Owner, group: &Group) -> Result<(), LogsError> {
    if find(tx, owner, &group.name)?.is_some() {
        return Err(LogsError::GroupExists);
    }
    put(tx, owner, group)
}

pub(crate) fn put(tx: &mut dyn Tx, owner: &Owner, group: &Group) -> Result<(), LogsError> {
    let record = group.encode()?;
    if record.len() > VALUE_BYTES_MAX {
        return Err(LogsError::invalid("The tags of the log group are larger than Hearth can keep."));
    }
    Ok(tx.put(&owner.group(&group.name), record)?)
}

/// The group is gone at once; what it held leaves the disk after that.
pub(crate) fn delete(tx: &mut dyn Tx, owner: &Owner, name: &str) -> Result<(), LogsError> {
    let group = get(tx, owner, name)?;
    if group.deletion_protection {
        return Err(LogsError::Validation(
            "The log group cannot be deleted because deletion protection is enabled.",
        ));
    }
    tx.delete(&owner.group(name))?;
    expiry::retention_changed(tx, owner, group.number, None)?;
    subscriptions::delete_all(tx, owner, group.number)?;
    metric_filters::delete_all(tx, owner, name)?;
    expiry::delete_group(tx, owner, group.number)
}

/// Adds tags.
pub(crate) fn tag(group: &mut Group, tags: BTreeMap<String, String>) -> Result<(), LogsError> {
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(LogsError::invalid("aws: prefixed tag key names are not allowed for external use."));
    }
    group.tags.extend(tags);
    if group.tags.len() > TAGS_MAX { Err(LogsError::TooManyTags(TAGS_MAX)) } else { Ok(()) }
}

/// At most `limit` groups that come after `after` and that are wanted; at most `looks` are looked at. The second
/// value is the last name that was looked at, when there may be more.
pub(crate) fn page(
    tx: &mut dyn Tx,
    owner: &Owner,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
    wanted: &dyn Fn(&Group) -> bool,
) -> Result<(Vec<Group>, Option<String>), LogsError> {
    let all = owner.groups();
    let first = owner.group(prefix).as_bytes().to_vec();
    // A text's key ends with a mark: without it the key is the front of all longer names.
    let front = first[..first.len() - 2].to_vec();
    let mut range = after.map_or(all.children(), |after| all.children_after(&owner.group(after)));
    range = KeyRange { from: range.from.max(front), to: range.to };
    let (mut found, mut last, mut failed) = (Vec::new(), None, None);
    let mut more = false;
    tx.scan(range, Order::Ascending, GROUPS_MAX, &mut |_, record| {
        match Group::decode(record) {
            Err(error) => failed = Some(error),
            Ok(group) if !group.name.starts_with(prefix) => {}
            Ok(_) if found.len() >= limit => more = true,
            Ok(group) => {
                last = Some(group.name.clone());
                if wanted(&group) {
                    found.push(group);
                }
                return ControlFlow::Continue(());
            }
        }
        ControlFlow::Break(())
    })?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok((found, last.filter(|_| more))),
    }
}

/// What a key without a value has.
pub(crate) fn nothing() -> Bytes {
    Bytes::new()
}
