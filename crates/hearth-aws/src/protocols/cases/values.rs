//! Documents as the package writes them: times as seconds, blobs as the text they hold.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::model::{Kind, Model, ShapeId};

const MICROS_PER_SECOND: f64 = 1e6;

/// What a client would have been told to send.
pub(super) fn of_document(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(value) => json!(value),
        Document::Integer(value) => json!(value),
        Document::Float(value) => float(*value),
        Document::String(text) => json!(text),
        Document::Blob(bytes) => json!(String::from_utf8_lossy(bytes)),
        Document::Stream(_) => unreachable!("no request has one"),
        Document::Timestamp(micros) => json!(*micros as f64 / MICROS_PER_SECOND),
        Document::List(list) => list.iter().map(of_document).collect(),
        Document::Map(map) => {
            map.iter().map(|(key, value)| (key.clone(), of_document(value))).collect::<Map<_, _>>().into()
        }
        Document::Structure(members) => {
            let present = members.iter().filter(|(_, value)| *value != Document::Null);
            present
                .map(|(name, value)| ((*name).to_owned(), of_document(value)))
                .collect::<Map<_, _>>()
                .into()
        }
    }
}

/// What an operation would have answered.
pub(super) fn to_document(model: &'static Model, shape: ShapeId, value: &Value) -> Result<Document, String> {
    let wrong = || format!("{value} is no {}", model.shape(shape).name);
    Ok(match (&model.shape(shape).kind, value) {
        (_, Value::Null) => Document::Null,
        (Kind::Boolean, Value::Bool(value)) => Document::Bool(*value),
        (Kind::Integer(_), Value::Number(value)) => Document::Integer(value.as_i64().ok_or_else(wrong)?),
        (Kind::Float(_), Value::Number(value)) => Document::Float(value.as_f64().ok_or_else(wrong)?),
        (Kind::Float(_), Value::String(text)) => Document::Float(text.parse().map_err(|_| wrong())?),
        (Kind::String { .. }, Value::String(text)) => Document::String(text.clone()),
        (Kind::Blob(_), Value::String(text)) => Document::Blob(Bytes::from(text.clone().into_bytes())),
        (Kind::Timestamp(_), Value::Number(value)) => {
            let seconds = value.as_f64().ok_or_else(wrong)?;
            Document::Timestamp((seconds * MICROS_PER_SECOND).round() as i64)
        }
        (Kind::List { member, .. }, Value::Array(list)) => {
            let entries = list.iter().map(|entry| to_document(model, *member, entry));
            Document::List(entries.collect::<Result<_, _>>()?)
        }
        (Kind::Map { value: shape, .. }, Value::Object(map)) => {
            let entries =
                map.iter().map(|(key, value)| Ok((key.clone(), to_document(model, *shape, value)?)));
            Document::Map(entries.collect::<Result<_, String>>()?)
        }
        (Kind::Structure(structure), Value::Object(members)) => {
            let members = members.iter().map(|(name, value)| {
                let found = structure.members.iter().find(|member| member.name == name).ok_or_else(wrong)?;
                Ok((found.name, to_document(model, found.shape, value)?))
            });
            Document::Structure(members.collect::<Result<_, String>>()?)
        }
        _ => return Err(wrong()),
    })
}

/// A float, of which JSON cannot write every one as a number.
pub(super) fn float(value: f64) -> Value {
    match value {
        _ if value.is_nan() => json!("NaN"),
        _ if value.is_infinite() => json!(if value > 0.0 { "Infinity" } else { "-Infinity" }),
        _ => json!(value),
    }
}

/// Whether two values are the same, `1` and `1.0` being so.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64() == other.as_f64(),
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        _ => one == other,
    }
}
