//! Who may talk to us at all. A local endpoint is reachable by every web page that its owner opens, and creating
//! a function is running code: cross-site requests and rebound names must fail before anything is read.

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::Origin;
use crate::error::{ApiError, Code};

/// Domains under which AWS serves APIs. Nobody else can point a name in them at us.
const AWS_DOMAINS: &[&str] = &["amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws"];

/// Refuses what a web page could have sent. A sandbox's socket is reachable by its function alone.
pub(super) fn check(parts: &Parts, origin: &Origin, hosts: &[String]) -> Result<(), ApiError> {
    check_host(parts, origin, hosts)?;
    if matches!(origin, Origin::Listener { .. }) { check_page(parts) } else { Ok(()) }
}

/// Refuses names that are not ours.
pub(super) fn check_host(parts: &Parts, origin: &Origin, hosts: &[String]) -> Result<(), ApiError> {
    let Origin::Listener { local, .. } = origin else { return Ok(()) };
    let host = host(parts).ok_or_else(|| refused("The request has no Host.".to_owned()))?;
    if !is_ours(host, *local, hosts) {
        return Err(refused(format!(
            "Host {host:?} is not a name of this endpoint. Use its address or localhost; `hearth serve` answers to \
             the names of --host."
        )));
    }
    Ok(())
}

/// Whether a web page of another site may have sent it, or its browser asks whether one may.
pub(super) fn is_of_a_page(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS || check_page(parts).is_err()
}

/// Refuses what pages of other sites send.
fn check_page(parts: &Parts) -> Result<(), ApiError> {
    if let Some(from) = parts.headers.get(ORIGIN) {
        let from = String::from_utf8_lossy(from.as_bytes());
        if !is_same_origin(&from, authority(parts).unwrap_or_default()) {
            return Err(refused(format!("Requests from web pages of {from:?} are refused.")));
        }
    }
    match fetch_site(&parts.headers) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(refused("Requests from web pages of other sites are refused.".to_owned())),
    }
}

fn refused(text: String) -> ApiError {
    ApiError::client(Code::AccessDenied, text)
}

/// `Sec-Fetch-Site`, which browsers set and pages cannot. What is not readable counts as foreign.
fn fetch_site(headers: &HeaderMap) -> Option<&str> {
    headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("unreadable"))
}

/// `Host`, or HTTP/2's `:authority`, with its port.
pub(super) fn authority(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
}

/// The host's name or address, without port and brackets.
pub(super) fn host(parts: &Parts) -> Option<&str> {
    let authority = authority(parts)?;
    if let Some(v6) = authority.strip_prefix('[') {
        return v6.split(']').next();
    }
    Some(authority.rsplit_once(':').map_or(authority, |(host, _)| host)).filter(|host| !host.is_empty())
}

fn is_ours(host: &str, local: SocketAddr, hosts: &[String]) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        let address = address.to_canonical();
        return address.is_loopback() || address == local.ip().to_canonical() || is_named(host, hosts);
    }
    // Whoever may use a name owns what is under it: buckets have names there.
    is_under(host, "localhost") || is_aws_name(host) || hosts.iter().any(|name| is_under(host, name))
}

/// Whether `Host` is this machine's own: AWS's names are a service's, and what is under ours may be a bucket's.
pub(super) fn is_plain(parts: &Parts, hosts: &[String]) -> bool {
    let host = host(parts).unwrap_or_default();
    host.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost") || is_named(host, hosts)
}

fn is_named(host: &str, hosts: &[String]) -> bool {
    hosts.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// A name of one of AWS's API endpoints.
pub(super) fn is_aws_name(host: &str) -> bool {
    AWS_DOMAINS.iter().any(|domain| is_under(host, domain))
}

/// The domain itself or a name in it, whatever the case and with or without the root's dot.
pub fn is_under(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let Some(at) = host.len().checked_sub(domain.len()) else { return false };
    host.is_char_boundary(at)
        && host[at..].eq_ignore_ascii_case(domain)
        && (at == 0 || host[..at].ends_with('.'))
}

fn is_same_origin(from: &str, authority: &str) -> bool {
    let from = from.strip_prefix("http://").or_else(|| from.strip_prefix("https://"));
    from.is_some_and(|from| !authority.is_empty() && from.eq_ignore_ascii_case(authority))
}
