//! Signs a request that leaves us, as AWS's clients do: in its headers.

use std::fmt;

use hearth_world::Timestamp;
use hmac::Mac as _;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::request::Parts;

use super::canonical::{self, Rules};
use super::claim::Scope;

/// The digest of a body that is signed by nobody. S3 alone takes it, and over TLS alone it is safe.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

pub(super) const DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(super) const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
pub(super) const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// `20251125T022654Z`.
pub(super) const TIME_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// What proxies and clients may change on the way, and what they only say to the next hop.
const NOT_SIGNED: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

/// Credentials to sign with.
#[derive(Clone)]
pub struct SigningKey {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret access key. It is never written out.
    pub secret: String,
    /// Of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SigningKey").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Why a request cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Neither a `Host` header nor an authority in the address.
    #[error("sign a request that names no host")]
    NoHost,
    /// A key's id, a token, a region or a service that no header can hold.
    #[error("sign a request with credentials that no header can hold")]
    NotAHeader,
}

/// The digest of a body, as [`sign`] takes it.
pub fn body_sha256(body: &[u8]) -> String {
    canonical::sha256_hex(body)
}

/// Signs a request: sets `Host` where it is missing, `X-Amz-Date`, the token, for S3 the body's digest, and
/// `Authorization`. All other headers must be there already: they are signed too. The address's path must be encoded
/// as it will be sent.
///
/// # Errors
/// When the request names no host, or the credentials do not fit into headers. The request may then have some of the
/// headers and must not be sent.
pub fn sign(
    parts: &mut Parts,
    body_sha256: &str,
    key: &SigningKey,
    region: &str,
    service: &str,
    now: Timestamp,
) -> Result<(), SignError> {
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| SignError::NotAHeader);
    if !parts.headers.contains_key(HOST) {
        let host = parts.uri.authority().ok_or(SignError::NoHost)?;
        // A user's name in an address is no part of the host.
        let host = host.as_str().rsplit('@').next().unwrap_or_default();
        parts.headers.insert(HOST, value(host)?);
    }
    let time = now.format(TIME_FORMAT);
    parts.headers.insert(DATE, value(&time)?);
    if let Some(token) = &key.session_token {
        let mut token = value(token)?;
        token.set_sensitive(true);
        parts.headers.insert(TOKEN, token);
    }
    let rules = Rules::of(service);
    if rules == Rules::S3 {
        parts.headers.insert(CONTENT_SHA256, value(body_sha256)?);
    }

    let mut names: Vec<&str> = parts.headers.keys().map(HeaderName::as_str).collect();
    names.retain(|name| !NOT_SIGNED.contains(name));
    names.sort_unstable();
    let names = names.join(";");
    let scope =
        Scope { access_key_id: &key.access_key_id, date: time.get(..8).unwrap_or_default(), region, service };
    let canonical = canonical::request(rules, parts, None, &names, body_sha256);
    let to_sign = canonical::to_sign(&time, &scope, &canonical);
    let signature = canonical::hmac(&canonical::key(&key.secret, &scope), &to_sign).finalize().into_bytes();
    let authorization = format!(
        "{} Credential={}/{}, SignedHeaders={names}, Signature={}",
        canonical::ALGORITHM,
        key.access_key_id,
        scope.without_key(),
        hex::encode(signature)
    );
    parts.headers.insert(AUTHORIZATION, value(&authorization)?);
    Ok(())
}
