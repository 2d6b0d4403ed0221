//! restJson1: members travel in the path, the query, headers, and a JSON body or a raw payload.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::{Received, header_list, json, text};
use crate::document::{Document, ShapeError};
use crate::error::ApiError;
use crate::model::{Kind, Location, Member, Model, OperationFacts, ShapeId, Structure, TimestampFormat};

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// The input of an operation.
pub(crate) fn read(
    model: &'static Model,
    operation: &OperationFacts,
    received: &Received<'_>,
) -> Result<Document, ApiError> {
    let Some((shape, structure)) = operation.input.and_then(|id| Some((id, model.structure(id)?))) else {
        return Ok(Document::Structure(Vec::new()));
    };
    let mut members = match structure.payload {
        Some(at) => read_payload(model, &structure.members[usize::from(at)], &received.body)?,
        None if !received.body.is_empty() && structure.members.iter().any(Member::is_in_body) => {
            match json::read(model, shape, &received.body)? {
                Document::Structure(members) => members,
                _ => Vec::new(),
            }
        }
        None => Vec::new(),
    };
    read_path(model, operation.uri, structure, received.parameters, &mut members)?;
    read_query(model, structure, received.query, &mut members)?;
    read_headers(model, structure, received, &mut members)?;
    Ok(Document::Structure(members))
}

type Members = Vec<(&'static str, Document)>;

fn read_payload(model: &'static Model, member: &Member, body: &Bytes) -> Result<Members, ApiError> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let value = match &model.shape(member.shape).kind {
        // The received bytes themselves: an event is never parsed into a tree.
        Kind::Blob(_) => Document::Blob(body.clone()),
        Kind::String { .. } => {
            let text = std::str::from_utf8(body).map_err(super::unreadable)?;
            Document::String(text.to_owned())
        }
        _ => json::read(model, member.shape, body)?,
    };
    Ok(vec![(member.name, value)])
}

fn read_path(
    model: &Model,
    uri: &str,
    structure: &Structure,
    parameters: &[&str],
    members: &mut Members,
) -> Result<(), ApiError> {
    let labels = uri.split('/').filter_map(|segment| segment.split('{').nth(1)?.split(['}', '+']).next());
    for (label, raw) in labels.zip(parameters) {
        let found = structure
            .members
            .iter()
            .find(|member| member.location == Location::Path && member.wire_name == label);
        if let Some(member) = found {
            members.push((member.name, text::read(model, member.shape, text::percent_decode(raw)?)?));
        }
    }
    Ok(())
}

fn read_query(
    model: &Model,
    structure: &Structure,
    query: &str,
    members: &mut Members,
) -> Result<(), ApiError> {
    if query.is_empty() {
        return Ok(());
    }
    for member in structure.members.iter().filter(|member| member.location == Location::Query) {
        if let Kind::Map { value, .. } = &model.shape(member.shape).kind {
            members.push((member.name, read_whole_query(model, *value, query)?));
            continue;
        }
        let mut values = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if text::form_decode(name)? == member.wire_name {
                values.push(text::form_decode(value)?);
            }
        }
        if !values.is_empty() {
            members.push((member.name, read_texts(model, member.shape, values)?));
        }
    }
    Ok(())
}

/// The whole query as a map: a repeated name's first value counts, unless the map holds lists.
fn read_whole_query(model: &Model, value: ShapeId, query: &str) -> Result<Document, ApiError> {
    let mut names: BTreeMap<Cow<'_, str>, Vec<Cow<'_, str>>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        names.entry(text::form_decode(name)?).or_default().push(text::form_decode(value)?);
    }
    let entries =
        names.into_iter().map(|(name, values)| Ok((name.into_owned(), read_texts(model, value, values)?)));
    Ok(Document::Map(entries.collect::<Result<_, ApiError>>()?))
}

fn read_headers(
    model: &Model,
    structure: &Structure,
    received: &Received<'_>,
    members: &mut Members,
) -> Result<(), ApiError> {
    for member in structure.members.iter().filter(|member| member.location == Location::Header) {
        let Some(value) = received.headers.get(member.wire_name) else { continue };
        let value = std::str::from_utf8(value.as_bytes()).map_err(super::unreadable)?;
        let values = match &model.shape(member.shape).kind {
            Kind::List { member: entry, .. } => header_list::split(model, *entry, value),
            _ => vec![Cow::Borrowed(value)],
        };
        members.push((member.name, read_texts(model, member.shape, values)?));
    }
    for member in structure.members.iter().filter(|member| member.location == Location::Headers) {
        let mut map = Vec::new();
        for (name, value) in received.headers {
            let Some(name) = without_prefix(name.as_str(), member.wire_name) else { continue };
            let value = std::str::from_utf8(value.as_bytes()).map_err(super::unreadable)?;
            map.push((name.to_owned(), Document::String(value.to_owned())));
        }
        if !map.is_empty() {
            members.push((member.name, Document::Map(map)));
        }
    }
    Ok(())
}

/// What follows the prefix, whatever its case.
fn without_prefix<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    (start.eq_ignore_ascii_case(prefix) && !rest.is_empty()).then_some(rest)
}

/// One value, of which a repeated parameter's first counts, or a list of them.
fn read_texts(model: &Model, shape: ShapeId, values: Vec<Cow<'_, str>>) -> Result<Document, ApiError> {
    if let Kind::List { member: entry, .. } = &model.shape(shape).kind {
        let entries = values.into_iter().map(|value| text::read(model, *entry, value));
        return Ok(Document::List(entries.collect::<Result<_, _>>()?));
    }
    values.into_iter().next().map_or(Ok(Document::Null), |value| text::read(model, shape, value))
}

/// An operation's answer.
pub(crate) fn write(
    model: &Model,
    operation: &OperationFacts,
    output: Document,
) -> Result<Response<Bytes>, ShapeError> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::from_u16(operation.status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    let Some((shape, structure)) = operation.output.and_then(|id| Some((id, model.structure(id)?))) else {
        return Ok(response);
    };
    let Document::Structure(mut members) = output else { return Err(ShapeError::expected("structure")) };
    for (name, value) in &members {
        let member = structure.member(name)?;
        write_outside_body(model, member, value, &mut response).map_err(|error| error.within(name))?;
    }
    if let Some(at) = structure.payload {
        let payload = &structure.members[usize::from(at)];
        let value = members.iter_mut().find(|(name, _)| *name == payload.name).map(|(_, value)| value);
        *response.body_mut() = match value.map(std::mem::take) {
            None | Some(Document::Null) => Bytes::new(),
            Some(Document::Blob(bytes)) => bytes,
            Some(Document::String(text)) => {
                response.headers_mut().insert(CONTENT_TYPE, TEXT);
                text.into()
            }
            Some(value) => {
                let mut out = Vec::new();
                json::write(model, payload.shape, &value, &mut out)
                    .map_err(|error| error.within(payload.name))?;
                out.into()
            }
        };
    } else if response.status() != StatusCode::NO_CONTENT {
        let mut out = Vec::with_capacity(ANSWER_BYTES_USUAL);
        json::write(model, shape, &Document::Structure(members), &mut out)?;
        *response.body_mut() = out.into();
    }
    Ok(response)
}

/// A function's configuration, the most frequent answer, needs about this much.
const ANSWER_BYTES_USUAL: usize = 1024;

fn write_outside_body(
    model: &Model,
    member: &Member,
    value: &Document,
    response: &mut Response<Bytes>,
) -> Result<(), ShapeError> {
    match (member.location, value) {
        (_, Document::Null) | (Location::Body | Location::Path | Location::Query, _) => {}
        (Location::StatusCode, Document::Integer(status)) => {
            let status = u16::try_from(*status).ok().and_then(|status| StatusCode::from_u16(status).ok());
            *response.status_mut() = status.ok_or(ShapeError::expected("a status code"))?;
        }
        (Location::StatusCode, _) => return Err(ShapeError::expected("a status code")),
        (Location::Header, Document::List(list)) => {
            let Kind::List { member: entry, .. } = &model.shape(member.shape).kind else {
                return Err(ShapeError::expected("no list"));
            };
            let is_text = matches!(model.shape(*entry).kind, Kind::String { .. });
            let texts = list.iter().map(|value| {
                let text = text::write(model, *entry, value, TimestampFormat::HttpDate)?;
                Ok(if is_text { header_list::quoted(text) } else { text })
            });
            let texts = texts.collect::<Result<Vec<_>, ShapeError>>()?;
            if !texts.is_empty() {
                insert(response, member.wire_name, &texts.join(", "))?;
            }
        }
        (Location::Header, value) => {
            let value = text::write(model, member.shape, value, TimestampFormat::HttpDate)?;
            insert(response, member.wire_name, &value)?;
        }
        (Location::Headers, Document::Map(entries)) => {
            for (name, value) in entries {
                let Document::String(value) = value else { return Err(ShapeError::expected("string")) };
                insert(response, &format!("{}{name}", member.wire_name), value)?;
            }
        }
        (Location::Headers, _) => return Err(ShapeError::expected("map")),
    }
    Ok(())
}

fn insert(response: &mut Response<Bytes>, name: &str, value: &str) -> Result<(), ShapeError> {
    let name = HeaderName::try_from(name).map_err(|_| ShapeError::expected("a header's name"))?;
    let value = HeaderValue::try_from(value).map_err(|_| ShapeError::expected("a header's value"))?;
    response.headers_mut().insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests;
