//! Objects that go to another storage class: here a name that the object is shown with, for all lie on one disk.
//!
//! Never: archives an object, because what is archived must be restored before it is read.

use hearth_world::Timestamp;
use s3s::dto::{
    BucketLifecycleConfiguration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionTransition,
    Transition, TransitionStorageClass,
};

use super::check::{is_midnight, positive, text};
use super::rules::{self, Subject, applies, enabled, midnight_after};
use crate::config::error::ConfigError;

/// Days before an object may go to a class for infrequent access, by S3's reference.
const INFREQUENT_DAYS_MIN: i32 = 30;

/// Smaller objects stay, unless the rule's filter names a size, by S3's reference: 128 KB.
const SIZE_MIN: u64 = 128 * 1_024;

/// Classes from the first to the last: an object goes in this direction alone, by S3's reference.
const DIRECTION: [&str; 5] = [
    "STANDARD",
    TransitionStorageClass::STANDARD_IA,
    TransitionStorageClass::INTELLIGENT_TIERING,
    TransitionStorageClass::ONEZONE_IA,
    TransitionStorageClass::GLACIER_IR,
];

/// Refuses what S3 refuses, and archives.
pub(super) fn check(rule: &LifecycleRule) -> Result<(), ConfigError> {
    let transitions = rule.transitions.as_deref().unwrap_or_default();
    transitions.iter().try_for_each(check_current)?;
    let noncurrent = rule.noncurrent_version_transitions.as_deref().unwrap_or_default();
    noncurrent.iter().try_for_each(check_noncurrent)?;
    let last = transitions.iter().filter_map(|transition| transition.days).max();
    let expires = rule.expiration.as_ref().and_then(|expiration| expiration.days);
    match (last, expires) {
        (Some(last), Some(expires)) if expires <= last => {
            let message = format!(
                "'Days' in the Expiration action for filter '{}' must be greater than 'Days' in the Transition action",
                shown(rule)
            );
            Err(ConfigError::argument(message, "Days", None))
        }
        _ => Ok(()),
    }
}

fn check_current(transition: &Transition) -> Result<(), ConfigError> {
    let class = check_class(transition.storage_class.as_ref())?;
    match (transition.days, &transition.date) {
        (Some(days), None) if days < 0 => Err(positive("Days", "Transition")),
        (Some(days), None) => check_days("Days", "Transition", days, class),
        (None, Some(date)) if is_midnight(date) => Ok(()),
        (None, Some(date)) => {
            Err(ConfigError::argument("'Date' must be at midnight GMT", "Date", Some(text(date))))
        }
        _ => Err(ConfigError::MalformedXml),
    }
}

fn check_noncurrent(transition: &NoncurrentVersionTransition) -> Result<(), ConfigError> {
    let class = check_class(transition.storage_class.as_ref())?;
    match transition.noncurrent_days {
        None => Err(ConfigError::MalformedXml),
        Some(days) if days < 0 => Err(positive("NoncurrentDays", "NoncurrentVersionTransition")),
        Some(days) => check_days("NoncurrentDays", "NoncurrentVersionTransition", days, class),
    }
}

fn check_class(class: Option<&TransitionStorageClass>) -> Result<&str, ConfigError> {
    match class.map(TransitionStorageClass::as_str) {
        Some(class @ (TransitionStorageClass::GLACIER | TransitionStorageClass::DEEP_ARCHIVE)) => {
            // GAP(s3-archives): archived objects would have to be restored before they are read.
            Err(ConfigError::NotBuilt(format!(
                "Archives are not built in Hearth: no object goes to {class}."
            )))
        }
        Some(class) if DIRECTION[1..].contains(&class) => Ok(class),
        _ => Err(ConfigError::MalformedXml),
    }
}

fn check_days(what: &'static str, action: &str, days: i32, class: &str) -> Result<(), ConfigError> {
    let infrequent =
        [TransitionStorageClass::STANDARD_IA, TransitionStorageClass::ONEZONE_IA].contains(&class);
    if infrequent && days < INFREQUENT_DAYS_MIN {
        let message = format!(
            "'{what}' in {action} action must be greater than or equal to {INFREQUENT_DAYS_MIN} for storageClass '{class}'"
        );
        return Err(ConfigError::argument(message, what, None));
    }
    Ok(())
}

fn shown(rule: &LifecycleRule) -> String {
    let prefix = rule.prefix.as_ref().or(rule.filter.as_ref().and_then(|filter| filter.prefix.as_ref()));
    format!("(prefix={})", prefix.map_or("", String::as_str))
}

/// The class that the current version of an object goes to by now; `None` when it stays where it is.
pub(crate) fn current<'c>(
    config: &'c BucketLifecycleConfiguration,
    subject: &Subject<'_>,
    class: &str,
    modified: Timestamp,
    now: Timestamp,
) -> Option<&'c str> {
    let due = |transition: &Transition| match (&transition.date, transition.days) {
        (Some(date), _) => rules::timestamp(date.clone()) <= now,
        (None, Some(days)) => midnight_after(modified, days) <= now,
        (None, None) => false,
    };
    let all = enabled(config).filter(|rule| applies(rule, subject) && is_large_enough(rule, subject));
    let due = all
        .flat_map(|rule| rule.transitions.iter().flatten())
        .filter(|transition| due(transition))
        .filter_map(|transition| transition.storage_class.as_ref());
    last(due.map(TransitionStorageClass::as_str), class)
}

/// The same for a former version, which `newer` former versions are newer than.
pub(crate) fn noncurrent<'c>(
    config: &'c BucketLifecycleConfiguration,
    subject: &Subject<'_>,
    class: &str,
    replaced: (Timestamp, u32),
    now: Timestamp,
) -> Option<&'c str> {
    let (at, newer) = replaced;
    let due = |transition: &NoncurrentVersionTransition| {
        let kept = u32::try_from(transition.newer_noncurrent_versions.unwrap_or(0)).unwrap_or(0);
        newer >= kept && transition.noncurrent_days.is_some_and(|days| midnight_after(at, days) <= now)
    };
    let all = enabled(config).filter(|rule| applies(rule, subject) && is_large_enough(rule, subject));
    let due = all
        .flat_map(|rule| rule.noncurrent_version_transitions.iter().flatten())
        .filter(|transition| due(transition))
        .filter_map(|transition| transition.storage_class.as_ref());
    last(due.map(TransitionStorageClass::as_str), class)
}

/// The last class in the direction that objects go, if it lies behind the one they are in.
fn last<'c>(due: impl Iterator<Item = &'c str>, class: &str) -> Option<&'c str> {
    let rank = |class: &str| DIRECTION.iter().position(|known| *known == class);
    let here = rank(class)?;
    due.filter(|wanted| rank(wanted).is_some_and(|there| there > here)).max_by_key(|wanted| rank(wanted))
}

fn is_large_enough(rule: &LifecycleRule, subject: &Subject<'_>) -> bool {
    let by_size = |filter: &LifecycleRuleFilter| {
        let and = filter.and.as_ref();
        filter.object_size_greater_than.is_some()
            || filter.object_size_less_than.is_some()
            || and.is_some_and(|and| {
                and.object_size_greater_than.is_some() || and.object_size_less_than.is_some()
            })
    };
    subject.size >= SIZE_MIN || rule.filter.as_ref().is_some_and(by_size)
}
