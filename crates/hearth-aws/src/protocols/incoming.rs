//! The protocols turned round, second half: another endpoint's answer becomes an output, or an error of ours.
//!
//! Never: trusts an answer's size or depth.

mod failure;
mod xml;

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use super::{header_list, json, text};
use crate::document::Document;
use crate::error::ApiError;
use crate::model::{Kind, Location, Member, Model, OperationFacts, Protocol, ShapeId, Structure};

/// What an operation answered, or why it did not.
pub(crate) fn read(
    model: &'static Model,
    protocol: Protocol,
    operation: &OperationFacts,
    answer: &Response<Bytes>,
) -> Result<Document, ApiError> {
    if !answer.status().is_success() {
        return Err(failure::read(model, protocol, answer));
    }
    match protocol {
        Protocol::RestJson1 => read_rest(model, operation, answer),
        Protocol::AwsJson10 | Protocol::AwsJson11 => match operation.output {
            Some(shape) if !answer.body().is_empty() => json::read(model, shape, answer.body()),
            _ => Ok(Document::Structure(Vec::new())),
        },
        Protocol::AwsQuery => xml::read(model, operation, answer.body()),
        Protocol::RestXml | Protocol::RpcV2Cbor => {
            Err(crate::dispatch::service_not_built(model.facts().service))
        }
    }
}

fn read_rest(
    model: &'static Model,
    operation: &OperationFacts,
    answer: &Response<Bytes>,
) -> Result<Document, ApiError> {
    let Some((shape, structure)) = operation.output.and_then(|id| Some((id, model.structure(id)?))) else {
        return Ok(Document::Structure(Vec::new()));
    };
    let mut members = Vec::new();
    if let Some(at) = structure.payload {
        let payload = &structure.members[usize::from(at)];
        members.extend(read_payload(model, payload, answer.body())?.map(|value| (payload.name, value)));
    } else if !answer.body().is_empty()
        && structure.members.iter().any(Member::is_in_body)
        && let Document::Structure(found) = json::read(model, shape, answer.body())?
    {
        members = found;
    }
    members.extend(read_head(model, structure, answer.status(), answer.headers())?);
    Ok(Document::Structure(members))
}

fn read_payload(model: &'static Model, payload: &Member, body: &Bytes) -> Result<Option<Document>, ApiError> {
    Ok(match &model.shape(payload.shape).kind {
        Kind::Structure(structure) if structure.is_event_stream => {
            // GAP(remote-streams): the events of an answer that goes on are not read from another endpoint.
            return Err(super::unreadable(
                "answers that are event streams are not read from another endpoint",
            ));
        }
        _ if body.is_empty() => None,
        Kind::Blob(_) => Some(Document::Blob(body.clone())),
        Kind::String { .. } => {
            Some(Document::String(std::str::from_utf8(body).map_err(super::unreadable)?.to_owned()))
        }
        _ => Some(json::read(model, payload.shape, body)?),
    })
}

/// The members that travel outside the body. Also those of an exception.
fn read_head(
    model: &Model,
    structure: &Structure,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Vec<(&'static str, Document)>, ApiError> {
    let mut members = Vec::new();
    for member in &structure.members {
        let value = match member.location {
            Location::StatusCode => Some(Document::Integer(status.as_u16().into())),
            Location::Header => read_header(model, member.shape, member.wire_name, headers)?,
            Location::Headers => read_prefixed(member.wire_name, headers)?,
            Location::Body | Location::Path | Location::Query => None,
        };
        members.extend(value.map(|value| (member.name, value)));
    }
    Ok(members)
}

fn read_header(
    model: &Model,
    shape: ShapeId,
    name: &str,
    headers: &HeaderMap,
) -> Result<Option<Document>, ApiError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let value = std::str::from_utf8(value.as_bytes()).map_err(super::unreadable)?;
    Ok(Some(match &model.shape(shape).kind {
        Kind::List { member, .. } => {
            let entries = header_list::split(model, *member, value).into_iter();
            Document::List(entries.map(|entry| text::read(model, *member, entry)).collect::<Result<_, _>>()?)
        }
        _ => text::read(model, shape, Cow::Borrowed(value))?,
    }))
}

fn read_prefixed(prefix: &str, headers: &HeaderMap) -> Result<Option<Document>, ApiError> {
    let mut map = Vec::new();
    for (name, value) in headers {
        let Some((start, rest)) = name.as_str().split_at_checked(prefix.len()) else { continue };
        if start.eq_ignore_ascii_case(prefix) && !rest.is_empty() {
            let value = std::str::from_utf8(value.as_bytes()).map_err(super::unreadable)?;
            map.push((rest.to_owned(), Document::String(value.to_owned())));
        }
    }
    Ok((!map.is_empty()).then_some(Document::Map(map)))
}
