//! What a member or word is compared with: a text with stars, a number, a regular expression.

use fancy_regex::{Regex, RegexBuilder};

use super::NotAPattern;
use super::scanner::Scanner;

/// Memory of one compiled regular expression: 1 MB.
const REGEX_BYTES_MAX: usize = 1_048_576;

/// The symbols that a regular expression may have, beside letters and digits: those that AWS lists.
const REGEX_SYMBOLS: &str = ":_#=@/;,- ^$?[]{}|\\*+.";

/// Letters and digits that stand for something after a backslash.
const REGEX_CLASSES: &str = "dDsSwWx";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Takes a sign of comparison if one comes next.
    pub(super) fn take(scanner: &mut Scanner<'_>) -> Option<Self> {
        let signs = [
            ("!=", Self::NotEqual),
            ("<=", Self::LessOrEqual),
            (">=", Self::GreaterOrEqual),
            ("=", Self::Equal),
            ("<", Self::Less),
            (">", Self::Greater),
        ];
        signs.into_iter().find(|(sign, _)| scanner.eat(sign)).map(|(_, comparison)| comparison)
    }

    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

#[derive(Debug)]
enum Value {
    Text(String),
    Number(f64, String),
    Regex(Box<Regex>),
}

/// A comparison and what with.
#[derive(Debug)]
pub(crate) struct Test {
    comparison: Comparison,
    value: Value,
}

impl Test {
    /// Takes what comes after the sign of comparison.
    pub(super) fn take(comparison: Comparison, scanner: &mut Scanner<'_>) -> Result<Self, NotAPattern> {
        scanner.skip_spaces();
        let value = if scanner.eat("\"") {
            Value::Text(scanner.quoted('"')?)
        } else if scanner.eat("%") {
            Value::Regex(Box::new(regex(scanner.regex()?)?))
        } else {
            let bare = scanner.take_while(|next| !next.is_whitespace() && !"&|,()]}\"%=<>!".contains(next));
            match bare.parse::<f64>() {
                _ if bare.is_empty() => return Err(scanner.unexpected()),
                Ok(number) if number.is_finite() => Value::Number(number, bare.to_owned()),
                _ => Value::Text(bare.to_owned()),
            }
        };
        let is_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if is_order && !matches!(value, Value::Number(..)) {
            return Err(NotAPattern::because("Invalid filter pattern: only numbers can be less or greater"));
        }
        Ok(Self { comparison, value })
    }

    pub(super) fn is_regex(&self) -> bool {
        matches!(self.value, Value::Regex(_))
    }

    /// Whether it exists is all that is asked.
    pub(super) fn is_existence(&self) -> bool {
        self.comparison == Comparison::Equal && matches!(&self.value, Value::Text(text) if text == "*")
    }

    /// Whether it holds for a text, which may be one of a number.
    pub(super) fn holds_for(&self, text: &str) -> bool {
        let equal = match &self.value {
            Value::Number(number, written) => match text.parse::<f64>() {
                Ok(found) if found.is_finite() => return self.comparison.holds(found, *number),
                _ => text == written,
            },
            Value::Text(pattern) => has_stars(pattern, text),
            Value::Regex(regex) => regex.is_match(text).unwrap_or(false),
        };
        match self.comparison {
            Comparison::Equal => equal,
            Comparison::NotEqual => !equal,
            _ => false,
        }
    }
}

/// Whether a text is like a pattern in which each star stands for any characters.
fn has_stars(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(first) = pieces.next() else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A regular expression of the kind that AWS takes: no groups, no other symbols than its own.
pub(super) fn regex(text: &str) -> Result<Regex, NotAPattern> {
    let mut is_escaped = false;
    for character in text.chars() {
        let is_known = character.is_ascii_alphanumeric() || REGEX_SYMBOLS.contains(character);
        let is_fine = match is_escaped {
            true => REGEX_CLASSES.contains(character) || !character.is_ascii_alphanumeric(),
            false => is_known,
        };
        if !is_fine || !character.is_ascii() {
            return Err(NotAPattern::because(format!(
                "Invalid filter pattern: '{character}' is not supported in a regular expression"
            )));
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    let mut builder = RegexBuilder::new(text);
    builder.delegate_size_limit(REGEX_BYTES_MAX);
    builder.build().map_err(|_| {
        NotAPattern::because(format!("Invalid filter pattern: %{text}% is no regular expression"))
    })
}
