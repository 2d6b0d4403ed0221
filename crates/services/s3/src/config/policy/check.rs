//! What S3 refuses in a bucket's policy, in its words.

use serde_json::{Map, Value};

use super::{Statement, fits};
use crate::config::error::ConfigError;

/// Bytes of a policy, by S3's reference.
const BYTES_MAX: usize = 20 * 1_024;

/// Refuses what S3 refuses.
pub(crate) fn check(bucket: &str, document: &[u8]) -> Result<(), ConfigError> {
    let policy = parse(document)?;
    for name in policy.as_object().into_iter().flatten().map(|(name, _)| name.as_str()) {
        if !matches!(name, "Version" | "Id" | "Statement") {
            return malformed("Invalid policy syntax.");
        }
    }
    match policy.get("Version").map(Value::as_str) {
        None | Some(Some("2008-10-17" | "2012-10-17")) => {}
        Some(_) => return malformed("The policy must contain a valid version string"),
    }
    match policy.get("Statement") {
        None => return malformed("Missing required field Statement"),
        Some(Value::Object(_)) => {}
        Some(Value::Array(all)) if !all.is_empty() && all.iter().all(Value::is_object) => {}
        Some(_) => return malformed("Could not parse the policy: Statement is empty!"),
    }
    Statement::all(&policy).iter().try_for_each(|statement| check_statement(bucket, statement))
}

fn parse(document: &[u8]) -> Result<Value, ConfigError> {
    if document.len() > BYTES_MAX {
        return malformed("Policies cannot be larger than 20480 bytes");
    }
    // Deeper nesting than 128 is an error of the parser.
    match serde_json::from_slice(document) {
        Ok(policy @ Value::Object(_)) if document.first() == Some(&b'{') => Ok(policy),
        _ => malformed("Policies must be valid JSON and the first byte must be '{'"),
    }
}

fn check_statement(bucket: &str, statement: &Statement<'_>) -> Result<(), ConfigError> {
    let members = statement.0;
    let known = [
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    if !members.keys().all(|name| known.contains(&name.as_str())) {
        return malformed("Invalid policy syntax.");
    }
    match members.get("Effect").map(Value::as_str) {
        None => return malformed("Missing required field Effect"),
        Some(Some("Allow" | "Deny")) => {}
        Some(_) => return malformed("Invalid effect in policy"),
    }
    match either(members, "Principal", "NotPrincipal")? {
        None => return malformed("Missing required field Principal"),
        Some(principal) if is_principal(principal) => {}
        Some(_) => return malformed("Invalid principal in policy"),
    }
    let actions = match either(members, "Action", "NotAction")? {
        None => return malformed("Missing required field Action"),
        Some(actions) => super::texts(Some(actions)),
    };
    if actions.is_empty() || !actions.iter().all(|action| is_action(action)) {
        return malformed("Policy has invalid action");
    }
    let resources = match either(members, "Resource", "NotResource")? {
        None => return malformed("Missing required field Resource"),
        Some(resources) => super::texts(Some(resources)),
    };
    let whole = format!("arn:aws:s3:::{bucket}");
    if resources.is_empty() || !resources.iter().all(|resource| is_of(&whole, resource)) {
        return malformed("Policy has invalid resource");
    }
    if members.contains_key("Action")
        && members.contains_key("Resource")
        && !actions.iter().all(|action| resources.iter().any(|resource| applies(action, &whole, resource)))
    {
        return malformed("Action does not apply to any resource(s) in statement");
    }
    match members.get("Condition") {
        None => Ok(()),
        Some(condition) if is_condition(condition) => Ok(()),
        Some(_) => malformed("Policy has an invalid condition"),
    }
}

/// One of two members; both is an error.
fn either<'m>(
    members: &'m Map<String, Value>,
    name: &str,
    not_name: &str,
) -> Result<Option<&'m Value>, ConfigError> {
    match (members.get(name), members.get(not_name)) {
        (Some(_), Some(_)) => malformed("Invalid policy syntax."),
        (one, other) => Ok(one.or(other)),
    }
}

fn is_principal(principal: &Value) -> bool {
    match principal {
        Value::String(any) => any == "*",
        Value::Object(kinds) => {
            !kinds.is_empty()
                && kinds.iter().all(|(kind, names)| {
                    let names = super::texts(Some(names));
                    let good = match kind.as_str() {
                        "AWS" => is_account_or_role,
                        "Service" => |name: &str| name == "*" || name.ends_with(".amazonaws.com"),
                        "Federated" | "CanonicalUser" => |name: &str| !name.is_empty(),
                        _ => return false,
                    };
                    !names.is_empty() && names.into_iter().all(good)
                })
        }
        _ => false,
    }
}

fn is_account_or_role(name: &str) -> bool {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let is_arn = matches!(parts[..], ["arn", partition, "iam" | "sts", "", account, resource]
        if partition.starts_with("aws") && (is_account(account) || account == "cloudfront") && !resource.is_empty());
    name == "*" || is_account(name) || is_arn
}

fn is_action(action: &str) -> bool {
    let named = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*?".contains(&byte))
    };
    let service = |service: &str| service.eq_ignore_ascii_case("s3");
    action == "*" || action.split_once(':').is_some_and(|(of, name)| service(of) && named(name))
}

/// Whether a resource is the bucket or something in it.
fn is_of(bucket: &str, resource: &str) -> bool {
    let rest = resource.strip_prefix(bucket);
    let inside = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // A pattern for the bucket's own name: it must fit the bucket.
    let name = resource.split_once('/').map_or(resource, |(name, _)| name);
    inside || (resource.starts_with("arn:aws:s3:::") && fits(name, bucket))
}

/// Whether an action has something to do at a resource. Patterns of actions are not looked into.
fn applies(action: &str, bucket: &str, resource: &str) -> bool {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    if name.contains(['*', '?']) {
        return true;
    }
    let objects = ["AbortMultipartUpload", "ListMultipartUploadParts", "BypassGovernanceRetention"];
    let of_object = objects.contains(&name)
        || (name.contains("Object") && !name.starts_with("ListObjects"))
            && !name.contains("ObjectLockConfiguration");
    let names_objects = resource.contains('/') || resource.ends_with('*');
    let names_bucket = fits(resource, bucket);
    if of_object { names_objects } else { names_bucket }
}

/// Operators with keys, keys with values.
fn is_condition(condition: &Value) -> bool {
    let Value::Object(operators) = condition else { return false };
    let is_value = |value: &Value| matches!(value, Value::String(_) | Value::Bool(_) | Value::Number(_));
    operators.values().all(|keys| {
        keys.as_object().is_some_and(|keys| {
            keys.values().all(|values| {
                values.as_array().map_or_else(|| is_value(values), |all| all.iter().all(is_value))
            })
        })
    })
}

fn malformed<T>(text: &'static str) -> Result<T, ConfigError> {
    Err(ConfigError::MalformedPolicy(text))
}
