//! In which form a body comes, and what stands for it in the signature.

use http::request::Parts;

use super::canonical::Rules;
use super::chunked::Form;
use super::claim::Claim;
use super::sign::UNSIGNED_PAYLOAD;
use super::verify::header;
use crate::error::{ApiError, Code};

/// The form of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload<'p> {
    /// Its digest is signed.
    Whole {
        /// The digest in `x-amz-content-sha256`.
        announced: Option<&'p str>,
    },
    /// Only the head is signed.
    Unsigned,
    /// In pieces: `aws-chunked`.
    Chunked(Form),
}

impl<'p> Payload<'p> {
    /// The form of this request's body. Only S3 and its like take other forms than the whole: elsewhere such a name
    /// is a digest that is not the body's, and the signature does not match.
    pub(crate) fn of(claim: &Claim<'_>, parts: &'p Parts) -> Result<Self, ApiError> {
        let announced = header(parts, "x-amz-content-sha256");
        match (Rules::of(claim.scope().service), announced) {
            (Rules::General, announced) => Ok(Self::Whole { announced }),
            (Rules::S3, Some(UNSIGNED_PAYLOAD)) => Ok(Self::Unsigned),
            (Rules::S3, Some(name)) => match Form::named(name) {
                Some(form) => Ok(Self::Chunked(form)),
                None if name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                    Ok(Self::Whole { announced })
                }
                None => Err(ApiError::client(
                    Code::Modelled("InvalidArgument"),
                    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                     STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 \
                     value.",
                )),
            },
            // Whoever opens a link sends no such header.
            (Rules::S3, None) if claim.presigned => Ok(Self::Unsigned),
            (Rules::S3, None) => Err(ApiError::client(
                Code::Modelled("InvalidRequest"),
                "Missing required header for this request: x-amz-content-sha256",
            )),
        }
    }

    /// What stands for the body in the signature.
    pub(crate) fn name(self) -> &'p str {
        match self {
            Self::Whole { announced } => announced.unwrap_or_default(),
            Self::Unsigned => UNSIGNED_PAYLOAD,
            Self::Chunked(form) => form.name(),
        }
    }
}
