//! Signature Version 4: who a request says it is from, whether that is true, and signatures of our own.
//!
//! ```text
//! Claim (what is said) ─▶ verify: time ─▶ place ─▶ canonical request ─▶ signature ─▶ payload, whole or in pieces
//! ```
//!
//! Never: logs a secret or a signature.

mod canonical;
mod checksum;
mod chunked;
mod claim;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod link_v2;
mod payload;
mod place;
mod sign;
mod time;
pub(crate) mod verify;

pub use checksum::{Algorithm, Checksum};
pub use chunked::{BodyError, ChunkError, ChunkedBody, Decoder, Form, Seed};
pub(crate) use claim::Claim;
pub(crate) use link_v2::Link;
pub(crate) use payload::Payload as PayloadForm;
pub use sign::{SignError, SigningKey, UNSIGNED_PAYLOAD, body_sha256, sign};

#[cfg(test)]
mod suite;
