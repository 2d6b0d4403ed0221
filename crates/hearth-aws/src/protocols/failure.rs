//! A failed call in the protocol's shape.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use uuid::Uuid;

use super::{aws_json, cbor, json, rest_json, rpc_v2_cbor, text, xml};
use crate::document::Document;
use crate::error::{ApiError, WireError, wire};
use crate::model::{Exception, Location, Member, Model, Protocol, TimestampFormat};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The code of the older query protocol, for clients that still compare it.
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// In whose shape an error is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Speaker {
    /// The service's that the call is for, in the protocol of the call.
    Service(&'static Model, Protocol),
    /// Nobody's: the call is for no service of ours. Its client still wants to read why.
    Nobody(Protocol),
}

/// The answer to a call that failed.
pub(crate) fn write(speaker: Speaker, error: &ApiError, request_id: Uuid) -> Response<Bytes> {
    let (model, protocol) = match speaker {
        Speaker::Service(model, protocol) => (Some(model), protocol),
        Speaker::Nobody(protocol) => (None, protocol),
    };
    let failure = Failure { model, error, wire: wire(error.code, model, protocol), protocol };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::from_u16(failure.wire.status).unwrap_or(StatusCode::BAD_REQUEST);
    failure.write_query_error(&mut response);
    match protocol {
        Protocol::RestJson1 => {
            response.headers_mut().insert(CONTENT_TYPE, rest_json::JSON);
            response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(failure.wire.name));
            *response.body_mut() = failure.write_json(&mut response).into();
        }
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            response.headers_mut().insert(CONTENT_TYPE, aws_json::content(protocol));
            *response.body_mut() = failure.write_json(&mut response).into();
        }
        Protocol::RpcV2Cbor => {
            response.headers_mut().insert(CONTENT_TYPE, rpc_v2_cbor::CBOR);
            response.headers_mut().insert(rpc_v2_cbor::PROTOCOL, rpc_v2_cbor::NAME);
            *response.body_mut() = failure.write_cbor().into();
        }
        Protocol::AwsQuery | Protocol::RestXml => {
            response.headers_mut().insert(CONTENT_TYPE, xml::CONTENT);
            *response.body_mut() = failure.write_xml(request_id).into();
        }
    }
    response
}

/// An error on its way to the wire.
struct Failure<'f> {
    model: Option<&'static Model>,
    error: &'f ApiError,
    wire: WireError,
    protocol: Protocol,
}

impl Failure<'_> {
    fn exception(&self) -> Option<Exception<'static>> {
        self.model?.exception(self.wire.name)
    }

    /// The exception's member, where the model has the exception.
    fn member(&self, name: &str) -> Option<&'static Member> {
        self.exception()?.structure.member(name).ok()
    }

    /// AWS sends the members in order of their names.
    fn write_json(&self, response: &mut Response<Bytes>) -> Vec<u8> {
        let mut members = BTreeMap::new();
        if !self.error.message.is_empty() {
            members.insert(self.wire.message_key, json_text(&self.error.message));
        }
        // Clients of awsJson read the name here, those of restJson1 in the header.
        if self.model.is_none() || self.protocol != Protocol::RestJson1 {
            members.insert("__type", json_text(self.wire.name));
        }
        if self.wire.has_type && self.error.has_type {
            members.insert("Type", json_text(if self.wire.status < 500 { "User" } else { "Service" }));
        }
        for (name, value) in self.error.members.iter().filter(|(_, value)| *value != Document::Null) {
            let member = self.member(name);
            match (self.model, member) {
                (Some(model), Some(member)) if member.location == Location::Header => {
                    let header = HeaderName::try_from(member.wire_name);
                    let value = text::write(model, member.shape, value, TimestampFormat::HttpDate);
                    let value = value.ok().and_then(|value| HeaderValue::try_from(value).ok());
                    if let (Ok(header), Some(value)) = (header, value) {
                        response.headers_mut().insert(header, value);
                    }
                }
                (Some(model), Some(member)) => {
                    let mut body = Vec::new();
                    if json::write(model, member.shape, value, &mut body).is_ok() {
                        members.insert(member.wire_name, body);
                    }
                }
                // An error that the model does not have may still say something.
                _ => {
                    if let Document::String(value) = value {
                        members.insert(name, json_text(value));
                    }
                }
            }
        }
        let mut body = Vec::new();
        for (at, (name, value)) in members.into_iter().enumerate() {
            body.push(if at == 0 { b'{' } else { b',' });
            json::write_text(name, &mut body);
            body.push(b':');
            body.extend_from_slice(&value);
        }
        if body.is_empty() {
            body.push(b'{');
        }
        body.push(b'}');
        body
    }

    fn write_cbor(&self) -> Vec<u8> {
        let mut members = Vec::new();
        for (name, value) in self.error.members.iter().filter(|(_, value)| *value != Document::Null) {
            let mut body = Vec::new();
            cbor::write_text(name, &mut body);
            let (Some(model), Some(member)) = (self.model, self.member(name)) else { continue };
            if cbor::write(model, member.shape, value, &mut body).is_ok() {
                members.push(body);
            }
        }
        let message = Some((self.wire.message_key, self.error.message.as_str()));
        let message = message.filter(|(_, text)| !text.is_empty());
        let mut body = Vec::new();
        cbor::write_map(1 + usize::from(message.is_some()) + members.len(), &mut body);
        for (name, text) in std::iter::once(("__type", self.wire.name)).chain(message) {
            cbor::write_text(name, &mut body);
            cbor::write_text(text, &mut body);
        }
        body.extend(members.into_iter().flatten());
        body
    }

    fn write_xml(&self, request_id: Uuid) -> String {
        let mut out = xml::Writer::default();
        out.open_in("ErrorResponse", self.model.and_then(|model| model.facts().xml_namespace));
        out.open("Error");
        out.text("Type", if self.wire.status < 500 { "Sender" } else { "Receiver" });
        out.text("Code", self.wire.name);
        if !self.error.message.is_empty() {
            out.text("Message", &self.error.message);
        }
        if let (Some(model), Some(exception)) = (self.model, self.exception()) {
            let members = &self.error.members;
            // A member that cannot be written is left out: the caller still learns what went wrong.
            let _ = out.members(model, exception.structure, members);
        }
        out.close("Error");
        out.text("RequestId", &request_id.to_string());
        out.close("ErrorResponse");
        out.finish()
    }

    /// `AWS.SimpleQueueService.NonExistentQueue;Sender`.
    fn write_query_error(&self, response: &mut Response<Bytes>) {
        let Some(model) = self.model.filter(|model| model.facts().query_compatible) else { return };
        if matches!(self.protocol, Protocol::AwsQuery | Protocol::RestXml) {
            return;
        }
        let code = wire(self.error.code, Some(model), Protocol::AwsQuery).name;
        let whose = if self.wire.status < 500 { "Sender" } else { "Receiver" };
        if let Ok(value) = HeaderValue::try_from(format!("{code};{whose}")) {
            response.headers_mut().insert(QUERY_ERROR, value);
        }
    }
}

fn json_text(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    json::write_text(text, &mut out);
    out
}

#[cfg(test)]
mod tests;
