//! The protocols turned round, first half: a call of ours becomes a request to another endpoint.
//!
//! Never: an unescaped value in a path, a query or a form.

mod form;
mod rest;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};

use super::{aws_json, json};
use crate::document::{Document, ShapeError};
use crate::model::{Model, OperationFacts, Protocol};

/// A request before it has a host and a signature.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// Encoded, beginning with `/`.
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The first protocol, in the service's own order, that calls are written in.
pub(crate) fn protocol(model: &Model) -> Option<Protocol> {
    // GAP(protocols): calls to an S3 elsewhere are not written; rpcv2Cbor is no service's only protocol.
    let written = |protocol: &&Protocol| !matches!(protocol, Protocol::RestXml | Protocol::RpcV2Cbor);
    model.facts().protocols.iter().find(written).copied()
}

/// Writes a call's input.
pub(crate) fn write(
    model: &Model,
    protocol: Protocol,
    operation: &OperationFacts,
    input: Document,
) -> Result<Outgoing, ShapeError> {
    match protocol {
        Protocol::RestJson1 => rest::write(model, operation, input),
        Protocol::AwsJson10 | Protocol::AwsJson11 => write_json(model, protocol, operation, &input),
        Protocol::AwsQuery => form::write(model, operation, &input),
        Protocol::RestXml | Protocol::RpcV2Cbor => Err(ShapeError::expected("a protocol that is built")),
    }
}

fn write_json(
    model: &Model,
    protocol: Protocol,
    operation: &OperationFacts,
    input: &Document,
) -> Result<Outgoing, ShapeError> {
    let mut body = Vec::new();
    match operation.input {
        Some(shape) if *input != Document::Null => json::write(model, shape, input, &mut body)?,
        _ => body.extend_from_slice(b"{}"),
    }
    let prefix = model.facts().target_prefix.unwrap_or_default();
    let target = HeaderValue::try_from(format!("{prefix}.{}", operation.name));
    let mut headers = HeaderMap::new();
    headers.insert(aws_json::TARGET, target.map_err(|_| ShapeError::expected("a target for a header"))?);
    headers.insert(CONTENT_TYPE, aws_json::content(protocol));
    Ok(Outgoing { method: Method::POST, path_and_query: "/".to_owned(), headers, body: body.into() })
}

/// Puts a header there.
fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), ShapeError> {
    let name = HeaderName::try_from(name).map_err(|_| ShapeError::expected("a header's name"))?;
    let value = HeaderValue::try_from(value).map_err(|_| ShapeError::expected("a header's value"))?;
    headers.insert(name, value);
    Ok(())
}

/// The members of an input; a call without any has none.
fn members(input: Document) -> Result<Vec<(&'static str, Document)>, ShapeError> {
    match input {
        Document::Structure(members) => Ok(members),
        Document::Null => Ok(Vec::new()),
        _ => Err(ShapeError::expected("structure")),
    }
}
