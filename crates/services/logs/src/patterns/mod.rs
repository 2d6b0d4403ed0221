//! The filter patterns of CloudWatch Logs: which messages match, and what a pattern takes out of one.
//!
//! ```text
//! ERROR "bad request" -healthy     terms: all of them, none of those with a minus
//! ?ERROR ?WARN                     any of them
//! %4[0-9]{2}%                      a regular expression
//! { $.a.b[0] = "x*" && $.n > 3 }   members of a message in JSON
//! [ip, ..., status = 4*, bytes]    words of a message
//! ```
//!
//! Never: takes longer than in proportion to the message; fails on one: what cannot be read does not match.

mod delimited;
mod json;
mod scanner;
mod terms;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotAPattern(pub(crate) String);

impl NotAPattern {
    fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Regular expressions of one pattern of members or words: AWS's limit.
const REGEXES_MAX: usize = 2;

/// A pattern that was read.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// Matches every message.
    All,
    Terms(terms::Terms),
    Json(json::Condition),
    Delimited(delimited::Words),
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAPattern> {
        let trimmed = text.trim();
        match trimmed.chars().next() {
            None => Ok(Self::All),
            Some('{') => json::parse(trimmed).map(Self::Json),
            Some('[') => delimited::parse(trimmed).map(Self::Delimited),
            Some(_) => terms::parse(trimmed).map(Self::Terms),
        }
    }

    /// Whether a message matches.
    pub(crate) fn matches(&self, message: &str) -> bool {
        match self {
            Self::All => true,
            Self::Terms(terms) => terms.matches(message),
            Self::Json(condition) => {
                json::read(message).is_some_and(|document| condition.is_true_of(&document))
            }
            Self::Delimited(words) => words.matches(message),
        }
    }

    /// What TestMetricFilter shows of a message that matches: members by their selectors, words by their names.
    pub(crate) fn extracted(&self, message: &str) -> BTreeMap<String, String> {
        match self {
            Self::All | Self::Terms(_) => BTreeMap::new(),
            Self::Json(condition) => {
                json::read(message).map_or_else(BTreeMap::new, |document| condition.extracted(&document))
            }
            Self::Delimited(words) => words.extracted(message),
        }
    }
}
