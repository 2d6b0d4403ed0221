//! Documents in CBOR (RFC 8949), read and written by the model: members it does not know are skipped.
//!
//! Written here because a model's shape decides how each item is read, and because the bounds on depth, number of
//! values and memory are then plain to see; a library would add a second tree in between.
//!
//! Never: reserves memory by a length that a request merely announces.

use bytes::Bytes;

use super::{json, timestamp};
use crate::document::{Document, ShapeError};
use crate::error::ApiError;
use crate::model::{Kind, Model, ShapeId, Structure};

/// Nested lists, maps, structures and tags of a request: as deep as JSON may be.
const DEPTH_MAX: u32 = 128;

/// Entries and members of one request: each takes more memory than the bytes it came from.
const VALUES_MAX: u32 = 500_000;

/// The tag of a number that is seconds since the epoch.
const EPOCH_SECONDS: u64 = 1;

/// Kinds of items, in the upper three bits of the first byte.
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

/// The lower five bits of a first byte that say how the rest is to be read.
mod info {
    pub(super) const FALSE: u8 = 20;
    pub(super) const TRUE: u8 = 21;
    pub(super) const NULL: u8 = 22;
    pub(super) const UNDEFINED: u8 = 23;
    pub(super) const ONE_BYTE: u8 = 24;
    pub(super) const TWO_BYTES: u8 = 25;
    pub(super) const FOUR_BYTES: u8 = 26;
    pub(super) const EIGHT_BYTES: u8 = 27;
    pub(super) const INDEFINITE: u8 = 31;
}

/// Ends items of indefinite length.
const BREAK: u8 = 0xff;

/// Reads a whole body as this shape.
pub(super) fn read(model: &'static Model, shape: ShapeId, body: &Bytes) -> Result<Document, ApiError> {
    let mut reader = Reader { body, at: 0, values_left: VALUES_MAX };
    let value = reader.value(model, shape, 0).and_then(|value| match reader.at == body.len() {
        true => Ok(value),
        false => Err("bytes after the value"),
    });
    value.map_err(|why| {
        super::unreadable(format!("Could not parse request body as CBOR: {why} at byte {}", reader.at))
    })
}

type Outcome<T> = Result<T, &'static str>;

struct Reader<'b> {
    body: &'b Bytes,
    at: usize,
    values_left: u32,
}

/// What begins an item.
#[derive(Clone, Copy)]
struct Head {
    major: u8,
    info: u8,
    /// A number, a length, a tag, or the bits of a float.
    value: u64,
}

impl Head {
    fn is_indefinite(self) -> bool {
        self.info == info::INDEFINITE
    }
}

impl Reader<'_> {
    fn take(&mut self, count: u64) -> Outcome<&[u8]> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        let taken = end.and_then(|end| self.body.get(self.at..end)).ok_or("the body ends too early")?;
        self.at += taken.len();
        Ok(taken)
    }

    fn head(&mut self) -> Outcome<Head> {
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 0x1f);
        let more = match info {
            info::ONE_BYTE => 1,
            info::TWO_BYTES => 2,
            info::FOUR_BYTES => 4,
            info::EIGHT_BYTES => 8,
            28..=30 => return Err("a reserved length"),
            info::INDEFINITE if !(major::BYTES..=major::MAP).contains(&major) => {
                return Err("an end or an indefinite length where none may be");
            }
            _ => return Ok(Head { major, info, value: u64::from(info) }),
        };
        let value = self.take(more)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        Ok(Head { major, info, value })
    }

    fn is_break(&mut self) -> bool {
        let is_break = self.body.get(self.at) == Some(&BREAK);
        self.at += usize::from(is_break);
        is_break
    }

    /// Whether another entry follows; `left` counts down where the length is known.
    fn another(&mut self, head: Head, left: &mut u64) -> bool {
        if head.is_indefinite() {
            return !self.is_break();
        }
        let more = *left > 0;
        *left = left.saturating_sub(1);
        more
    }

    fn enter(&mut self, depth: u32) -> Outcome<Head> {
        if depth > DEPTH_MAX {
            return Err("nested too deeply");
        }
        self.values_left = self.values_left.checked_sub(1).ok_or("too many values")?;
        self.head()
    }

    fn value(&mut self, model: &'static Model, shape: ShapeId, depth: u32) -> Outcome<Document> {
        let head = self.enter(depth)?;
        let kind = &model.shape(shape).kind;
        match (head.major, kind) {
            (major::SIMPLE, _) if matches!(head.info, info::NULL | info::UNDEFINED) => Ok(Document::Null),
            (major::SIMPLE, Kind::Boolean) if head.info == info::FALSE => Ok(Document::Bool(false)),
            (major::SIMPLE, Kind::Boolean) if head.info == info::TRUE => Ok(Document::Bool(true)),
            (major::UNSIGNED | major::NEGATIVE, Kind::Integer(_)) => integer(head).map(Document::Integer),
            (major::UNSIGNED | major::NEGATIVE | major::SIMPLE, Kind::Float(_)) => {
                number(head).map(Document::Float)
            }
            (major::TAG, Kind::Timestamp(_)) if head.value == EPOCH_SECONDS => {
                let seconds = self.enter(depth + 1).and_then(number)?;
                let micros = timestamp::from_epoch_seconds(seconds).ok_or("a time out of range")?;
                Ok(Document::Timestamp(micros))
            }
            (major::TAG, _) => self.value(model, shape, depth + 1),
            (major::TEXT, Kind::String { .. }) => {
                let bytes = self.chunks(head)?;
                let text = std::str::from_utf8(&bytes).map_err(|_| "a text is not UTF-8")?;
                Ok(Document::String(text.to_owned()))
            }
            (major::BYTES, Kind::Blob(_)) => self.chunks(head).map(Document::Blob),
            (major::ARRAY, Kind::List { member, .. }) => {
                let (mut list, mut left) = (Vec::new(), head.value);
                while self.another(head, &mut left) {
                    list.push(self.value(model, *member, depth + 1)?);
                }
                Ok(Document::List(list))
            }
            (major::MAP, Kind::Map { value, .. }) => {
                let (mut map, mut left) = (Vec::new(), head.value);
                while self.another(head, &mut left) {
                    map.push((self.key()?, self.value(model, *value, depth + 1)?));
                }
                Ok(Document::Map(json::last_wins(map)))
            }
            (major::MAP, Kind::Structure(structure)) => self.structure(model, structure, head, depth),
            _ => Err("a value of another kind than the model's"),
        }
    }

    fn structure(
        &mut self,
        model: &'static Model,
        structure: &'static Structure,
        head: Head,
        depth: u32,
    ) -> Outcome<Document> {
        let (mut members, mut left): (Vec<(&'static str, Document)>, u64) = (Vec::new(), head.value);
        while self.another(head, &mut left) {
            let key = self.key()?;
            let Some(member) = structure.members.iter().find(|member| member.wire_name == key) else {
                self.skip(depth + 1)?;
                continue;
            };
            let value = self.value(model, member.shape, depth + 1)?;
            members.retain(|(known, _)| *known != member.name);
            members.push((member.name, value));
        }
        Ok(Document::Structure(members))
    }

    fn key(&mut self) -> Outcome<String> {
        let head = self.head()?;
        if head.major != major::TEXT {
            return Err("a key that is no text");
        }
        String::from_utf8(self.chunks(head)?.to_vec()).map_err(|_| "a key is not UTF-8")
    }

    /// The bytes of a text or blob; what came in one piece is shared with the body.
    fn chunks(&mut self, head: Head) -> Outcome<Bytes> {
        if !head.is_indefinite() {
            let from = self.at;
            self.take(head.value)?;
            return Ok(self.body.slice(from..self.at));
        }
        let mut whole = Vec::new();
        while !self.is_break() {
            let chunk = self.head()?;
            if chunk.major != head.major || chunk.is_indefinite() {
                return Err("a chunk of another kind");
            }
            whole.extend_from_slice(self.take(chunk.value)?);
        }
        Ok(whole.into())
    }

    fn skip(&mut self, depth: u32) -> Outcome<()> {
        let head = self.enter(depth)?;
        let mut left = head.value;
        match head.major {
            major::BYTES | major::TEXT => self.chunks(head).map(drop),
            major::ARRAY => {
                while self.another(head, &mut left) {
                    self.skip(depth + 1)?;
                }
                Ok(())
            }
            major::MAP => {
                while self.another(head, &mut left) {
                    self.skip(depth + 1)?;
                    self.skip(depth + 1)?;
                }
                Ok(())
            }
            major::TAG => self.skip(depth + 1),
            _ => Ok(()),
        }
    }
}

fn integer(head: Head) -> Outcome<i64> {
    let value = i64::try_from(head.value).map_err(|_| "an integer out of range")?;
    Ok(if head.major == major::NEGATIVE { -1 - value } else { value })
}

#[allow(clippy::cast_precision_loss, reason = "an integer where the model has a float")]
#[allow(clippy::cast_possible_truncation, reason = "the head has read no more bits than the float has")]
fn number(head: Head) -> Outcome<f64> {
    match (head.major, head.info) {
        (major::UNSIGNED | major::NEGATIVE, _) => integer(head).map(|value| value as f64),
        (major::SIMPLE, info::TWO_BYTES) => Ok(half(head.value as u16)),
        (major::SIMPLE, info::FOUR_BYTES) => Ok(f64::from(f32::from_bits(head.value as u32))),
        (major::SIMPLE, info::EIGHT_BYTES) => Ok(f64::from_bits(head.value)),
        _ => Err("no number"),
    }
}

/// A float of 16 bits (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

/// Appends a value of this shape.
pub(super) fn write(
    model: &Model,
    shape: ShapeId,
    value: &Document,
    out: &mut Vec<u8>,
) -> Result<(), ShapeError> {
    match (value, &model.shape(shape).kind) {
        (Document::Null, _) => out.push(major::SIMPLE << 5 | info::NULL),
        (Document::Bool(value), Kind::Boolean) => {
            out.push(major::SIMPLE << 5 | if *value { info::TRUE } else { info::FALSE });
        }
        (Document::Integer(value), Kind::Integer(_)) => write_integer(*value, out),
        (Document::Float(value), Kind::Float(_)) => write_float(*value, out),
        (Document::String(text), Kind::String { .. }) => write_text(text, out),
        (Document::Blob(bytes), Kind::Blob(_)) => {
            write_head(major::BYTES, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        (Document::Timestamp(micros), Kind::Timestamp(_)) => {
            write_head(major::TAG, EPOCH_SECONDS, out);
            match timestamp::whole_seconds(*micros) {
                Ok(seconds) => write_integer(seconds, out),
                Err(seconds) => write_float(seconds, out),
            }
        }
        (Document::List(list), Kind::List { member, .. }) => {
            write_head(major::ARRAY, list.len() as u64, out);
            list.iter().try_for_each(|entry| write(model, *member, entry, out))?;
        }
        (Document::Map(map), Kind::Map { value: shape, .. }) => {
            write_head(major::MAP, map.len() as u64, out);
            for (key, value) in map {
                write_text(key, out);
                write(model, *shape, value, out)?;
            }
        }
        (Document::Structure(members), Kind::Structure(structure)) => {
            let present = || members.iter().filter(|(_, value)| *value != Document::Null);
            write_head(major::MAP, present().count() as u64, out);
            for (name, value) in present() {
                let member = structure.member(name)?;
                write_text(member.wire_name, out);
                write(model, member.shape, value, out).map_err(|error| error.within(name))?;
            }
        }
        _ => return Err(ShapeError::expected(model.shape(shape).name)),
    }
    Ok(())
}

/// A map of this many entries begins; each is a text and a value.
pub(super) fn write_map(entries: usize, out: &mut Vec<u8>) {
    write_head(major::MAP, entries as u64, out);
}

pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    write_head(major::TEXT, text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    out.push(major::SIMPLE << 5 | info::EIGHT_BYTES);
    out.extend_from_slice(&value.to_be_bytes());
}

fn write_integer(value: i64, out: &mut Vec<u8>) {
    // The complement of a negative number is what the format stores of it.
    let (major, bits) = if value < 0 { (major::NEGATIVE, !value) } else { (major::UNSIGNED, value) };
    write_head(major, bits.unsigned_abs(), out);
}

#[allow(clippy::cast_possible_truncation, reason = "each arm has checked that the bits fit")]
fn write_head(major: u8, value: u64, out: &mut Vec<u8>) {
    let first = major << 5;
    match value {
        0..24 => out.push(first | value as u8),
        24..0x100 => out.extend_from_slice(&[first | info::ONE_BYTE, value as u8]),
        0x100..0x1_0000 => {
            out.push(first | info::TWO_BYTES);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(first | info::FOUR_BYTES);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            out.push(first | info::EIGHT_BYTES);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
