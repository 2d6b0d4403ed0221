//! Whether a scope is of the place that the request went to.
//!
//! One endpoint of ours is every region of every service. Only a request that names one of AWS's own hosts says where
//! it went.

use http::request::Parts;

use super::claim::Scope;
use super::verify::{header, invalid};
use crate::error::ApiError;

/// What AWS's host names end with.
const ENDINGS: &[&str] = &[".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];

/// Checks a scope against the host's name: `lambda.eu-west-1.amazonaws.com` is no place for `us-east-1`.
pub(super) fn check(scope: &Scope<'_>, parts: &Parts) -> Result<(), ApiError> {
    let host = header(parts, "host").or_else(|| parts.uri.host()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let Some(place) = ENDINGS.iter().find_map(|ending| host.strip_suffix(ending)) else { return Ok(()) };
    // `sts.amazonaws.com` is of no region.
    let Some((before, region)) = place.rsplit_once('.').filter(|(_, last)| is_region(last)) else {
        return Ok(());
    };
    let mut text = String::new();
    if region != scope.region {
        text = format!("Credential should be scoped to a valid region, not '{}'. ", scope.region);
    }
    // Other names belong to buckets and APIs, or are a service's second one.
    if let Some(wanted) = crate::Model::of(before).map(|model| model.facts().signing_name)
        && wanted != scope.service
    {
        text.push_str(&format!("Credential should be scoped to correct service: '{wanted}'. "));
    }
    if text.is_empty() { Ok(()) } else { Err(invalid(&text)) }
}

/// `eu-west-1`, `us-gov-east-1`.
fn is_region(label: &str) -> bool {
    let mut parts = label.rsplit('-');
    let number = parts.next().unwrap_or_default();
    parts.count() >= 2 && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}
