//! Documents in XML, written by the model.

use http::header::HeaderValue;

use super::text;
use crate::document::{Document, ShapeError};
use crate::model::{Kind, Model, ShapeId, Structure, TimestampFormat};

pub(super) const CONTENT: HeaderValue = HeaderValue::from_static("text/xml");

/// Writes elements one after another. Names come from models and this crate, values are escaped.
#[derive(Default)]
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn open(&mut self, name: &str) {
        self.open_in(name, None);
    }

    pub(super) fn open_in(&mut self, name: &str, namespace: Option<&str>) {
        self.0.push('<');
        self.0.push_str(name);
        if let Some(namespace) = namespace {
            self.0.push_str(" xmlns=\"");
            self.0.push_str(namespace);
            self.0.push('"');
        }
        self.0.push('>');
    }

    pub(super) fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.open(name);
        // XML 1.0 cannot carry other control characters, not even escaped: a `?` stands in for each.
        let carried =
            |character: char| !character.is_control() || matches!(character, '\t' | '\n' | '\r' | '\u{85}');
        let shown: String = value.chars().map(|found| if carried(found) { found } else { '?' }).collect();
        self.0.push_str(&quick_xml::escape::partial_escape(shown.as_str()));
        self.close(name);
    }

    /// The members of a structure, without an element around them.
    pub(super) fn members(
        &mut self,
        model: &Model,
        structure: &Structure,
        members: &[(&'static str, Document)],
    ) -> Result<(), ShapeError> {
        for (name, value) in members {
            let member = structure.member(name)?;
            self.value(model, member.shape, member.query_name, value).map_err(|error| error.within(name))?;
        }
        Ok(())
    }

    fn value(
        &mut self,
        model: &Model,
        shape: ShapeId,
        name: &str,
        value: &Document,
    ) -> Result<(), ShapeError> {
        match (value, &model.shape(shape).kind) {
            (Document::Null, _) => return Ok(()),
            (Document::List(list), Kind::List { member, flattened: true, .. }) => {
                return list.iter().try_for_each(|entry| self.value(model, *member, name, entry));
            }
            (Document::Map(map), Kind::Map { flattened: true, .. }) => {
                return map.iter().try_for_each(|entry| self.entry(model, shape, name, entry));
            }
            (Document::List(list), Kind::List { member, wire_name, .. }) => {
                self.open(name);
                list.iter().try_for_each(|entry| self.value(model, *member, wire_name, entry))?;
            }
            (Document::Map(map), Kind::Map { .. }) => {
                self.open(name);
                map.iter().try_for_each(|entry| self.entry(model, shape, "entry", entry))?;
            }
            (Document::Structure(members), Kind::Structure(structure)) => {
                self.open(name);
                self.members(model, structure, members)?;
            }
            _ => {
                self.text(name, &text::write(model, shape, value, TimestampFormat::Iso8601)?);
                return Ok(());
            }
        }
        self.close(name);
        Ok(())
    }

    fn entry(
        &mut self,
        model: &Model,
        map: ShapeId,
        name: &str,
        (key, value): &(String, Document),
    ) -> Result<(), ShapeError> {
        let Kind::Map { value: shape, key_name, value_name, .. } = &model.shape(map).kind else {
            return Err(ShapeError::expected("map"));
        };
        self.open(name);
        self.text(key_name, key);
        self.value(model, *shape, value_name, value)?;
        self.close(name);
        Ok(())
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}
