//! Signatures over whatever bytes.

use bytes::Bytes;
use hearth_world::Timestamp;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Request};

use super::canonical::{self, Rules};
use super::chunked::{Decoder, Form};
use super::sign::{SigningKey, sign};
use super::{Claim, verify};

/// 2025-11-25T02:26:54Z.
const NOW: Timestamp = Timestamp::from_micros(1_764_037_614_000_000);

/// The first line is an `Authorization`, the second a query.
pub(crate) fn claim(bytes: &[u8]) {
    let (header, query) = two(bytes);
    let mut headers = HeaderMap::new();
    if let (false, Ok(header)) = (header.is_empty(), HeaderValue::from_bytes(header)) {
        headers.insert(AUTHORIZATION, header);
    }
    let query = String::from_utf8_lossy(query);
    match Claim::of(&headers, &query) {
        Ok(Some(claim)) => {
            let scope = claim.scope();
            assert!(scope.date.len() == 8 && !scope.access_key_id.contains('/'));
            assert!(scope.without_key().len() < 128, "names are part of stored keys");
            let (mut parts, ()) = Request::builder().uri("/").body(()).expect("a good request").into_parts();
            parts.headers.extend(headers.clone());
            let checked = verify::check(&claim, &parts, b"", "secret", NOW);
            assert!(checked.is_err(), "nobody guesses a signature");
        }
        Ok(None) => assert!(headers.is_empty(), "a header is a claim"),
        Err(error) => {
            assert!(error.message.len() < 1_024, "an error repeats little: {}", error.message.len())
        }
    }
}

/// The first line is a path, the second a query, the third a header's value.
pub(crate) fn canonical(bytes: &[u8]) {
    let (path, rest) = two(bytes);
    let (query, value) = two(rest);
    let (path, query) = (String::from_utf8_lossy(path), String::from_utf8_lossy(query));
    let general = Rules::General.path(&path);
    assert!(general.starts_with('/') && !general.contains("//") && general.len() <= 3 * path.len() + 1);
    assert!(!general.split('/').any(|segment| segment == "." || segment == ".."));
    let object = Rules::S3.path(&path);
    assert!(object.len() <= 3 * path.len());
    assert_eq!(Rules::S3.path(&object), object, "an object's name has one canonical form");

    let once = canonical::query(&query, None);
    assert!(once.len() <= 3 * query.len() + query.matches('&').count() + 1);
    assert_eq!(canonical::query(&once, None), once, "a query has one canonical form");

    let line = canonical::header("name", std::iter::once(value));
    assert!(line.len() <= value.len() + 5);
    assert!(!line.contains(&b'\n') && !line.windows(2).any(|pair| pair == b"  "), "one line, single spaces");
}

/// A request: method, path and query, headers, an empty line and a body. What we sign is true, and nothing else is.
pub(crate) fn round_trip(bytes: &[u8]) {
    let (method, rest) = two(bytes);
    let (target, mut rest) = two(rest);
    let mut request = Request::builder().method(method).uri(target).header("host", "localhost:4566");
    while !rest.is_empty() {
        let (line, after) = two(rest);
        rest = after;
        let Some(at) = line.iter().position(|byte| *byte == b':') else { break };
        let (name, value) = (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(&line[at + 1..]));
        if let (Ok(name), Ok(value)) = (name, value) {
            request = request.header(name, value);
        }
    }
    let Ok(request) = request.body(()) else { return };
    let (mut parts, ()) = request.into_parts();
    let hosts = parts.headers.get_all("host").iter().any(|host| host.as_bytes().starts_with(b"localhost"));
    let service = if method.len().is_multiple_of(2) { "s3" } else { "lambda" };
    let key = SigningKey { access_key_id: "AKID".into(), secret: "secret".into(), session_token: None };
    let digest = super::body_sha256(rest);
    if sign(&mut parts, &digest, &key, "eu-west-1", service, NOW).is_err() {
        return;
    }
    let check = |parts: &http::request::Parts, body: &[u8], secret: &str| {
        let query = parts.uri.query().unwrap_or_default();
        let claim = Claim::of(&parts.headers, query).map_err(|error| error.message)?.ok_or("no claim")?;
        verify::check(&claim, parts, body, secret, NOW).map_err(|error| error.message)
    };
    // A proxy's own headers are not signed, which S3 does not like of AWS's.
    let is_open = service == "s3" && parts.headers.contains_key("x-amzn-trace-id");
    if hosts && !is_open {
        assert_eq!(check(&parts, rest, "secret"), Ok(()));
    }
    assert!(check(&parts, rest, "another").is_err());
    assert!(check(&parts, &[rest, b"!"].concat(), "secret").is_err());
    parts.headers.append("host", HeaderValue::from_static("example"));
    assert!(check(&parts, rest, "secret").is_err());
}

/// The first byte says how the rest arrives and in which form. The payload is never longer than the body, and does
/// not depend on how it arrives.
pub(crate) fn chunked(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let form = [Form::Signed, Form::SignedTrailer, Form::UnsignedTrailer][usize::from(first % 3)];
    let (length, body) = two(rest);
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-trailer", HeaderValue::from_static("x-amz-checksum-crc32"));
    if let Ok(length) = HeaderValue::from_bytes(length) {
        headers.insert("x-amz-decoded-content-length", length);
    }
    let read = |step: usize| {
        let mut decoder = Decoder::new(form, None, &headers)?;
        let mut payload = Vec::new();
        for piece in body.chunks(step) {
            let mut piece = Bytes::copy_from_slice(piece);
            let mut steps = 0;
            while let Some(bytes) = decoder.next(&mut piece)? {
                payload.extend_from_slice(&bytes);
                steps += 1;
                assert!(steps <= step, "every step takes a byte");
            }
            assert!(piece.is_empty(), "what is given is taken");
        }
        assert!(payload.len() as u64 <= decoder.expected() && payload.len() <= body.len());
        decoder.finish().map(|()| payload)
    };
    let whole = read(body.len().max(1));
    assert_eq!(read(usize::from(first / 3) + 1), whole);
}

/// A line, and what follows it.
fn two(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n');
    at.map_or((bytes, &[]), |at| (&bytes[..at], &bytes[at + 1..]))
}
