//! Conditions on the words of a message: `[ip, user, ..., status = 4* || status = 5*, bytes > 1000]`.
//!
//! What stands in quotation marks or square brackets is one word.

use std::collections::BTreeMap;

use super::scanner::Scanner;
use super::value::{Comparison, Test};
use super::{NotAPattern, REGEXES_MAX};

#[derive(Debug)]
pub(crate) struct Words {
    before: Vec<Word>,
    /// Any words between those before and those after; without it there is none between.
    has_gap: bool,
    after: Vec<Word>,
}

#[derive(Debug)]
struct Word {
    name: String,
    /// One of them must hold; each is several that all must.
    any: Vec<Vec<Test>>,
}

pub(super) fn parse(text: &str) -> Result<Words, NotAPattern> {
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inside = inside
        .ok_or_else(|| NotAPattern::because("Invalid filter pattern: a square bracket is not closed"))?;
    let mut scanner = Scanner::new(inside);
    let mut words = Words { before: Vec::new(), has_gap: false, after: Vec::new() };
    scanner.skip_spaces();
    if scanner.is_end() {
        // No word is named: all are taken as they come.
        words.has_gap = true;
        return Ok(words);
    }
    loop {
        scanner.skip_spaces();
        if scanner.eat("...") || scanner.eat("…") {
            if words.has_gap {
                return Err(NotAPattern::because("Invalid filter pattern: it may have one ellipsis"));
            }
            words.has_gap = true;
        } else {
            let word = word(&mut scanner)?;
            if words.has_gap { words.after.push(word) } else { words.before.push(word) }
        }
        scanner.skip_spaces();
        if scanner.is_end() {
            break;
        }
        if !scanner.eat(",") {
            return Err(scanner.unexpected());
        }
    }
    let tests = words.before.iter().chain(&words.after).flat_map(|word| word.any.iter().flatten());
    if tests.filter(|test| test.is_regex()).count() > REGEXES_MAX {
        let text = format!("Invalid filter pattern: it may have {REGEXES_MAX} regular expressions");
        return Err(NotAPattern::because(text));
    }
    Ok(words)
}

fn word(scanner: &mut Scanner<'_>) -> Result<Word, NotAPattern> {
    let mut word = Word { name: String::new(), any: Vec::new() };
    let parentheses = scanner.take_while(|next| next == '(' || next == ' ').matches('(').count();
    loop {
        let mut all = Vec::new();
        loop {
            all.extend(test(scanner, &mut word.name)?);
            scanner.skip_spaces();
            if !scanner.eat("&&") {
                break;
            }
        }
        if !all.is_empty() {
            word.any.push(all);
        }
        if !scanner.eat("||") {
            break;
        }
    }
    let closed = scanner.take_while(|next| next == ')' || next == ' ').matches(')').count();
    if closed == parentheses { Ok(word) } else { Err(scanner.unexpected()) }
}

/// A name, and a comparison if there is one. All comparisons of a word are of the same name.
fn test(scanner: &mut Scanner<'_>, name: &mut String) -> Result<Option<Test>, NotAPattern> {
    scanner.skip_spaces();
    let found = scanner.take_while(|next| next.is_alphanumeric() || matches!(next, '_' | '-' | '$' | '.'));
    if !name.is_empty() && found != name {
        return Err(scanner.unexpected());
    }
    found.clone_into(name);
    scanner.skip_spaces();
    Comparison::take(scanner).map(|comparison| Test::take(comparison, scanner)).transpose()
}

impl Words {
    /// Words of a message that were named, or whose number was; `None` when it has not as many.
    fn pair<'w, 'm>(&'w self, found: &'m [&'m str]) -> Option<Vec<(&'w Word, &'m str)>> {
        let (before, after) = (self.before.len(), self.after.len());
        let fits = if self.has_gap { found.len() >= before + after } else { found.len() == before };
        if !fits {
            return None;
        }
        let last = &found[found.len() - after..];
        let pairs = self.before.iter().zip(found).chain(self.after.iter().zip(last));
        Some(pairs.map(|(word, text)| (word, *text)).collect())
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let found = split(message);
        self.pair(&found).is_some_and(|pairs| pairs.iter().all(|(word, text)| word.holds_for(text)))
    }

    pub(crate) fn extracted(&self, message: &str) -> BTreeMap<String, String> {
        let found = split(message);
        let (last, mut extracted) = (found.len().saturating_sub(self.after.len()), BTreeMap::new());
        for (at, text) in found.iter().enumerate() {
            let word = match at.checked_sub(last) {
                Some(at) => self.after.get(at),
                None => self.before.get(at),
            };
            let name = word.filter(|word| !word.name.is_empty());
            let name = name.map_or_else(|| format!("${}", at + 1), |word| format!("${}", word.name));
            extracted.insert(name, (*text).to_owned());
        }
        extracted
    }
}

impl Word {
    fn holds_for(&self, text: &str) -> bool {
        self.any.is_empty() || self.any.iter().any(|all| all.iter().all(|test| test.holds_for(text)))
    }
}

/// The words of a message.
fn split(message: &str) -> Vec<&str> {
    let (mut words, mut rest) = (Vec::new(), message.trim_start());
    while let Some(first) = rest.chars().next() {
        let closing = match first {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        let group = closing.and_then(|closing| rest[1..].split_once(closing));
        let (word, after) = group
            .unwrap_or_else(|| rest.find(char::is_whitespace).map_or((rest, ""), |end| rest.split_at(end)));
        words.push(word);
        rest = after.trim_start();
    }
    words
}
