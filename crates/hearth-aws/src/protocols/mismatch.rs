//! What AWS says of a JSON value that has another type than its member.
//!
//! The words are those of the framework below AWS's services, which all of them show as they are: measured at Athena
//! (2026-09-23, awsJson 1.1), known of Lambda from reports of its users (`NUMBER_VALUE can not be converted to a
//! String` for a variable's value), and in an older form from tests that ran against DynamoDB and Kinesis.
//! DynamoDB has reworded some of them since. Unverified: timestamps, floats, and blobs outside DynamoDB.

use crate::model::Kind;

/// A value of JSON, by the name that AWS gives its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// `true`.
    True,
    /// `false`.
    False,
    /// A whole number.
    Number,
    /// One with a fraction.
    Decimal,
    /// A text.
    Text,
    /// `[`.
    List,
    /// `{`.
    Object,
}

/// The text for a value that is not what its shape asks for.
pub(super) fn text(service: &str, kind: &Kind, found: Found) -> String {
    if service == "dynamodb" { of_dynamodb(kind, found) } else { common(kind, found) }
}

fn common(kind: &Kind, found: Found) -> String {
    match (kind, found) {
        (_, Found::Object) => "Start of structure or map found where not expected.".to_owned(),
        (_, Found::List) => "Start of list found where not expected".to_owned(),
        (Kind::List { .. }, _) => "Expected list or null".to_owned(),
        (Kind::Map { .. }, _) => "Expected map or null".to_owned(),
        (Kind::Structure(_), _) => "Expected null".to_owned(),
        (kind, found) => format!("{} can not be converted to {}", found.name(), with_article(kind)),
    }
}

fn of_dynamodb(kind: &Kind, found: Found) -> String {
    match (kind, found) {
        (_, Found::Object) => "Start of structure or map found where not expected".to_owned(),
        (Kind::List { .. } | Kind::Map { .. } | Kind::Structure(_), Found::List) => {
            "Unrecognized collection type".to_owned()
        }
        (kind, Found::List) => format!("Unrecognized collection type class java.lang.{}", name(kind)),
        (Kind::List { .. } | Kind::Map { .. } | Kind::Structure(_), _) => "Unexpected field type".to_owned(),
        (Kind::Blob(_), _) => "only base-64-encoded strings are convertible to bytes".to_owned(),
        (Kind::Boolean, Found::Text) => "Unexpected token received from parser".to_owned(),
        (kind, found) => format!("{} cannot be converted to {}", found.name(), name(kind)),
    }
}

impl Found {
    fn name(self) -> &'static str {
        match self {
            Self::True => "TRUE_VALUE",
            Self::False => "FALSE_VALUE",
            Self::Number => "NUMBER_VALUE",
            Self::Decimal => "DECIMAL_VALUE",
            Self::Text => "STRING_VALUE",
            Self::List => "START_ARRAY",
            Self::Object => "START_OBJECT",
        }
    }
}

fn with_article(kind: &Kind) -> String {
    let name = name(kind);
    format!("{} {name}", if name == "Integer" { "an" } else { "a" })
}

fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "Boolean",
        // Models tell no long from an integer here: AWS would say Long of some.
        Kind::Integer(_) => "Integer",
        Kind::Float(_) => "Double",
        Kind::String { .. } => "String",
        Kind::Blob(_) => "Blob",
        Kind::Timestamp(_) => "Timestamp",
        Kind::List { .. } | Kind::Map { .. } | Kind::Structure(_) => "Object",
    }
}
