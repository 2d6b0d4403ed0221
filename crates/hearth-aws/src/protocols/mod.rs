//! Bytes of a request to a [`Document`](crate::Document) by the model, and an answer back to bytes.
//!
//! Never: knows an operation by name; copies a payload.

pub(crate) mod aws_json;
#[cfg(test)]
pub(crate) mod cases;
mod cbor;
#[cfg(test)]
pub(crate) mod encoded;
pub(crate) mod failure;
mod form;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod header_list;
pub(crate) mod incoming;
mod json;
mod mismatch;
pub(crate) mod outgoing;
pub(crate) mod query;
pub(crate) mod rest_json;
pub(crate) mod rpc_v2_cbor;
mod text;
mod timestamp;
mod xml;

use bytes::Bytes;
use http::{HeaderMap, Response};
use uuid::Uuid;

use crate::document::{Document, ShapeError};
use crate::error::{ApiError, Code};
use crate::model::{Model, OperationFacts, Protocol, ShapeId};

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

/// The input of an operation, where it is known before the body is read: not in awsQuery.
pub(crate) fn read(
    model: &'static Model,
    protocol: Protocol,
    operation: &OperationFacts,
    received: &Received<'_>,
) -> Result<Document, ApiError> {
    match protocol {
        Protocol::RestJson1 => rest_json::read(model, operation, received),
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            read_body(operation, &received.body, |shape| json::read(model, shape, &received.body))
        }
        Protocol::RpcV2Cbor => {
            read_body(operation, &received.body, |shape| cbor::read(model, shape, &received.body))
        }
        Protocol::AwsQuery => query::read(model, operation, &query::Form::of(received)?),
        // S3 alone speaks restXml, and reads and writes it in its own crate: no call of its comes here.
        Protocol::RestXml => Err(crate::dispatch::service_not_built(model.facts().service)),
    }
}

/// An operation's answer.
pub(crate) fn write(
    model: &Model,
    protocol: Protocol,
    operation: &OperationFacts,
    output: Document,
    request_id: Uuid,
) -> Result<Response<Bytes>, ShapeError> {
    match protocol {
        Protocol::RestJson1 => rest_json::write(model, operation, output),
        Protocol::AwsJson10 | Protocol::AwsJson11 => aws_json::write(model, protocol, operation, &output),
        Protocol::RpcV2Cbor => rpc_v2_cbor::write(model, operation, &output),
        Protocol::AwsQuery => query::write(model, operation, &output, request_id),
        Protocol::RestXml => Err(ShapeError::expected("a protocol that is built")),
    }
}

/// The input of an operation whose every member is in the body. An empty body is an empty input, and so is null.
fn read_body(
    operation: &OperationFacts,
    body: &Bytes,
    read: impl FnOnce(ShapeId) -> Result<Document, ApiError>,
) -> Result<Document, ApiError> {
    match operation.input.filter(|_| !body.is_empty()).map(read).transpose()? {
        None | Some(Document::Null) => Ok(Document::Structure(Vec::new())),
        Some(input) => Ok(input),
    }
}

/// A value of this shape in JSON.
pub(crate) fn json_of(model: &Model, shape: ShapeId, value: &Document) -> Result<Vec<u8>, ShapeError> {
    let mut out = Vec::new();
    json::write(model, shape, value, &mut out)?;
    Ok(out)
}

/// The bytes are not what the protocol asks for.
pub(crate) fn unreadable(why: impl std::fmt::Display) -> ApiError {
    ApiError::client(Code::Serialization, why)
}
