//! Links of Signature Version 2, which boto3 still makes for S3 when nobody says otherwise.
//!
//! Never: accepted without the signature where the key is known; accepted in headers, where nobody sends it any more.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_world::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use sha1::Sha1;

use super::claim::parameter;
use super::verify::{header, invalid};
use crate::error::{ApiError, Code};

/// Parameters that are part of what is signed.
const SIGNED: &[&str] = &[
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Parameters of one link: more are refused, for one that is not looked at would be one that nobody signed.
const PARAMETERS_MAX: usize = 256;

/// A link's claim, not yet verified.
#[derive(Debug)]
pub(crate) struct Link<'p> {
    /// The access key's id.
    pub(crate) access_key_id: Cow<'p, str>,
    /// The session's token, if there is one.
    pub(crate) token: Option<Cow<'p, str>>,
    signature: Cow<'p, str>,
    expires: Cow<'p, str>,
    /// The whole query, decoded: what is signed is what will be read.
    parameters: BTreeMap<Cow<'p, str>, Cow<'p, str>>,
}

impl<'p> Link<'p> {
    /// The claim of a request, or `None` when it has none.
    pub(crate) fn of(parts: &'p Parts) -> Result<Option<Self>, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let Some(access_key_id) = parameter(query, "AWSAccessKeyId")? else { return Ok(None) };
        let parameters = parameters(query)?;
        let take = |name: &str| {
            parameters.get(name).cloned().ok_or_else(|| {
                let text = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
                ApiError::client(Code::AccessDenied, text)
            })
        };
        let (signature, expires) = (take("Signature")?, take("Expires")?);
        let token = parameters.get("x-amz-security-token").cloned();
        let token = token.or_else(|| header(parts, "x-amz-security-token").map(Cow::from));
        Ok(Some(Self { access_key_id, token, signature, expires, parameters }))
    }

    /// Whether the link still lives.
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), ApiError> {
        let expires = self.expires.parse::<i64>().map_err(|_| {
            ApiError::client(
                Code::AccessDenied,
                format!("Invalid date (should be seconds since epoch): {}", self.expires),
            )
        })?;
        match now.as_micros().div_euclid(1_000_000) > expires {
            true => Err(ApiError::client(Code::AccessDenied, "Request has expired")),
            false => Ok(()),
        }
    }

    /// Verifies the signature. `path` is `/BUCKET/KEY`, encoded as it came.
    pub(crate) fn verify(&self, parts: &Parts, path: &str, secret: &str) -> Result<(), ApiError> {
        let to_sign = self.to_sign(parts, path);
        let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("a key of any length is one");
        mac.update(to_sign.as_bytes());
        let given = STANDARD.decode(self.signature.as_bytes()).unwrap_or_default();
        mac.verify_slice(&given).map_err(|_| {
            invalid(
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method.",
            )
        })
    }

    fn to_sign(&self, parts: &Parts, path: &str) -> String {
        let value = |name: &str| self.parameters.get(name).map(Cow::as_ref);
        let named = |name: &str| header(parts, name).or_else(|| value(name)).unwrap_or_default();
        // What is `x-amz-` in the query was a header when it was signed.
        let in_query = self.parameters.iter().filter(|(name, _)| name.starts_with("x-amz-"));
        let mut amz: Vec<(&str, Cow<'_, str>)> =
            in_query.map(|(name, value)| (name.as_ref(), Cow::from(value.as_ref()))).collect();
        for (name, given) in &parts.headers {
            if name.as_str().starts_with("x-amz-") && value(name.as_str()).is_none() {
                let given = String::from_utf8_lossy(given.as_bytes()).trim().to_owned();
                amz.push((name.as_str(), given.into()));
            }
        }
        amz.sort_unstable();
        let amz: String = amz.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let mut resource = path.to_owned();
        let signed = self.parameters.iter().filter(|(name, _)| SIGNED.contains(&name.as_ref()));
        for (at, (name, value)) in signed.enumerate() {
            resource.push(if at == 0 { '?' } else { '&' });
            resource.push_str(name);
            if !value.is_empty() {
                resource.push('=');
                resource.push_str(value);
            }
        }
        let (md5, kind) = (named("content-md5"), named("content-type"));
        format!("{}\n{md5}\n{kind}\n{}\n{amz}{resource}", parts.method, self.expires)
    }
}

/// The parameters of a query, decoded, each named once.
fn parameters(query: &str) -> Result<BTreeMap<Cow<'_, str>, Cow<'_, str>>, ApiError> {
    let refused = |why: &str| ApiError::client(Code::AccessDenied, why);
    let decoded = |raw| {
        let text = percent_decode_str(raw).decode_utf8();
        text.map_err(|_| refused("The query of a signed link must be UTF-8."))
    };
    let mut parameters = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // Not recorded. Which of two is meant is nothing to guess at.
        if parameters.insert(decoded(name)?, decoded(value)?).is_some() {
            return Err(refused("The query of a signed link must name every parameter once."));
        }
        if parameters.len() > PARAMETERS_MAX {
            return Err(refused("The query of a signed link has too many parameters."));
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, target: &str) -> Parts {
        let request = http::Request::builder().method(method).uri(target).body(()).expect("a request");
        request.into_parts().0
    }

    /// The example of AWS's page on the REST authentication of Signature Version 2.
    #[test]
    fn the_documented_link_is_true_and_any_other_is_not() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let target = "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
        let path = "/johnsmith/photos/puppy.jpg";
        let request = parts("GET", target);
        let link = Link::of(&request).expect("readable").expect("a link");
        assert_eq!(link.access_key_id, "AKIAIOSFODNN7EXAMPLE");
        assert!(link.verify(&request, path, secret).is_ok());
        assert!(link.verify(&request, "/other/photos/puppy.jpg", secret).is_err());
        assert!(link.verify(&request, path, "other").is_err());
        assert!(link.verify(&parts("PUT", target), path, secret).is_err());
        assert!(link.check_time(Timestamp::from_millis(1_175_139_620_000)).is_ok());
        assert!(link.check_time(Timestamp::from_millis(1_175_139_621_000)).is_err());
        assert!(Link::of(&parts("GET", "/a?AWSAccessKeyId=A")).is_err());
    }

    #[test]
    fn headers_of_amazon_and_subresources_are_signed() {
        let request = parts(
            "PUT",
            "/k?x-amz-meta-b=2&acl&versionId=a%2Fb&AWSAccessKeyId=A&Signature=s&Expires=1&x-id=1",
        );
        let link = Link::of(&request).expect("readable").expect("a link");
        let text = link.to_sign(&request, "/b/k");
        assert_eq!(text, "PUT\n\n\n1\nx-amz-meta-b:2\n/b/k?acl&versionId=a/b");
    }

    #[test]
    fn a_link_is_not_extended_however_the_query_is_written() {
        let head = "/k?AWSAccessKeyId=A&Signature=s&Expires=1";
        let check = |added: &str, expected: &str| {
            let request = parts("GET", &format!("{head}{added}"));
            let link = Link::of(&request).expect("readable").expect("a link");
            assert_eq!(link.to_sign(&request, "/b/k"), format!("GET\n\n\n1\n{expected}"), "{added}");
        };
        check("", "/b/k");
        check("&prefix=a", "/b/k");
        check("&version%49d=a", "/b/k?versionId=a");
        check("&%61cl", "/b/k?acl");
        check("&%78-amz-acl=public-read", "x-amz-acl:public-read\n/b/k");
        let filled = |count: usize| (0..count).map(|at| format!("&p{at}")).collect::<String>();
        check(&format!("{}&acl", filled(252)), "/b/k?acl");
        let refused = |added: &str| Link::of(&parts("GET", &format!("{head}{added}"))).map(|_| ()).is_err();
        assert!(refused(&format!("{}&acl", filled(253))));
        for twice in ["&acl&acl", "&versionId=a&version%49d=b", "&%45xpires=9999999999", "&a=%ff"] {
            assert!(refused(twice), "{twice}");
        }
        // What is no link is somebody else's.
        assert!(matches!(Link::of(&parts("GET", &format!("/k?a{}", filled(300)))), Ok(None)));
    }
}
