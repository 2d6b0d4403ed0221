//! A good request for every operation of every model, in every protocol.

use std::fmt::Write as _;

use bytes::Bytes;

use super::super::{cbor, json_of};
use super::models;
use crate::document::Document;
use crate::model::{Kind, Model, Protocol, ShapeId};

/// Structures in structures: some contain themselves.
const DEPTH_MAX: usize = 5;

/// Good inputs of a target, none for one that is not of protocols.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    let write: fn(&Model, ShapeId, &Document) -> Option<Vec<u8>> = match target {
        "json" => |model, shape, sample| json_of(model, shape, sample).ok(),
        "cbor" => |model, shape, sample| {
            let mut out = Vec::new();
            cbor::write(model, shape, sample, &mut out).ok().map(|()| out)
        },
        "query_form" => |model, shape, sample| {
            let mut out = String::from("Action=A");
            form(model, shape, "", sample, &mut out);
            Some(out.into_bytes())
        },
        "rest" => return rest(),
        _ => return Vec::new(),
    };
    let wanted = |model: &&Model| target != "query_form" || model.speaks(Protocol::AwsQuery);
    let mut seeds = Vec::new();
    for (at, model) in models().filter(wanted).enumerate() {
        for (number, operation) in model.operations().iter().enumerate().take(256) {
            let Some(shape) = operation.input else { continue };
            let Some(body) = write(model, shape, &sample(model, shape, 0)) else { continue };
            let numbers = [at, number].map(|number| u8::try_from(number).unwrap_or(0));
            seeds.push([&numbers[..], &body].concat());
        }
    }
    seeds
}

/// A request for every operation with a path of its own.
fn rest() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for model in models().filter(|model| model.speaks(Protocol::RestJson1)) {
        for operation in model.operations() {
            let uri: String = operation.uri.split('/').fold(String::new(), |mut uri, part| {
                let part = part.trim_start_matches('/');
                let part = if part.starts_with('{') { "name%20x" } else { part };
                if !part.is_empty() {
                    let _ = write!(uri, "/{part}");
                }
                uri
            });
            let body = operation.input.and_then(|shape| json_of(model, shape, &sample(model, shape, 0)).ok());
            let head = format!("{}\n{uri}\nx-amz-a:b\n\n", operation.method);
            seeds.push([head.into_bytes(), body.unwrap_or_default()].concat());
        }
    }
    seeds
}

/// A value of a shape, with every member set.
fn sample(model: &Model, shape: ShapeId, depth: usize) -> Document {
    let below = |shape| sample(model, shape, depth + 1);
    match &model.shape(shape).kind {
        Kind::Boolean => Document::Bool(true),
        Kind::Integer(_) => Document::Integer(17),
        Kind::Float(_) => Document::Float(1.5),
        Kind::String { values, .. } => Document::String((*values.first().unwrap_or(&"text")).to_owned()),
        Kind::Blob(_) => Document::Blob(Bytes::from_static(b"bytes")),
        Kind::Timestamp(_) => Document::Timestamp(1_764_037_614_000_000),
        _ if depth > DEPTH_MAX => Document::Null,
        Kind::List { member, .. } => match below(*member) {
            Document::Null => Document::List(Vec::new()),
            entry => Document::List(vec![entry]),
        },
        Kind::Map { value, .. } => match below(*value) {
            Document::Null => Document::Map(Vec::new()),
            value => Document::Map(vec![("key".to_owned(), value)]),
        },
        Kind::Structure(structure) => {
            let members = structure.members.iter().map(|member| (member.name, below(member.shape)));
            Document::Structure(members.filter(|(_, value)| *value != Document::Null).collect())
        }
    }
}

/// Parameters of awsQuery.
fn form(model: &Model, shape: ShapeId, name: &str, value: &Document, out: &mut String) {
    let dot = if name.is_empty() { "" } else { "." };
    match (&model.shape(shape).kind, value) {
        (Kind::Structure(structure), Document::Structure(members)) => {
            for (at, value) in members {
                if let Some(member) = structure.members.iter().find(|member| member.name == *at) {
                    form(model, member.shape, &format!("{name}{dot}{}", member.query_name), value, out);
                }
            }
        }
        (Kind::List { member, wire_name, flattened, .. }, Document::List(list)) => {
            for (at, value) in list.iter().enumerate() {
                let middle = if *flattened { String::new() } else { format!(".{wire_name}") };
                form(model, *member, &format!("{name}{middle}.{}", at + 1), value, out);
            }
        }
        (Kind::Map { value: shape, key_name, value_name, flattened, .. }, Document::Map(map)) => {
            for (at, (key, value)) in map.iter().enumerate() {
                let entry = format!("{name}{}.{}", if *flattened { "" } else { ".entry" }, at + 1);
                let _ = write!(out, "&{entry}.{key_name}={key}");
                form(model, *shape, &format!("{entry}.{value_name}"), value, out);
            }
        }
        (_, Document::Bool(value)) => drop(write!(out, "&{name}={value}")),
        (_, Document::Integer(value)) => drop(write!(out, "&{name}={value}")),
        (_, Document::Timestamp(_)) => drop(write!(out, "&{name}=2025-11-25T02:26:54Z")),
        (_, Document::String(value)) => drop(write!(out, "&{name}={value}")),
        (_, Document::Blob(_)) => drop(write!(out, "&{name}=AAAA")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Received, form::Form, json, query, read};
    use super::*;
    use http::HeaderMap;

    #[test]
    fn every_seed_is_read_as_the_request_that_it_is() {
        let taken = |target: &str, is_taken: &dyn Fn(&Model, usize, &[u8]) -> bool| {
            let seeds = of(target);
            let all = seeds.len();
            let wanted = |model: &&'static Model| target != "query_form" || model.speaks(Protocol::AwsQuery);
            let models: Vec<_> = models().filter(wanted).collect();
            let lost = seeds
                .iter()
                .filter(|seed| !is_taken(models[usize::from(seed[0])], usize::from(seed[1]), &seed[2..]));
            let lost = lost.map(|seed| String::from_utf8_lossy(seed).into_owned());
            (lost.collect::<Vec<_>>(), all)
        };
        let input = |model: &Model, at: usize| model.operations()[at].input.expect("it has a seed");
        let fixed = |model: &Model| Model::of(model.facts().service).expect("in models/");
        let (json, all) =
            taken("json", &|model, at, body| json::read(fixed(model), input(model, at), body).is_ok());
        assert!(json.is_empty() && all > 400, "{json:?}");
        let (cbor, all) = taken("cbor", &|model, at, body| {
            cbor::read(fixed(model), input(model, at), &Bytes::copy_from_slice(body)).is_ok()
        });
        assert!(cbor.is_empty() && all > 400, "{cbor:?}");
        let (forms, all) = taken("query_form", &|model, at, body| {
            let form = Form::parse(std::str::from_utf8(body).expect("text")).expect("a form");
            query::read(model, &model.operations()[at], &form).is_ok()
        });
        assert!(forms.is_empty() && all > 100, "{forms:?}");
        let headers = HeaderMap::new();
        let routed = of("rest").into_iter().filter(|seed| {
            let text = String::from_utf8_lossy(seed);
            let mut lines = text.lines();
            let (method, target) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let mut parameters = Vec::new();
            models().filter(|model| model.speaks(Protocol::RestJson1)).any(|model| {
                parameters.clear();
                let found = model.routes().find(method, path, query, &mut parameters);
                let Some(crate::model::routes::Found::Operation(at)) = found else { return false };
                let body = text.split_once("\n\n").map_or("", |(_, body)| body);
                let body = Bytes::copy_from_slice(body.as_bytes());
                let received = Received { parameters: &parameters, query, headers: &headers, body };
                read(fixed(model), Protocol::RestJson1, &model.operations()[at], &received).is_ok()
            })
        });
        assert!(routed.count() > 90, "nearly every operation of Lambda");
    }
}
