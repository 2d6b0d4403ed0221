//! Conditions on the members of a message in JSON: `{ ($.a = 1 || $.b IS NULL) && $.c[*] = "x" }`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::scanner::Scanner;
use super::value::{Comparison, Test};
use super::{NotAPattern, REGEXES_MAX};

/// Parentheses within parentheses.
const DEPTH_MAX: usize = 64;

/// Stars in the selectors of one pattern: AWS's limit. One selector has one at most.
const WILDCARDS_MAX: usize = 3;

#[derive(Debug)]
pub(crate) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Member(Selector, Asked),
}

#[derive(Debug)]
pub(crate) enum Asked {
    Test(Test),
    IsNull,
    Is(bool),
    NotExists,
}

/// Where a member is.
#[derive(Debug)]
pub(crate) struct Selector {
    written: String,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Item(usize),
    Each,
}

/// A message as JSON, if it is an object or a list.
pub(super) fn read(message: &str) -> Option<Value> {
    let begins = message.trim_start();
    if !begins.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(message).ok()
}

pub(super) fn parse(text: &str) -> Result<Condition, NotAPattern> {
    let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let inside = inside
        .ok_or_else(|| NotAPattern::because("Invalid filter pattern: a curly bracket is not closed"))?;
    let mut scanner = Scanner::new(inside);
    let condition = any(&mut scanner, 0)?;
    scanner.skip_spaces();
    if !scanner.is_end() {
        return Err(scanner.unexpected());
    }
    let (mut regexes, mut wildcards) = (0, 0);
    condition.each(&mut |selector, asked| {
        regexes += usize::from(matches!(asked, Asked::Test(test) if test.is_regex()));
        wildcards += selector.wildcards();
    });
    if regexes > REGEXES_MAX || wildcards > WILDCARDS_MAX {
        return Err(NotAPattern::because(format!(
            "Invalid filter pattern: it may have {REGEXES_MAX} regular expressions and {WILDCARDS_MAX} wildcards"
        )));
    }
    Ok(condition)
}

fn any(scanner: &mut Scanner<'_>, depth: usize) -> Result<Condition, NotAPattern> {
    let mut conditions = vec![all(scanner, depth)?];
    loop {
        scanner.skip_spaces();
        if !scanner.eat("||") {
            return Ok(Condition::Any(conditions));
        }
        conditions.push(all(scanner, depth)?);
    }
}

fn all(scanner: &mut Scanner<'_>, depth: usize) -> Result<Condition, NotAPattern> {
    let mut conditions = vec![one(scanner, depth)?];
    loop {
        scanner.skip_spaces();
        if !scanner.eat("&&") {
            return Ok(Condition::All(conditions));
        }
        conditions.push(one(scanner, depth)?);
    }
}

fn one(scanner: &mut Scanner<'_>, depth: usize) -> Result<Condition, NotAPattern> {
    scanner.skip_spaces();
    if depth > DEPTH_MAX {
        return Err(NotAPattern::because("Invalid filter pattern: too many parentheses"));
    }
    if scanner.eat("(") {
        let inside = any(scanner, depth + 1)?;
        scanner.skip_spaces();
        return if scanner.eat(")") { Ok(inside) } else { Err(scanner.unexpected()) };
    }
    let selector = selector(scanner)?;
    scanner.skip_spaces();
    let asked = match Comparison::take(scanner) {
        Some(comparison) => Asked::Test(Test::take(comparison, scanner)?),
        None => word(scanner)?,
    };
    Ok(Condition::Member(selector, asked))
}

fn word(scanner: &mut Scanner<'_>) -> Result<Asked, NotAPattern> {
    let is = scanner.eat_word("IS");
    let not = !is && scanner.eat_word("NOT");
    scanner.skip_spaces();
    match (is, not) {
        (true, _) if scanner.eat_word("NULL") => Ok(Asked::IsNull),
        (true, _) if scanner.eat_word("TRUE") => Ok(Asked::Is(true)),
        (true, _) if scanner.eat_word("FALSE") => Ok(Asked::Is(false)),
        (_, true) if scanner.eat_word("EXISTS") => Ok(Asked::NotExists),
        _ => Err(scanner.unexpected()),
    }
}

fn selector(scanner: &mut Scanner<'_>) -> Result<Selector, NotAPattern> {
    let before = scanner.clone();
    if !scanner.eat("$") {
        return Err(scanner.unexpected());
    }
    let mut steps = Vec::new();
    loop {
        if scanner.eat(".") {
            // `$.['a.b']` is the same as `$['a.b']`.
            if scanner.peek() == Some('[') {
                continue;
            }
            if scanner.eat("*") {
                steps.push(Step::Each);
                continue;
            }
            let name =
                scanner.take_while(|next| next.is_alphanumeric() || matches!(next, '_' | '-' | '@' | '$'));
            if name.is_empty() {
                return Err(scanner.unexpected());
            }
            steps.push(Step::Member(name.to_owned()));
        } else if scanner.eat("[") {
            steps.push(in_brackets(scanner)?);
        } else {
            break;
        }
    }
    let written = written(&before, scanner);
    let selector = Selector { written, steps };
    if selector.steps.is_empty() {
        return Err(scanner.unexpected());
    }
    if selector.wildcards() > 1 {
        return Err(NotAPattern::because("Invalid filter pattern: a selector may have one wildcard"));
    }
    Ok(selector)
}

/// What lies between two places of one text.
fn written(before: &Scanner<'_>, after: &Scanner<'_>) -> String {
    let (mut before, after) = (before.clone(), after.clone());
    let all = before.take_while(|_| true);
    let rest = after.clone().take_while(|_| true);
    all[..all.len() - rest.len()].to_owned()
}

fn in_brackets(scanner: &mut Scanner<'_>) -> Result<Step, NotAPattern> {
    let step = if scanner.eat("*") {
        Step::Each
    } else if scanner.eat("'") {
        Step::Member(scanner.quoted('\'')?)
    } else if scanner.eat("\"") {
        Step::Member(scanner.quoted('"')?)
    } else {
        let digits = scanner.take_while(|next| next.is_ascii_digit());
        Step::Item(digits.parse().map_err(|_| scanner.unexpected())?)
    };
    if scanner.eat("]") { Ok(step) } else { Err(scanner.unexpected()) }
}

impl Selector {
    fn wildcards(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Each)).count()
    }

    /// All that it leads to.
    fn find<'d>(&self, document: &'d Value) -> Vec<&'d Value> {
        let mut found = vec![document];
        for step in &self.steps {
            found = found
                .into_iter()
                .flat_map(|value| -> Vec<&'d Value> {
                    match step {
                        Step::Member(name) => value.get(name).into_iter().collect(),
                        Step::Item(at) => value.get(at).into_iter().collect(),
                        Step::Each => match value {
                            Value::Array(items) => items.iter().collect(),
                            Value::Object(members) => members.values().collect(),
                            _ => Vec::new(),
                        },
                    }
                })
                .collect();
        }
        found
    }
}

impl Condition {
    pub(super) fn is_true_of(&self, document: &Value) -> bool {
        match self {
            Self::Any(conditions) => conditions.iter().any(|condition| condition.is_true_of(document)),
            Self::All(conditions) => conditions.iter().all(|condition| condition.is_true_of(document)),
            Self::Member(selector, asked) => {
                let found = selector.find(document);
                match asked {
                    Asked::NotExists => found.is_empty(),
                    Asked::IsNull => found.iter().any(|value| value.is_null()),
                    Asked::Is(wanted) => found.iter().any(|value| value.as_bool() == Some(*wanted)),
                    Asked::Test(test) if test.is_existence() => found.iter().any(|value| !value.is_null()),
                    Asked::Test(test) => {
                        found.iter().any(|value| scalar(value).is_some_and(|text| test.holds_for(&text)))
                    }
                }
            }
        }
    }

    fn each<'c>(&'c self, show: &mut impl FnMut(&'c Selector, &'c Asked)) {
        match self {
            Self::Any(conditions) | Self::All(conditions) => {
                conditions.iter().for_each(|condition| condition.each(show));
            }
            Self::Member(selector, asked) => show(selector, asked),
        }
    }

    pub(super) fn extracted(&self, document: &Value) -> BTreeMap<String, String> {
        let mut extracted = BTreeMap::new();
        self.each(&mut |selector, _| {
            let found = selector.find(document);
            let text =
                found.first().map(|value| scalar(value).map_or_else(|| value.to_string(), Cow::into_owned));
            extracted.extend(text.map(|text| (selector.written.clone(), text)));
        });
        extracted
    }
}

/// A value that can be compared: lists and objects cannot.
fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(is) => Some(Cow::Borrowed(if *is { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
