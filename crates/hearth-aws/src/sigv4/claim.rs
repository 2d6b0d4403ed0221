//! What a request claims: the credential and the signature, from the `Authorization` header or a presigned query.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;

use crate::error::{ApiError, Code};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Access keys of AWS have 20 characters; other makers' are longer, never by much.
const ACCESS_KEY_BYTES_MAX: usize = 128;

/// `ap-southeast-2` has 14; names are part of stored keys and stay short.
const REGION_BYTES_MAX: usize = 32;

/// A claim, not yet verified. Every part is of the expected form.
#[derive(Debug)]
pub(crate) struct Claim<'r> {
    credential: Cow<'r, str>,
    /// Names of the signed headers, separated by `;`.
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
        let claim = match headers.get(AUTHORIZATION) {
            Some(header) => Self::in_header(header.to_str().map_err(|_| incomplete("is not ASCII"))?)?,
            None => match Self::in_query(query)? {
                Some(claim) => claim,
                None => return Ok(None),
            },
        };
        if claim.parse_scope().is_none() {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term",
            ));
        }
        Ok(Some(claim))
    }

    fn in_header(header: &'r str) -> Result<Self, ApiError> {
        let fields = header.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' '));
        let fields = fields.ok_or_else(|| incomplete("Authorization header requires AWS4-HMAC-SHA256"))?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            match field.split_once('=') {
                Some(("Credential", value)) => credential = Some(value),
                Some(("SignedHeaders", value)) => signed_headers = Some(value),
                Some(("Signature", value)) => signature = Some(value),
                Some(_) => {}
                None => return Err(incomplete("not a valid key=value pair in Authorization header")),
            }
        }
        let missing = |name: &str| incomplete(&format!("Authorization header requires '{name}' parameter."));
        Ok(Self {
            credential: credential.ok_or_else(|| missing("Credential"))?.into(),
            signed_headers: signed_headers.ok_or_else(|| missing("SignedHeaders"))?.into(),
            signature: signature.ok_or_else(|| missing("Signature"))?.into(),
            presigned: false,
        })
    }

    fn in_query(query: &'r str) -> Result<Option<Self>, ApiError> {
        if parameter(query, "X-Amz-Algorithm").as_deref() != Some(ALGORITHM) {
            return Ok(None);
        }
        let take = |name: &str| {
            parameter(query, name)
                .ok_or_else(|| incomplete(&format!("AWS query-string parameters must include '{name}'")))
        };
        Ok(Some(Self {
            credential: take("X-Amz-Credential")?,
            signed_headers: take("X-Amz-SignedHeaders")?,
            signature: take("X-Amz-Signature")?,
            presigned: true,
        }))
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

/// A decoded parameter of the query.
pub(super) fn parameter<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let raw = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    percent_decode_str(raw).decode_utf8().ok()
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
