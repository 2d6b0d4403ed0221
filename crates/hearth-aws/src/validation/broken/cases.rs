//! Inputs that break one constraint each, and the words for it, written down a second time: from
//! `spec/lambda-api.md` section 1 and not from the code that is tested.

use super::types::wrong_types;
use crate::document::Document;
use crate::model::{Kind, Length, Location, Model, OperationFacts, ShapeId, Structure};

/// Longer values are not made.
const LENGTH_MAX: u64 = 300_000;

/// One input.
pub(super) struct Case {
    /// What is broken, for people: `MemorySize: maximum`.
    pub name: String,
    /// Good but for one thing.
    pub input: Document,
    /// The violations, in the order of the message. Empty where the input cannot even be read.
    pub violations: Vec<String>,
    /// What a body in JSON is refused with before any constraint is looked at.
    pub mismatch: Option<&'static str>,
    /// The member that is not there.
    pub missing: Option<&'static str>,
}

/// Where in an input, and where an error says it is.
#[derive(Clone, Default)]
struct Place {
    steps: Vec<Step>,
    path: String,
    is_in_body: bool,
    is_path_parameter: bool,
    is_header: bool,
}

#[derive(Clone)]
enum Step {
    Member(&'static str),
    Entry,
}

pub(super) struct Breaker<'m> {
    pub model: &'m Model,
    pub good: &'m Document,
    /// Lambda's words for entries end with one more.
    pub says_not_null: bool,
    pub cases: Vec<Case>,
}

impl Breaker<'_> {
    /// Every constraint of the operation's input.
    pub(super) fn operation(&mut self, operation: &OperationFacts) {
        let Some(structure) = operation.input.and_then(|id| self.model.structure(id)) else { return };
        self.members(structure, &Place { is_in_body: true, ..Place::default() }, true);
    }

    fn members(&mut self, structure: &Structure, place: &Place, is_top: bool) {
        for member in &structure.members {
            let mut inner = place.clone();
            inner.steps.push(Step::Member(member.name));
            let name = format!("{}{}", member.name[..1].to_lowercase(), &member.name[1..]);
            inner.path = if place.path.is_empty() { name } else { format!("{}.{name}", place.path) };
            if is_top {
                inner.is_in_body = member.location == Location::Body && structure.payload.is_none();
                inner.is_path_parameter = member.location == Location::Path;
                inner.is_header = member.location == Location::Header;
            }
            let Some(found) = find(self.good, &inner.steps) else { continue };
            let found = found.clone();
            if member.required && !inner.is_path_parameter {
                let text = format!(
                    "Value null at '{}' failed to satisfy constraint: Member must not be null",
                    inner.path
                );
                self.case(&inner, "required", None, vec![text]);
                self.cases.last_mut().expect("just made").missing = Some(member.name);
            }
            self.value(member.shape, &found, &inner);
        }
    }

    fn value(&mut self, shape: ShapeId, good: &Document, place: &Place) {
        for (what, broken) in broken_values(self.model, shape, good) {
            // Nobody can send these: a path without a part of it, a query with a list of nothing, two lines of a
            // header.
            let is_nothing = broken == Document::List(Vec::new())
                || place.is_header && matches!(&broken, Document::String(text) if text.contains('\n'));
            if place.is_path_parameter && broken == Document::String(String::new())
                || !place.is_in_body && is_nothing
            {
                continue;
            }
            let shown = self.shown(shape, &broken);
            let own = self.own_violations(shape, &broken);
            let violations = own.iter().map(|text| violation(&shown, &place.path, text)).collect();
            self.case(place, what, Some(broken), violations);
        }
        if place.is_in_body {
            for (what, wrong, text) in wrong_types(self.model, shape) {
                self.case(place, what, Some(wrong), Vec::new());
                self.cases.last_mut().expect("just made").mismatch = Some(text);
            }
        }
        self.within(shape, good, place);
    }

    /// What a structure, list or map holds.
    fn within(&mut self, shape: ShapeId, good: &Document, place: &Place) {
        match (&self.model.shape(shape).kind, good) {
            (Kind::Structure(structure), Document::Structure(_)) => {
                self.members(structure, place, false);
            }
            (Kind::List { member, .. }, Document::List(list)) if !list.is_empty() => {
                self.entry(shape, *member, good, &list[0], place, ("Member must", "1"));
            }
            (Kind::Map { key, value, .. }, Document::Map(map)) if !map.is_empty() => {
                for (what, broken) in broken_values(self.model, *key, &Document::String(map[0].0.clone())) {
                    let Document::String(text) = broken else { continue };
                    let mut broken = map.clone();
                    broken[0].0 = text;
                    self.whole(shape, *key, &Document::Map(broken), place, "Map keys must", what);
                }
                self.entry(shape, *value, good, &map[0].1, place, ("Map value must", &map[0].0));
            }
            _ => {}
        }
    }

    fn entry(
        &mut self,
        shape: ShapeId,
        entry: ShapeId,
        good: &Document,
        first: &Document,
        place: &Place,
        (who, key): (&str, &str),
    ) {
        let mut inner = place.clone();
        inner.steps.push(Step::Entry);
        inner.path = format!("{}.{key}.member", place.path);
        if matches!(self.model.shape(entry).kind, Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. }) {
            return self.value(entry, first, &inner);
        }
        for (what, broken) in broken_values(self.model, entry, first) {
            let mut whole = good.clone();
            set(&mut whole, &[Step::Entry], Some(broken));
            self.whole(shape, entry, &whole, place, who, what);
        }
        if place.is_in_body {
            for (what, wrong, text) in wrong_types(self.model, entry) {
                self.case(&inner, what, Some(wrong), Vec::new());
                self.cases.last_mut().expect("just made").mismatch = Some(text);
            }
        }
    }

    /// Entries without members are told with the whole list or map, and with all that holds for them.
    fn whole(
        &mut self,
        shape: ShapeId,
        entry: ShapeId,
        whole: &Document,
        place: &Place,
        who: &str,
        what: &str,
    ) {
        let mut constraints = match &self.model.shape(entry).kind {
            Kind::String { length, pattern, values } => {
                let mut all = lengths(*length);
                all.extend(pattern.map(|id| pattern_text(self.model.pattern(id).0)));
                all.extend((!values.is_empty()).then(|| values_text(values)));
                all
            }
            Kind::Integer(range) => bounds("value", range.min, range.max),
            Kind::Float(range) => bounds("value", range.min, range.max),
            Kind::Blob(length) => lengths(*length),
            _ => Vec::new(),
        };
        if self.says_not_null {
            constraints.push("Member must not be null".to_owned());
        }
        let text = format!("{who} satisfy constraint: [{}]", constraints.join(", "));
        let text = violation(&self.shown(shape, whole), &place.path, &text);
        self.case(place, &format!("{who} {what}"), Some(whole.clone()), vec![text]);
    }

    fn case(&mut self, place: &Place, what: &str, value: Option<Document>, violations: Vec<String>) {
        let mut input = self.good.clone();
        set(&mut input, &place.steps, value);
        let name = format!("{}: {what}", place.path);
        self.cases.push(Case { name, input, violations, mismatch: None, missing: None });
    }

    /// What a text, number, list or map violates itself.
    fn own_violations(&self, shape: ShapeId, broken: &Document) -> Vec<String> {
        match (&self.model.shape(shape).kind, broken) {
            (Kind::String { length, pattern, values }, Document::String(text)) => {
                let mut all = Vec::new();
                if let Some((written, pattern)) = pattern.map(|id| self.model.pattern(id))
                    && !pattern.matches(text)
                {
                    all.push(pattern_text(written));
                }
                if !values.is_empty() && !values.contains(&text.as_str()) {
                    all.push(values_text(values));
                }
                all.extend(beyond(*length, text.encode_utf16().count()));
                all
            }
            (Kind::Integer(range), Document::Integer(found)) => {
                bounds("value", range.min.filter(|min| found < min), range.max.filter(|max| found > max))
            }
            (Kind::Float(range), Document::Float(found)) => {
                bounds("value", range.min.filter(|min| found < min), range.max.filter(|max| found > max))
            }
            (Kind::Blob(length), Document::Blob(bytes)) => beyond(*length, bytes.len()),
            (Kind::List { length, .. }, Document::List(list)) => beyond(*length, list.len()),
            (Kind::Map { length, .. }, Document::Map(map)) => beyond(*length, map.len()),
            _ => Vec::new(),
        }
    }

    fn shown(&self, shape: ShapeId, value: &Document) -> String {
        let sensitive = |shape: ShapeId| self.model.shape(shape).sensitive;
        let is_hidden = sensitive(shape)
            || match &self.model.shape(shape).kind {
                Kind::List { member, .. } => sensitive(*member),
                Kind::Map { key, value, .. } => sensitive(*key) || sensitive(*value),
                _ => false,
            };
        if is_hidden { "Value".to_owned() } else { format!("Value '{}'", super::super::wording::java(value)) }
    }
}

fn violation(shown: &str, path: &str, constraint: &str) -> String {
    format!("{shown} at '{path}' failed to satisfy constraint: {constraint}")
}

fn pattern_text(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

fn values_text(values: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}

fn lengths(length: Length) -> Vec<String> {
    bounds("length", length.min, length.max)
}

fn beyond(length: Length, found: usize) -> Vec<String> {
    let found = found as u64;
    bounds("length", length.min.filter(|min| found < *min), length.max.filter(|max| found > *max))
}

fn bounds<T: std::fmt::Debug>(what: &str, min: Option<T>, max: Option<T>) -> Vec<String> {
    let max = max.map(|max| format!("Member must have {what} less than or equal to {max:?}"));
    let min = min.map(|min| format!("Member must have {what} greater than or equal to {min:?}"));
    max.into_iter().chain(min).collect()
}

/// Values that violate one constraint of a shape each, as far as that can be: a text that is too long may not match
/// the pattern either.
fn broken_values(model: &Model, shape: ShapeId, good: &Document) -> Vec<(&'static str, Document)> {
    let too_long = |length: Length| length.max.filter(|max| *max < LENGTH_MAX).map(|max| max as usize + 1);
    let too_short = |length: Length| length.min.filter(|min| *min > 0).map(|min| min as usize - 1);
    let mut broken = Vec::new();
    match (&model.shape(shape).kind, good) {
        (Kind::String { length, pattern, values }, Document::String(good)) => {
            let repeated = |count: usize| {
                let filler = good.chars().last().filter(char::is_ascii_alphanumeric).unwrap_or('a');
                let long: String = good.chars().chain(std::iter::repeat(filler)).take(count).collect();
                Document::String(long)
            };
            let long = too_long(*length).filter(|_| values.is_empty());
            broken.extend(long.map(|count| ("maximum", repeated(count))));
            broken.extend(too_short(*length).map(|count| ("minimum", repeated(count))));
            if !values.is_empty() {
                broken.push(("enum", Document::String("Nothing Of It".to_owned())));
            }
            let matches = |text: &str| pattern.is_none_or(|id| model.pattern(id).1.matches(text));
            let least = length.min.unwrap_or(0).max(1) as usize;
            let candidates = ["!", " ", "#", "a b", "<", "A", "a", "1", "a\nb"]
                .map(|piece| if piece.len() >= least { piece.to_owned() } else { piece.repeat(least) });
            let fits = |text: &str| length.max.is_none_or(|max| text.len() as u64 <= max);
            let found = candidates.into_iter().find(|text| fits(text) && !matches(text));
            broken.extend(found.map(|text| ("pattern", Document::String(text))));
        }
        (Kind::Integer(range), _) => {
            broken.extend(
                range.max.and_then(|max| max.checked_add(1)).map(|n| ("maximum", Document::Integer(n))),
            );
            broken.extend(
                range.min.and_then(|min| min.checked_sub(1)).map(|n| ("minimum", Document::Integer(n))),
            );
        }
        (Kind::Float(range), _) => {
            broken.extend(range.max.map(|max| ("maximum", Document::Float(max + 0.5))));
            broken.extend(range.min.map(|min| ("minimum", Document::Float(min - 0.5))));
        }
        (Kind::Blob(length), _) => {
            let blob = |count: usize| Document::Blob(vec![b'b'; count].into());
            broken.extend(too_long(*length).map(|count| ("maximum", blob(count))));
            broken.extend(too_short(*length).map(|count| ("minimum", blob(count))));
        }
        (Kind::List { length, .. }, Document::List(list)) => {
            let list = |count: usize| Document::List(vec![list[0].clone(); count]);
            broken.extend(too_long(*length).map(|count| ("maximum", list(count))));
            broken.extend(too_short(*length).map(|count| ("minimum", list(count))));
        }
        // Keys beyond the first may break their own pattern, which is another case.
        (Kind::Map { length, .. }, Document::Map(_)) => {
            broken.extend(
                too_short(*length)
                    .filter(|count| *count == 0)
                    .map(|_| ("minimum", Document::Map(Vec::new()))),
            );
        }
        _ => {}
    }
    broken
}

fn find<'d>(value: &'d Document, steps: &[Step]) -> Option<&'d Document> {
    let Some((first, rest)) = steps.split_first() else { return Some(value) };
    let inner = match (value, first) {
        (Document::Structure(members), Step::Member(name)) => {
            members.iter().find(|(found, _)| found == name).map(|(_, value)| value)
        }
        (Document::List(list), Step::Entry) => list.first(),
        (Document::Map(map), Step::Entry) => map.first().map(|(_, value)| value),
        _ => None,
    };
    find(inner?, rest)
}

/// Puts a value at a place, or takes away what is there.
fn set(value: &mut Document, steps: &[Step], new: Option<Document>) {
    let Some((first, rest)) = steps.split_first() else {
        *value = new.unwrap_or_default();
        return;
    };
    match (value, first) {
        (Document::Structure(members), Step::Member(name)) => {
            if rest.is_empty() && new.is_none() {
                members.retain(|(found, _)| found != name);
            } else if let Some((_, value)) = members.iter_mut().find(|(found, _)| found == name) {
                set(value, rest, new);
            }
        }
        (Document::List(list), Step::Entry) => set(&mut list[0], rest, new),
        (Document::Map(map), Step::Entry) => set(&mut map[0].1, rest, new),
        _ => {}
    }
}
