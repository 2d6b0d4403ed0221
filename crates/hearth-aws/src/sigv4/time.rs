//! When a request was signed, and whether that is now.

use std::time::Duration;

use hearth_world::Timestamp;
use http::request::Parts;

use super::canonical::Rules;
use super::claim::{Claim, NO_DATE, parameter};
use super::sign::TIME_FORMAT;
use super::verify::{header, invalid};
use crate::error::{ApiError, Code};

/// How far the date of a request to most services may lie from ours.
const SKEW_MAX: Duration = Duration::from_secs(300);

/// How far for the older services, STS, IAM and S3, and how long a presigned request lives everywhere but at S3,
/// whatever `X-Amz-Expires` says: the token of an EKS cluster says 60 s and is used for 14 minutes.
const SKEW_LONG_MAX: Duration = Duration::from_secs(900);

/// A presigned request to S3 lives for seven days at most.
const PRESIGNED_SECONDS_MAX: i64 = 604_800;

/// The time of a signature, in the forms in which it may have been signed.
pub(super) struct Signed {
    /// `20251125T022654Z`.
    basic: String,
    /// The `Date` header as it was sent. Some clients sign it so, though it should be in the other form.
    raw: Option<String>,
}

impl Signed {
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.basic.as_str()).chain(self.raw.as_deref())
    }
}

/// Reads the time of a request's signature, and checks it against the scope and the clock.
pub(super) fn check(
    claim: &Claim<'_>,
    parts: &Parts,
    rules: Rules,
    now: Timestamp,
) -> Result<Signed, ApiError> {
    let query = parts.uri.query().unwrap_or_default();
    let (signed, at) = if claim.presigned {
        let date = parameter(query, "X-Amz-Date")?.ok_or_else(|| {
            let text = "AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.";
            ApiError::client(Code::IncompleteSignature, text)
        })?;
        let at = basic_time(&date).ok_or_else(|| not_basic(&date))?;
        (Signed { basic: date.into_owned(), raw: None }, at)
    } else if let Some(date) = header(parts, "x-amz-date") {
        let at = basic_time(date).ok_or_else(|| not_basic(date))?;
        (Signed { basic: date.to_owned(), raw: None }, at)
    } else {
        let date =
            header(parts, "date").ok_or_else(|| ApiError::client(Code::IncompleteSignature, NO_DATE))?;
        let at = basic_time(date).or_else(|| http_time(date)).ok_or_else(|| not_basic(date))?;
        let basic = at.format(TIME_FORMAT);
        let raw = (date != basic).then(|| date.to_owned());
        (Signed { basic, raw }, at)
    };
    let (scope, day) = (claim.scope(), signed.basic.get(..8).unwrap_or_default());
    if day != scope.date {
        return Err(invalid(&format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{day}', \
             from '{}'.",
            scope.date, signed.basic
        )));
    }
    match (rules, claim.presigned) {
        (Rules::S3, true) => presigned_object(query, at, now)?,
        (Rules::S3, false) if apart(at, now) > SKEW_LONG_MAX => {
            return Err(ApiError::client(
                Code::RequestTimeTooSkewed,
                "The difference between the request time and the current time is too large.",
            ));
        }
        (Rules::S3, false) => {}
        (Rules::General, is_presigned) => {
            let is_older = matches!(scope.service, "sts" | "iam");
            let window = if is_presigned || is_older { SKEW_LONG_MAX } else { SKEW_MAX };
            within(&signed.basic, at, now, window)?;
        }
    }
    Ok(signed)
}

fn within(basic: &str, at: Timestamp, now: Timestamp, window: Duration) -> Result<(), ApiError> {
    let (minutes, shown) = (window.as_secs() / 60, now.format(TIME_FORMAT));
    let micros = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
    let moved = |micros| Timestamp::from_micros(now.as_micros().saturating_add(micros)).format(TIME_FORMAT);
    if now.since(at) > window {
        let earliest = moved(-micros);
        return Err(invalid(&format!(
            "Signature expired: {basic} is now earlier than {earliest} ({shown} - {minutes} min.)"
        )));
    }
    if at.since(now) > window {
        let latest = moved(micros);
        return Err(invalid(&format!(
            "Signature not yet current: {basic} is still later than {latest} ({shown} + {minutes} min.)"
        )));
    }
    Ok(())
}

fn presigned_object(query: &str, at: Timestamp, now: Timestamp) -> Result<(), ApiError> {
    let wrong = |text: &str| ApiError::client(Code::Modelled("AuthorizationQueryParametersError"), text);
    let expires = parameter(query, "X-Amz-Expires")?.ok_or_else(|| {
        wrong(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, \
             X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        )
    })?;
    let life = expires.parse::<i64>().map_err(|_| wrong("X-Amz-Expires should be a number"))?;
    let life = match life {
        ..0 => return Err(wrong("X-Amz-Expires must be non-negative")),
        // AWS's documentation gives 1 as the least.
        0 => return Err(wrong("X-Amz-Expires must be at least 1")),
        1..=PRESIGNED_SECONDS_MAX => Duration::from_secs(life.unsigned_abs()),
        _ => {
            return Err(wrong(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
                 than 604800 seconds",
            ));
        }
    };
    let denied = |text: &str| Err(ApiError::client(Code::AccessDenied, text));
    if now.since(at) > life {
        return denied("Request has expired");
    }
    if at.since(now) > SKEW_LONG_MAX {
        return denied("Request is not valid yet");
    }
    Ok(())
}

fn apart(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}

fn not_basic(date: &str) -> ApiError {
    // A date is short; whatever is not one is not repeated.
    let date = if date.len() <= 64 { date } else { "" };
    invalid(&format!(
        "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
    ))
}

fn basic_time(date: &str) -> Option<Timestamp> {
    // The parser would also take a year of other lengths.
    if date.len() != 16 {
        return None;
    }
    utc(jiff::civil::DateTime::strptime(TIME_FORMAT, date).ok()?)
}

/// `Tue, 25 Nov 2025 02:26:54 GMT`, or with `-0000` as botocore writes it.
fn http_time(date: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(Timestamp::from_micros(time.timestamp().as_microsecond()))
}

fn utc(time: jiff::civil::DateTime) -> Option<Timestamp> {
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(time.timestamp().as_microsecond()))
}
