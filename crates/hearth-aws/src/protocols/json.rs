//! Documents in JSON, read and written by the model: members it does not know are ignored.

use std::cell::Cell;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::mismatch::{self, Found};
use super::{text, timestamp};
use crate::document::{Document, ShapeError};
use crate::error::ApiError;
use crate::model::{Kind, Location, Member, Model, ShapeId, Structure, TimestampFormat};

/// Entries and members of one request: each takes more memory than the text it came from.
const VALUES_MAX: u32 = 500_000;

/// Reads a whole text as this shape. Of a structure, only the members that travel in a body are read.
pub(super) fn read(model: &'static Model, shape: ShapeId, text: &[u8]) -> Result<Document, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Reader { model, shape, left: &Cell::new(VALUES_MAX) }.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        super::unreadable(match error.classify() {
            Category::Data => without_place(&error),
            _ => format!("Could not parse request body into json: {error}"),
        })
    })
}

/// What was wrong with a value, in our own words, without where it stood, which the parser adds.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map_or_else(|| text.clone(), str::to_owned)
}

/// Reads a whole text as a structure that no shape's number is at hand for: an exception's.
pub(super) fn read_structure(
    model: &'static Model,
    structure: &'static Structure,
    text: &[u8],
) -> Result<Document, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    // The shape is not looked at: a structure's members have their own.
    let reader = Reader { model, shape: ShapeId(0), left: &Cell::new(VALUES_MAX) };
    let value = deserializer.deserialize_map(Members(reader, structure));
    value.map_err(|error| super::unreadable(format!("Could not parse the answer's json: {error}")))
}

/// Reads the members of one structure.
struct Members<'l>(Reader<'l>, &'static Structure);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Document;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Document, A::Error> {
        self.0.visit_structure(self.1, entries)
    }
}

/// Reads a value of one shape.
#[derive(Clone, Copy)]
struct Reader<'l> {
    model: &'static Model,
    shape: ShapeId,
    /// How many values may still come.
    left: &'l Cell<u32>,
}

impl Reader<'_> {
    fn kind(self) -> &'static Kind {
        &self.model.shape(self.shape).kind
    }

    fn wrong<E: Error>(self, found: Found) -> E {
        E::custom(mismatch::text(self.model.facts().service, self.kind(), found))
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| Error::custom("too many values"))?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Document;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never shown: every kind of value is visited.
        out.write_str(self.model.shape(self.shape).name)
    }

    fn visit_unit<E: Error>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Document, E> {
        match self.kind() {
            Kind::Boolean => Ok(Document::Bool(value)),
            _ => Err(self.wrong(if value { Found::True } else { Found::False })),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a number in JSON has no more precision than a double")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Document, E> {
        match self.kind() {
            Kind::Integer(_) => Ok(Document::Integer(value)),
            Kind::Float(_) => Ok(Document::Float(value as f64)),
            Kind::Timestamp(_) => {
                let micros = timestamp::from_epoch_seconds(value as f64);
                micros.map(Document::Timestamp).ok_or_else(|| self.wrong(Found::Number))
            }
            _ => Err(self.wrong(Found::Number)),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Document, E> {
        self.visit_i64(i64::try_from(value).map_err(|_| self.wrong::<E>(Found::Number))?)
    }

    #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and in range before")]
    fn visit_f64<E: Error>(self, value: f64) -> Result<Document, E> {
        /// Beyond this a double no longer names one integer.
        const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
        match self.kind() {
            Kind::Float(_) => Ok(Document::Float(value)),
            Kind::Integer(_) if value.fract() == 0.0 && value.abs() <= WHOLE_MAX => {
                Ok(Document::Integer(value as i64))
            }
            Kind::Timestamp(_) => {
                let micros = timestamp::from_epoch_seconds(value);
                micros.map(Document::Timestamp).ok_or_else(|| self.wrong(Found::Decimal))
            }
            _ => Err(self.wrong(Found::Decimal)),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Document, E> {
        let wrong = || self.wrong(Found::Text);
        match self.kind() {
            Kind::String { .. } => Ok(Document::String(value.to_owned())),
            Kind::Blob(_) => {
                let bytes = STANDARD.decode(value).map_err(|_| E::custom("a blob is not base64"))?;
                Ok(Document::Blob(bytes.into()))
            }
            Kind::Float(_) => match value {
                "NaN" => Ok(Document::Float(f64::NAN)),
                "Infinity" => Ok(Document::Float(f64::INFINITY)),
                "-Infinity" => Ok(Document::Float(f64::NEG_INFINITY)),
                _ => Err(wrong()),
            },
            Kind::Timestamp(_) => timestamp::read(value).map(Document::Timestamp).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let Kind::List { member, .. } = self.kind() else { return Err(self.wrong(Found::List)) };
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(Self { shape: *member, ..self })? {
            list.push(entry);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        match self.kind() {
            Kind::Map { value, .. } => {
                let mut map: Vec<(String, Document)> = Vec::new();
                while let Some(key) = entries.next_key::<String>()? {
                    let value = entries.next_value_seed(Self { shape: *value, ..self })?;
                    map.push((key, value));
                }
                Ok(Document::Map(last_wins(map)))
            }
            Kind::Structure(structure) => self.visit_structure(structure, entries),
            _ => Err(self.wrong(Found::Object)),
        }
    }
}

impl Reader<'_> {
    fn visit_structure<'de, A: MapAccess<'de>>(
        self,
        structure: &'static Structure,
        mut entries: A,
    ) -> Result<Document, A::Error> {
        let mut members: Vec<(&'static str, Document)> = Vec::new();
        while let Some(member) = entries.next_key_seed(Name(structure))? {
            let Some(member) = member else {
                entries.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = entries.next_value_seed(Self { shape: member.shape, ..self })?;
            members.retain(|(known, _)| *known != member.name);
            members.push((member.name, value));
        }
        Ok(Document::Structure(members))
    }
}

/// Finds the member of this name, without a copy of it.
struct Name(&'static Structure);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static Member>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static Member>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let members = &self.0.members;
        Ok(members.iter().find(|member| member.wire_name == name && member.location == Location::Body))
    }
}

/// Of entries with the same key the last is meant. Maps are large enough to be attacked: no quadratic scan.
pub(super) fn last_wins(mut map: Vec<(String, Document)>) -> Vec<(String, Document)> {
    let mut seen = std::collections::HashSet::with_capacity(map.len());
    let keep: Vec<bool> = map.iter().rev().map(|(key, _)| seen.insert(key.as_str())).collect();
    drop(seen);
    let mut keep = keep.into_iter().rev();
    map.retain(|_| keep.next().unwrap_or(true));
    map
}

/// Appends a value of this shape. Of a structure, only the members that travel in a body are written.
pub(super) fn write(
    model: &Model,
    shape: ShapeId,
    value: &Document,
    out: &mut Vec<u8>,
) -> Result<(), ShapeError> {
    let wrong = || ShapeError::expected(model.shape(shape).name);
    match (value, &model.shape(shape).kind) {
        (Document::Null, _) => out.extend_from_slice(b"null"),
        (Document::Bool(value), Kind::Boolean) => out.extend_from_slice(value.to_string().as_bytes()),
        (Document::Integer(value), Kind::Integer(_)) => out.extend_from_slice(value.to_string().as_bytes()),
        (Document::Float(value), Kind::Float(_)) => match text::not_finite(*value) {
            Some(name) => write_text(name, out),
            None => out.extend_from_slice(format!("{value:?}").as_bytes()),
        },
        (Document::String(text), Kind::String { .. }) => write_text(text, out),
        (Document::Blob(bytes), Kind::Blob(_)) => write_text(&STANDARD.encode(bytes), out),
        (Document::Timestamp(micros), Kind::Timestamp(format)) => match format {
            None | Some(TimestampFormat::EpochSeconds) => {
                out.extend_from_slice(timestamp::write(*micros, TimestampFormat::EpochSeconds).as_bytes());
            }
            Some(format) => write_text(&timestamp::write(*micros, *format), out),
        },
        (Document::List(list), Kind::List { member, .. }) => {
            out.push(b'[');
            for (at, entry) in list.iter().enumerate() {
                separate(at, out);
                write(model, *member, entry, out)?;
            }
            out.push(b']');
        }
        (Document::Map(map), Kind::Map { value: shape, .. }) => {
            out.push(b'{');
            for (at, (key, value)) in map.iter().enumerate() {
                separate(at, out);
                write_text(key, out);
                out.push(b':');
                write(model, *shape, value, out)?;
            }
            out.push(b'}');
        }
        (Document::Structure(members), Kind::Structure(structure)) => {
            write_structure(model, structure, members, out)?;
        }
        _ => return Err(wrong()),
    }
    Ok(())
}

fn write_structure(
    model: &Model,
    structure: &Structure,
    members: &[(&'static str, Document)],
    out: &mut Vec<u8>,
) -> Result<(), ShapeError> {
    out.push(b'{');
    let mut written = 0;
    for (name, value) in members {
        let member = structure.member(name)?;
        if *value == Document::Null || member.location != Location::Body {
            continue;
        }
        separate(written, out);
        written += 1;
        write_text(member.wire_name, out);
        out.push(b':');
        write(model, member.shape, value, out).map_err(|error| error.within(name))?;
    }
    out.push(b'}');
    Ok(())
}

pub(super) fn separate(at: usize, out: &mut Vec<u8>) {
    if at > 0 {
        out.push(b',');
    }
}

/// A text in quotes, escaped.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing text to memory cannot fail");
}
