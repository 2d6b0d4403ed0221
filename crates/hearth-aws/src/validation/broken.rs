//! Every constraint of every operation of every model, broken one at a time: type, status and text of the answer.
//!
//! ```text
//! model ─▶ good input ─▶ one thing broken ─▶ bytes in the service's protocol ─▶ read, check ─▶ answer
//!              └──────────▶ the words of the specification ──────────────────────────── = ───────┘
//! ```
//!
//! Never: asks the code that is tested what to expect, but for how Java prints a value.

mod cases;
mod good;
mod mutants;
mod types;

use serde_json::{Value, json};
use uuid::Uuid;

use self::cases::{Breaker, Case};
use crate::document::Document;
use crate::error::ApiError;
use crate::model::{Kind, Model, OperationFacts, Protocol};
use crate::protocols::encoded::Encoded;
use crate::protocols::failure::{self, Speaker};

/// What a client reads: status, error type, and the text.
type Answer = (u16, String, String);

/// The answer to an input; `None` where it is fine. Of a body in JSON all but the text is checked here.
fn answer(
    model: &'static Model,
    protocol: Protocol,
    operation: &OperationFacts,
    input: &Document,
) -> Option<Answer> {
    let encoded = Encoded::of(model, protocol, operation, input);
    let read = encoded.read(model, protocol, operation);
    let error = read.and_then(|input| super::check(model, operation, &input)).err()?;
    Some(told(model, protocol, &error))
}

fn told(model: &'static Model, protocol: Protocol, error: &ApiError) -> Answer {
    let response = failure::write(Speaker::Service(model, protocol), error, Uuid::nil());
    let status = response.status().as_u16();
    let header = response.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let header = header.unwrap_or_default().to_owned();
    let body = response.body();
    match protocol {
        Protocol::RestJson1 => {
            let body: Value = serde_json::from_slice(body).expect("JSON");
            let text = body["message"].as_str().expect("a text").to_owned();
            assert_eq!(body, json!({ "message": text }), "nothing beside the text");
            (status, header, text)
        }
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let body: Value = serde_json::from_slice(body).expect("JSON");
            let code = body["__type"].as_str().expect("a type").to_owned();
            let text = body.get("message").or_else(|| body.get("Message"));
            (status, code, text.and_then(Value::as_str).expect("a text").to_owned())
        }
        Protocol::AwsQuery | Protocol::RestXml => {
            let body = String::from_utf8_lossy(body);
            let element = |name: &str| {
                let (_, rest) = body.split_once(&format!("<{name}>"))?;
                let text = quick_xml::escape::unescape(rest.split_once(&format!("</{name}>"))?.0);
                Some(text.expect("XML").into_owned())
            };
            (status, element("Code").expect("a code"), element("Message").expect("a text"))
        }
        Protocol::RpcV2Cbor => {
            // The only texts of such an answer are its own: they are found as they are.
            let body = String::from_utf8_lossy(body).into_owned();
            (status, body, error.message.clone())
        }
    }
}

/// The name under which a service tells violations of its model.
fn code_of(service: &str, protocol: Protocol) -> &'static str {
    match (service, protocol) {
        (_, Protocol::AwsQuery) => "ValidationError",
        ("logs", _) => "InvalidParameterException",
        _ => "ValidationException",
    }
}

fn expected(service: &str, protocol: Protocol, case: &Case) -> Option<Answer> {
    if let Some(text) = case.mismatch {
        return Some((400, "SerializationException".to_owned(), text.to_owned()));
    }
    if let Some((code, text)) = in_own_words(service, protocol, case) {
        return Some((400, code.to_owned(), text));
    }
    let count = case.violations.len();
    let word = if count == 1 { "error" } else { "errors" };
    let text = format!("{count} validation {word} detected: {}", case.violations.join("; "));
    (count > 0).then(|| (400, code_of(service, protocol).to_owned(), text))
}

/// What some services say in sentences of their own.
fn in_own_words(service: &str, protocol: Protocol, case: &Case) -> Option<(&'static str, String)> {
    let is_query = protocol == Protocol::AwsQuery;
    match (service, case.missing) {
        ("iam", _) => {
            let names = r"regular expression pattern: [\w+=,.@-]+";
            let name = case.violations.iter().find(|text| text.ends_with(names))?;
            let place = name.rsplit(" at '").next()?.split('\'').next()?;
            let made_of = "It must contain only alphanumeric characters and/or the following: +=,.@_-";
            Some(("ValidationError", format!("The specified value for {place} is invalid. {made_of}")))
        }
        ("cloudwatch", Some(name)) => {
            let code = if is_query { "MissingParameter" } else { "MissingRequiredParameterException" };
            Some((code, format!("The parameter {name} is required.")))
        }
        ("sns", Some(name)) => {
            let text = format!("Invalid parameter: {name} Reason: no value for required parameter");
            Some(("InvalidParameter", text))
        }
        ("sqs", Some(name)) => {
            Some(("MissingParameter", format!("The request must contain the parameter {name}.")))
        }
        _ => None,
    }
}

/// Whether the two say the same, as far as the protocol shows it.
fn is_same(protocol: Protocol, found: &Option<Answer>, expected: &Option<Answer>) -> bool {
    match (protocol, found, expected) {
        (Protocol::RpcV2Cbor, Some(found), Some(expected)) => {
            let has = |text: &str| found.1.contains(text);
            found.0 == expected.0 && has(&expected.1) && found.2 == expected.2
        }
        _ => found == expected,
    }
}

/// The cases of an operation, in a protocol; `None` when its good input could not be made.
fn cases_of(model: &Model, operation: &OperationFacts, protocol: Protocol) -> Option<(Document, Vec<Case>)> {
    let good = operation
        .input
        .map_or_else(|| Some(Document::Structure(Vec::new())), |shape| good::value(model, shape, 0))?;
    let says_not_null = model.facts().service == "lambda";
    let mut breaker = Breaker { model, good: &good, says_not_null, cases: Vec::new() };
    breaker.operation(operation);
    let mut cases = breaker.cases;
    match protocol {
        Protocol::RestJson1 | Protocol::AwsJson10 | Protocol::AwsJson11 => {}
        // Types are told by each form's own parameter, or not at all.
        _ => cases.retain(|case| case.mismatch.is_none()),
    }
    if protocol == Protocol::AwsQuery {
        // A form has no way to say "here, but empty" of a map or a structure.
        cases.retain(|case| !holds_empty(&case.input));
    }
    Some((good, cases))
}

/// Whether a structure or map in an input has nothing in it.
fn holds_empty(input: &Document) -> bool {
    match input {
        Document::Structure(members) => {
            members.is_empty() || members.iter().any(|(_, value)| holds_empty(value))
        }
        Document::Map(map) => map.is_empty() || map.iter().any(|(_, value)| holds_empty(value)),
        Document::List(list) => list.iter().any(holds_empty),
        _ => false,
    }
}

/// Runs every case of a service in a protocol: how many there were, and what went otherwise than expected.
fn run(
    tested: &'static Model,
    model: &Model,
    protocol: Protocol,
    stop_at_first: bool,
) -> (usize, Vec<String>) {
    let service = model.facts().service;
    let (mut count, mut wrong) = (0, Vec::new());
    for operation in model.operations() {
        let Some((good, cases)) = cases_of(model, operation, protocol) else {
            wrong.push(format!("{service} {}: no good input", operation.name));
            continue;
        };
        let operation = tested.operation(operation.name).expect("the same operations");
        let mut check = |what: &str, input: &Document, expected: Option<Answer>| {
            let found = answer(tested, protocol, operation, input);
            if !is_same(protocol, &found, &expected) {
                wrong.push(format!(
                    "{service} {protocol:?} {} {what}\n   found {found:?}\nexpected {expected:?}",
                    operation.name
                ));
            }
        };
        check("(good)", &good, None);
        for case in cases {
            check(&case.name, &case.input, expected(service, protocol, &case));
            count += 1;
        }
        if stop_at_first && !wrong.is_empty() {
            return (count, wrong);
        }
    }
    (count, wrong)
}

/// Every case of a service in every protocol of its model; how many, and what went wrong.
fn all(service: &str) -> (usize, Vec<String>) {
    let model = Model::of(service).expect("in models/");
    let (mut count, mut all) = (0, Vec::new());
    for protocol in &model.facts().protocols {
        // S3 alone speaks restXml, and checks in its own crate what it is told.
        if *protocol != Protocol::RestXml {
            let (cases, wrong) = run(model, model, *protocol, false);
            println!("{service} {protocol:?}: {cases} cases, {} wrong", wrong.len());
            count += cases;
            all.extend(wrong);
        }
    }
    (count, all)
}

#[track_caller]
fn is_empty(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

#[test]
fn lambda_tells_every_broken_constraint_in_its_own_words() {
    let (count, wrong) = all("lambda");
    is_empty(&wrong);
    assert!(count > 2_000);
}

#[test]
fn every_other_service_tells_every_broken_constraint_by_type_status_and_text() {
    let others = Model::services().filter(|service| *service != "lambda");
    let (counts, wrong): (Vec<usize>, Vec<Vec<String>>) = others.map(all).unzip();
    is_empty(&wrong.concat());
    assert!(counts.iter().sum::<usize>() > 20_000);
}

#[test]
fn everything_that_is_broken_is_told_at_once_in_the_order_of_the_model() {
    let model = Model::of("lambda").expect("in models/");
    let mut most = 0;
    for operation in model.operations() {
        let (good, cases) = cases_of(model, operation, Protocol::RestJson1).expect("good input");
        let (mut input, mut violations, mut broken) = (good, Vec::new(), Vec::new());
        for case in &cases {
            // One constraint of each member: its first, where members have none of their own in it.
            let member = case.name.split([':', '.']).next().expect("a name");
            if case.mismatch.is_some() || broken.contains(&member) {
                continue;
            }
            broken.push(member);
            violations.extend(case.violations.iter().cloned());
            take(&mut input, &case.input, member);
        }
        if violations.len() > 1 {
            let text = format!("{} validation errors detected: {}", violations.len(), violations.join("; "));
            let expected = Some((400, "ValidationException".to_owned(), text));
            let found = answer(model, Protocol::RestJson1, operation, &input);
            assert_eq!(found, expected, "{}", operation.name);
            most = most.max(violations.len());
        }
    }
    assert!(most > 10, "{most} at once");
}

/// The same with one member as another input has it, absent or not.
fn take(input: &mut Document, from: &Document, member: &str) {
    let (Document::Structure(members), Document::Structure(others)) = (input, from) else { return };
    let is_meant = |name: &str| name.eq_ignore_ascii_case(member);
    let at = members.iter().position(|(name, _)| is_meant(name));
    match (at, others.iter().find(|(name, _)| is_meant(name))) {
        (Some(at), Some((_, value))) => members[at].1 = value.clone(),
        (Some(at), None) => drop(members.remove(at)),
        (None, _) => {}
    }
}

#[test]
fn every_text_of_every_request_has_one_that_is_good() {
    let mut missing = Vec::new();
    for service in Model::services().filter(|service| *service != "s3") {
        let model = Model::of(service).expect("in models/");
        let inputs = model.operations().iter().filter_map(|operation| operation.input).collect();
        for shape in mutants::reachable(model, inputs) {
            if let Kind::String { pattern: Some(pattern), .. } = model.shape(shape).kind
                && good::text(model, shape).is_none()
            {
                missing.push((service, model.shape(shape).name, model.pattern(pattern).0));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
