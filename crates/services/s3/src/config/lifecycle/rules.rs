//! What the rules of a lifecycle mean for one object, one former version, one upload.
//!
//! Days are counted as S3 counts them: the time plus the days, up to the next midnight in UTC.

use std::time::Duration;

use hearth_world::Timestamp;
use s3s::dto::{BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule, Tag};
use time::OffsetDateTime;

/// One day.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// An object, or a version of it, as filters see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) key: &'a str,
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) tags: &'a [(String, String)],
}

/// When something goes, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Going<'a> {
    pub(crate) at: Timestamp,
    pub(crate) rule: &'a str,
}

impl Going<'_> {
    /// The header `x-amz-expiration`.
    pub(crate) fn header(&self) -> String {
        let date = self.at.format("%a, %d %b %Y %H:%M:%S GMT");
        format!("expiry-date=\"{date}\", rule-id=\"{}\"", encoded(self.rule))
    }
}

/// When the current version of an object expires: the soonest of all rules for it.
pub(crate) fn current<'c>(
    config: &'c BucketLifecycleConfiguration,
    subject: &Subject<'_>,
    modified: Timestamp,
) -> Option<Going<'c>> {
    soonest(enabled(config).filter(|rule| applies(rule, subject)).filter_map(|rule| {
        let expiration = rule.expiration.as_ref()?;
        let by_date = expiration.date.as_ref().map(|date| timestamp(date.clone()));
        let at = by_date.or_else(|| Some(midnight_after(modified, expiration.days?)))?;
        Some(Going { at, rule: rule.id.as_deref().unwrap_or_default() })
    }))
}

/// When a former version goes, which `newer` former versions are newer than.
pub(crate) fn noncurrent<'c>(
    config: &'c BucketLifecycleConfiguration,
    subject: &Subject<'_>,
    replaced: Timestamp,
    newer: u32,
) -> Option<Going<'c>> {
    soonest(enabled(config).filter(|rule| applies(rule, subject)).filter_map(|rule| {
        let expiration = rule.noncurrent_version_expiration.as_ref()?;
        let kept = u32::try_from(expiration.newer_noncurrent_versions.unwrap_or(0)).unwrap_or(0);
        let at = midnight_after(replaced, expiration.noncurrent_days?);
        (newer >= kept).then(|| Going { at, rule: rule.id.as_deref().unwrap_or_default() })
    }))
}

/// Whether a delete marker that nothing lies below goes. A rule with days does it too, once they are over.
pub(crate) fn lone_marker(
    config: &BucketLifecycleConfiguration,
    key: &str,
    made: Timestamp,
    now: Timestamp,
) -> bool {
    let subject = Subject { key, size: 0, tags: &[] };
    enabled(config).filter(|rule| applies(rule, &subject)).any(|rule| {
        let Some(expiration) = &rule.expiration else { return false };
        let days = expiration.days.is_some_and(|days| midnight_after(made, days) <= now);
        expiration.expired_object_delete_marker.unwrap_or(false) || days
    })
}

/// When an upload that nobody completes is aborted.
pub(crate) fn abort<'c>(
    config: &'c BucketLifecycleConfiguration,
    key: &str,
    initiated: Timestamp,
) -> Option<Going<'c>> {
    let subject = Subject { key, size: 0, tags: &[] };
    soonest(enabled(config).filter(|rule| applies(rule, &subject)).filter_map(|rule| {
        let abort = rule.abort_incomplete_multipart_upload.as_ref()?;
        let at = midnight_after(initiated, abort.days_after_initiation?);
        Some(Going { at, rule: rule.id.as_deref().unwrap_or_default() })
    }))
}

/// The first midnight in UTC that is not before this time plus so many days.
pub(super) fn midnight_after(time: Timestamp, days: i32) -> Timestamp {
    next_midnight(time.after(DAY * u32::try_from(days).unwrap_or(0)))
}

/// The first midnight in UTC that is not before this time.
pub(crate) fn next_midnight(time: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    let days = time.as_micros().div_euclid(day) + i64::from(time.as_micros().rem_euclid(day) > 0);
    Timestamp::from_micros(days.saturating_mul(day))
}

fn soonest<'c>(all: impl Iterator<Item = Going<'c>>) -> Option<Going<'c>> {
    all.min_by_key(|going| going.at)
}

pub(super) fn enabled(config: &BucketLifecycleConfiguration) -> impl Iterator<Item = &LifecycleRule> {
    config.rules.iter().filter(|rule| rule.status.as_str() == ExpirationStatus::ENABLED)
}

pub(super) fn applies(rule: &LifecycleRule, subject: &Subject<'_>) -> bool {
    let begins =
        |prefix: Option<&String>| prefix.is_none_or(|prefix| subject.key.starts_with(prefix.as_str()));
    let size = i64::try_from(subject.size).unwrap_or(i64::MAX);
    let fits = |above: Option<i64>, below: Option<i64>| {
        above.is_none_or(|above| size > above) && below.is_none_or(|below| size < below)
    };
    let has = |wanted: &Tag| {
        let found = subject.tags.iter().find(|(key, _)| Some(key) == wanted.key.as_ref());
        found.is_some_and(|(_, value)| Some(value) == wanted.value.as_ref())
    };
    let Some(filter) = &rule.filter else { return begins(rule.prefix.as_ref()) };
    begins(filter.prefix.as_ref())
        && fits(filter.object_size_greater_than, filter.object_size_less_than)
        && filter.tag.iter().all(has)
        && filter.and.as_ref().is_none_or(|and| {
            begins(and.prefix.as_ref())
                && fits(and.object_size_greater_than, and.object_size_less_than)
                && and.tags.iter().flatten().all(has)
        })
}

pub(super) fn timestamp(date: s3s::dto::Timestamp) -> Timestamp {
    let micros = OffsetDateTime::from(date).unix_timestamp_nanos() / 1_000;
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// An id in a header: percent-encoded where it is not plain ASCII.
fn encoded(id: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    id.bytes().map(byte).collect()
}
