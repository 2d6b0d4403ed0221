//! Bodies that clients compress: SDKs do so with metrics beyond 10 KB.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use http::request::Parts;

use super::limits::Limit;
use crate::error::{ApiError, Code};
use crate::model::Protocol;

/// The body as its protocol reads it, within the operation's limit. In restJson1 a body may be a customer's payload,
/// whose encoding is nobody else's business.
pub(super) fn decode(
    parts: &Parts,
    protocol: Protocol,
    body: &Bytes,
    limit: Limit,
) -> Result<Bytes, ApiError> {
    let encoding = parts.headers.get(CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
    let last = encoding.and_then(|encoding| encoding.rsplit(',').next());
    let is_compressed = last.is_some_and(|last| last.trim().eq_ignore_ascii_case("gzip"));
    if !is_compressed || body.is_empty() || matches!(protocol, Protocol::RestJson1 | Protocol::RestXml) {
        return Ok(body.clone());
    }
    let mut decoded = Vec::new();
    let mut decoder = MultiGzDecoder::new(&body[..]).take(limit.bytes_max + 1);
    decoder
        .read_to_end(&mut decoded)
        .map_err(|error| ApiError::client(Code::Serialization, format!("The body is not gzip: {error}")))?;
    match decoded.len() as u64 {
        bytes if bytes > limit.bytes_max => Err(limit.exceeded(bytes)),
        _ => Ok(decoded.into()),
    }
}
