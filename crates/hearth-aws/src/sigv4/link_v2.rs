//! Links of Signature Version 2, which boto3 still makes for S3 when nobody says otherwise.
//!
//! Never: accepted without the signature where the key is known; accepted in headers, where nobody sends it any more.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_world::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
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

/// Parameters of one link; more would only cost time.
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
}

impl<'p> Link<'p> {
    /// The claim of a request, or `None` when it has none.
    pub(crate) fn of(parts: &'p Parts) -> Result<Option<Self>, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let Some(access_key_id) = parameter(query, "AWSAccessKeyId")? else { return Ok(None) };
        let take = |name: &str| {
            parameter(query, name)?.ok_or_else(|| {
                let text = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
                ApiError::client(Code::AccessDenied, text)
            })
        };
        let token = match parameter(query, "x-amz-security-token")? {
            Some(token) => Some(token),
            None => header(parts, "x-amz-security-token").map(Cow::from),
        };
        Ok(Some(Self { access_key_id, token, signature: take("Signature")?, expires: take("Expires")? }))
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
        let to_sign = self.to_sign(parts, path)?;
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

    fn to_sign(&self, parts: &Parts, path: &str) -> Result<String, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs: Vec<&str> =
            query.split('&').filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX).collect();
        let mut names: Vec<&str> =
            pairs.iter().map(|pair| pair.split('=').next().unwrap_or_default()).collect();
        names.sort_unstable();
        names.dedup();
        let value = |name: &str| Ok::<_, ApiError>(parameter(query, name)?.unwrap_or_default().into_owned());
        let named = |name: &str| match header(parts, name) {
            Some(value) => Ok(value.to_owned()),
            None => value(name),
        };
        // What is `x-amz-` in the query was a header when it was signed.
        let mut amz: Vec<(String, String)> = Vec::new();
        for name in names.iter().filter(|name| name.starts_with("x-amz-")) {
            amz.push(((*name).to_owned(), value(name)?));
        }
        for (name, value) in &parts.headers {
            if name.as_str().starts_with("x-amz-") && !names.contains(&name.as_str()) {
                amz.push((
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).trim().to_owned(),
                ));
            }
        }
        amz.sort_unstable();
        let amz: String = amz.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let mut resource = path.to_owned();
        for (at, name) in names.iter().filter(|name| SIGNED.contains(name)).enumerate() {
            let has_value = pairs.iter().any(|pair| {
                pair.split_once('=').is_some_and(|(found, value)| found == *name && !value.is_empty())
            });
            let value = if has_value { format!("={}", value(name)?) } else { String::new() };
            resource.push_str(&format!("{}{name}{value}", if at == 0 { '?' } else { '&' }));
        }
        let (md5, kind) = (named("content-md5")?, named("content-type")?);
        Ok(format!("{}\n{md5}\n{kind}\n{}\n{amz}{resource}", parts.method, self.expires))
    }
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
        let text = link.to_sign(&request, "/b/k").expect("a text");
        assert_eq!(text, "PUT\n\n\n1\nx-amz-meta-b:2\n/b/k?acl&versionId=a/b");
    }
}
