//! Two values with the same members, as botocore and s3s spell them.

use std::collections::BTreeSet;

use serde_json::Value;

/// `ETag` and `e_tag`, `SSECustomerKey` and `sse_customer_key`.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    let letters = |name: &str| name.replace('_', "").to_ascii_lowercase();
    letters(one) == letters(other)
}

/// What is told of a member: where it is, entries of lists as `*`, and what is wrong.
pub(super) fn differences(path: &str, meant: &Value, found: &Value, out: &mut Vec<String>) {
    match (meant, found) {
        (Value::Object(meant), Value::Object(found)) => {
            for (name, meant) in meant {
                let path = format!("{path}.{name}");
                match found.iter().find(|(other, _)| is_same_name(name, other)) {
                    Some((_, found)) => differences(&path, meant, found, out),
                    // A list without entries is not written.
                    None if meant.is_array() && is_empty(meant) => {}
                    None => out.push(format!("{path} is not there")),
                }
            }
            let is_meant = |name: &str| meant.keys().any(|other| is_same_name(name, other));
            let more = found.iter().filter(|(name, value)| !is_meant(name) && !is_empty(value));
            out.extend(more.map(|(name, _)| format!("{path}.{name} is more")));
        }
        (Value::Array(meant), Value::Array(found)) if meant.len() == found.len() => {
            let pairs = meant.iter().zip(found);
            pairs.for_each(|(meant, found)| differences(&format!("{path}.*"), meant, found, out));
        }
        _ if meant == found => {}
        _ => out.push(format!("{path} differs: {found}, meant {meant}")),
    }
}

/// As much as nothing: botocore reads an empty body as an empty payload.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Whether something is at a path whose entries of lists are `*`.
pub(super) fn has(value: &Value, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match value {
        Value::Array(entries) if first == "*" => entries.iter().any(|entry| has(entry, rest)),
        Value::Object(members) => members.get(first).is_some_and(|member| has(member, rest)),
        _ => false,
    }
}

/// Every place of a value, entries of lists as `*`.
pub(super) fn places(path: &str, value: &Value, out: &mut BTreeSet<String>) {
    out.insert(path.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| places(&format!("{path}.{name}"), value, out));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| places(&format!("{path}.*"), entry, out)),
        _ => {}
    }
}

#[test]
fn a_difference_is_told_by_its_place() {
    use serde_json::json;
    let check = |meant: Value, found: Value, expected: &[&str]| {
        let mut told = Vec::new();
        differences("A", &meant, &found, &mut told);
        assert_eq!(told, expected);
    };
    check(json!({ "ETag": 1, "B": [{ "C": true }] }), json!({ "e_tag": 1, "b": [{ "c": true }] }), &[]);
    check(
        json!({ "B": [1, 2] }),
        json!({ "b": [1, 3], "d": 1 }),
        &["A.B.* differs: 3, meant 2", "A.d is more"],
    );
    check(json!({ "B": [1] }), json!({}), &["A.B is not there"]);
    assert!(has(&json!({ "A": [{}, { "B": 1 }] }), &["A", "*", "B"].map(str::to_owned)));
    assert!(!has(&json!({ "A": [{}] }), &["A", "*", "B"].map(str::to_owned)));
}
