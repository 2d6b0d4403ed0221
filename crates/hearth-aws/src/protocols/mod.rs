//! Bytes of a request to a [`Document`](crate::Document) by the model, and an answer back to bytes.
//!
//! Never: knows an operation by name; copies a payload.

pub(crate) mod failure;
mod form;
mod json;
pub(crate) mod query;
pub(crate) mod rest_json;
mod text;
mod timestamp;
mod xml;

use bytes::Bytes;
use http::HeaderMap;

use crate::error::{ApiError, Code};

/// A request as far as a protocol needs it. Paths and queries are raw: still percent-encoded.
#[derive(Debug)]
pub(crate) struct Received<'r> {
    /// The path's parameters, in the path's order.
    pub parameters: &'r [&'r str],
    /// What follows `?`.
    pub query: &'r str,
    /// The headers.
    pub headers: &'r HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// The bytes are not what the protocol asks for.
pub(crate) fn unreadable(why: impl std::fmt::Display) -> ApiError {
    ApiError::client(Code::Serialization, why)
}
