//! Requests' heads and compressed bodies of whatever bytes.

use bytes::Bytes;
use http::Request;
use http::header::{HeaderName, HeaderValue};

use super::{Origin, defence, encoding, limits};
use crate::model::Protocol;

/// A compressed body: what comes out is within the operation's limit.
pub(crate) fn gzip(bytes: &[u8]) {
    let request = Request::builder().header("content-encoding", "gzip").body(()).expect("a good request");
    let (parts, ()) = request.into_parts();
    let limit = limits::of("logs", None, &parts.headers);
    let body = Bytes::copy_from_slice(bytes);
    if let Ok(decoded) = encoding::decode(&parts, Protocol::AwsJson11, &body, limit) {
        assert!(decoded.len() as u64 <= limit.bytes_max);
    }
}

/// The first line is a target, those after it are headers. Whoever is let in names us, and no other origin.
pub(crate) fn defence(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut request = Request::builder().uri(lines.next().unwrap_or_default());
    for line in lines {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(&line[at + 1..]));
        if let (Ok(name), Ok(value)) = (name, value) {
            request = request.header(name, value);
        }
    }
    let Ok(request) = request.body(()) else { return };
    let (parts, ()) = request.into_parts();
    let address = |text: &str| text.parse().expect("an address");
    let origin = Origin::Listener { local: address("127.0.0.1:4566"), peer: address("127.0.0.1:50000") };
    if defence::check(&parts, &origin, &[]).is_err() {
        return;
    }
    let host = defence::host(&parts).expect("a host is needed").to_ascii_lowercase();
    let host = host.trim_end_matches('.');
    let is_ours = host.parse::<std::net::IpAddr>().is_ok()
        || ["localhost", "amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws"].iter().any(|domain| {
            host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        });
    assert!(is_ours, "{host}");
    let site = parts.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    assert!(matches!(site, None | Some(b"same-origin" | b"none")));
}
