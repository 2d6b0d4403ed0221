//! What can be wrong with a body in pieces, as S3 says it.

use std::fmt;

use super::super::checksum::Algorithm;
use crate::error::{ApiError, Code};

/// Why an `aws-chunked` body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// `x-amz-decoded-content-length` is missing or no number.
    #[error("You must provide the Content-Length HTTP header.")]
    NoLength,
    /// `x-amz-trailer` is missing or names no checksum.
    #[error("The value specified in the x-amz-trailer header is not supported")]
    UnknownTrailer,
    /// No piece begins or ends where it must, or bytes follow the end.
    #[error("The request body is not valid aws-chunked data.")]
    Garbled,
    /// A piece's or the trailers' signature is another.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your key and signing \
         method."
    )]
    Signature,
    /// Less than the headers say.
    #[error("You did not provide the number of bytes specified by the Content-Length HTTP header")]
    Incomplete,
    /// More than the headers say.
    #[error("The request body has more bytes than the x-amz-decoded-content-length header says.")]
    Oversized,
    /// A piece below the least size, and not the last.
    #[error("Only the last chunk is allowed to have a size less than 8192 bytes")]
    SmallPiece,
    /// What follows the pieces is not the trailer that was announced.
    #[error(
        "The request contained trailing data that was not well-formed or did not conform to our published schema."
    )]
    Trailer,
    /// The payload's checksum is another.
    #[error("The {0} you specified did not match the calculated checksum.")]
    Checksum(Algorithm),
}

impl From<ChunkError> for ApiError {
    fn from(error: ChunkError) -> Self {
        let code = match error {
            ChunkError::NoLength => Code::Modelled("MissingContentLength"),
            ChunkError::UnknownTrailer | ChunkError::Garbled | ChunkError::Oversized => {
                Code::Modelled("InvalidRequest")
            }
            ChunkError::Signature => Code::InvalidSignature,
            ChunkError::Incomplete => Code::Modelled("IncompleteBody"),
            ChunkError::SmallPiece => Code::Modelled("InvalidChunkSizeError"),
            ChunkError::Trailer => Code::Modelled("MalformedTrailerError"),
            ChunkError::Checksum(_) => Code::Modelled("BadDigest"),
        };
        Self::client(code, error)
    }
}

/// Why a body in pieces could not be read to its end.
#[derive(Debug)]
pub enum BodyError<E> {
    /// Its sender's line broke.
    Line(E),
    /// It is not what it says.
    Chunk(ChunkError),
}

impl<E: fmt::Display> fmt::Display for BodyError<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(error) => error.fmt(out),
            Self::Chunk(error) => error.fmt(out),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for BodyError<E> {}
