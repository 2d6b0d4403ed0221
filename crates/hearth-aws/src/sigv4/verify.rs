//! Whether a signature is true: the canonical request, signed again with the secret that the key's id names.

use std::borrow::Cow;
use std::time::Duration;

use hearth_world::Timestamp;
use hmac::Mac as _;
use http::request::Parts;

use super::canonical::{self, Rules};
use super::claim::{Claim, parameter};
use crate::error::{ApiError, Code};

/// How far a request's date may lie from ours.
const SKEW_MAX: Duration = Duration::from_secs(300);

/// A presigned request lives for seven days at most.
const PRESIGNED_MAX: Duration = Duration::from_secs(604_800);

/// Verifies the signature over a request.
pub(crate) fn check(
    claim: &Claim<'_>,
    parts: &Parts,
    body: &[u8],
    secret: &str,
    now: Timestamp,
) -> Result<(), ApiError> {
    let query = parts.uri.query().unwrap_or_default();
    let date = match claim.presigned {
        true => parameter(query, "X-Amz-Date"),
        false => header(parts, "x-amz-date").map(Into::into),
    };
    let date = date.ok_or_else(|| {
        invalid("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    })?;
    check_date(claim, query, &date, now)?;
    let canonical = canonical_request(claim, parts, body)?;
    let scope = claim.scope();
    let to_sign = canonical::to_sign(&date, &scope, &canonical);
    let key = canonical::key(secret, &scope);
    let given = hex::decode(claim.signature.as_bytes()).unwrap_or_default();
    // The comparison takes the same time wherever the two differ.
    canonical::hmac(&key, &to_sign).verify_slice(&given).map_err(|_| {
        invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details.",
        )
    })
}

/// Whether the request carries the session token that its temporary key belongs to, and the session still lives.
pub(crate) fn session(
    parts: &Parts,
    token: Option<&str>,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), ApiError> {
    if expires.is_some_and(|expires| expires <= now) {
        return Err(ApiError::client(
            Code::ExpiredToken,
            "The security token included in the request is expired",
        ));
    }
    match self::token(parts).as_deref() == token {
        true => Ok(()),
        false => {
            let text = "The security token included in the request is invalid.";
            Err(ApiError::client(Code::UnrecognizedClient, text))
        }
    }
}

/// The session token that a request carries, in its header or in a presigned query.
pub(crate) fn token(parts: &Parts) -> Option<Cow<'_, str>> {
    let query = parts.uri.query().unwrap_or_default();
    header(parts, "x-amz-security-token").map(Into::into).or_else(|| parameter(query, "X-Amz-Security-Token"))
}

fn check_date(claim: &Claim<'_>, query: &str, date: &str, now: Timestamp) -> Result<(), ApiError> {
    let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok();
    let signed = signed.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let signed = signed.ok_or_else(|| invalid("Date must be in ISO-8601 'basic format'."))?;
    let signed = Timestamp::from_micros(signed.timestamp().as_microsecond());
    if !date.starts_with(claim.scope().date) {
        return Err(invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
        ));
    }
    let life = match claim.presigned {
        true => parameter(query, "X-Amz-Expires").and_then(|text| text.parse().ok()).map(Duration::from_secs),
        false => Some(SKEW_MAX),
    };
    let life =
        life.filter(|life| *life <= PRESIGNED_MAX).ok_or_else(|| invalid("X-Amz-Expires is not valid."))?;
    if now.since(signed) > life {
        return Err(invalid(&format!("Signature expired: {date} is now earlier than {}", basic(now))));
    }
    if signed.since(now) > SKEW_MAX {
        return Err(invalid(&format!(
            "Signature not yet current: {date} is still later than {}",
            basic(now)
        )));
    }
    Ok(())
}

fn basic(time: Timestamp) -> String {
    time.format("%Y%m%dT%H%M%SZ")
}

/// The canonical request, after what a signature must cover was looked at.
fn canonical_request(claim: &Claim<'_>, parts: &Parts, body: &[u8]) -> Result<Vec<u8>, ApiError> {
    if !claim.signed_headers.split(';').any(|name| name == "host") {
        return Err(invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let digest = canonical::sha256_hex(body);
    // A client may sign the digest that it announces; then it must be the body's.
    if header(parts, "x-amz-content-sha256").is_some_and(|announced| announced != digest) {
        return Err(invalid("The provided 'x-amz-content-sha256' header does not match what was computed."));
    }
    let left_out = claim.presigned.then_some("X-Amz-Signature");
    let rules = Rules::of(claim.scope().service);
    Ok(canonical::request(rules, parts, left_out, &claim.signed_headers, &digest))
}

fn header<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

fn invalid(why: &str) -> ApiError {
    ApiError::client(Code::InvalidSignature, why)
}

#[cfg(test)]
mod tests;
