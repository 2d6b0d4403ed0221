//! The configurations of a bucket, as pure functions: what S3 refuses, what it adds, what they mean.
//!
//! ```text
//! document   how each is kept            error      why one is refused
//! tags  cors  lifecycle  encryption  ownership  acl  policy  website  logging  notification  simple
//! ```
//!
//! Never: reads the store; accepts what nothing acts on.

pub(crate) mod acl;
pub(crate) mod cors;
pub(crate) mod document;
pub(crate) mod encryption;
pub(crate) mod error;
pub(crate) mod kept;
pub(crate) mod lifecycle;
pub(crate) mod logging;
pub(crate) mod notification;
pub(crate) mod ownership;
pub(crate) mod policy;
pub(crate) mod simple;
pub(crate) mod tags;
pub(crate) mod website;
