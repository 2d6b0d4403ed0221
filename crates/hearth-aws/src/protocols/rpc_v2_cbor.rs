//! rpcv2Cbor: the path names service and operation, input and output are CBOR.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::cbor;
use crate::document::{Document, ShapeError};
use crate::model::{Model, OperationFacts};

pub(super) const CBOR: HeaderValue = HeaderValue::from_static("application/cbor");

/// Says which protocol a request speaks, and an answer too.
pub(crate) const PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

/// What [`PROTOCOL`] says.
pub(crate) const NAME: HeaderValue = HeaderValue::from_static("rpc-v2-cbor");

/// The service and operation that a path names: `/service/{name}/operation/{name}`, whatever stands before it.
pub(crate) fn names_of(path: &str) -> Option<(&str, &str)> {
    let (before, operation) = path.rsplit_once("/operation/")?;
    let (_, service) = before.rsplit_once("/service/")?;
    Some((service, operation))
}

/// An operation's answer: without an output it has no body.
pub(super) fn write(
    model: &Model,
    operation: &OperationFacts,
    output: &Document,
) -> Result<Response<Bytes>, ShapeError> {
    let mut response = Response::new(Bytes::new());
    response.headers_mut().insert(PROTOCOL, NAME);
    if let Some(shape) = operation.output {
        let mut body = Vec::new();
        cbor::write(model, shape, output, &mut body)?;
        response.headers_mut().insert(CONTENT_TYPE, CBOR);
        *response.body_mut() = body.into();
    }
    Ok(response)
}
