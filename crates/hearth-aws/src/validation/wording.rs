//! AWS's words for constraints and values.

use std::fmt::{Debug, Write as _};

use super::Violation;
use crate::document::Document;
use crate::error::Code;
use crate::model::Length;

/// How much of one value a message repeats.
const VALUE_BYTES_MAX: usize = 8_192;

/// In whose words a violation is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wording {
    /// Lambda's.
    Lambda,
    /// IAM's, which has a sentence of its own for names.
    Iam,
    /// CloudWatch's, which has one for every parameter that is missing.
    CloudWatch,
    /// SNS's, for the first parameter that is missing.
    Sns,
    /// SQS's, for the first parameter that is missing.
    Sqs,
    /// Everybody else's: seen of CloudWatch Logs, DynamoDB, Kinesis and STS; unverified of EventBridge and Scheduler.
    Common,
}

/// IAM's pattern for names of roles, users and policies, and what it says instead of it.
const IAM_NAME: &str = r"Member must satisfy regular expression pattern: [\w+=,.@-]+";
const IAM_NAME_TEXT: &str = "It must contain only alphanumeric characters and/or the following: +=,.@_-";

impl Wording {
    pub(super) fn of(service: &str) -> Self {
        match service {
            "cloudwatch" => Self::CloudWatch,
            "iam" => Self::Iam,
            "lambda" => Self::Lambda,
            "sns" => Self::Sns,
            "sqs" => Self::Sqs,
            _ => Self::Common,
        }
    }

    /// Lambda ends the constraints of entries with `Member must not be null`.
    pub(super) fn entries_say_not_null(self) -> bool {
        self == Self::Lambda
    }

    /// A code and message that stand in the place of the usual ones.
    ///
    /// Recorded answers of the real services: for SNS one that its SDK for Ruby keeps among its tests, for SQS and
    /// CloudWatch those that many clients quote. What they say of members within members is unverified.
    pub(super) fn replaced(self, violations: &[Violation]) -> Option<(Code, String)> {
        let mut missing = violations.iter().filter_map(|violation| violation.missing);
        match self {
            Self::Lambda | Self::Common => None,
            Self::Iam => {
                let name = violations.iter().find(|violation| violation.text.ends_with(IAM_NAME))?;
                let place = name.text.split(" at '").last()?.split('\'').next()?;
                Some((
                    Code::Validation,
                    format!("The specified value for {place} is invalid. {IAM_NAME_TEXT}"),
                ))
            }
            Self::CloudWatch => {
                let lines: Vec<String> =
                    missing.map(|name| format!("The parameter {name} is required.")).collect();
                let code = Code::Modelled("MissingRequiredParameterException");
                (!lines.is_empty()).then(|| (code, lines.join("\n")))
            }
            Self::Sns => {
                let name = missing.next()?;
                let text = format!("Invalid parameter: {name} Reason: no value for required parameter");
                Some((Code::Modelled("InvalidParameterException"), text))
            }
            Self::Sqs => {
                let name = missing.next()?;
                let text = format!("The request must contain the parameter {name}.");
                Some((Code::Modelled("MissingParameter"), text))
            }
        }
    }
}

pub(super) fn pattern(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

pub(super) fn values(values: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}

pub(super) fn lengths(length: Length) -> Vec<String> {
    bounds("length", length.min, length.max)
}

pub(super) fn ranges<T: Debug>(min: Option<T>, max: Option<T>) -> Vec<String> {
    bounds("value", min, max)
}

fn bounds<T: Debug>(what: &str, min: Option<T>, max: Option<T>) -> Vec<String> {
    let max = max.map(|max| format!("Member must have {what} less than or equal to {max:?}"));
    let min = min.map(|min| format!("Member must have {what} greater than or equal to {min:?}"));
    max.into_iter().chain(min).collect()
}

/// `FunctionName` as Java's bean names it: only the first letter becomes small, so `KMSKeyArn` is `kMSKeyArn`.
pub(super) fn lower_camel(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// A value as Java prints it: `[a, b]`, `{2=0.5}`.
pub(super) fn java(value: &Document) -> String {
    let mut out = String::new();
    print(value, &mut out);
    if out.len() > VALUE_BYTES_MAX {
        let end = (0..=VALUE_BYTES_MAX).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
        out.truncate(end);
    }
    out
}

fn print(value: &Document, out: &mut String) {
    if out.len() > VALUE_BYTES_MAX {
        return;
    }
    // Writing to a String cannot fail.
    let _ = match value {
        Document::Null => out.write_str("null"),
        Document::Bool(value) => write!(out, "{value}"),
        Document::Integer(value) => write!(out, "{value}"),
        Document::Float(value) => write!(out, "{value:?}"),
        Document::String(text) => out.write_str(text),
        Document::Blob(bytes) => {
            let length = bytes.len();
            write!(out, "java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]")
        }
        Document::Stream(_) => out.write_str("stream"),
        Document::Timestamp(micros) => write!(out, "{}", hearth_world::Timestamp::from_micros(*micros)),
        Document::List(list) => {
            group(out, ('[', ']'), list, print);
            Ok(())
        }
        Document::Map(map) => {
            group(out, ('{', '}'), map, |(key, value), out| pair(key, value, out));
            Ok(())
        }
        Document::Structure(members) => {
            group(out, ('(', ')'), members, |(name, value), out| pair(&lower_camel(name), value, out));
            Ok(())
        }
    };
}

fn pair(name: &str, value: &Document, out: &mut String) {
    out.push_str(name);
    out.push('=');
    print(value, out);
}

fn group<T>(out: &mut String, (open, close): (char, char), entries: &[T], each: impl Fn(&T, &mut String)) {
    out.push(open);
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        each(entry, out);
    }
    out.push(close);
}
