//! Required members, lengths, ranges, patterns and enums, from the model, in AWS's words.
//!
//! AWS collects every violation of a request into one message (`spec/lambda-api.md` section 1). What a service
//! words otherwise is a [`Wording`]; what it does not check at all is a correction beside its model.

mod path;
mod wording;

use crate::document::Document;
use crate::error::{ApiError, Code};
use crate::model::{Kind, Length, Model, OperationFacts, Range, ShapeId, Structure};
use path::Path;
use wording::Wording;

/// Violations that one answer names.
const VIOLATIONS_MAX: usize = 100;

/// Checks an operation's input.
pub(crate) fn check(model: &Model, operation: &OperationFacts, input: &Document) -> Result<(), ApiError> {
    let Some(structure) = operation.input.and_then(|id| model.structure(id)) else { return Ok(()) };
    let Document::Structure(members) = input else { return Ok(()) };
    let wording = Wording::of(model.facts().service);
    let mut check = Check { model, wording, violations: Vec::new() };
    check.members(structure, members, None);
    if check.violations.is_empty() {
        return Ok(());
    }
    if let Some((code, text)) = wording.replaced(&check.violations) {
        return Err(ApiError::client(code, text));
    }
    let count = check.violations.len();
    let word = if count == 1 { "error" } else { "errors" };
    let texts: Vec<&str> = check.violations.iter().map(|violation| violation.text.as_str()).collect();
    let text = format!("{count} validation {word} detected: {}", texts.join("; "));
    Err(ApiError::client(Code::Validation, text))
}

/// One constraint that one value violates.
struct Violation {
    /// As most services tell it.
    text: String,
    /// The member's own name, as the model spells it, where it is missing.
    missing: Option<&'static str>,
}

struct Check<'a> {
    model: &'a Model,
    wording: Wording,
    violations: Vec<Violation>,
}

const NOT_NULL: &str = "Member must not be null";

impl Check<'_> {
    fn members(
        &mut self,
        structure: &Structure,
        members: &[(&'static str, Document)],
        parent: Option<&Path<'_>>,
    ) {
        for member in &structure.members {
            let path = Path::member(parent, member.name);
            match members.iter().find(|(name, _)| *name == member.name).map(|(_, value)| value) {
                None | Some(Document::Null) if member.required => {
                    self.report("Value null", &path, NOT_NULL, Some(member.name));
                }
                None | Some(Document::Null) => {}
                Some(value) => self.value(member.shape, value, &path),
            }
        }
    }

    fn value(&mut self, shape: ShapeId, value: &Document, path: &Path<'_>) {
        for failure in self.failures(shape, value) {
            self.report(&self.shown(shape, value), path, &failure, None);
        }
        match (&self.model.shape(shape).kind, value) {
            (Kind::Structure(structure), Document::Structure(members)) => {
                self.members(structure, members, Some(path));
            }
            (Kind::List { member, .. }, Document::List(list)) => {
                if self.is_plain(*member) {
                    self.entries(shape, *member, value, list.iter(), path, "Member must");
                } else {
                    for (at, entry) in list.iter().enumerate() {
                        self.value(*member, entry, &Path::entry(path, &(at + 1).to_string()));
                    }
                }
            }
            (Kind::Map { key, value: of_value, .. }, Document::Map(map)) => {
                let keys = map.iter().any(|(key_text, _)| self.text_fails(*key, key_text));
                if keys {
                    self.report_entries(shape, *key, value, path, "Map keys must");
                }
                if self.is_plain(*of_value) {
                    self.entries(
                        shape,
                        *of_value,
                        value,
                        map.iter().map(|(_, value)| value),
                        path,
                        "Map value must",
                    );
                } else {
                    for (key, entry) in map {
                        self.value(*of_value, entry, &Path::entry(path, key));
                    }
                }
            }
            _ => {}
        }
    }

    /// Entries without members of their own are reported at once, with all that holds for them.
    fn entries<'v>(
        &mut self,
        shape: ShapeId,
        entry: ShapeId,
        value: &Document,
        mut entries: impl Iterator<Item = &'v Document>,
        path: &Path<'_>,
        who: &str,
    ) {
        if entries.any(|found| *found == Document::Null || !self.failures(entry, found).is_empty()) {
            self.report_entries(shape, entry, value, path, who);
        }
    }

    fn report_entries(
        &mut self,
        shape: ShapeId,
        entry: ShapeId,
        value: &Document,
        path: &Path<'_>,
        who: &str,
    ) {
        let mut constraints = self.constraints(entry);
        if self.wording.entries_say_not_null() {
            constraints.push(NOT_NULL.to_owned());
        }
        let text = format!("{who} satisfy constraint: [{}]", constraints.join(", "));
        self.report(&self.shown(shape, value), path, &text, None);
    }

    fn report(&mut self, value: &str, path: &Path<'_>, constraint: &str, missing: Option<&'static str>) {
        if self.violations.len() < VIOLATIONS_MAX {
            let text = format!("{value} at '{path}' failed to satisfy constraint: {constraint}");
            self.violations.push(Violation { text, missing });
        }
    }

    fn is_plain(&self, shape: ShapeId) -> bool {
        !matches!(self.model.shape(shape).kind, Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. })
    }

    /// `Value 'x'`, or `Value` alone where the value is nobody's business.
    fn shown(&self, shape: ShapeId, value: &Document) -> String {
        match self.is_sensitive(shape) {
            true => "Value".to_owned(),
            false => format!("Value '{}'", wording::java(value)),
        }
    }

    fn is_sensitive(&self, shape: ShapeId) -> bool {
        let found = self.model.shape(shape);
        found.sensitive
            || match found.kind {
                Kind::List { member, .. } => self.model.shape(member).sensitive,
                Kind::Map { key, value, .. } => {
                    self.model.shape(key).sensitive || self.model.shape(value).sensitive
                }
                _ => false,
            }
    }

    /// What a value violates itself: pattern or enum first, then its length or size.
    fn failures(&self, shape: ShapeId, value: &Document) -> Vec<String> {
        match (&self.model.shape(shape).kind, value) {
            (Kind::String { .. }, Document::String(text)) => self.text_failures(shape, text),
            (Kind::Integer(range), Document::Integer(number)) => range_failures(*range, *number),
            (Kind::Float(range), Document::Float(number)) => range_failures(*range, *number),
            (Kind::Blob(length), Document::Blob(bytes)) => length_failures(*length, bytes.len()),
            (Kind::List { length, .. }, Document::List(list)) => length_failures(*length, list.len()),
            (Kind::Map { length, .. }, Document::Map(map)) => length_failures(*length, map.len()),
            _ => Vec::new(),
        }
    }

    fn text_fails(&self, shape: ShapeId, text: &str) -> bool {
        !self.text_failures(shape, text).is_empty()
    }

    fn text_failures(&self, shape: ShapeId, text: &str) -> Vec<String> {
        let Kind::String { length, pattern, values } = &self.model.shape(shape).kind else {
            return Vec::new();
        };
        let mut failures = Vec::new();
        if let Some((written, compiled)) = pattern.map(|id| self.model.pattern(id))
            && !compiled.matches(text)
        {
            failures.push(wording::pattern(written));
        }
        if !values.is_empty() && !values.contains(&text) {
            failures.push(wording::values(values));
        }
        failures.extend(length_failures(*length, length_in_java(text)));
        failures
    }

    /// All that holds for an entry, violated or not: sizes first, then pattern or enum.
    fn constraints(&self, shape: ShapeId) -> Vec<String> {
        match &self.model.shape(shape).kind {
            Kind::String { length, pattern, values } => {
                let pattern = pattern.map(|id| wording::pattern(self.model.pattern(id).0));
                let values = (!values.is_empty()).then(|| wording::values(values));
                wording::lengths(*length).into_iter().chain(pattern).chain(values).collect()
            }
            Kind::Integer(range) => wording::ranges(range.min, range.max),
            Kind::Float(range) => wording::ranges(range.min, range.max),
            Kind::Blob(length) => wording::lengths(*length),
            _ => Vec::new(),
        }
    }
}

/// Java counts UTF-16 units.
fn length_in_java(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

fn length_failures(length: Length, found: usize) -> Vec<String> {
    let found = found as u64;
    wording::lengths(Length {
        min: length.min.filter(|min| found < *min),
        max: length.max.filter(|max| found > *max),
    })
}

fn range_failures<T: PartialOrd + Copy + std::fmt::Debug>(range: Range<T>, found: T) -> Vec<String> {
    // A number that is none (NaN) violates both.
    wording::ranges(
        range.min.filter(|min| found < *min || found.partial_cmp(min).is_none()),
        range.max.filter(|max| found > *max || found.partial_cmp(max).is_none()),
    )
}

#[cfg(test)]
mod broken;
#[cfg(test)]
mod tests;
