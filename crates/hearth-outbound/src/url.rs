//! The part of a URL that decides whom a connection is made to.

use http::Uri;
use http::uri::Scheme;

use crate::error::OutboundError;

/// Scheme, host and port: connections to one are alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Destination {
    pub(crate) tls: bool,
    /// Without brackets, in lower case.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Destination {
    /// Reads an absolute `http` or `https` URL.
    pub(crate) fn of(uri: &Uri) -> Result<Self, OutboundError> {
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(OutboundError::Url("it begins neither with https:// nor with http://")),
        };
        let authority = uri.authority().ok_or(OutboundError::Url("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(OutboundError::Url("it names a user"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains('%') {
            return Err(OutboundError::Url("it names no host"));
        }
        let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
            "" | ":" => {
                if tls {
                    443
                } else {
                    80
                }
            }
            port => port[1..].parse().map_err(|_| OutboundError::Url("it names no port"))?,
        };
        Ok(Self { tls, host: host.to_ascii_lowercase(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_scheme_host_and_port_and_nothing_that_confuses() {
        let of = |text: &str| {
            let uri = text.parse::<Uri>().map_err(|_| "no URI".to_owned())?;
            Destination::of(&uri).map(|it| (it.tls, it.host, it.port)).map_err(|error| error.to_string())
        };
        assert_eq!(of("https://Example.com/a?b"), Ok((true, "example.com".into(), 443)));
        assert_eq!(of("http://example.com:8080"), Ok((false, "example.com".into(), 8080)));
        assert_eq!(of("http://[::1]:80/"), Ok((false, "::1".into(), 80)));
        assert_eq!(of("http://example.com:/"), Ok((false, "example.com".into(), 80)));
        for refused in [
            "/path",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://x:70/",
            "http://user@example.com/",
            "http://user:secret@127.0.0.1/",
            "http://a@b@c/",
            "http://example.com:99999/",
            "http://example.com:-1/",
            "http://",
            "http:///x",
            "http://[fe80::1%25eth0]/",
        ] {
            assert!(of(refused).is_err(), "{refused} was taken: {:?}", of(refused));
        }
    }
}
