//! What a request claims: the credential and the signature, from the `Authorization` header or a presigned query.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, DATE};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use super::canonical::{ALGORITHM, Rules};
use crate::error::{ApiError, Code};

/// Access keys of AWS have 20 characters; other makers' are longer, never by much.
const ACCESS_KEY_BYTES_MAX: usize = 128;

/// `ap-southeast-2` has 14; names are part of stored keys and stay short.
const REGION_BYTES_MAX: usize = 32;

/// What is said back of a credential that cannot be read.
const QUOTED_BYTES_MAX: usize = 256;

/// How many headers may be signed. SDKs sign fewer than 20.
const SIGNED_HEADERS_MAX: usize = 256;

/// A claim, not yet verified. Every part is of the expected form.
#[derive(Debug)]
pub(crate) struct Claim<'r> {
    credential: Cow<'r, str>,
    /// Names of the signed headers, separated by `;`, none of them twice.
    pub(super) signed_headers: Cow<'r, str>,
    /// 64 hexadecimal digits, if it is one at all.
    pub(super) signature: Cow<'r, str>,
    /// It came in the query.
    pub(super) presigned: bool,
}

/// The parts of a credential, `AKID/20251125/eu-west-1/lambda/aws4_request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope<'c> {
    /// The access key's id.
    pub access_key_id: &'c str,
    /// `20251125`.
    pub date: &'c str,
    /// `eu-west-1`.
    pub region: &'c str,
    /// `lambda`.
    pub service: &'c str,
}

impl Scope<'_> {
    /// `20251125/eu-west-1/lambda/aws4_request`.
    pub(crate) fn without_key(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

impl<'r> Claim<'r> {
    /// The claim of a request, or `None` when it has none. A claim that cannot be read is an error.
    pub(crate) fn of(headers: &'r HeaderMap, query: &'r str) -> Result<Option<Self>, ApiError> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let claim = match (given.next(), given.next()) {
            (Some(header), None) => {
                let header = header.to_str().map_err(|_| incomplete("Authorization header is not ASCII."))?;
                let is_dated = headers.contains_key("x-amz-date") || headers.contains_key(DATE);
                Self::in_header(header, is_dated)?
            }
            // Not recorded. Which of two is meant is nothing to guess at.
            (Some(_), Some(_)) => return Err(incomplete("Authorization header must be given once.")),
            (None, _) => match Self::in_query(query)? {
                Some(claim) => claim,
                None => return Ok(None),
            },
        };
        if claim.parse_scope().is_none() {
            let credential =
                Some(&*claim.credential).filter(|text| text.len() <= QUOTED_BYTES_MAX).unwrap_or_default();
            return Err(incomplete(&format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                 '{credential}'"
            )));
        }
        claim.check_signed_headers()?;
        Ok(Some(claim))
    }

    /// The parts of the header. Texts as AWS's front end sends them: `digest` stands where it once repeated the
    /// header itself.
    fn in_header(header: &'r str, is_dated: bool) -> Result<Self, ApiError> {
        let (algorithm, fields) = header.split_once(' ').unwrap_or((header, ""));
        let digest = || STANDARD.encode(Sha256::digest(header.as_bytes()));
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').ok_or_else(|| {
                incomplete(&format!(
                    "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and \
                     encoded with Base64): '{}'.",
                    digest()
                ))
            })?;
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => continue,
            };
            if place.replace(value).is_some() {
                // Not recorded. Which of two is meant is nothing to guess at.
                return Err(incomplete(&format!("Authorization header must have one '{name}' parameter.")));
            }
        }
        match (credential, signed_headers, signature) {
            (Some(credential), Some(signed_headers), Some(signature)) if algorithm == ALGORITHM => Ok(Self {
                credential: credential.into(),
                signed_headers: signed_headers.into(),
                signature: signature.into(),
                presigned: false,
            }),
            // Not recorded: SigV4A and whatever may come.
            (Some(_), Some(_), Some(_)) => Err(incomplete(
                "Unsupported algorithm in Authorization header: only AWS4-HMAC-SHA256 is known.",
            )),
            _ => {
                let wanted =
                    [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)];
                let missing = wanted.iter().filter(|(_, value)| value.is_none());
                let mut text: String = missing
                    .map(|(name, _)| format!("Authorization header requires '{name}' parameter. "))
                    .collect();
                if !is_dated {
                    text.push_str(NO_DATE);
                    text.push(' ');
                }
                text.push_str("(Hashed with SHA-256 and encoded with Base64) Authorization=");
                Err(incomplete(&(text + &digest())))
            }
        }
    }

    fn in_query(query: &'r str) -> Result<Option<Self>, ApiError> {
        let algorithm = parameter(query, "X-Amz-Algorithm")?;
        match algorithm.as_deref() {
            None => return Ok(None),
            Some(ALGORITHM) => {}
            // Not recorded.
            Some(_) => {
                return Err(incomplete("Unsupported X-Amz-Algorithm: only AWS4-HMAC-SHA256 is known."));
            }
        }
        let take = |name: &str| {
            parameter(query, name)?.ok_or_else(|| {
                incomplete(&format!(
                    "AWS query-string parameters must include '{name}'. Re-examine the query-string parameters."
                ))
            })
        };
        Ok(Some(Self {
            credential: take("X-Amz-Credential")?,
            signed_headers: take("X-Amz-SignedHeaders")?,
            signature: take("X-Amz-Signature")?,
            presigned: true,
        }))
    }

    /// A header that is named twice would be written twice, and a short request could ask for a long text to be hashed.
    fn check_signed_headers(&self) -> Result<(), ApiError> {
        let mut names: Vec<&str> = self.signed_headers.split(';').take(SIGNED_HEADERS_MAX + 1).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        if names.len() < count || count > SIGNED_HEADERS_MAX {
            return Err(incomplete("SignedHeaders must name every header once."));
        }
        Ok(())
    }

    /// Whether the signature covers this header, named in lower case.
    pub(super) fn signs(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed == name)
    }

    /// A presigned call that would do something though nobody verified it. STS keeps no state, and for S3 links are
    /// the usual way.
    pub(crate) fn is_open_link(&self) -> bool {
        let scope = self.scope();
        self.presigned && scope.service != "sts" && Rules::of(scope.service) != Rules::S3
    }

    /// The credential's parts.
    pub(crate) fn scope(&self) -> Scope<'_> {
        self.parse_scope().expect("checked when the claim was made")
    }

    fn parse_scope(&self) -> Option<Scope<'_>> {
        let mut parts = self.credential.rsplitn(5, '/');
        let (term, service, region, date) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let access_key_id = parts.next()?;
        let name = |text: &str| {
            !text.is_empty()
                && text.len() <= REGION_BYTES_MAX
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let key = !access_key_id.is_empty()
            && access_key_id.len() <= ACCESS_KEY_BYTES_MAX
            && access_key_id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
        let date_is = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
        let good = term == "aws4_request" && name(service) && name(region) && date_is && key;
        good.then_some(Scope { access_key_id, date, region, service })
    }
}

/// What a request without a date is told.
pub(super) const NO_DATE: &str =
    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";

/// A decoded parameter of the query. One that is given twice, or is no text, is an error.
pub(super) fn parameter<'q>(query: &'q str, name: &str) -> Result<Option<Cow<'q, str>>, ApiError> {
    let mut found = query.split('&').filter_map(|pair| {
        let (raw_name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_meant = raw_name == name || percent_decode_str(raw_name).eq(name.bytes());
        is_meant.then_some(value)
    });
    let Some(raw) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        // Not recorded. Which of two is meant is nothing to guess at.
        return Err(incomplete(&format!("AWS query-string parameters must include '{name}' once.")));
    }
    let text = percent_decode_str(raw).decode_utf8();
    text.map(Some).map_err(|_| incomplete(&format!("AWS query-string parameter '{name}' is not UTF-8.")))
}

fn incomplete(why: &str) -> ApiError {
    ApiError::client(Code::IncompleteSignature, why)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn claim(header: &[u8], query: &str) -> Result<Option<(String, String, String)>, Code> {
        let mut headers = HeaderMap::new();
        if !header.is_empty() {
            headers.insert(AUTHORIZATION, HeaderValue::from_bytes(header).map_err(|_| Code::InvalidInput)?);
        }
        let claim = Claim::of(&headers, query).map_err(|error| error.code)?;
        Ok(claim.map(|claim| {
            let scope = claim.scope();
            (scope.access_key_id.to_owned(), scope.region.to_owned(), scope.service.to_owned())
        }))
    }

    fn found(key: &str, region: &str, service: &str) -> Result<Option<(String, String, String)>, Code> {
        Ok(Some((key.to_owned(), region.to_owned(), service.to_owned())))
    }

    #[test]
    fn the_scope_is_read_from_the_header_or_from_a_presigned_query() {
        let header = "AWS4-HMAC-SHA256 Credential=AKID/20251125/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00";
        assert_eq!(claim(header.as_bytes(), ""), found("AKID", "eu-west-1", "lambda"));
        assert_eq!(claim(header.replace(", ", ",").as_bytes(), ""), found("AKID", "eu-west-1", "lambda"));
        let query = "Action=A&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20251125%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
        assert_eq!(claim(b"", query), found("123456789012", "us-east-1", "sts"));
        assert_eq!(claim(b"", "Action=GetCallerIdentity"), Ok(None));
    }

    #[test]
    fn a_claim_that_cannot_be_read_is_an_incomplete_signature() {
        for header in [
            "Basic dXNlcjpwYXNz",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 ",
            "AWS4-HMAC-SHA256 Credential",
            "AWS4-HMAC-SHA256 Credential=A/20251125/r/lambda/aws4_request, SignedHeaders=host",
            "AWS4-HMAC-SHA256 Credential=A/2025/r/lambda/aws4_request, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=A/20251125/../lambda/aws4_request, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=/20251125/r/lambda/aws4_request, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=lambda/aws4_request, SignedHeaders=host, Signature=0",
        ] {
            assert_eq!(claim(header.as_bytes(), ""), Err(Code::IncompleteSignature), "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(header in proptest::collection::vec(any::<u8>(), 0..200), query in "\\PC{0,200}") {
            let _ = claim(&header, &query);
            let _ = claim(&[b"AWS4-HMAC-SHA256 Credential=".as_slice(), &header].concat(), &query);
            let _ = claim(b"", &format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={query}"));
        }
    }
}
