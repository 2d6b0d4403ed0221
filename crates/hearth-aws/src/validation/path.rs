//! Where a value stands in a request: `routingConfig.additionalVersionWeights`, `tags.1.member.key`.
//!
//! A path is a chain on the stack and becomes text only when a violation names it.

use std::fmt;

/// One step, and the steps before it.
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

enum Step<'p> {
    Member(&'static str),
    Entry(&'p str),
}

impl<'p> Path<'p> {
    pub(super) fn member(parent: Option<&'p Path<'p>>, name: &'static str) -> Self {
        Self { parent, step: Step::Member(name) }
    }

    /// The entry of a list (counted from one) or of a map (its key).
    pub(super) fn entry(parent: &'p Path<'p>, key: &'p str) -> Self {
        Self { parent: Some(parent), step: Step::Entry(key) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(out, "{parent}.")?;
        }
        match self.step {
            Step::Member(name) => out.write_str(&super::wording::lower_camel(name)),
            Step::Entry(key) => write!(out, "{key}.member"),
        }
    }
}
