//! Signature Version 4: who a request says it is from, and whether that is true.
//!
//! Never: logs a secret or a signature.

mod claim;
pub(crate) mod verify;

pub(crate) use claim::Claim;
