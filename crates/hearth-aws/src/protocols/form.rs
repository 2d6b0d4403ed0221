//! Forms of awsQuery: `Tags.member.1.Key=stage&Tags.member.1.Value=test`, as a POST body or a GET query.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{text, unreadable};
use crate::document::Document;
use crate::error::ApiError;
use crate::model::{Kind, Model, ShapeId, Structure};

/// Nested structures of a request. No model we serve comes near; some contain themselves.
const DEPTH_MAX: usize = 32;

/// Parameters of one request: each takes more memory than the text it came from.
const PARAMETERS_MAX: usize = 100_000;

/// A form's parameters, in order of their names.
#[derive(Debug)]
pub(crate) struct Form<'f>(Vec<(Cow<'f, str>, Cow<'f, str>)>);

impl<'f> Form<'f> {
    /// Takes a form apart.
    pub(crate) fn parse(raw: &'f str) -> Result<Self, ApiError> {
        if raw.bytes().filter(|byte| *byte == b'&').count() >= PARAMETERS_MAX {
            return Err(unreadable("too many parameters"));
        }
        let pairs = raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((text::form_decode(name)?, text::form_decode(value)?))
        });
        let mut pairs = pairs.collect::<Result<Vec<_>, ApiError>>()?;
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self(pairs))
    }

    /// The form of a request: its body, or the query of one without.
    pub(crate) fn of(received: &'f super::Received<'_>) -> Result<Self, ApiError> {
        match received.body.is_empty() {
            true => Self::parse(received.query),
            false => Self::parse(std::str::from_utf8(&received.body).map_err(unreadable)?),
        }
    }

    /// The parameter of exactly this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.partition_point(|(found, _)| found.as_ref() < name);
        self.0.get(at).filter(|(found, _)| found == name).map(|(_, value)| value.as_ref())
    }

    /// What follows `prefix` in the names that begin with it.
    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let from = self.0.partition_point(|(found, _)| found.as_ref() < prefix);
        self.0[from..].iter().map_while(move |(name, _)| name.strip_prefix(prefix))
    }

    /// The members of an operation's input.
    pub(super) fn members(&self, model: &Model, structure: &Structure) -> Result<Document, ApiError> {
        self.structure(model, structure, "", 0)
    }

    fn structure(
        &self,
        model: &Model,
        structure: &Structure,
        prefix: &str,
        depth: usize,
    ) -> Result<Document, ApiError> {
        let mut members = Vec::new();
        for member in &structure.members {
            let value = self.value(model, member.shape, &format!("{prefix}{}", member.query_name), depth)?;
            if value != Document::Null {
                members.push((member.name, value));
            }
        }
        Ok(Document::Structure(members))
    }

    fn value(&self, model: &Model, shape: ShapeId, name: &str, depth: usize) -> Result<Document, ApiError> {
        if depth > DEPTH_MAX {
            return Err(unreadable("the parameters are nested too deeply"));
        }
        let dotted = format!("{name}.");
        let is_there = self.below(&dotted).next().is_some();
        match &model.shape(shape).kind {
            Kind::Structure(structure) if is_there => self.structure(model, structure, &dotted, depth + 1),
            Kind::List { member, wire_name, flattened, .. } if is_there => {
                let prefix = if *flattened { dotted } else { format!("{dotted}{wire_name}.") };
                let entries = self.numbers(&prefix).into_iter();
                let entries =
                    entries.map(|number| self.value(model, *member, &format!("{prefix}{number}"), depth + 1));
                Ok(Document::List(entries.collect::<Result<_, _>>()?))
            }
            Kind::Map { key, value, key_name, value_name, flattened, .. } if is_there => {
                let prefix = if *flattened { dotted } else { format!("{dotted}entry.") };
                let entries = self.numbers(&prefix).into_iter().map(|number| {
                    let key = self.value(model, *key, &format!("{prefix}{number}.{key_name}"), depth + 1)?;
                    let Document::String(key) = key else {
                        return Err(unreadable("a map has an entry without key"));
                    };
                    Ok((
                        key,
                        self.value(model, *value, &format!("{prefix}{number}.{value_name}"), depth + 1)?,
                    ))
                });
                Ok(Document::Map(entries.collect::<Result<_, ApiError>>()?))
            }
            // A name alone is how clients send an empty list.
            Kind::List { .. } if self.get(name) == Some("") => Ok(Document::List(Vec::new())),
            Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. } => Ok(Document::Null),
            _ => match self.get(name) {
                Some(found) => text::read(model, shape, Cow::Borrowed(found)),
                None => Ok(Document::Null),
            },
        }
    }

    /// The numbers after the prefix, in order, each once.
    fn numbers(&self, prefix: &str) -> BTreeSet<u32> {
        self.below(prefix).filter_map(|rest| rest.split('.').next()?.parse().ok()).collect()
    }
}
