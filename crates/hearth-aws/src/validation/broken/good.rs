//! Inputs that break nothing: every member of an operation, with a value that the model allows.

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use crate::document::Document;
use crate::model::{Kind, Length, Model, ShapeId, Structure};

/// Structures within structures; some models contain themselves.
const DEPTH_MAX: usize = 3;

/// Texts drawn for one pattern before it counts as one that a line in [`KNOWN`] is missing for.
const DRAWS: usize = 2_000;

/// Texts that patterns with look-around allow; others are drawn from the pattern itself.
const KNOWN: &[&str] = &[
    "a",
    "aaa",
    "aB1!aB1!",
    "1",
    "a1b",
    "aws",
    "us-east-1",
    "123456789012",
    "arn:aws:lambda:us-east-1:123456789012:function:f",
    "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0",
    "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/name/12345678-1234-1234-1234-123456789012",
    "arn:aws:sqs:us-east-1:123456789012:q",
    "arn:aws:iam::123456789012:role/r",
    "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
    "arn:aws:events:us-east-1:123456789012:event-bus/a",
    "arn:aws:events:us-east-1:123456789012:connection/a/a",
    "arn:aws:kinesis:us-east-1:123456789012:stream/s",
    "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1",
    "arn:aws:kinesis:us-east-1:123456789012:channel/c",
    "arn:aws:kinesis:us-east-1:123456789012:queue/q",
    "arn:aws:glue:us-east-1:123456789012:schema/r/s",
    "arn:aws:s3:::bucket",
    "arn:aws:s3tables:us-east-1:123456789012:bucket/bucket",
    "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0",
    "arn:aws:vpc-lattice:us-east-1:123456789012:resourceconfiguration/rcfg-0123456789abcdefg",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
    "arn:aws:route53:::healthcheck/a",
    "12345678-1234-1234-1234-123456789012",
    "https://example.com/a",
    "a.example.com",
    "{}",
    "/a/",
    "/mnt/a",
    "rate(1 minute)",
];

/// A value of this shape; `None` where the model contains itself for ever, or no text was found.
pub(super) fn value(model: &Model, shape: ShapeId, depth: usize) -> Option<Document> {
    Some(match &model.shape(shape).kind {
        Kind::Boolean => Document::Bool(true),
        Kind::Integer(range) => Document::Integer(range.min.or(range.max.map(|max| max.min(1))).unwrap_or(1)),
        Kind::Float(range) => Document::Float(range.min.or(range.max).unwrap_or(0.5)),
        Kind::Timestamp(_) => Document::Timestamp(1_764_037_614_000_000),
        Kind::String { .. } => Document::String(text(model, shape)?),
        Kind::Blob(length) => Document::Blob(vec![b'b'; least(*length)].into()),
        Kind::List { length, member, .. } => {
            Document::List(vec![value(model, *member, depth)?; least(*length)])
        }
        Kind::Map { length, key, value: of_value, .. } => {
            let (first, entry) = (text(model, *key)?, value(model, *of_value, depth)?);
            let keys = std::iter::once(first.clone()).chain((1..).map(|at| format!("{first}{at}")));
            Document::Map(keys.take(least(*length)).map(|key| (key, entry.clone())).collect())
        }
        Kind::Structure(structure) => Document::Structure(members(model, structure, depth + 1)?),
    })
}

fn members(model: &Model, structure: &Structure, depth: usize) -> Option<Vec<(&'static str, Document)>> {
    if depth > 2 * DEPTH_MAX {
        return None;
    }
    let mut members = Vec::new();
    let is_plain =
        |shape| !matches!(model.shape(shape).kind, Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. });
    // Deep down no structure is left empty, but none that could do without grows another.
    let wanted = structure
        .members
        .iter()
        .filter(|member| member.required || depth <= DEPTH_MAX || is_plain(member.shape));
    for member in wanted {
        match value(model, member.shape, depth) {
            Some(value) => members.push((member.name, value)),
            None if member.required => return None,
            None => {}
        }
    }
    Some(members)
}

/// One entry at least, so that there is something to break.
fn least(length: Length) -> usize {
    usize::try_from(length.min.unwrap_or(0).max(1)).expect("small")
}

/// A text that this shape allows.
pub(super) fn text(model: &Model, shape: ShapeId) -> Option<String> {
    let Kind::String { length, pattern, values } = &model.shape(shape).kind else { return None };
    if let Some(first) = values.first() {
        return Some((*first).to_owned());
    }
    let fits = |text: &str| {
        let bytes = text.len() as u64;
        text.is_ascii()
            && !text.bytes().any(|byte| byte.is_ascii_control())
            && length.min.is_none_or(|min| bytes >= min)
            && length.max.is_none_or(|max| bytes <= max)
    };
    let long = "a".repeat(least(*length));
    let Some(pattern) = pattern else { return Some(long) };
    let (written, pattern) = model.pattern(*pattern);
    let known = KNOWN.iter().copied().chain([long.as_str()]);
    if let Some(found) = known.into_iter().find(|text| fits(text) && pattern.matches(text)) {
        return Some(found.to_owned());
    }
    let bare =
        written.trim_start_matches('^').trim_end_matches('$').replace(r"\d", "[0-9]").replace(r"\w", "[a-z]");
    let drawn = proptest::string::string_regex(&bare).ok()?;
    let mut runner = TestRunner::deterministic();
    (0..DRAWS).find_map(|_| {
        let text = drawn.new_tree(&mut runner).ok()?.current();
        (fits(&text) && pattern.matches(&text)).then_some(text)
    })
}
