//! The same cases as AWS means them: what a client there writes we write when we call, and what it reads we read.

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use super::suite::{self, Case, Suite};
use super::{Exception, bodies, check, values};
use crate::document::Document;
use crate::error::Code;
use crate::model::Protocol;
use crate::protocols::{incoming, outgoing};

const REQUEST_EXCEPTIONS: &[Exception] = &[
    (
        "No model that is called has documents without a shape.",
        &[
            "PutAndGetInlineDocumentsInput",
            "DocumentTypeInputWithObject",
            "DocumentInputWithString",
            "DocumentInputWithNumber",
            "DocumentInputWithBoolean",
            "DocumentInputWithList",
            "DocumentTypeAsMapValueInput",
            "DocumentTypeAsPayloadInput",
            "DocumentTypeAsPayloadInputString",
        ],
    ),
    ("No model that is called has a JSON text in a header.", &["MediaTypeHeaderInputBase64"]),
    (
        "Bodies are not compressed: the outgoing calls of a server are small.",
        &[
            "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0",
            "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1",
            "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery",
            "SDKAppendedGzipAfterProvidedEncoding_restJson1",
            "SDKAppliedContentEncoding_awsJson1_0",
            "SDKAppliedContentEncoding_awsJson1_1",
            "SDKAppliedContentEncoding_awsQuery",
            "SDKAppliedContentEncoding_restJson1",
        ],
    ),
    (
        "An endpoint is a host: it has no path of its own.",
        &["AwsJson10HostWithPath", "AwsJson11HostWithPath", "QueryHostWithPath", "RestJsonHostWithPath"],
    ),
    (
        "The caller says its token itself: a retry of its own must carry the same.",
        &["QueryProtocolIdempotencyTokenAutoFill", "RestJsonQueryIdempotencyTokenAutoFill"],
    ),
    ("No operation that is called demands a digest in the older header.", &["RestJsonHttpChecksumRequired"]),
    (
        "The client sends an empty structure that it was not told to send.",
        &["RestJsonHttpWithEmptyStructurePayload", "RestJsonHttpWithHeadersButNoPayload"],
    ),
];

const ANSWER_EXCEPTIONS: &[Exception] = &[
    (
        "No model that is called has documents without a shape.",
        &[
            "PutAndGetInlineDocumentsInput",
            "DocumentOutput",
            "DocumentOutputString",
            "DocumentOutputNumber",
            "DocumentOutputBoolean",
            "DocumentOutputArray",
            "DocumentTypeAsMapValueOutput",
            "DocumentTypeAsPayloadOutput",
            "DocumentTypeAsPayloadOutputString",
        ],
    ),
    ("No model that is called has a JSON text in a header.", &["MediaTypeHeaderOutputBase64"]),
    ("A null in a map is read as absent, whose key stays.", &["RestJsonDeserializesDenseSetMapAndSkipsNull"]),
];

fn write(suite: &Suite, case: &Case) -> Result<(), String> {
    let model = suite.model(case)?;
    let expected = case.serialized.as_ref().ok_or("no request")?;
    let operation = suite::operation(model);
    let input = match operation.input {
        Some(shape) => values::to_document(model, shape, &case.params)?,
        None => Document::Null,
    };
    let written =
        outgoing::write(model, model.protocol(), operation, input).map_err(|error| error.to_string())?;
    // Parameters of a query have no order.
    let target = |text: &str| {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        (path.to_owned(), pairs(query.as_bytes()))
    };
    let is_same = target(&written.path_and_query) == target(&expected.uri);
    if !is_same || written.method.as_str() != expected.method {
        let (method, path) = (&written.method, &written.path_and_query);
        return Err(format!("{method} {path}, expected {} {}", expected.method, expected.uri));
    }
    for (name, expected) in &expected.headers {
        let found = written.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        // Other characters are said by saying nothing, in all but forms.
        let is_content_type = name.eq_ignore_ascii_case("content-type");
        let is_same = found.as_deref().is_some_and(|found| {
            found == expected || is_content_type && found.split(';').next() == Some(expected)
        });
        if !is_same && !name.eq_ignore_ascii_case("content-length") {
            return Err(format!("{name}: {found:?}, expected {expected:?}"));
        }
    }
    let expected = suite::body(model.protocol(), &expected.body);
    match model.protocol() {
        Protocol::AwsQuery => compare_forms(&written.body, &expected),
        _ if written.body == expected => Ok(()),
        protocol => bodies::compare(protocol, &written.body, &expected),
    }
}

fn pairs(form: &[u8]) -> Vec<String> {
    let mut pairs: Vec<String> = String::from_utf8_lossy(form).split('&').map(str::to_owned).collect();
    pairs.sort();
    pairs
}

fn compare_forms(written: &[u8], expected: &[u8]) -> Result<(), String> {
    let (written, expected) = (pairs(written), pairs(expected));
    if written == expected { Ok(()) } else { Err(format!("wrote {written:?}, expected {expected:?}")) }
}

fn read(suite: &Suite, case: &Case) -> Result<(), String> {
    let model = suite.model(case)?;
    let told = case.response.as_ref().ok_or("no response")?;
    let body = suite::body(model.protocol(), told.body.as_deref().unwrap_or_default());
    let mut answer = Response::builder().status(told.status_code);
    for (name, value) in &told.headers {
        answer = answer.header(name, value);
    }
    let answer = answer.body(Bytes::from(body)).map_err(|error| error.to_string())?;
    let outcome = incoming::read(model, model.protocol(), suite::operation(model), &answer);
    match (&case.error, outcome) {
        (None, Ok(output)) => {
            let found = values::of_document(&output);
            let wanted = if case.result.is_null() {
                Value::Object(serde_json::Map::new())
            } else {
                case.result.clone()
            };
            if values::is_same(&found, &wanted) {
                Ok(())
            } else {
                Err(format!("read {found}, sent {wanted}"))
            }
        }
        (Some(_), Err(error)) => {
            let wanted = model.exception(&case.error_code).ok_or("the model lacks the error")?.name;
            if error.code != Code::Modelled(wanted) || error.message != case.error_message {
                return Err(format!("read {error}, expected {wanted}: {}", case.error_message));
            }
            Ok(())
        }
        (_, outcome) => Err(format!("read {outcome:?}")),
    }
}

#[test]
fn every_request_of_the_package_is_written_as_awss_clients_do() {
    const SUITES: &[&str] = &["input/json", "input/json_1_0", "input/query", "input/rest-json"];
    check(SUITES, REQUEST_EXCEPTIONS, write);
}

#[test]
fn every_answer_of_the_package_is_read_as_awss_clients_do() {
    const SUITES: &[&str] = &["output/json", "output/json_1_0", "output/query", "output/rest-json"];
    check(SUITES, ANSWER_EXCEPTIONS, read);
}
