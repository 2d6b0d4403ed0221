//! A failed call in the protocol's shape.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use uuid::Uuid;

use super::{json, rest_json, xml};
use crate::document::Document;
use crate::error::{ApiError, WireError, wire};
use crate::model::{Location, Model, Protocol};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// In whose shape an error is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Speaker {
    /// The service's that the call is for.
    Service(&'static Model),
    /// Nobody's: the call is for no service of ours. Its client still wants to read why.
    Nobody(Protocol),
}

impl Speaker {
    fn model(self) -> Option<&'static Model> {
        match self {
            Self::Service(model) => Some(model),
            Self::Nobody(_) => None,
        }
    }
}

/// The answer to a call that failed.
pub(crate) fn write(speaker: Speaker, error: &ApiError, request_id: Uuid) -> Response<Bytes> {
    let (service, protocol) = match speaker {
        Speaker::Service(model) => (model.facts().service, model.facts().protocol),
        Speaker::Nobody(protocol) => ("", protocol),
    };
    let model = speaker.model();
    let wire = wire(error.code, service, protocol);
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::from_u16(wire.status).unwrap_or(StatusCode::BAD_REQUEST);
    match protocol {
        Protocol::RestJson1 => write_json(model, error, wire, &mut response),
        Protocol::AwsQuery => {
            response.headers_mut().insert(CONTENT_TYPE, xml::CONTENT);
            *response.body_mut() = write_xml(model, error, wire, request_id).into();
        }
    }
    response
}

fn write_json(model: Option<&Model>, error: &ApiError, wire: WireError, response: &mut Response<Bytes>) {
    // AWS sends the members in order of their names.
    let mut members = BTreeMap::from([(wire.message_key, error.message.as_str())]);
    if model.is_none() {
        // Clients of awsJson read the name here, those of restJson1 in the header.
        members.insert("__type", wire.name);
    }
    if wire.has_type && error.has_type {
        members.insert("Type", if wire.status < 500 { "User" } else { "Service" });
    }
    for (name, value) in &error.members {
        let Document::String(value) = value else { continue };
        match header_of(model, wire.name, name) {
            Some(header) => {
                if let Ok(value) = HeaderValue::try_from(value) {
                    response.headers_mut().insert(header, value);
                }
            }
            None => {
                members.insert(name, value);
            }
        }
    }
    let mut body = Vec::new();
    for (name, value) in members {
        body.push(if body.is_empty() { b'{' } else { b',' });
        json::write_text(name, &mut body);
        body.push(b':');
        json::write_text(value, &mut body);
    }
    body.push(b'}');
    *response.body_mut() = body.into();
    response.headers_mut().insert(CONTENT_TYPE, rest_json::JSON);
    response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(wire.name));
}

/// The header in which the exception's member travels, if it does (`Retry-After`).
fn header_of(model: Option<&Model>, exception: &str, member: &str) -> Option<HeaderName> {
    let member = model?.exception(exception)?.member(member).ok()?;
    (member.location == Location::Header).then(|| HeaderName::try_from(member.wire_name).ok()).flatten()
}

fn write_xml(model: Option<&Model>, error: &ApiError, wire: WireError, request_id: Uuid) -> String {
    let mut out = xml::Writer::default();
    out.open_in("ErrorResponse", model.and_then(|model| model.facts().xml_namespace));
    out.open("Error");
    out.text("Type", if wire.status < 500 { "Sender" } else { "Receiver" });
    out.text("Code", wire.name);
    out.text("Message", &error.message);
    out.close("Error");
    out.text("RequestId", &request_id.to_string());
    out.close("ErrorResponse");
    out.finish()
}
