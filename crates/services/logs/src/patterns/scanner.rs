//! Reads a pattern's text from left to right.

use super::NotAPattern;

/// What is left of a pattern.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'p> {
    rest: &'p str,
}

impl<'p> Scanner<'p> {
    pub(super) fn new(text: &'p str) -> Self {
        Self { rest: text }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn is_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes this text if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes this word, whatever its case, if it comes next and ends there.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let Some(front) = self.rest.get(..word.len()) else { return false };
        let ends = self.rest[word.len()..].chars().next().is_none_or(|next| !next.is_alphanumeric());
        let is_next = ends && front.eq_ignore_ascii_case(word);
        if is_next {
            self.rest = &self.rest[word.len()..];
        }
        is_next
    }

    /// Takes characters as long as they are of a kind.
    pub(super) fn take_while(&mut self, mut is_kind: impl FnMut(char) -> bool) -> &'p str {
        let end = self.rest.find(|character| !is_kind(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Takes a text in quotes whose first one was taken: a backslash makes a quote or a backslash part of it.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, NotAPattern> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some((_, escaped)) if escaped == quote || escaped == '\\' => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                },
                _ if character == quote => {
                    self.rest = &self.rest[at + character.len_utf8()..];
                    return Ok(text);
                }
                _ => text.push(character),
            }
        }
        Err(NotAPattern::because("Invalid filter pattern: a quotation mark is not closed"))
    }

    /// Takes a regular expression whose first percent sign was taken, up to the second.
    pub(super) fn regex(&mut self) -> Result<&'p str, NotAPattern> {
        let mut is_escaped = false;
        let end = self.rest.char_indices().find(|(_, character)| {
            let ends = *character == '%' && !is_escaped;
            is_escaped = *character == '\\' && !is_escaped;
            ends
        });
        let Some((end, _)) = end else {
            return Err(NotAPattern::because("Invalid filter pattern: a regular expression is not closed"));
        };
        let regex = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(regex)
    }

    /// What nobody expected.
    pub(super) fn unexpected(&self) -> NotAPattern {
        let found: String = self.rest.chars().take(20).collect();
        NotAPattern::because(match found.as_str() {
            "" => "Invalid filter pattern: it ends too early".to_owned(),
            _ => format!("Invalid filter pattern: unexpected characters at '{found}'"),
        })
    }
}
