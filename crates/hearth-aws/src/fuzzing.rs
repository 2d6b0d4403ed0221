//! Every reader of foreign bytes as a function of bytes, with what must hold of it whatever they are. `fuzz/` drives
//! them; nothing of the product does.
//!
//! A function panics when something does not hold, and returns otherwise.

use crate::names::{Arn, FunctionName, FunctionRef, RoleArn};
use crate::{front_door, protocols, sigv4};

/// A reader and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of this crate.
pub const TARGETS: &[Target] = &[
    ("sigv4_claim", sigv4::fuzzing::claim),
    ("sigv4_canonical", sigv4::fuzzing::canonical),
    ("sigv4_round_trip", sigv4::fuzzing::round_trip),
    ("aws_chunked", sigv4::fuzzing::chunked),
    ("json", protocols::fuzzing::json),
    ("cbor", protocols::fuzzing::cbor),
    ("query_form", protocols::fuzzing::form),
    ("rest", protocols::fuzzing::rest),
    ("xml", protocols::fuzzing::xml),
    ("event_stream", protocols::fuzzing::event_stream),
    ("timestamp", protocols::fuzzing::timestamp),
    ("header_list", protocols::fuzzing::header_list),
    ("gzip", front_door::fuzzing::gzip),
    ("defence", front_door::fuzzing::defence),
    ("names", names),
];

/// Good inputs that only the models know: a request for every operation. Empty for most targets.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    protocols::fuzzing::seeds::of(target)
}

/// Names and ARNs: what was taken is written as it was read.
pub fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(arn) = Arn::parse(text) {
        assert_eq!(arn.to_string(), text);
    }
    if let Some(role) = RoleArn::parse(text) {
        assert_eq!(RoleArn::parse(&role.to_string()), Some(role.clone()));
        assert!(text.contains(role.name()) && text.contains(role.account()));
    }
    if let Some(name) = FunctionName::parse(text) {
        assert_eq!(name.as_str(), text);
    }
    if let Some(function) = FunctionRef::parse(text) {
        let again = FunctionRef::parse(&function.to_string());
        assert_eq!(again.as_ref().map(FunctionRef::to_string), Some(function.to_string()));
        assert!(text.contains(function.name().as_str()));
    }
}
