//! restJson1: members go into the path, the query, headers, and a JSON body or a raw payload.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::{header_list, json, rest_json, text};
use super::{Outgoing, insert, members};
use crate::document::{Document, ShapeError};
use crate::model::{Kind, Location, Member, Model, OperationFacts, ShapeId, Structure, TimestampFormat};

/// What RFC 3986 leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// In a path's greedy label, slashes stay.
const ENCODED_IN_PATH: &AsciiSet = &ENCODED.remove(b'/');

pub(super) fn write(
    model: &Model,
    operation: &OperationFacts,
    input: Document,
) -> Result<Outgoing, ShapeError> {
    let method = Method::try_from(operation.method).map_err(|_| ShapeError::expected("a method"))?;
    let Some((shape, structure)) = operation.input.and_then(|id| Some((id, model.structure(id)?))) else {
        let path_and_query = operation.uri.to_owned();
        return Ok(Outgoing { method, path_and_query, headers: HeaderMap::new(), body: Bytes::new() });
    };
    let members = members(input)?;
    let (path, fixed) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
    let path = write_path(model, path, structure, &members)?;
    let mut query = fixed.to_owned();
    let mut headers = HeaderMap::new();
    for (name, value) in members.iter().filter(|(_, value)| *value != Document::Null) {
        let member = structure.member(name)?;
        let written = match member.location {
            Location::Query => write_query(model, structure, member, value, &mut query),
            Location::Header | Location::Headers => write_header(model, member, value, &mut headers),
            Location::Body | Location::Path | Location::StatusCode => Ok(()),
        };
        written.map_err(|error| error.within(name))?;
    }
    let body = write_body(model, shape, structure, members, &mut headers)?;
    let path_and_query = if query.is_empty() { path } else { format!("{path}?{query}") };
    Ok(Outgoing { method, path_and_query, headers, body })
}

fn write_path(
    model: &Model,
    uri: &str,
    structure: &Structure,
    members: &[(&'static str, Document)],
) -> Result<String, ShapeError> {
    let mut path = String::new();
    let mut rest = uri;
    while let Some((before, label)) = rest.split_once('{') {
        let (label, after) = label.split_once('}').ok_or(ShapeError::expected("a path of the model"))?;
        path.push_str(before);
        rest = after;
        let (label, set) = label.strip_suffix('+').map_or((label, ENCODED), |label| (label, ENCODED_IN_PATH));
        let in_path = |member: &&Member| member.location == Location::Path && member.wire_name == label;
        let member = structure.members.iter().find(in_path);
        let member = member.ok_or(ShapeError::expected("a label of the model"))?;
        let value = members.iter().find(|(name, _)| *name == member.name).map(|(_, value)| value);
        let text = match value {
            None | Some(Document::Null) => String::new(),
            Some(value) => text::write(model, member.shape, value, TimestampFormat::Iso8601)
                .map_err(|error| error.within(member.name))?,
        };
        // An empty label would name another operation.
        if text.is_empty() || matches!(text.as_str(), "." | "..") {
            return Err(ShapeError::expected("a value for the path").within(member.name));
        }
        let _ = write!(path, "{}", utf8_percent_encode(&text, set));
    }
    path.push_str(rest);
    Ok(path)
}

fn write_query(
    model: &Model,
    structure: &Structure,
    member: &Member,
    value: &Document,
    query: &mut String,
) -> Result<(), ShapeError> {
    match (value, &model.shape(member.shape).kind) {
        (Document::Map(map), Kind::Map { value: shape, .. }) => {
            // A name that a member has of its own is that member's.
            let taken = |name: &str| {
                structure
                    .members
                    .iter()
                    .any(|other| other.location == Location::Query && other.wire_name == name)
            };
            map.iter()
                .filter(|(name, _)| !taken(name))
                .try_for_each(|(name, value)| write_pairs(model, *shape, name, value, query))
        }
        _ => write_pairs(model, member.shape, member.wire_name, value, query),
    }
}

fn write_pairs(
    model: &Model,
    shape: ShapeId,
    name: &str,
    value: &Document,
    query: &mut String,
) -> Result<(), ShapeError> {
    if let (Document::List(list), Kind::List { member, .. }) = (value, &model.shape(shape).kind) {
        return list.iter().try_for_each(|entry| write_pairs(model, *member, name, entry, query));
    }
    let text = text::write(model, shape, value, TimestampFormat::Iso8601)?;
    if !query.is_empty() {
        query.push('&');
    }
    let _ = write!(query, "{}={}", utf8_percent_encode(name, ENCODED), utf8_percent_encode(&text, ENCODED));
    Ok(())
}

fn write_header(
    model: &Model,
    member: &Member,
    value: &Document,
    headers: &mut HeaderMap,
) -> Result<(), ShapeError> {
    match (value, &model.shape(member.shape).kind) {
        (Document::Map(map), _) => map.iter().try_for_each(|(name, value)| match value {
            Document::String(text) => insert(headers, &format!("{}{name}", member.wire_name), text),
            _ => Err(ShapeError::expected("string")),
        }),
        (Document::List(list), Kind::List { member: entry, .. }) => {
            let is_text = matches!(model.shape(*entry).kind, Kind::String { .. });
            let texts = list.iter().map(|value| {
                let text = text::write(model, *entry, value, TimestampFormat::HttpDate)?;
                Ok(if is_text { header_list::quoted(text) } else { text })
            });
            let texts = texts.collect::<Result<Vec<_>, ShapeError>>()?;
            insert(headers, member.wire_name, &texts.join(", "))
        }
        _ => {
            let text = text::write(model, member.shape, value, TimestampFormat::HttpDate)?;
            insert(headers, member.wire_name, &text)
        }
    }
}

fn write_body(
    model: &Model,
    shape: ShapeId,
    structure: &Structure,
    members: Vec<(&'static str, Document)>,
    headers: &mut HeaderMap,
) -> Result<Bytes, ShapeError> {
    let Some(at) = structure.payload else {
        if !structure.members.iter().any(Member::is_in_body) {
            return Ok(Bytes::new());
        }
        let mut out = Vec::new();
        json::write(model, shape, &Document::Structure(members), &mut out)?;
        headers.entry(CONTENT_TYPE).or_insert(rest_json::JSON);
        return Ok(out.into());
    };
    let payload = &structure.members[usize::from(at)];
    let value = members.into_iter().find(|(name, _)| *name == payload.name).map(|(_, value)| value);
    Ok(match value {
        None | Some(Document::Null) => Bytes::new(),
        Some(Document::Blob(bytes)) => {
            headers.entry(CONTENT_TYPE).or_insert(http::HeaderValue::from_static("application/octet-stream"));
            bytes
        }
        Some(Document::String(text)) => {
            headers.entry(CONTENT_TYPE).or_insert(http::HeaderValue::from_static("text/plain"));
            text.into()
        }
        Some(value) => {
            let mut out = Vec::new();
            json::write(model, payload.shape, &value, &mut out)
                .map_err(|error| error.within(payload.name))?;
            headers.entry(CONTENT_TYPE).or_insert(rest_json::JSON);
            out.into()
        }
    })
}
