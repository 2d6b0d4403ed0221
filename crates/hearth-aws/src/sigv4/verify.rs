//! Whether a signature is true: the canonical request, signed again with the secret that the key's id names.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use hearth_world::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::claim::{Claim, parameter};
use crate::error::{ApiError, Code};

/// How far a request's date may lie from ours.
const SKEW_MAX: Duration = Duration::from_secs(300);

/// A presigned request lives for seven days at most.
const PRESIGNED_MAX: Duration = Duration::from_secs(604_800);

/// What stands for itself in a canonical path or query.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

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
    let canonical = canonical_request(claim, parts, query, body)?;
    let scope = claim.scope();
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{}/{}/{}/aws4_request\n{}",
        scope.date,
        scope.region,
        scope.service,
        hex::encode(Sha256::digest(canonical.as_bytes()))
    );
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), scope.date).finalize().into_bytes();
    for part in [scope.region, scope.service, "aws4_request"] {
        key = hmac(&key, part).finalize().into_bytes();
    }
    let given = hex::decode(claim.signature.as_bytes()).unwrap_or_default();
    // The comparison takes the same time wherever the two differ.
    hmac(&key, &to_sign).verify_slice(&given).map_err(|_| {
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

fn hmac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    hmac.update(text.as_bytes());
    hmac
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

fn canonical_request(claim: &Claim<'_>, parts: &Parts, query: &str, body: &[u8]) -> Result<String, ApiError> {
    let mut out = format!(
        "{}\n{}\n{}\n",
        parts.method,
        utf8_percent_encode(&normal_path(parts.uri.path()), PATH),
        canonical_query(claim, query)
    );
    for name in claim.signed_headers.split(';') {
        let values: Vec<_> = match (name, header(parts, name)) {
            // HTTP/2 has no Host header; what was signed is its authority.
            ("host", None) => {
                parts.uri.authority().map(|host| host.as_str().to_owned()).into_iter().collect()
            }
            _ => parts.headers.get_all(name).iter().map(|value| folded(value.as_bytes())).collect(),
        };
        let _ = writeln!(out, "{name}:{}", values.join(","));
    }
    if !claim.signed_headers.split(';').any(|name| name == "host") {
        return Err(invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let digest = hex::encode(Sha256::digest(body));
    // A client may sign the digest that it announces; then it must be the body's.
    if header(parts, "x-amz-content-sha256").is_some_and(|announced| announced != digest) {
        return Err(invalid("The provided 'x-amz-content-sha256' header does not match what was computed."));
    }
    let _ = write!(out, "\n{}\n{digest}", claim.signed_headers);
    Ok(out)
}

fn header<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

/// A header's value with its runs of spaces folded.
fn folded(value: &[u8]) -> String {
    String::from_utf8_lossy(value).split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// A path without empty and dot segments.
fn normal_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let tail = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{tail}", segments.join("/"))
}

fn canonical_query(claim: &Claim<'_>, query: &str) -> String {
    let again =
        |raw: &str| utf8_percent_encode(&percent_decode_str(raw).decode_utf8_lossy(), UNRESERVED).to_string();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let pairs = pairs.filter(|(name, _)| !(claim.presigned && *name == "X-Amz-Signature"));
    let mut pairs: Vec<(String, String)> = pairs.map(|(name, value)| (again(name), again(value))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn invalid(why: &str) -> ApiError {
    ApiError::client(Code::InvalidSignature, why)
}

#[cfg(test)]
mod tests;
