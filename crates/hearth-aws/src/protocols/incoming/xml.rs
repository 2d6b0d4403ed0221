//! XML of an answer to a tree, and the tree to a document by the model.

use std::borrow::Cow;

use bytes::Bytes;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::super::{text, unreadable};
use crate::document::Document;
use crate::error::ApiError;
use crate::model::{Kind, Model, OperationFacts, ShapeId, Structure};

/// Elements within elements. No model we call comes near.
const DEPTH_MAX: usize = 64;

/// Elements of one answer: each takes more memory than the text it came from.
const ELEMENTS_MAX: usize = 200_000;

/// One element: its local name, its text, and the elements in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

/// The output of an operation.
pub(super) fn read(model: &Model, operation: &OperationFacts, body: &Bytes) -> Result<Document, ApiError> {
    let Some(structure) = operation.output.and_then(|id| model.structure(id)) else {
        return Ok(Document::Structure(Vec::new()));
    };
    if body.is_empty() {
        return Ok(Document::Structure(Vec::new()));
    }
    let root = parse(body)?;
    let wrapped = operation.result_wrapper.map_or(Some(&root), |wrapper| root.child(wrapper));
    match wrapped {
        Some(element) => read_structure(model, structure, element),
        None => Ok(Document::Structure(Vec::new())),
    }
}

/// Reads a whole text. Declared entities, instructions and comments mean nothing.
pub(super) fn parse(body: &[u8]) -> Result<Element, ApiError> {
    let text = std::str::from_utf8(body).map_err(unreadable)?;
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    let mut count = 0;
    loop {
        let event = reader.read_event().map_err(unreadable)?;
        let innermost = open.len() - 1;
        match event {
            Event::Start(start) => {
                count += 1;
                if open.len() > DEPTH_MAX || count > ELEMENTS_MAX {
                    return Err(unreadable("the answer has too many elements"));
                }
                open.push(Element { name: start.local_name().into_inner().to_owned(), ..Element::default() });
            }
            Event::Empty(empty) => {
                count += 1;
                if count > ELEMENTS_MAX {
                    return Err(unreadable("the answer has too many elements"));
                }
                let name = empty.local_name().into_inner().to_owned();
                open[innermost].children.push(Element { name, ..Element::default() });
            }
            Event::Text(found) => open[innermost].text.push_str(&found),
            Event::CData(found) => open[innermost].text.push_str(&found),
            Event::GeneralRef(reference) => {
                open[innermost].text.push_str(&character(&reference)?);
            }
            Event::End(_) => {
                let done = open.pop().ok_or_else(|| unreadable("an element ends that has not begun"))?;
                let Some(parent) = open.last_mut() else { return Err(unreadable("an element ends twice")) };
                parent.children.push(done);
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
    let mut outside = open.swap_remove(0);
    if !open.is_empty() || outside.children.len() != 1 {
        return Err(unreadable("the answer is not one XML element"));
    }
    Ok(outside.children.swap_remove(0))
}

/// What `&name;` stands for: the five of XML and numbers.
fn character(name: &str) -> Result<Cow<'static, str>, ApiError> {
    let number = name.strip_prefix("#x").map(|digits| u32::from_str_radix(digits, 16));
    let number = number.or_else(|| name.strip_prefix('#').map(str::parse));
    let known = match name {
        "amp" => Some("&"),
        "lt" => Some("<"),
        "gt" => Some(">"),
        "quot" => Some("\""),
        "apos" => Some("'"),
        _ => None,
    };
    if let Some(known) = known {
        return Ok(Cow::Borrowed(known));
    }
    let character = number.and_then(Result::ok).and_then(char::from_u32);
    character.map(|found| Cow::Owned(found.to_string())).ok_or_else(|| unreadable("an unknown entity"))
}

impl Element {
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// The members of a structure; what the model does not know is ignored.
pub(super) fn read_structure(
    model: &Model,
    structure: &Structure,
    element: &Element,
) -> Result<Document, ApiError> {
    let mut members = Vec::new();
    for member in &structure.members {
        let found: Vec<&Element> =
            element.children.iter().filter(|child| child.name == member.query_name).collect();
        if found.is_empty() {
            continue;
        }
        let value = match &model.shape(member.shape).kind {
            Kind::List { member: entry, flattened: true, .. } => read_list(model, *entry, &found)?,
            Kind::Map { flattened: true, .. } => read_map(model, member.shape, &found)?,
            _ => read_value(model, member.shape, found[0])?,
        };
        members.push((member.name, value));
    }
    Ok(Document::Structure(members))
}

fn read_value(model: &Model, shape: ShapeId, element: &Element) -> Result<Document, ApiError> {
    match &model.shape(shape).kind {
        Kind::Structure(structure) => read_structure(model, structure, element),
        Kind::List { member, wire_name, .. } => {
            let entries: Vec<&Element> =
                element.children.iter().filter(|child| child.name == *wire_name).collect();
            read_list(model, *member, &entries)
        }
        Kind::Map { .. } => {
            let entries: Vec<&Element> =
                element.children.iter().filter(|child| child.name == "entry").collect();
            read_map(model, shape, &entries)
        }
        Kind::String { .. } => Ok(Document::String(element.text.clone())),
        _ => text::read(model, shape, Cow::Borrowed(element.text.trim())),
    }
}

fn read_list(model: &Model, entry: ShapeId, elements: &[&Element]) -> Result<Document, ApiError> {
    let entries = elements.iter().map(|element| read_value(model, entry, element));
    Ok(Document::List(entries.collect::<Result<_, _>>()?))
}

fn read_map(model: &Model, shape: ShapeId, elements: &[&Element]) -> Result<Document, ApiError> {
    let Kind::Map { value, key_name, value_name, .. } = &model.shape(shape).kind else {
        return Err(unreadable("a map was expected"));
    };
    let entries = elements.iter().map(|element| {
        let key = element.child(key_name).ok_or_else(|| unreadable("an entry has no key"))?;
        let found = element.child(value_name).ok_or_else(|| unreadable("an entry has no value"))?;
        Ok((key.text.clone(), read_value(model, *value, found)?))
    });
    Ok(Document::Map(entries.collect::<Result<_, ApiError>>()?))
}
