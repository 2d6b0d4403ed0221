//! awsJson 1.0 and 1.1: `X-Amz-Target` names the operation, input and output are JSON. They differ in the content
//! type alone.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::json;
use crate::document::{Document, ShapeError};
use crate::model::{Model, OperationFacts, Protocol};

/// Names the operation: `DynamoDB_20120810.GetItem`.
pub(crate) const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// What the content type of every request begins with.
pub(crate) const CONTENT: &[u8] = b"application/x-amz-json-1.";

/// The content type of answers.
pub(super) fn content(protocol: Protocol) -> HeaderValue {
    HeaderValue::from_static(match protocol {
        Protocol::AwsJson11 => "application/x-amz-json-1.1",
        _ => "application/x-amz-json-1.0",
    })
}

/// An operation's answer: without an output it has no body.
pub(super) fn write(
    model: &Model,
    protocol: Protocol,
    operation: &OperationFacts,
    output: &Document,
) -> Result<Response<Bytes>, ShapeError> {
    let mut body = Vec::new();
    if let Some(shape) = operation.output {
        json::write(model, shape, output, &mut body)?;
    }
    let mut response = Response::new(Bytes::from(body));
    response.headers_mut().insert(CONTENT_TYPE, content(protocol));
    Ok(response)
}
