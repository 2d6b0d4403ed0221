//! What a shape of s3s holds, taken from its `Debug`: every member that is set, without a list of them.

use serde_json::{Map, Value};

/// The alternatives of s3s's enums; every other name in front of a bracket is a type's.
const ALTERNATIVES: [&str; 4] = ["And", "Prefix", "Tag", "AccessPointArn"];

/// Reads a whole value.
pub(super) fn value(text: &str) -> Result<Value, String> {
    let mut rest = text;
    let value = one(&mut rest).ok_or_else(|| format!("not understood at {rest:.60}"))?;
    match rest {
        "" => Ok(value),
        _ => Err(format!("more after the value: {rest:.60}")),
    }
}

fn one(rest: &mut &str) -> Option<Value> {
    match rest.chars().next()? {
        '"' => text(rest).map(Value::String),
        '[' => entries(rest, ']', one).map(Value::Array),
        '{' => entries(rest, '}', |rest| pair(rest, text)).map(object),
        '-' | '0'..='9' => {
            until(rest, |character| !matches!(character, '-' | '0'..='9')).parse().ok().map(Value::Number)
        }
        _ => named(rest),
    }
}

fn named(rest: &mut &str) -> Option<Value> {
    let name = word(rest);
    if take(rest, " {") {
        *rest = rest.trim_start();
        return Some(object(fields(rest)?));
    }
    if !take(rest, "(") {
        return match name {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "None" => Some(Value::Null),
            // A structure without members.
            name => Some(if name.is_empty() { return None } else { Value::Object(Map::new()) }),
        };
    }
    if name == "Timestamp" {
        let time = until(rest, |character| character == ')').to_owned();
        return take(rest, ")").then_some(Value::String(time));
    }
    let inner = one(rest)?;
    if !take(rest, ")") {
        return None;
    }
    Some(match (name, inner) {
        ("Strong", Value::String(tag)) => Value::String(format!("\"{tag}\"")),
        (name, inner) if ALTERNATIVES.contains(&name) => object(vec![(name.to_owned(), inner)]),
        (_, inner) => inner,
    })
}

/// Members up to the closing bracket, or to the two dots of a `Debug` that may not be all: s3s writes them always.
fn fields(rest: &mut &str) -> Option<Vec<(String, Value)>> {
    let mut fields = Vec::new();
    loop {
        if take(rest, "}") || take(rest, ".. }") {
            return Some(fields);
        }
        fields.push(pair(rest, |rest| Some(word(rest).to_owned()))?);
        if !take(rest, ", ") {
            take(rest, " ");
        }
    }
}

fn pair(rest: &mut &str, name: impl Fn(&mut &str) -> Option<String>) -> Option<(String, Value)> {
    let name = name(rest)?;
    if !take(rest, ": ") {
        return None;
    }
    Some((name, one(rest)?))
}

fn entries<T>(rest: &mut &str, end: char, read: impl Fn(&mut &str) -> Option<T>) -> Option<Vec<T>> {
    *rest = &rest[1..];
    let mut entries = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(end) {
            *rest = after;
            return Some(entries);
        }
        entries.push(read(rest)?);
        take(rest, ", ");
    }
}

/// A text as Rust writes it.
fn text(rest: &mut &str) -> Option<String> {
    let mut characters = rest.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => text.push(match characters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let digits: String =
                        characters.by_ref().skip(1).take_while(|digit| *digit != '}').collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                other => other,
            }),
            other => text.push(other),
        }
    }
    *rest = characters.as_str();
    Some(text)
}

fn object(members: Vec<(String, Value)>) -> Value {
    Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

fn word<'t>(rest: &mut &'t str) -> &'t str {
    until(rest, |character| !(character.is_alphanumeric() || character == '_'))
}

fn until<'t>(rest: &mut &'t str, is_end: impl Fn(char) -> bool) -> &'t str {
    let (taken, left) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
    *rest = left;
    taken
}

fn take(rest: &mut &str, expected: &str) -> bool {
    let after = rest.strip_prefix(expected);
    *rest = after.unwrap_or(rest);
    after.is_some()
}

#[test]
fn what_debug_says_is_understood() {
    let check = |text: &str, expected: Value| assert_eq!(value(text), Ok(expected), "{text}");
    check(
        r#"A { a: "x\n\"\u{e9}", b: B("y"), c: [1, -2], t: Timestamp(2020-10-10 1:00:00.0 +00:00:00), .. }"#,
        serde_json::json!({ "a": "x\n\"é", "b": "y", "c": [1, -2], "t": "2020-10-10 1:00:00.0 +00:00:00" }),
    );
    check(
        r#"A { tag: ETag(Strong("x")), map: {"a": "b"}, f: And(C { d: true }), n: None, e: E { .. } }"#,
        serde_json::json!({ "tag": "\"x\"", "map": { "a": "b" }, "f": { "And": { "d": true } }, "e": {} }),
    );
    assert!(value("A { a: ").is_err());
    assert!(value("A { .. } B").is_err());
}
