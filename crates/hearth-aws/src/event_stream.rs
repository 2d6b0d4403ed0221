//! Event streams out: the messages of an answer that goes on (InvokeWithResponseStream, SubscribeToShard).
//!
//! ```text
//! total length, headers' length, CRC32 of both ─▶ headers ─▶ payload ─▶ CRC32 of all before      (big-endian)
//! ```
//!
//! Written here: the format is this picture, and the library for it brings AWS's own types for documents and time.
//!
//! Never: reads a stream; keeps a message once it is encoded.

use bytes::{BufMut, Bytes, BytesMut};

use crate::document::{Document, ShapeError};
use crate::error::{ApiError, wire};
use crate::model::{Kind, Location, Model, Protocol, ShapeId, Structure};
use crate::protocols::json_of;

/// The content type of the whole answer.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// Payload of one message: 16 MB, beyond which AWS's decoders refuse it.
pub const PAYLOAD_BYTES_MAX: usize = 16_777_216;

/// Two lengths and their checksum.
const PRELUDE_BYTES: usize = 12;

const CHECKSUM_BYTES: usize = 4;

/// A header's value that is text, as every header of ours.
const TEXT: u8 = 7;

/// The events that one operation's answer is made of.
#[derive(Clone, Copy, Debug)]
pub struct EventStream {
    model: &'static Model,
    protocol: Protocol,
    output: ShapeId,
    events: &'static Structure,
}

impl EventStream {
    /// The stream of an operation's answer: `("lambda", "InvokeWithResponseStream")`. `None` for an answer without.
    pub fn of(service: &str, operation: &str) -> Option<Self> {
        let model = Model::of(service)?;
        let output = model.operation(operation)?.output?;
        let events =
            model.structure(output)?.members.iter().find_map(|member| {
                model.structure(member.shape).filter(|structure| structure.is_event_stream)
            })?;
        let protocol = *model.facts().protocols.first()?;
        Some(Self { model, protocol, output, events })
    }

    /// The first message where members of the answer cannot travel in headers: awsJson.
    pub fn initial(&self, output: &Document) -> Result<Bytes, ShapeError> {
        let payload = json_of(self.model, self.output, output)?;
        message(&event_headers("initial-response", self.json()), &payload)
    }

    /// One event, by its name in the model: `("PayloadChunk", {"Payload": ...})`.
    pub fn event(&self, name: &str, value: &Document) -> Result<Bytes, ShapeError> {
        let event = self.events.member(name)?;
        let structure = self.model.structure(event.shape).ok_or(ShapeError::expected("structure"))?;
        let Document::Structure(members) = value else { return Err(ShapeError::expected("structure")) };
        let Some(payload) = structure.members.iter().find(|member| member.is_event_payload) else {
            let payload = json_of(self.model, event.shape, value)?;
            return message(&event_headers(name, self.json()), &payload);
        };
        // GAP(protocols): members of an event that travel in its headers; no model that is served has one.
        let found = members.iter().find(|(member, _)| *member == payload.name).map(|(_, value)| value);
        match (found.unwrap_or(&Document::Null), &self.model.shape(payload.shape).kind) {
            (Document::Null, _) => message(&event_headers(name, "application/octet-stream"), b""),
            (Document::Blob(bytes), Kind::Blob(_)) => {
                message(&event_headers(name, "application/octet-stream"), bytes)
            }
            (Document::String(text), Kind::String { .. }) => {
                message(&event_headers(name, "text/plain"), text.as_bytes())
            }
            (value, _) => {
                message(&event_headers(name, self.json()), &json_of(self.model, payload.shape, value)?)
            }
        }
    }

    /// The last message of a stream that fails: an exception of the stream's, or an error of any other name.
    pub fn failure(&self, error: &ApiError) -> Result<Bytes, ShapeError> {
        let wire = wire(error.code, Some(self.model), self.protocol);
        let Ok(exception) = self.events.member(wire.name) else {
            let headers =
                [(":message-type", "error"), (":error-code", wire.name), (":error-message", &error.message)];
            return message(&headers, b"");
        };
        let mut members = error.members.clone();
        let in_body = |name: &str| exception_member(self.model, exception.shape, name);
        members.extend(in_body("message").map(|name| (name, Document::String(error.message.clone()))));
        let payload = json_of(self.model, exception.shape, &Document::Structure(members))?;
        let headers = [
            (":message-type", "exception"),
            (":exception-type", exception.name),
            (":content-type", self.json()),
        ];
        message(&headers, &payload)
    }

    fn json(&self) -> &'static str {
        match self.protocol {
            Protocol::AwsJson10 => "application/x-amz-json-1.0",
            Protocol::AwsJson11 => "application/x-amz-json-1.1",
            _ => "application/json",
        }
    }
}

/// The member of this name, whatever its case, that travels in the body.
fn exception_member(model: &'static Model, shape: ShapeId, name: &str) -> Option<&'static str> {
    let members = &model.structure(shape)?.members;
    let found = members.iter().find(|member| member.name.eq_ignore_ascii_case(name))?;
    (found.location == Location::Body).then_some(found.name)
}

fn event_headers<'h>(name: &'h str, content: &'h str) -> [(&'h str, &'h str); 3] {
    [(":message-type", "event"), (":event-type", name), (":content-type", content)]
}

/// One message.
fn message(headers: &[(&str, &str)], payload: &[u8]) -> Result<Bytes, ShapeError> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(ShapeError::expected("a payload of at most 16 MB"));
    }
    let mut encoded = BytesMut::new();
    for (name, value) in headers {
        encoded.put_u8(u8::try_from(name.len()).map_err(|_| ShapeError::expected("a shorter header"))?);
        encoded.put_slice(name.as_bytes());
        encoded.put_u8(TEXT);
        encoded.put_u16(u16::try_from(value.len()).map_err(|_| ShapeError::expected("a shorter header"))?);
        encoded.put_slice(value.as_bytes());
    }
    let total = PRELUDE_BYTES + encoded.len() + payload.len() + CHECKSUM_BYTES;
    let length = |bytes: usize| u32::try_from(bytes).map_err(|_| ShapeError::expected("a shorter message"));
    let mut out = BytesMut::with_capacity(total);
    out.put_u32(length(total)?);
    out.put_u32(length(encoded.len())?);
    out.put_u32(crc32fast::hash(&out));
    out.put_slice(&encoded);
    out.put_slice(payload);
    out.put_u32(crc32fast::hash(&out));
    Ok(out.freeze())
}

#[cfg(test)]
mod tests;
