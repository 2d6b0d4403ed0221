//! awsQuery: a form in, XML out.

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use uuid::Uuid;

pub(crate) use super::form::Form;
use super::xml;
use crate::document::{Document, ShapeError};
use crate::error::ApiError;
use crate::model::{Model, OperationFacts};

/// The input of an operation.
pub(crate) fn read(model: &Model, operation: &OperationFacts, form: &Form<'_>) -> Result<Document, ApiError> {
    match operation.input.and_then(|id| model.structure(id)) {
        Some(structure) => form.members(model, structure),
        None => Ok(Document::Structure(Vec::new())),
    }
}

/// An operation's answer.
pub(crate) fn write(
    model: &Model,
    operation: &OperationFacts,
    output: &Document,
    request_id: Uuid,
) -> Result<Response<Bytes>, ShapeError> {
    let envelope = format!("{}Response", operation.name);
    let mut out = xml::Writer::default();
    out.open_in(&envelope, model.facts().xml_namespace);
    if let Some(structure) = operation.output.and_then(|id| model.structure(id)) {
        let Document::Structure(members) = output else { return Err(ShapeError::expected("structure")) };
        if let Some(wrapper) = operation.result_wrapper {
            out.open(wrapper);
        }
        out.members(model, structure, members)?;
        if let Some(wrapper) = operation.result_wrapper {
            out.close(wrapper);
        }
    }
    out.open("ResponseMetadata");
    out.text("RequestId", &request_id.to_string());
    out.close("ResponseMetadata");
    out.close(&envelope);
    let mut response = Response::new(Bytes::from(out.finish()));
    response.headers_mut().insert(CONTENT_TYPE, xml::CONTENT);
    Ok(response)
}

#[cfg(test)]
mod tests;
