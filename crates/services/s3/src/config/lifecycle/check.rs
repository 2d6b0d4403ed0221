//! What S3 refuses in a lifecycle, in its words, and what it adds.

use s3s::dto::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    Tag, Timestamp, TransitionDefaultMinimumObjectSize,
};
use time::{OffsetDateTime, Time};

use super::transitions;
use crate::config::error::ConfigError;
use crate::config::tags;

/// Rules of one configuration, by S3's reference.
const RULES_MAX: usize = 1_000;

/// Characters of a rule's id, by S3's reference.
const ID_CHARACTERS_MAX: usize = 255;

/// Former versions that a rule may keep, by S3's reference.
const NEWER_VERSIONS_MAX: i32 = 100;

/// Objects below this size do not go to another class, unless a rule says so: what S3 answers when nothing was sent.
pub(crate) const MINIMUM_DEFAULT: &str = TransitionDefaultMinimumObjectSize::ALL_STORAGE_CLASSES_128K;

/// The configuration as it is kept: rules without an id get one.
///
/// `new_id` makes ids that are like no other.
pub(crate) fn check(
    mut config: BucketLifecycleConfiguration,
    mut new_id: impl FnMut() -> String,
) -> Result<BucketLifecycleConfiguration, ConfigError> {
    if config.rules.is_empty() || config.rules.len() > RULES_MAX {
        return Err(ConfigError::MalformedXml);
    }
    for rule in &mut config.rules {
        check_rule(rule)?;
        rule.id.get_or_insert_with(&mut new_id);
    }
    let mut ids: Vec<&str> = config.rules.iter().filter_map(|rule| rule.id.as_deref()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(config),
        Some(_) => Err(ConfigError::argument(
            "Rule ID must be unique. Found same ID for more than one rule",
            "ID",
            None,
        )),
    }
}

/// The smallest size of transitions, as the header gives it.
pub(crate) fn check_minimum(
    sent: Option<&TransitionDefaultMinimumObjectSize>,
) -> Result<String, ConfigError> {
    let known = [MINIMUM_DEFAULT, TransitionDefaultMinimumObjectSize::VARIES_BY_STORAGE_CLASS];
    match sent.map(TransitionDefaultMinimumObjectSize::as_str) {
        None => Ok(MINIMUM_DEFAULT.to_owned()),
        Some(sent) if known.contains(&sent) => Ok(sent.to_owned()),
        Some(sent) => {
            let message = format!(
                "Invalid TransitionDefaultMinimumObjectSize found: {sent}, must be one of: {}",
                known.join(", ")
            );
            Err(ConfigError::request(message))
        }
    }
}

fn check_rule(rule: &LifecycleRule) -> Result<(), ConfigError> {
    if rule.id.as_ref().is_some_and(|id| id.chars().count() > ID_CHARACTERS_MAX) {
        return Err(ConfigError::argument("ID length should not exceed allowed limit of 255", "ID", None));
    }
    if ![ExpirationStatus::ENABLED, ExpirationStatus::DISABLED].contains(&rule.status.as_str()) {
        return Err(ConfigError::MalformedXml);
    }
    // A prefix of its own is the old form; one of the two must be there.
    if rule.filter.is_some() == rule.prefix.is_some() {
        return Err(ConfigError::MalformedXml);
    }
    if let Some(filter) = &rule.filter {
        check_filter(filter)?;
    }
    // An empty list of transitions is none.
    let transitions = rule.transitions.as_ref().is_some_and(|all| !all.is_empty());
    let noncurrent = rule.noncurrent_version_transitions.as_ref().is_some_and(|all| !all.is_empty());
    let acts = transitions
        || noncurrent
        || rule.expiration.is_some()
        || rule.noncurrent_version_expiration.is_some()
        || rule.abort_incomplete_multipart_upload.is_some();
    if !acts {
        return Err(ConfigError::request("At least one action needs to be specified in a rule"));
    }
    transitions::check(rule)?;
    rule.expiration.as_ref().map_or(Ok(()), |expiration| check_expiration(expiration, rule))?;
    check_noncurrent(rule)?;
    check_abort(rule)
}

fn check_filter(filter: &LifecycleRuleFilter) -> Result<(), ConfigError> {
    let size = [filter.object_size_greater_than, filter.object_size_less_than];
    let single = usize::from(filter.prefix.is_some())
        + usize::from(filter.tag.is_some())
        + size.iter().flatten().count()
        + usize::from(filter.and.is_some());
    if single > 1 {
        return Err(ConfigError::MalformedXml);
    }
    if let Some(and) = &filter.and {
        let tags = and.tags.as_deref().unwrap_or_default();
        let sizes = [and.object_size_greater_than, and.object_size_less_than];
        let parts = usize::from(and.prefix.is_some()) + tags.len() + sizes.iter().flatten().count();
        if parts < 2 {
            return Err(ConfigError::MalformedXml);
        }
        if let [Some(above), Some(below)] = sizes
            && above >= below
        {
            return Err(ConfigError::request(
                "'ObjectSizeGreaterThan' has to be a value smaller than 'ObjectSizeLessThan'.",
            ));
        }
        check_sizes(&sizes)?;
        return check_tags(tags);
    }
    check_sizes(&size)?;
    check_tags(filter.tag.as_slice())
}

fn check_sizes(sizes: &[Option<i64>]) -> Result<(), ConfigError> {
    if sizes.iter().flatten().any(|size| *size < 0) { Err(ConfigError::MalformedXml) } else { Ok(()) }
}

fn check_tags(filter: &[Tag]) -> Result<(), ConfigError> {
    let pair = |tag: &Tag| Some((tag.key.clone()?, tag.value.clone()?));
    let tags: Option<Vec<_>> = filter.iter().map(pair).collect();
    let tags = tags.ok_or(ConfigError::MalformedXml)?;
    match tags.iter().enumerate().find(|(at, (key, _))| tags[..*at].iter().any(|(earlier, _)| earlier == key))
    {
        Some(_) => Err(ConfigError::request("Duplicate Tag Keys are not allowed.")),
        None => tags::check(&tags, tags::Of::Object),
    }
}

fn check_expiration(expiration: &LifecycleExpiration, rule: &LifecycleRule) -> Result<(), ConfigError> {
    let marker = expiration.expired_object_delete_marker.is_some();
    let given = [expiration.days.is_some(), expiration.date.is_some(), marker];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(ConfigError::MalformedXml);
    }
    if marker && has_tags(rule) {
        return Err(ConfigError::request(
            "Tag-based filter cannot be used along with ExpiredObjectDeleteMarker.",
        ));
    }
    if expiration.days.is_some_and(|days| days < 1) {
        return Err(positive("Days", "Expiration"));
    }
    match &expiration.date {
        Some(date) if !is_midnight(date) => {
            Err(ConfigError::argument("'Date' must be at midnight GMT", "Date", Some(text(date))))
        }
        _ => Ok(()),
    }
}

fn check_noncurrent(rule: &LifecycleRule) -> Result<(), ConfigError> {
    let Some(expiration) = &rule.noncurrent_version_expiration else { return Ok(()) };
    match (expiration.noncurrent_days, expiration.newer_noncurrent_versions) {
        (None, _) => Err(ConfigError::MalformedXml),
        (Some(days), _) if days < 1 => Err(positive("NoncurrentDays", "NoncurrentVersionExpiration")),
        (_, Some(newer)) if !(1..=NEWER_VERSIONS_MAX).contains(&newer) => Err(ConfigError::argument(
            "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be between 1 and 100",
            "NewerNoncurrentVersions",
            None,
        )),
        _ => Ok(()),
    }
}

fn check_abort(rule: &LifecycleRule) -> Result<(), ConfigError> {
    let Some(abort) = &rule.abort_incomplete_multipart_upload else { return Ok(()) };
    let filter = rule.filter.as_ref();
    let and = filter.and_then(|filter| filter.and.as_ref());
    let by_size = filter
        .is_some_and(|filter| filter.object_size_greater_than.or(filter.object_size_less_than).is_some())
        || and.is_some_and(|and| and.object_size_greater_than.or(and.object_size_less_than).is_some());
    match abort.days_after_initiation {
        _ if has_tags(rule) => {
            Err(ConfigError::request("AbortIncompleteMultipartUpload cannot be specified with Tags."))
        }
        _ if by_size => {
            Err(ConfigError::request("AbortIncompleteMultipartUpload cannot be specified with Object Size."))
        }
        None => Err(ConfigError::MalformedXml),
        Some(days) if days < 1 => Err(positive("DaysAfterInitiation", "AbortIncompleteMultipartUpload")),
        Some(_) => Ok(()),
    }
}

fn has_tags(rule: &LifecycleRule) -> bool {
    let Some(filter) = &rule.filter else { return false };
    let and = filter.and.as_ref().and_then(|and| and.tags.as_ref());
    filter.tag.is_some() || and.is_some_and(|tags| !tags.is_empty())
}

pub(super) fn positive(what: &'static str, action: &str) -> ConfigError {
    ConfigError::argument(format!("'{what}' for {action} action must be a positive integer"), what, None)
}

pub(super) fn is_midnight(date: &Timestamp) -> bool {
    let date = OffsetDateTime::from(date.clone());
    date.to_offset(time::UtcOffset::UTC).time() == Time::MIDNIGHT
}

pub(super) fn text(date: &Timestamp) -> String {
    let mut text = Vec::new();
    let written = date.format(s3s::dto::TimestampFormat::DateTime, &mut text);
    written.map_or_else(|_| String::new(), |()| String::from_utf8_lossy(&text).into_owned())
}
