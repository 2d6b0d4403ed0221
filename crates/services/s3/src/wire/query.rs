//! The query of a request, decoded once: what routes it, what decides about it and what answers it read the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::request::Parts;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::Failure;

/// What a signature is made of, in order: it says nothing of what is wanted.
const SIGNATURE: [&str; 11] = [
    "AWSAccessKeyId",
    "Expires",
    "Signature",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "x-amz-security-token",
];

/// Decoded parameters by their names.
#[derive(Debug)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// The query of a request. Each name stands in it once: which of two is meant is nothing to guess at.
    pub(super) fn of(parts: &Parts) -> Result<Self, Failure> {
        let mut found = BTreeMap::new();
        for pair in parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if let Some(first) = found.insert(name.clone(), value) {
                let text = "This parameter must be given once.";
                let failure = Failure::new(400, "InvalidArgument", text).with("ArgumentName", name);
                return Err(failure.with("ArgumentValue", first));
            }
        }
        Ok(Self(found))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same, written in the one way, without what is a signature's.
    pub(super) fn without_signature(&self) -> String {
        let mut out = String::new();
        for (name, value) in
            self.0.iter().filter(|(name, _)| SIGNATURE.binary_search(&name.as_str()).is_err())
        {
            let separator = if out.is_empty() { "" } else { "&" };
            let (name, value) = (encoded(name), encoded(value));
            let _ = write!(out, "{separator}{name}={value}");
        }
        out
    }
}

/// As forms are: a plus sign is a space.
fn decoded(raw: &str) -> Result<String, Failure> {
    let spaced = raw.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8();
    let text = text.map_err(|_| Failure::new(400, "InvalidURI", "Couldn't parse the specified URI."))?;
    Ok(text.into_owned())
}

fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(target: &str) -> Result<Query, &'static str> {
        let request = http::Request::builder().uri(target).body(()).expect("a request");
        Query::of(&request.into_parts().0).map_err(|failure| failure.code)
    }

    #[test]
    fn a_parameter_is_the_same_however_it_is_written() {
        assert!(SIGNATURE.is_sorted());
        for target in ["/k?versionId=a%2Fb", "/k?version%49d=a/b", "/k?&&%76ersion%49d=%61%2fb&"] {
            let query = query(target).expect("a query");
            assert_eq!(query.value("versionId"), Some("a/b"), "{target}");
            assert_eq!(query.without_signature(), "versionId=a%2Fb", "{target}");
        }
        let signed = query("/k?acl&X-Amz-Signature=a&X-Am%7A-Date=b&Expires=1").expect("a query");
        assert_eq!(signed.without_signature(), "acl=");
        assert_eq!(query("/k?prefix=a+b%2B").expect("a query").value("prefix"), Some("a b+"));
        assert!(query("/k").expect("a query").0.is_empty());
    }

    #[test]
    fn a_parameter_that_stands_twice_is_refused() {
        for target in ["/k?a&a", "/k?a=1&%61=1", "/k?a=1&b&a=2"] {
            assert_eq!(query(target).map(drop), Err("InvalidArgument"), "{target}");
        }
        assert_eq!(query("/k?a=%ff").map(drop), Err("InvalidURI"));
    }
}
