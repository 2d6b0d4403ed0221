//! Terms: words, phrases and regular expressions in a message without structure.

use fancy_regex::Regex;

use super::NotAPattern;
use super::scanner::Scanner;
use super::value::regex;

#[derive(Debug)]
enum Term {
    Text(String),
    Regex(Box<Regex>),
}

/// What a message must have, may have, and must not have.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    required: Vec<Term>,
    /// One of them is enough; beside others they are ignored, as AWS says of them.
    optional: Vec<Term>,
    excluded: Vec<Term>,
}

pub(super) fn parse(text: &str) -> Result<Terms, NotAPattern> {
    let mut scanner = Scanner::new(text);
    let mut terms = Terms::default();
    loop {
        scanner.skip_spaces();
        if scanner.is_end() {
            return Ok(terms);
        }
        let kind = if scanner.eat("?") {
            &mut terms.optional
        } else if scanner.eat("-") {
            &mut terms.excluded
        } else {
            &mut terms.required
        };
        kind.push(term(&mut scanner)?);
    }
}

fn term(scanner: &mut Scanner<'_>) -> Result<Term, NotAPattern> {
    if scanner.eat("\"") {
        return Ok(Term::Text(scanner.quoted('"')?));
    }
    if scanner.eat("%") {
        return Ok(Term::Regex(Box::new(regex(scanner.regex()?)?)));
    }
    let word = scanner.take_while(|next| !next.is_whitespace());
    if word.is_empty() || word.chars().any(|character| !character.is_alphanumeric() && character != '_') {
        return Err(NotAPattern::because(format!("Invalid character(s) in term '{word}'")));
    }
    Ok(Term::Text(word.to_owned()))
}

impl Term {
    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Text(text) => message.contains(text.as_str()),
            Self::Regex(regex) => regex.is_match(message).unwrap_or(false),
        }
    }
}

impl Terms {
    pub(super) fn matches(&self, message: &str) -> bool {
        let is_in = |term: &Term| term.is_in(message);
        let is_alone = self.required.is_empty() && self.excluded.is_empty();
        self.required.iter().all(is_in)
            && !self.excluded.iter().any(is_in)
            && (!is_alone || self.optional.is_empty() || self.optional.iter().any(is_in))
    }
}
