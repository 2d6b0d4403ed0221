//! Policies and tags that a session is given.

use hearth_aws::credentials::{Restrictions, Session};

use super::shown::{PolicyDescriptor, Tag};
use crate::error::StsError;

/// Managed policies of one session.
pub(crate) const POLICY_ARNS_MAX: usize = 10;

/// What a request gives.
pub(super) struct Given {
    pub(super) policy: Option<String>,
    pub(super) policy_arns: Option<Vec<PolicyDescriptor>>,
    pub(super) tags: Option<Vec<Tag>>,
    pub(super) transitive_tag_keys: Option<Vec<String>>,
}

/// Of a session that begins: what was given, and what goes on from the caller's own.
pub(super) fn restrictions(given: Given, caller: Option<&Session>) -> Result<Restrictions, StsError> {
    let policy_arns = given.policy_arns.unwrap_or_default().into_iter().filter_map(|policy| policy.arn);
    let policy_arns: Vec<String> = policy_arns.collect();
    if policy_arns.len() > POLICY_ARNS_MAX {
        return Err(StsError::TooManyPolicies);
    }
    if given.policy.as_deref().is_some_and(|policy| !is_json_object(policy)) {
        return Err(StsError::PolicyNotJson);
    }
    let tags: Vec<_> = given.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    for (at, (key, _)) in tags.iter().enumerate() {
        if has(&tags[..at], key) {
            return Err(StsError::SameTagTwice);
        }
    }
    let transitive_tag_keys = given.transitive_tag_keys.unwrap_or_default();
    if !transitive_tag_keys.iter().all(|key| has(&tags, key)) {
        return Err(StsError::TransitiveNotATag);
    }
    let mut restrictions = Restrictions { policy: given.policy, policy_arns, tags, transitive_tag_keys };
    if let Some(caller) = caller {
        inherit(&mut restrictions, &caller.restrictions)?;
    }
    let percent = restrictions.packed_percent();
    if percent > 100 { Err(StsError::PackedTooLarge(percent)) } else { Ok(restrictions) }
}

/// Transitive tags go on, and cannot be given other values.
fn inherit(restrictions: &mut Restrictions, caller: &Restrictions) -> Result<(), StsError> {
    for key in &caller.transitive_tag_keys {
        if has(&restrictions.tags, key) {
            return Err(StsError::TransitiveTaken);
        }
        let tag = caller.tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        restrictions.tags.extend(tag.cloned());
        restrictions.transitive_tag_keys.push(key.clone());
    }
    Ok(())
}

fn has(tags: &[(String, String)], key: &str) -> bool {
    tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(key))
}

fn is_json_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
