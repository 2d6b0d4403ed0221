//! The lifecycle of a bucket: kept, shown, and looked at once a day.

use hearth_store::Tx;
use hearth_store::timers::{self, Timer};
use hearth_world::Timestamp;
use s3s::dto::*;

use crate::config::document::Document;
use crate::config::error::ConfigError;
use crate::config::kept;
use crate::config::lifecycle::check::{MINIMUM_DEFAULT, check, check_minimum};
use crate::config::lifecycle::rules::{self, Subject, next_midnight};
use crate::error::Failure;
use crate::records::{Bucket, Object};

/// The timer of buckets that have rules: one a bucket, by its number.
pub(crate) const TIMER: &str = "s3/lifecycle";

type Answer<T> = Result<T, Failure>;

/// `random` makes ids for rules without one.
pub(crate) fn put(
    tx: &mut dyn Tx,
    bucket: &Bucket,
    input: &PutBucketLifecycleConfigurationInput,
    random: u64,
) -> Answer<PutBucketLifecycleConfigurationOutput> {
    let minimum = check_minimum(input.transition_default_minimum_object_size.as_ref())?;
    let sent = input.lifecycle_configuration.clone().ok_or(ConfigError::MalformedXml)?;
    let mut made = 0_u64;
    let config = check(sent, || {
        made += 1;
        format!("{random:016x}{made:08x}")
    })?;
    kept::put(tx, bucket.number, Document::Lifecycle, &config)?;
    kept::put_text(tx, bucket.number, Document::LifecycleMinimum, Some(&minimum))?;
    let due = next_look(tx.now());
    let payload = bucket.name.clone().into();
    timers::set(tx, &Timer { kind: TIMER, id: id(bucket.number), due, payload })?;
    let minimum = TransitionDefaultMinimumObjectSize::from(minimum);
    Ok(PutBucketLifecycleConfigurationOutput { transition_default_minimum_object_size: Some(minimum) })
}

pub(crate) fn get(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<GetBucketLifecycleConfigurationOutput> {
    let absent = || Failure::from(ConfigError::Absent(Document::Lifecycle)).with("BucketName", &bucket.name);
    let config = kept::lifecycle(tx, bucket.number)?.ok_or_else(absent)?;
    let minimum = kept::text(tx, bucket.number, Document::LifecycleMinimum)?;
    let minimum = minimum.unwrap_or_else(|| MINIMUM_DEFAULT.to_owned());
    Ok(GetBucketLifecycleConfigurationOutput {
        rules: Some(config.rules),
        transition_default_minimum_object_size: Some(TransitionDefaultMinimumObjectSize::from(minimum)),
    })
}

pub(crate) fn delete(tx: &mut dyn Tx, bucket: &Bucket) -> Answer<()> {
    kept::put_text(tx, bucket.number, Document::Lifecycle, None)?;
    kept::put_text(tx, bucket.number, Document::LifecycleMinimum, None)?;
    timers::cancel(tx, TIMER, &id(bucket.number))?;
    Ok(())
}

/// A bucket's timer.
pub(crate) fn id(bucket: u64) -> String {
    format!("{bucket:016x}")
}

/// The next midnight in UTC: whatever expires today expires then.
pub(crate) fn next_look(now: Timestamp) -> Timestamp {
    next_midnight(Timestamp::from_micros(now.as_micros().saturating_add(1)))
}

/// When an object expires, as answers about it say: the header `x-amz-expiration`.
pub(crate) fn expiration(
    tx: &mut dyn Tx,
    bucket: u64,
    key: &str,
    object: &Object,
    modified: i64,
) -> Answer<Option<String>> {
    let Some(config) = kept::lifecycle(tx, bucket)? else { return Ok(None) };
    let tags: Vec<_> = object.tags.clone().into_iter().collect();
    let subject = Subject { key, size: object.bytes, tags: &tags };
    let going = rules::current(&config, &subject, Timestamp::from_micros(modified));
    Ok(going.map(|going| going.header()))
}

/// When an upload is aborted, in microseconds, and by which rule: the headers `x-amz-abort-date` and `x-amz-abort-rule-id`.
pub(crate) fn abort_date(
    tx: &mut dyn Tx,
    bucket: u64,
    key: &str,
    started: i64,
) -> Answer<Option<(i64, String)>> {
    let Some(config) = kept::lifecycle(tx, bucket)? else { return Ok(None) };
    let going = rules::abort(&config, key, Timestamp::from_micros(started));
    Ok(going.map(|going| (going.at.as_micros(), going.rule.to_owned())))
}
