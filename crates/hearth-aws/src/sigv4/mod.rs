//! Signature Version 4: who a request says it is from, whether that is true, and signatures of our own.
//!
//! Never: logs a secret or a signature.

mod canonical;
mod claim;
mod sign;
pub(crate) mod verify;

pub(crate) use claim::Claim;
pub use sign::{SignError, SigningKey, UNSIGNED_PAYLOAD, body_sha256, sign};

#[cfg(test)]
mod suite;
