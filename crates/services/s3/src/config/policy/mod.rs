//! Policies of buckets: their grammar, whether they are public, and what they let anybody do.
//!
//! ```text
//! check    what S3 refuses       decide    public or not; whether a request without a signature is allowed
//! ```

mod check;
mod decide;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub(crate) use check::check;
pub(crate) use decide::{Decision, anybody, is_public};

/// One statement of a policy that was checked.
struct Statement<'p>(&'p Map<String, Value>);

impl<'p> Statement<'p> {
    fn all(policy: &'p Value) -> Vec<Self> {
        match policy.get("Statement") {
            Some(Value::Array(statements)) => {
                statements.iter().filter_map(Value::as_object).map(Statement).collect()
            }
            Some(Value::Object(statement)) => vec![Statement(statement)],
            _ => Vec::new(),
        }
    }

    fn allows(&self) -> bool {
        self.0.get("Effect").and_then(Value::as_str) == Some("Allow")
    }

    /// The texts of a member: one or many.
    fn texts(&self, name: &str) -> Vec<&'p str> {
        texts(self.0.get(name))
    }
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether a pattern with `*` and `?` fits the whole text. Takes time in proportion to the product of both lengths.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                back = Some((at, seen));
                at += 1;
            }
            Some(one) if *one == '?' || *one == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match back {
                None => return false,
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    at = star + 1;
                    seen = from + 1;
                }
            },
        }
    }
    pattern[at..].iter().all(|one| *one == '*')
}
