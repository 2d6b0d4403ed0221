//! The grammar of policy documents, and AWS's words for what breaks it. What a policy means is not decided here.
//!
//! The texts are those that other makers recorded from AWS; the order of the checks is AWS's as far as it is known.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::error::IamError;

const SYNTAX: &str = "Syntax errors in policy.";

/// Operators of conditions, without `ForAnyValue:`, `ForAllValues:` and `IfExists`.
const OPERATORS: [&str; 28] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
    "BinaryNotEquals",
];

/// What a document is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Inline,
    Managed,
    Trust,
}

/// A policy inside a user, a group or a role.
pub(crate) fn check_inline(document: &str) -> Result<(), IamError> {
    check(document, For::Inline)
}

/// A policy that is attached.
pub(crate) fn check_managed(document: &str) -> Result<(), IamError> {
    check(document, For::Managed)
}

/// Who may assume a role.
pub(crate) fn check_trust(document: &str) -> Result<(), IamError> {
    check(document, For::Trust)
}

fn check(document: &str, purpose: For) -> Result<(), IamError> {
    // Deeper nesting than 128 is an error of the parser, so the tree is bounded by the request's own size.
    let value: Value = serde_json::from_str(document)
        .map_err(|_| IamError::Malformed("This policy contains invalid Json"))?;
    let Value::Object(policy) = &value else { return malformed("This policy contains invalid Json") };
    let statements = statements(policy)?;
    if purpose != For::Trust && policy.get("Version").and_then(Value::as_str) != Some("2012-10-17") {
        return malformed("Policy document must be version 2012-10-17 or greater.");
    }
    let mut sids = HashSet::new();
    for statement in &statements {
        let sid = statement.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty());
        if sid.is_some_and(|sid| !sids.insert(sid)) {
            return malformed("Statement IDs (SID) in a single policy must be unique.");
        }
        check_actions(statement, purpose)?;
        match purpose {
            For::Trust => check_trust_parts(statement)?,
            For::Inline | For::Managed => check_identity_parts(statement)?,
        }
    }
    Ok(())
}

fn statements(policy: &Map<String, Value>) -> Result<Vec<&Map<String, Value>>, IamError> {
    let known = |name: &String| matches!(name.as_str(), "Version" | "Id" | "Statement");
    let version = policy
        .get("Version")
        .is_none_or(|version| matches!(version.as_str(), Some("2008-10-17" | "2012-10-17")));
    if !policy.keys().all(known) || !version || !is_text_or_absent(policy, "Id") {
        return malformed(SYNTAX);
    }
    let statements: Vec<&Value> = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => return malformed(SYNTAX),
    };
    if statements.is_empty() {
        return malformed(SYNTAX);
    }
    let checked = statements.into_iter().map(|statement| {
        let statement = statement.as_object().ok_or(IamError::Malformed(SYNTAX))?;
        check_statement(statement)?;
        Ok(statement)
    });
    checked.collect()
}

fn check_statement(statement: &Map<String, Value>) -> Result<(), IamError> {
    let known = |name: &String| {
        matches!(
            name.as_str(),
            "Sid"
                | "Effect"
                | "Action"
                | "NotAction"
                | "Resource"
                | "NotResource"
                | "Principal"
                | "NotPrincipal"
                | "Condition"
        )
    };
    let both = |one: &str, other: &str| statement.contains_key(one) && statement.contains_key(other);
    let lists = ["Action", "NotAction", "Resource", "NotResource"];
    let good = statement.keys().all(known)
        && matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny"))
        && !both("Action", "NotAction")
        && !both("Resource", "NotResource")
        && !both("Principal", "NotPrincipal")
        && lists.iter().all(|name| statement.get(*name).is_none_or(is_text_or_texts))
        && is_text_or_absent(statement, "Sid")
        && statement.get("Condition").is_none_or(is_condition);
    if good { Ok(()) } else { malformed(SYNTAX) }
}

fn check_actions(statement: &Map<String, Value>, purpose: For) -> Result<(), IamError> {
    let actions = texts(statement, "Action", "NotAction");
    if actions.is_empty() {
        return malformed("Policy statement must contain actions.");
    }
    for action in actions {
        if purpose == For::Trust && !(action == "*" || action.to_ascii_lowercase().starts_with("sts:")) {
            return malformed("AssumeRole policy may only specify STS AssumeRole actions.");
        }
        let parts: Vec<&str> = action.split(':').collect();
        match parts[..] {
            ["*"] => {}
            [_] => {
                return malformed(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                );
            }
            [vendor, _] if vendor == "*" || is_vendor(vendor) => {}
            [_, _] => return malformed("Vendor is not valid"),
            _ => return malformed("Actions/Condition can contain only one colon."),
        }
    }
    Ok(())
}

fn is_vendor(vendor: &str) -> bool {
    !vendor.is_empty()
        && vendor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

fn check_identity_parts(statement: &Map<String, Value>) -> Result<(), IamError> {
    if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
        return malformed("Policy document should not specify a principal.");
    }
    let resources = texts(statement, "Resource", "NotResource");
    if resources.is_empty() {
        return malformed("Policy statement must contain resources.");
    }
    let is_resource = |resource: &&str| *resource == "*" || resource.contains(':') || resource.contains("${");
    if resources.iter().all(is_resource) {
        Ok(())
    } else {
        malformed("Resource must be in ARN format or \"*\".")
    }
}

fn check_trust_parts(statement: &Map<String, Value>) -> Result<(), IamError> {
    if statement.contains_key("Resource") || statement.contains_key("NotResource") {
        return malformed("Has prohibited field Resource");
    }
    let principal = statement.get("Principal").or_else(|| statement.get("NotPrincipal"));
    match principal {
        None => malformed("Missing required field Principal"),
        Some(principal) if is_principal(principal) => Ok(()),
        Some(_) => malformed("Invalid principal in policy"),
    }
}

/// `"*"`, or kinds of principals with one or many each.
fn is_principal(principal: &Value) -> bool {
    match principal {
        Value::String(any) => any == "*",
        Value::Object(kinds) => {
            !kinds.is_empty()
                && kinds.iter().all(|(kind, names)| {
                    matches!(kind.as_str(), "AWS" | "Service" | "Federated" | "CanonicalUser")
                        && is_text_or_texts(names)
                })
        }
        _ => false,
    }
}

/// Operators with keys, keys with values.
fn is_condition(condition: &Value) -> bool {
    let Value::Object(operators) = condition else { return false };
    operators.iter().all(|(operator, keys)| {
        let bare = operator.strip_prefix("ForAnyValue:").or_else(|| operator.strip_prefix("ForAllValues:"));
        let bare = bare.unwrap_or(operator);
        let bare = bare.strip_suffix("IfExists").unwrap_or(bare);
        let Value::Object(keys) = keys else { return false };
        let is_value = |value: &Value| matches!(value, Value::String(_) | Value::Bool(_) | Value::Number(_));
        let are_values = keys.values().all(|values| match values {
            Value::Array(values) => values.iter().all(is_value),
            value => is_value(value),
        });
        OPERATORS.contains(&bare) && are_values
    })
}

fn is_text_or_absent(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).is_none_or(Value::is_string)
}

fn is_text_or_texts(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(texts) => texts.iter().all(Value::is_string),
        _ => false,
    }
}

/// The texts of one member or of its negation.
fn texts<'s>(statement: &'s Map<String, Value>, name: &str, not_name: &str) -> Vec<&'s str> {
    match statement.get(name).or_else(|| statement.get(not_name)) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn malformed<T>(text: &'static str) -> Result<T, IamError> {
    Err(IamError::Malformed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(purpose: For, document: &str, expected: &str) {
        let text = super::check(document, purpose).map_or_else(|error| error.to_string(), |()| String::new());
        assert_eq!(text, expected, "{document}");
    }

    /// A policy with one statement, which allows everything but for these members.
    fn statement(members: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{members}}}]}}"#)
    }

    #[test]
    fn a_policy_has_a_version_and_statements_with_actions_and_resources() {
        let good = |members: &str| check(For::Managed, &statement(members), "");
        good(r#""Action":"*","Resource":"*""#);
        good(r#""NotAction":["iam:*","s3:Get*"],"NotResource":["arn:aws:s3:::b/*"],"Sid":"one""#);
        good(
            r#""Action":"s3:*","Resource":"*","Condition":{"ForAnyValue:StringLikeIfExists":{"aws:x":["a",true]}}"#,
        );
        let bad = |members: &str, text: &str| check(For::Inline, &statement(members), text);
        bad(r#""Action":"s3:*""#, "Policy statement must contain resources.");
        bad(r#""Action":[],"Resource":"*""#, "Policy statement must contain actions.");
        bad(r#""Resource":"*""#, "Policy statement must contain actions.");
        bad(r#""Action":"s3:*","NotAction":"s3:*","Resource":"*""#, SYNTAX);
        bad(r#""Action":7,"Resource":"*""#, SYNTAX);
        bad(r#""Action":"s3:*","Resource":"*","Extra":1"#, SYNTAX);
        bad(r#""Action":"s3:*","Resource":"*","Condition":{"Equals":{"a":"b"}}"#, SYNTAX);
        bad(
            r#""Action":"s3","Resource":"*""#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        );
        bad(r#""Action":"a:b:c","Resource":"*""#, "Actions/Condition can contain only one colon.");
        bad(r#""Action":"s3:*","Resource":"bucket""#, "Resource must be in ARN format or \"*\".");
        bad(
            r#""Action":"s3:*","Resource":"*","Principal":"*""#,
            "Policy document should not specify a principal.",
        );
        let old = statement(r#""Action":"*","Resource":"*""#).replace("2012", "2008");
        check(For::Managed, &old, "Policy document must be version 2012-10-17 or greater.");
        check(For::Managed, r#"{"Version":"2012-10-17","Statement":[]}"#, SYNTAX);
        check(For::Managed, "{}", SYNTAX);
        for not_json in ["no", "[]", "{\"Version\":", &"[".repeat(10_000), &"{\"a\":".repeat(10_000)] {
            check(For::Managed, not_json, "This policy contains invalid Json");
        }
    }

    #[test]
    fn ids_of_statements_are_unique() {
        let one = r#"{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}"#;
        let twice = format!(r#"{{"Version":"2012-10-17","Statement":[{one},{one}]}}"#);
        check(For::Inline, &twice, "Statement IDs (SID) in a single policy must be unique.");
    }

    #[test]
    fn a_trust_policy_names_principals_and_no_resource() {
        let good = r#""Principal":{"Service":["lambda.amazonaws.com"],"AWS":"*"},"Action":"sts:AssumeRole""#;
        check(For::Trust, &statement(good), "");
        check(For::Trust, &statement(good).replace("2012", "2008"), "");
        check(
            For::Trust,
            &statement(r#""Principal":"*","Action":"s3:*""#),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        );
        check(For::Trust, &statement(r#""Action":"sts:AssumeRole""#), "Missing required field Principal");
        check(
            For::Trust,
            &statement(r#""Principal":{"Any":"*"},"Action":"sts:AssumeRole""#),
            "Invalid principal in policy",
        );
        check(For::Trust, &statement(&format!(r#"{good},"Resource":"*""#)), "Has prohibited field Resource");
    }
}
