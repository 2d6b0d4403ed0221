//! Single values that travel as text: in paths, queries, headers and forms.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::timestamp;
use crate::document::{Document, ShapeError};
use crate::error::ApiError;
use crate::model::{Kind, Model, ShapeId, TimestampFormat};

/// Reads one value of a simple shape.
pub(super) fn read(model: &Model, shape: ShapeId, text: Cow<'_, str>) -> Result<Document, ApiError> {
    let wrong = |kind: &str| super::unreadable(format!("{text:?} can not be converted to {kind}"));
    match &model.shape(shape).kind {
        Kind::String { .. } => Ok(Document::String(text.into_owned())),
        Kind::Boolean if text.eq_ignore_ascii_case("true") => Ok(Document::Bool(true)),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => Ok(Document::Bool(false)),
        Kind::Boolean => Err(wrong("Boolean")),
        Kind::Integer(_) => text.parse().map(Document::Integer).map_err(|_| wrong("Integer")),
        Kind::Float(_) => text.parse().map(Document::Float).map_err(|_| wrong("Double")),
        Kind::Timestamp(_) => {
            timestamp::read(&text).map(Document::Timestamp).ok_or_else(|| wrong("Timestamp"))
        }
        Kind::Blob(_) => {
            let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| wrong("Blob"))?;
            Ok(Document::Blob(bytes.into()))
        }
        Kind::List { .. } | Kind::Map { .. } | Kind::Structure(_) => Err(wrong("a list, map or structure")),
    }
}

/// Writes one value of a simple shape; `times` is the protocol's way with timestamps.
pub(super) fn write(
    model: &Model,
    shape: ShapeId,
    value: &Document,
    times: TimestampFormat,
) -> Result<String, ShapeError> {
    match (value, &model.shape(shape).kind) {
        (Document::String(text), Kind::String { .. }) => Ok(text.clone()),
        (Document::Bool(value), Kind::Boolean) => Ok(value.to_string()),
        (Document::Integer(value), Kind::Integer(_)) => Ok(value.to_string()),
        (Document::Float(value), Kind::Float(_)) => {
            Ok(not_finite(*value).map_or_else(|| format!("{value:?}"), str::to_owned))
        }
        (Document::Timestamp(micros), Kind::Timestamp(format)) => {
            Ok(timestamp::write(*micros, format.unwrap_or(times)))
        }
        (Document::Blob(bytes), Kind::Blob(_)) => Ok(STANDARD.encode(bytes)),
        _ => Err(ShapeError::expected(model.shape(shape).name)),
    }
}

/// The name of a float that is no number which could be written.
pub(super) fn not_finite(value: f64) -> Option<&'static str> {
    match value {
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ if value.is_nan() => Some("NaN"),
        _ => None,
    }
}

/// Percent-decodes; bytes that are not UTF-8 are an error of the caller's.
pub(super) fn percent_decode(raw: &str) -> Result<Cow<'_, str>, ApiError> {
    let decoded = percent_decode_str(raw).decode_utf8();
    decoded.map_err(|_| super::unreadable(format!("{raw:?} is not percent-encoded UTF-8")))
}

/// Percent-decodes a name or value of a query or form, where `+` is a space.
pub(super) fn form_decode(raw: &str) -> Result<Cow<'_, str>, ApiError> {
    if !raw.contains('+') {
        return percent_decode(raw);
    }
    Ok(Cow::Owned(percent_decode(&raw.replace('+', " "))?.into_owned()))
}
