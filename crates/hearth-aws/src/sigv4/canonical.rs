//! The canonical form of a request, which both sides sign, and the key that they sign it with.
//!
//! S3 takes a path as it is; every other service normalises it and encodes it once more.

use std::borrow::Cow;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode, percent_encode_byte};
use sha2::{Digest, Sha256};

use super::claim::Scope;

/// What stands for itself in a canonical path or query.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// The name of the only algorithm.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Which services sign in their own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Paths are normalised and encoded twice, bodies are always signed.
    General,
    /// Paths are names of objects, and a body may go unsigned or in signed pieces.
    S3,
}

impl Rules {
    /// By the service that a scope names.
    pub(crate) fn of(service: &str) -> Self {
        match service {
            "s3" | "s3express" | "s3-object-lambda" | "s3-outposts" => Self::S3,
            _ => Self::General,
        }
    }

    /// The path as it is signed.
    pub(crate) fn path(self, raw: &str) -> String {
        match self {
            Self::General => percent_encode(normal_path(raw).as_bytes(), PATH).to_string(),
            // An object's name is decoded and encoded anew: clients differ in what they leave as it is.
            Self::S3 => percent_encode(&Cow::from(percent_decode(raw.as_bytes())), PATH).to_string(),
        }
    }
}

/// The query as it is signed, in order of names and values. `left_out` is the signature's own parameter.
pub(crate) fn query(raw: &str, left_out: Option<&str>) -> String {
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut pairs: Vec<(String, String)> =
        pairs.map(|(name, value)| (encoded_again(name), encoded_again(value))).collect();
    pairs.retain(|(name, _)| Some(name.as_str()) != left_out);
    pairs.sort_unstable();
    let mut out = String::with_capacity(raw.len());
    for (name, value) in pairs {
        let separator = if out.is_empty() { "" } else { "&" };
        let _ = write!(out, "{separator}{name}={value}");
    }
    out
}

/// Bytes, not text: what is no UTF-8 stays what it is and different.
fn encoded_again(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for byte in percent_decode(raw.as_bytes()) {
        match byte {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => out.push_str(percent_encode_byte(byte)),
        }
    }
    out
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

/// One line of the canonical headers, without its end: `name:value,value`.
pub(crate) fn header<'v>(name: &str, values: impl Iterator<Item = &'v [u8]>) -> Vec<u8> {
    let mut line = name.as_bytes().to_vec();
    line.push(b':');
    for (at, value) in values.enumerate() {
        if at > 0 {
            line.push(b',');
        }
        let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (at, word) in words.enumerate() {
            if at > 0 {
                line.push(b' ');
            }
            line.extend_from_slice(word);
        }
    }
    line
}

/// The canonical request over these headers, named in lower case and separated by `;`. It is bytes: a header's value
/// need not be text.
pub(crate) fn request(
    rules: Rules,
    parts: &Parts,
    left_out: Option<&str>,
    signed_headers: &str,
    payload: &str,
) -> Vec<u8> {
    let raw = parts.uri.query().unwrap_or_default();
    let head = format!("{}\n{}\n{}\n", parts.method, rules.path(parts.uri.path()), query(raw, left_out));
    let mut out = head.into_bytes();
    for name in signed_headers.split(';') {
        let mut values = parts.headers.get_all(name).iter().map(http::HeaderValue::as_bytes).peekable();
        let line = match (name, values.peek(), parts.uri.authority()) {
            // HTTP/2 has no Host header; what was signed is its authority.
            ("host", None, Some(host)) => header(name, std::iter::once(host.as_str().as_bytes())),
            _ => header(name, values),
        };
        out.extend_from_slice(&line);
        out.push(b'\n');
    }
    out.extend_from_slice(format!("\n{signed_headers}\n{payload}").as_bytes());
    out
}

/// What is signed: the time as the request has it, the scope, and the digest of the canonical request.
pub(crate) fn to_sign(time: &str, scope: &Scope<'_>, canonical: &[u8]) -> String {
    format!("{ALGORITHM}\n{time}\n{}\n{}", scope.without_key(), sha256_hex(canonical))
}

/// The key of one day, region and service.
pub(crate) fn key(secret: &str, scope: &Scope<'_>) -> [u8; 32] {
    let mut key: [u8; 32] =
        hmac(format!("AWS4{secret}").as_bytes(), scope.date).finalize().into_bytes().into();
    for part in [scope.region, scope.service, "aws4_request"] {
        key = hmac(&key, part).finalize().into_bytes().into();
    }
    key
}

/// The signature's code over a text, to be finished or compared in constant time.
pub(crate) fn hmac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    hmac.update(text.as_bytes());
    hmac
}

/// A digest as requests spell it.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
