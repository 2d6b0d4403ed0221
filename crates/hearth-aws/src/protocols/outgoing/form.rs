//! awsQuery: members become parameters of a form, numbered and dotted.

use std::fmt::Write as _;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::text;
use super::Outgoing;
use crate::document::{Document, ShapeError};
use crate::model::{Kind, Model, OperationFacts, ShapeId, TimestampFormat};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const CONTENT: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");

pub(super) fn write(
    model: &Model,
    operation: &OperationFacts,
    input: &Document,
) -> Result<Outgoing, ShapeError> {
    let mut form = Form(String::new());
    form.pair("Action", operation.name);
    form.pair("Version", model.facts().api_version);
    if let Some(shape) = operation.input.filter(|_| *input != Document::Null) {
        form.value(model, shape, "", input)?;
    }
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, CONTENT);
    let path_and_query = "/".to_owned();
    Ok(Outgoing { method: Method::POST, path_and_query, headers, body: form.0.into() })
}

struct Form(String);

impl Form {
    fn pair(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        let value = utf8_percent_encode(value, ENCODED);
        let _ = write!(self.0, "{}={value}", utf8_percent_encode(name, ENCODED));
    }

    fn value(
        &mut self,
        model: &Model,
        shape: ShapeId,
        name: &str,
        value: &Document,
    ) -> Result<(), ShapeError> {
        match (value, &model.shape(shape).kind) {
            (Document::Null, _) => {}
            (Document::Structure(members), Kind::Structure(structure)) => {
                let prefix = if name.is_empty() { String::new() } else { format!("{name}.") };
                for (member, value) in members {
                    let facts = structure.member(member)?;
                    let name = format!("{prefix}{}", facts.query_name);
                    self.value(model, facts.shape, &name, value).map_err(|error| error.within(member))?;
                }
            }
            (Document::List(list), Kind::List { .. }) if list.is_empty() => self.pair(name, ""),
            (Document::List(list), Kind::List { member, wire_name, flattened, .. }) => {
                let prefix = if *flattened { name.to_owned() } else { format!("{name}.{wire_name}") };
                for (at, entry) in list.iter().enumerate() {
                    self.value(model, *member, &format!("{prefix}.{}", at + 1), entry)?;
                }
            }
            (Document::Map(map), Kind::Map { key, value: shape, key_name, value_name, flattened, .. }) => {
                let prefix = if *flattened { name.to_owned() } else { format!("{name}.entry") };
                for (at, (name, value)) in map.iter().enumerate() {
                    let prefix = format!("{prefix}.{}", at + 1);
                    let name = Document::String(name.clone());
                    self.value(model, *key, &format!("{prefix}.{key_name}"), &name)?;
                    self.value(model, *shape, &format!("{prefix}.{value_name}"), value)?;
                }
            }
            _ => self.pair(name, &text::write(model, shape, value, TimestampFormat::Iso8601)?),
        }
        Ok(())
    }
}
