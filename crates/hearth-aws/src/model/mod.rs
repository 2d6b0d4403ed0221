//! Models of AWS's services: facts of the published models, interned at build time, decoded on first use.
//!
//! Never: holds documentation text; knows a service that `models/` does not.

mod facts;
pub(crate) mod pattern;
pub(crate) mod routes;

use std::sync::OnceLock;

use crate::document::ShapeError;

pub use facts::{
    ErrorFacts, Facts, Kind, Length, Location, Member, OperationFacts, PatternId, Protocol, Range, Shape,
    ShapeId, Structure, TimestampFormat,
};

use pattern::Pattern;
use routes::Routes;

/// Service name and blob, by name.
static BLOBS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/blobs.rs"));

/// One place a blob, filled at its first use.
static LOADED: [OnceLock<Model>; BLOBS.len()] = [const { OnceLock::new() }; BLOBS.len()];

/// A service's model, ready for use.
#[derive(Debug)]
pub struct Model {
    facts: Facts,
    patterns: Box<[OnceLock<Pattern>]>,
    routes: Routes,
}

impl Model {
    /// The model of this name, decoded once: `lambda`, `iam`, `sts`.
    pub fn of(service: &str) -> Option<&'static Self> {
        let at = BLOBS.binary_search_by_key(&service, |(name, _)| name).ok()?;
        Some(LOADED[at].get_or_init(|| Self::decode(BLOBS[at].1)))
    }

    /// Names of all services that have a model, in order.
    pub fn services() -> impl Iterator<Item = &'static str> {
        BLOBS.iter().map(|(service, _)| *service)
    }

    /// A model's facts, to be changed by a test.
    #[cfg(test)]
    pub(crate) fn facts_of(service: &str) -> Facts {
        let (_, blob) = BLOBS.iter().find(|(name, _)| *name == service).expect("in models/");
        postcard::from_bytes(blob).expect("written by this crate's build script")
    }

    fn decode(blob: &'static [u8]) -> Self {
        Self::new(postcard::from_bytes(blob).expect("written by this crate's build script"))
    }

    /// A model of these facts.
    pub(crate) fn new(facts: Facts) -> Self {
        let patterns = facts.patterns.iter().map(|_| OnceLock::new()).collect();
        let routes = Routes::of(&facts);
        Self { facts, patterns, routes }
    }

    /// Its facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Every operation, by name.
    pub fn operations(&self) -> &[OperationFacts] {
        &self.facts.operations
    }

    /// One operation.
    pub fn operation(&self, name: &str) -> Option<&OperationFacts> {
        let at = self.facts.operations.binary_search_by_key(&name, |operation| operation.name).ok()?;
        self.facts.operations.get(at)
    }

    /// A shape by its number.
    pub fn shape(&self, id: ShapeId) -> &Shape {
        &self.facts.shapes[usize::from(id.0)]
    }

    /// A shape that is a structure; inputs, outputs and exceptions are.
    pub(crate) fn structure(&self, id: ShapeId) -> Option<&Structure> {
        match &self.shape(id).kind {
            Kind::Structure(structure) => Some(structure),
            _ => None,
        }
    }

    /// The exception of this name: its shape's, or its code in forms and XML.
    pub(crate) fn exception(&self, name: &str) -> Option<Exception<'_>> {
        self.facts.shapes.iter().find_map(|shape| {
            let Kind::Structure(structure) = &shape.kind else { return None };
            let facts = structure.error.as_ref()?;
            let is_meant = shape.name == name || facts.code == name;
            is_meant.then_some(Exception { name: shape.name, structure, facts })
        })
    }

    /// Whether the service speaks this protocol.
    pub(crate) fn speaks(&self, protocol: Protocol) -> bool {
        self.facts.protocols.contains(&protocol)
    }

    /// The protocol that the service itself prefers.
    #[cfg(test)]
    pub(crate) fn protocol(&self) -> Protocol {
        self.facts.protocols[0]
    }

    /// A pattern as the model writes it, and compiled.
    pub(crate) fn pattern(&self, id: PatternId) -> (&'static str, &Pattern) {
        let at = usize::from(id.0);
        let text = self.facts.patterns[at];
        (text, self.patterns[at].get_or_init(|| Pattern::new(text)))
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }
}

/// An exception of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exception<'m> {
    /// The shape's name: the code in JSON and CBOR.
    pub name: &'static str,
    /// Its members.
    pub structure: &'m Structure,
    /// Its status, and its code in forms and XML.
    pub facts: &'m ErrorFacts,
}

impl Exception<'_> {
    /// The member that holds the text, as the model spells it: `message` or `Message`.
    pub(crate) fn message_key(&self) -> &'static str {
        let members = &self.structure.members;
        let found = members.iter().find(|member| member.name.eq_ignore_ascii_case("message"));
        found.map_or("message", |member| member.wire_name)
    }
}

impl Structure {
    /// The member of this name. That an answer has one which the model lacks is a fault of ours.
    pub(crate) fn member(&self, name: &str) -> Result<&Member, ShapeError> {
        let found = self.members.iter().find(|member| member.name == name);
        found.ok_or_else(|| ShapeError::expected("a member of the model").within(name))
    }
}

impl Member {
    pub(crate) fn is_in_body(&self) -> bool {
        self.location == Location::Body
    }
}
