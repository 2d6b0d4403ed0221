//! Bodies are equal when they say the same: whitespace, the order of members and XML's attributes are no matter.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use super::values::{float, is_same};
use crate::model::Protocol;

/// Compares what we wrote with what was expected.
pub(super) fn compare(protocol: Protocol, found: &[u8], expected: &[u8]) -> Result<(), String> {
    let shown = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    let is_equal = match protocol {
        Protocol::AwsQuery | Protocol::RestXml => xml(found)? == xml(expected)?,
        Protocol::RpcV2Cbor => {
            let (found, expected) = (without_namespace(cbor(found)?), without_namespace(cbor(expected)?));
            return match is_same(&found, &expected) {
                true => Ok(()),
                false => Err(format!("wrote {found}, expected {expected}")),
            };
        }
        // A payload may be anything.
        _ => match (json(found), json(expected)) {
            (Some(found), Some(expected)) => is_same(&found, &expected),
            _ => found == expected,
        },
    };
    match is_equal {
        true => Ok(()),
        false => Err(format!("wrote {}, expected {}", shown(found), shown(expected))),
    }
}

fn json(body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return Some(json!({}));
    }
    serde_json::from_slice(body).ok().map(without_namespace)
}

/// Clients use what stands between `#` and `:` of an error's type.
fn without_namespace(mut body: Value) -> Value {
    if let Some(Value::String(name)) = body.get_mut("__type") {
        let bare = name.rsplit('#').next().and_then(|name| name.split(':').next()).unwrap_or_default();
        *name = bare.to_owned();
    }
    body
}

/// An element's name, text and children in order of their names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// Ours to choose, and different every time.
const METADATA: &[&str] = &["RequestId", "ResponseMetadata", "requestId"];

fn xml(body: &[u8]) -> Result<Element, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                let name = start.local_name().into_inner().to_owned();
                open.push(Element { name, ..Element::default() });
            }
            Event::Empty(start) => {
                let name = start.local_name().into_inner().to_owned();
                close(&mut open, Element { name, ..Element::default() })?;
            }
            Event::End(_) => {
                let done = open.pop().ok_or("an end too many")?;
                close(&mut open, done)?;
            }
            Event::Text(text) => {
                open.last_mut().ok_or("text outside")?.text.push_str(&text);
            }
            Event::GeneralRef(reference) => {
                let text = open.last_mut().ok_or("text outside")?;
                text.text.push_str(&format!("&{};", &*reference));
            }
            Event::Eof => {
                let whole = open.pop().ok_or("an end too many")?;
                return Ok(Element { text: String::new(), ..whole });
            }
            _ => {}
        }
    }
}

fn close(open: &mut [Element], mut done: Element) -> Result<(), String> {
    // Entries of maps come in any order; texts of a list, which have no children, keep theirs.
    done.children.sort_by_cached_key(|child| (child.name.clone(), format!("{:?}", child.children)));
    if !done.children.is_empty() {
        done.text.clear();
    }
    done.text = done.text.trim().to_owned();
    if !METADATA.contains(&done.name.as_str()) {
        open.last_mut().ok_or("an end too many")?.children.push(done);
    }
    Ok(())
}

/// CBOR without a model, as JSON; bytes in hex.
fn cbor(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    let mut rest = body;
    let value = item(&mut rest).ok_or("no CBOR")?.ok_or("an end outside")?;
    if rest.is_empty() { Ok(value) } else { Err("bytes after the value".to_owned()) }
}

fn take<'b>(rest: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

/// Half of a single float: its bits moved to their places there, and the exponents' difference made up for.
fn half(bits: u16) -> f64 {
    let sign = u32::from(bits & 0x8000) << 16;
    let magnitude = u32::from(bits & 0x7fff) << 13;
    match bits & 0x7c00 {
        0x7c00 => f64::from(f32::from_bits(sign | 0x7f80_0000 | magnitude)),
        _ => f64::from(f32::from_bits(sign | magnitude)) * 2f64.powi(112),
    }
}

/// The outer `None` is an error, the inner one the end of something indefinite.
fn item(rest: &mut &[u8]) -> Option<Option<Value>> {
    let first = take(rest, 1)?[0];
    let (major, info) = (first >> 5, first & 31);
    let more = match info {
        24..=27 => 1 << (info - 24),
        _ => 0,
    };
    let extra = take(rest, more)?.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let length = if more == 0 { u64::from(info) } else { extra };
    let count = if info == 31 { usize::MAX } else { usize::try_from(length).ok()? };
    Some(Some(match (major, info) {
        (0, _) => json!(length),
        (1, _) => json!(-1 - i64::try_from(length).ok()?),
        (2 | 3, _) => {
            let mut bytes = Vec::new();
            if info == 31 {
                while let Some(chunk) = item(rest)? {
                    bytes.extend_from_slice(chunk.as_str()?.as_bytes());
                }
            } else {
                bytes.extend_from_slice(take(rest, count)?);
            }
            json!(String::from_utf8_lossy(&bytes))
        }
        (4, _) => {
            let mut list = Vec::new();
            while list.len() < count {
                match item(rest)? {
                    Some(entry) => list.push(entry),
                    None => break,
                }
            }
            Value::Array(list)
        }
        (5, _) => {
            let mut map = serde_json::Map::new();
            while map.len() < count {
                let Some(key) = item(rest)? else { break };
                map.insert(key.as_str()?.to_owned(), item(rest)??);
            }
            Value::Object(map)
        }
        (6, _) => item(rest)??,
        (7, 20) => json!(false),
        (7, 21) => json!(true),
        (7, 22 | 23) => Value::Null,
        (7, 25) => float(half(u16::try_from(extra).ok()?)),
        (7, 26) => float(f64::from(f32::from_bits(u32::try_from(extra).ok()?))),
        (7, 27) => float(f64::from_bits(extra)),
        (7, 31) => return Some(None),
        _ => return None,
    }))
}
