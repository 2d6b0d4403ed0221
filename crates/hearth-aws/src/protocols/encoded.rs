//! The client's side, for tests: a request's bytes from its input. Values are written as they are, whatever the
//! model says of them, so that a test can send a number where a text belongs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Received, cbor, header_list, timestamp};
use crate::document::Document;
use crate::error::ApiError;
use crate::model::{
    Kind, Location, Member, Model, OperationFacts, Protocol, ShapeId, Structure, TimestampFormat,
};

/// An encoded request.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    parameters: Vec<String>,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Encoded {
    /// An operation's input in one of the protocols.
    pub(crate) fn of(
        model: &'static Model,
        protocol: Protocol,
        operation: &OperationFacts,
        input: &Document,
    ) -> Self {
        let mut encoded = Self::default();
        let (Some(shape), Document::Structure(members)) = (operation.input, input) else { return encoded };
        let structure = model.structure(shape).expect("an input is a structure");
        match protocol {
            Protocol::RestJson1 => encoded.rest(model, operation, structure, members),
            Protocol::AwsJson10 | Protocol::AwsJson11 => json(model, shape, input, &mut encoded.body),
            Protocol::RpcV2Cbor => cbor::write(model, shape, input, &mut encoded.body).expect("as the model"),
            Protocol::AwsQuery => {
                let mut form = Form { model, pairs: Vec::new() };
                form.structure(structure, members, "");
                encoded.body = form.pairs.join("&").into_bytes();
            }
            Protocol::RestXml => {}
        }
        encoded
    }

    /// What the server makes of it.
    pub(crate) fn read(
        &self,
        model: &'static Model,
        protocol: Protocol,
        operation: &OperationFacts,
    ) -> Result<Document, ApiError> {
        let parameters: Vec<&str> = self.parameters.iter().map(String::as_str).collect();
        let body = Bytes::from(self.body.clone());
        let received = Received { parameters: &parameters, query: &self.query, headers: &self.headers, body };
        super::read(model, protocol, operation, &received)
    }

    fn rest(
        &mut self,
        model: &'static Model,
        operation: &OperationFacts,
        structure: &Structure,
        members: &[(&'static str, Document)],
    ) {
        let value_of =
            |member: &Member| members.iter().find(|(name, _)| *name == member.name).map(|(_, value)| value);
        let labels =
            operation.uri.split('/').filter_map(|part| part.split('{').nth(1)?.split(['}', '+']).next());
        for label in labels {
            let member = structure.members.iter().find(|member| member.wire_name == label);
            let value = member.and_then(value_of).map(text).unwrap_or_default();
            self.parameters.push(utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string());
        }
        let mut pairs = Vec::new();
        for member in &structure.members {
            let Some(value) = value_of(member) else { continue };
            match (member.location, value) {
                (Location::Query, Document::List(list)) => {
                    pairs.extend(list.iter().map(|entry| pair(member.wire_name, &text(entry))));
                }
                (Location::Query, value) => pairs.push(pair(member.wire_name, &text(value))),
                (Location::Header, value) => {
                    let quoted = |value: &Document| header_list::quoted(text(value));
                    let value = match value {
                        Document::List(list) => list.iter().map(quoted).collect::<Vec<_>>().join(", "),
                        value => text(value),
                    };
                    let name = HeaderName::try_from(member.wire_name).expect("a header");
                    self.headers.insert(name, HeaderValue::try_from(value).expect("a header's value"));
                }
                _ => {}
            }
        }
        self.query = pairs.join("&");
        match structure.payload.map(|at| &structure.members[usize::from(at)]) {
            Some(payload) => match value_of(payload) {
                Some(Document::Blob(bytes)) => self.body = bytes.to_vec(),
                Some(value) => json(model, payload.shape, value, &mut self.body),
                None => {}
            },
            None if structure.members.iter().any(Member::is_in_body) => {
                json_members(model, structure, members, &mut self.body);
            }
            None => {}
        }
    }
}

fn pair(name: &str, value: &str) -> String {
    format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
}

fn text(value: &Document) -> String {
    match value {
        Document::String(text) => text.clone(),
        Document::Integer(number) => number.to_string(),
        Document::Float(number) => number.to_string(),
        Document::Bool(value) => value.to_string(),
        Document::Blob(bytes) => STANDARD.encode(bytes),
        Document::Timestamp(micros) => timestamp::write(*micros, TimestampFormat::Iso8601),
        _ => String::new(),
    }
}

fn json(model: &Model, shape: ShapeId, value: &Document, out: &mut Vec<u8>) {
    let kind = &model.shape(shape).kind;
    match (value, kind) {
        (Document::Structure(members), Kind::Structure(structure)) => {
            json_members(model, structure, members, out)
        }
        (Document::Structure(_), _) => out.extend_from_slice(b"{}"),
        (Document::List(list), kind) => {
            let entry = if let Kind::List { member, .. } = kind { *member } else { shape };
            out.push(b'[');
            for (at, value) in list.iter().enumerate() {
                super::json::separate(at, out);
                json(model, entry, value, out);
            }
            out.push(b']');
        }
        (Document::Map(map), kind) => {
            let entry = if let Kind::Map { value, .. } = kind { *value } else { shape };
            out.push(b'{');
            for (at, (key, value)) in map.iter().enumerate() {
                super::json::separate(at, out);
                super::json::write_text(key, out);
                out.push(b':');
                json(model, entry, value, out);
            }
            out.push(b'}');
        }
        (Document::Null, _) => out.extend_from_slice(b"null"),
        (Document::Timestamp(micros), _) => {
            out.extend_from_slice(timestamp::write(*micros, TimestampFormat::EpochSeconds).as_bytes());
        }
        (Document::Integer(_) | Document::Float(_) | Document::Bool(_), _) => {
            out.extend_from_slice(text(value).as_bytes());
        }
        (value, _) => super::json::write_text(&text(value), out),
    }
}

fn json_members(
    model: &Model,
    structure: &Structure,
    members: &[(&'static str, Document)],
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    let mut written = 0;
    for (name, value) in members {
        let member = structure.member(name).expect("a member of the model");
        if member.is_in_body() {
            super::json::separate(written, out);
            written += 1;
            super::json::write_text(member.wire_name, out);
            out.push(b':');
            json(model, member.shape, value, out);
        }
    }
    out.push(b'}');
}

struct Form {
    model: &'static Model,
    pairs: Vec<String>,
}

impl Form {
    fn structure(&mut self, structure: &Structure, members: &[(&'static str, Document)], prefix: &str) {
        for (name, value) in members {
            let member = structure.member(name).expect("a member of the model");
            self.value(member.shape, value, &format!("{prefix}{}", member.query_name));
        }
    }

    fn value(&mut self, shape: ShapeId, value: &Document, name: &str) {
        match (value, &self.model.shape(shape).kind) {
            (Document::Structure(members), Kind::Structure(structure)) => {
                self.structure(structure, members, &format!("{name}."));
            }
            (Document::List(list), Kind::List { member, wire_name, flattened, .. }) => {
                if list.is_empty() {
                    self.pairs.push(format!("{name}="));
                }
                let prefix = if *flattened { name.to_owned() } else { format!("{name}.{wire_name}") };
                for (at, entry) in list.iter().enumerate() {
                    self.value(*member, entry, &format!("{prefix}.{}", at + 1));
                }
            }
            (Document::Map(map), Kind::Map { key, value, key_name, value_name, flattened, .. }) => {
                let prefix = if *flattened { name.to_owned() } else { format!("{name}.entry") };
                for (at, (found, entry)) in map.iter().enumerate() {
                    let prefix = format!("{prefix}.{}", at + 1);
                    self.value(*key, &Document::String(found.clone()), &format!("{prefix}.{key_name}"));
                    self.value(*value, entry, &format!("{prefix}.{value_name}"));
                }
            }
            (value, _) => self.pairs.push(pair(name, &text(value))),
        }
    }
}
