//! Whether a signature is true: the canonical request, signed again with the secret that the key's id names.
//!
//! What a wrong one is told is recorded of AWS's services (docs/decisions/0110), and its name is the protocol's:
//! `InvalidSignatureException` in JSON, `SignatureDoesNotMatch` in XML.

use hearth_world::Timestamp;
use hmac::Mac as _;
use http::request::Parts;

use super::canonical::{self, Rules};
use super::chunked::{self, Seed};
use super::claim::{Claim, parameter};
use super::payload::Payload;
use super::{place, time};
use crate::error::{ApiError, Code};

/// Verifies the signature over a request and its whole body.
pub(crate) fn check(
    claim: &Claim<'_>,
    parts: &Parts,
    body: &[u8],
    secret: &str,
    now: Timestamp,
) -> Result<(), ApiError> {
    let payload = Payload::of(claim, parts)?;
    let digest = match payload {
        Payload::Whole { announced } => {
            let digest = canonical::sha256_hex(body);
            if announced.is_some_and(|announced| announced != digest) {
                return Err(Rules::of(claim.scope().service).other_digest());
            }
            digest
        }
        other => other.name().to_owned(),
    };
    let seed = head(claim, parts, &digest, secret, now)?;
    match payload {
        Payload::Whole { .. } | Payload::Unsigned => Ok(()),
        Payload::Chunked(form) => chunked::check(form, seed, parts, body),
    }
}

/// Verifies the signature over a request's head, in which `payload` stands for the body: its digest, or the name of
/// the form in which it comes.
pub(crate) fn head(
    claim: &Claim<'_>,
    parts: &Parts,
    payload: &str,
    secret: &str,
    now: Timestamp,
) -> Result<Seed, ApiError> {
    let scope = claim.scope();
    let rules = Rules::of(scope.service);
    let signed = time::check(claim, parts, rules, now)?;
    place::check(&scope, parts)?;
    if !claim.signs("host") {
        return Err(invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    if rules == Rules::S3 {
        check_coverage(claim, parts)?;
    }
    let left_out = claim.presigned.then_some("X-Amz-Signature");
    let canonical = canonical::request(rules, parts, left_out, &claim.signed_headers, payload);
    let key = canonical::key(secret, &scope);
    let given = hex::decode(claim.signature.as_bytes()).unwrap_or_default();
    for text in signed.texts() {
        let to_sign = canonical::to_sign(text, &scope, &canonical);
        // The comparison takes the same time wherever the two differ.
        if canonical::hmac(&key, &to_sign).verify_slice(&given).is_ok() {
            let (time, scope) = (text.to_owned(), scope.without_key());
            return Ok(Seed { key, time, scope, signature: claim.signature.to_ascii_lowercase() });
        }
    }
    Err(invalid(rules.mismatch()))
}

/// Whether a link is still good, for who cannot verify its signature.
pub(crate) fn link(claim: &Claim<'_>, parts: &Parts, now: Timestamp) -> Result<(), ApiError> {
    if claim.presigned {
        time::check(claim, parts, Rules::of(claim.scope().service), now)?;
    }
    Ok(())
}

/// S3 wants every header of AWS's signed, so that nobody adds one on the way.
fn check_coverage(claim: &Claim<'_>, parts: &Parts) -> Result<(), ApiError> {
    let is_open = |name: &str| name.starts_with("x-amz-") && !claim.signs(name);
    match parts.headers.keys().any(|name| is_open(name.as_str())) {
        true => Err(ApiError::client(
            Code::AccessDenied,
            "There were headers present in the request which were not signed",
        )),
        false => Ok(()),
    }
}

/// Whether the request carries the session token that its temporary key belongs to, and the session still lives.
pub(crate) fn session(
    parts: &Parts,
    token: Option<&str>,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), ApiError> {
    lives(expires, now)?;
    match session_token(parts)?.as_deref() == token {
        true => Ok(()),
        false => {
            let text = "The security token included in the request is invalid.";
            Err(ApiError::client(Code::UnrecognizedClient, text))
        }
    }
}

/// Whether temporary credentials have not ended.
pub(crate) fn lives(expires: Option<Timestamp>, now: Timestamp) -> Result<(), ApiError> {
    match expires.is_some_and(|expires| expires <= now) {
        true => {
            let text = "The security token included in the request is expired";
            Err(ApiError::client(Code::ExpiredToken, text))
        }
        false => Ok(()),
    }
}

/// The session token that a request carries, in a header or in the query, signed or not.
pub(crate) fn session_token(parts: &Parts) -> Result<Option<std::borrow::Cow<'_, str>>, ApiError> {
    match header(parts, "x-amz-security-token") {
        Some(token) => Ok(Some(token.into())),
        None => parameter(parts.uri.query().unwrap_or_default(), "X-Amz-Security-Token"),
    }
}

pub(super) fn header<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn invalid(why: &str) -> ApiError {
    ApiError::client(Code::InvalidSignature, why)
}

impl Rules {
    /// What a wrong signature is told.
    fn mismatch(self) -> &'static str {
        match self {
            Self::General => {
                "The request signature we calculated does not match the signature you provided. Check your AWS \
                 Secret Access Key and signing method. Consult the service documentation for details."
            }
            Self::S3 => {
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method."
            }
        }
    }

    /// What a body is told that is not the announced one.
    fn other_digest(self) -> ApiError {
        match self {
            Self::General => invalid(self.mismatch()),
            Self::S3 => ApiError::client(
                Code::Modelled("XAmzContentSHA256Mismatch"),
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
