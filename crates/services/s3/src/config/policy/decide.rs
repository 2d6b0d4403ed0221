//! What a checked policy means: whether it is public, and what it says to a request without a signature.
//!
//! Never: allows by a statement whose conditions it does not evaluate.

use serde_json::Value;

use super::{Statement, fits};

/// What a policy says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Some statement allows it and none denies it.
    Allow,
    /// Some statement denies it.
    Deny,
    /// Nothing in it is about this request.
    Silent,
}

/// Conditions that bind a statement to somebody known, by S3's reference ("the meaning of public").
const BINDING: [&str; 9] = [
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:sourceip",
    "aws:userid",
    "aws:principalorgid",
    "s3:dataaccesspointarn",
];

/// Whether some statement lets everybody do something.
pub(crate) fn is_public(document: &[u8]) -> bool {
    let Ok(policy) = serde_json::from_slice::<Value>(document) else { return false };
    Statement::all(&policy).iter().any(|statement| {
        let everybody = statement.names_everybody() || statement.0.contains_key("NotPrincipal");
        statement.allows() && everybody && !statement.is_bound()
    })
}

/// What it says to a request without a signature, for an action (`s3:GetObject`) at an ARN.
pub(crate) fn anybody(document: &[u8], action: &str, resource: &str) -> Decision {
    let Ok(policy) = serde_json::from_slice::<Value>(document) else { return Decision::Deny };
    let mut decision = Decision::Silent;
    for statement in Statement::all(&policy) {
        if !(statement.is_about_anybody() && statement.is_about(action, resource)) {
            continue;
        }
        // GAP(s3-policy): conditions are not evaluated: a statement with one allows nothing and denies always.
        if !statement.allows() {
            return Decision::Deny;
        }
        if !statement.0.contains_key("Condition") {
            decision = Decision::Allow;
        }
    }
    decision
}

impl Statement<'_> {
    fn names_everybody(&self) -> bool {
        match self.0.get("Principal") {
            Some(Value::String(any)) => any == "*",
            Some(Value::Object(kinds)) => super::texts(kinds.get("AWS")).contains(&"*"),
            _ => false,
        }
    }

    /// Whether somebody without a name is among those it is about. All are that it does not name.
    fn is_about_anybody(&self) -> bool {
        self.names_everybody() || self.0.contains_key("NotPrincipal")
    }

    fn is_about(&self, action: &str, resource: &str) -> bool {
        let of_action = |pattern: &&str| fits(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase());
        let actions = self.texts("Action").iter().any(of_action)
            || (self.0.contains_key("NotAction") && !self.texts("NotAction").iter().any(of_action));
        let of_resource = |pattern: &&str| fits(pattern, resource);
        let resources = self.texts("Resource").iter().any(of_resource)
            || (self.0.contains_key("NotResource") && !self.texts("NotResource").iter().any(of_resource));
        actions && resources
    }

    /// Whether a condition binds it to somebody: a known key with values that are no patterns.
    fn is_bound(&self) -> bool {
        let Some(Value::Object(operators)) = self.0.get("Condition") else { return false };
        operators.iter().any(|(operator, keys)| {
            let positive = !operator.contains("Not") && !operator.contains("Null");
            let keys = keys.as_object();
            positive
                && keys.into_iter().flatten().any(|(key, values)| {
                    let values = super::texts(Some(values));
                    let fixed = |value: &&str| !value.contains(['*', '?']) && !value.ends_with("/0");
                    BINDING.contains(&key.to_ascii_lowercase().as_str())
                        && !values.is_empty()
                        && values.iter().all(fixed)
                })
        })
    }
}
