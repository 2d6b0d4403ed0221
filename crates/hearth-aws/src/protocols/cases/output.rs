//! What clients must be able to read is what we write.

use bytes::Bytes;
use http::Response;
use uuid::Uuid;

use super::suite::{self, Case, Suite};
use super::{Exception, bodies, check, values};
use crate::document::Document;
use crate::error::{ApiError, Code};
use crate::model::Model;
use crate::protocols::{self, failure};

const EXCEPTIONS: &[Exception] = &[
    (
        "No model that is served has documents without a shape.",
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
    ("No model that is served has a JSON text in a header.", &["MediaTypeHeaderOutputBase64"]),
    (
        "Another way to write the same time, which clients must read: we write UTC.",
        &[
            "AwsJson11DateTimeWithNegativeOffset",
            "AwsJson11DateTimeWithPositiveOffset",
            "AwsQueryDateTimeWithNegativeOffset",
            "AwsQueryDateTimeWithPositiveOffset",
            "RestJsonDateTimeWithNegativeOffset",
            "RestJsonDateTimeWithPositiveOffset",
        ],
    ),
    (
        "AWS's services write times in text with whole seconds; clients must read a fraction too.",
        &[
            "AwsJson11DateTimeWithFractionalSeconds",
            "AwsQueryDateTimeWithFractionalSeconds",
            "RestJsonDateTimeWithFractionalSeconds",
        ],
    ),
    (
        "Another place for an error's name, which clients must look at: we use __type in awsJson and rpcv2Cbor, and \
         the bare name in the header in restJson1.",
        &[
            "AwsJson10FooErrorUsingCode",
            "AwsJson10FooErrorUsingCodeAndNamespace",
            "AwsJson10FooErrorUsingCodeUriAndNamespace",
            "AwsJson10FooErrorUsingXAmznErrorType",
            "AwsJson10FooErrorUsingXAmznErrorTypeWithUri",
            "AwsJson10FooErrorUsingXAmznErrorTypeWithUriAndNamespace",
            "AwsJson11FooErrorUsingCode",
            "AwsJson11FooErrorUsingCodeAndNamespace",
            "AwsJson11FooErrorUsingCodeUriAndNamespace",
            "AwsJson11FooErrorUsingXAmznErrorType",
            "AwsJson11FooErrorUsingXAmznErrorTypeWithUri",
            "AwsJson11FooErrorUsingXAmznErrorTypeWithUriAndNamespace",
            "RestJsonFooErrorUsingCode",
            "RestJsonFooErrorUsingCodeAndNamespace",
            "RestJsonFooErrorUsingCodeUriAndNamespace",
            "RestJsonFooErrorUsingXAmznErrorTypeWithUri",
            "RestJsonFooErrorUsingXAmznErrorTypeWithUriAndNamespace",
            "RestJsonFooErrorWithDunderType",
            "RestJsonFooErrorWithDunderTypeAndNamespace",
            "RestJsonFooErrorWithDunderTypeUriAndNamespace",
        ],
    ),
    (
        "What clients must skip, and a server must not write.",
        &[
            "AwsJson10DeserializeAllowNulls",
            "AwsJson10DeserializeIgnoreType",
            "AwsJson10HandlesUnexpectedJsonOutput",
            "AwsJson11DeserializeIgnoreType",
            "AwsJson11StructuresDontDeserializeNullValues",
            "NoOutputClientAllowsEmptyBody",
            "NoOutputClientAllowsEmptyCbor",
            "RestJsonDeserializeIgnoreType",
            "RestJsonDeserializesDenseSetMapAndSkipsNull",
            "RestJsonDoesntDeserializeNullStructureValues",
            "RpcV2CborClientDoesntDeserializeNullStructureValues",
            "RpcV2CborDeserializesDenseSetMapAndSkipsNull",
            "RpcV2CborExtraFieldsInTheBodyShouldBeSkippedByClients",
            "handles_unexpected_json_output",
        ],
    ),
    ("Its answer has a header of requests.", &["AwsJson11IntEnums"]),
    ("Its body is another case's, of members that its model lacks.", &["RpcV2CborPayloadWithUnsetUnion"]),
];

/// The front door's and the HTTP server's.
const SET_ELSEWHERE: &[&str] = &["content-length", "x-amzn-requestid"];

fn run(suite: &Suite, case: &Case) -> Result<(), String> {
    let model = suite.model(case)?;
    let expected = case.response.as_ref().ok_or("no response")?;
    let written = match &case.error {
        Some(_) => failure(model, case)?,
        None => success(model, case)?,
    };
    if written.status() != expected.status_code {
        return Err(format!("status {}, expected {}", written.status(), expected.status_code));
    }
    for (name, expected) in &expected.headers {
        if SET_ELSEWHERE.iter().any(|elsewhere| name.eq_ignore_ascii_case(elsewhere)) {
            continue;
        }
        let found = written.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        if found.as_deref() != Some(expected) {
            return Err(format!("{name}: {found:?}, expected {expected:?}"));
        }
    }
    let Some(body) = &expected.body else { return Ok(()) };
    bodies::compare(model.protocol(), written.body(), &suite::body(model.protocol(), body))
}

fn success(model: &'static Model, case: &Case) -> Result<Response<Bytes>, String> {
    let operation = suite::operation(model);
    let output = match operation.output {
        Some(shape) => values::to_document(model, shape, &case.result)?,
        None => Document::Structure(Vec::new()),
    };
    let written = protocols::write(model, model.protocol(), operation, output, Uuid::nil());
    written.map_err(|error| error.to_string())
}

fn failure(model: &'static Model, case: &Case) -> Result<Response<Bytes>, String> {
    let code: &'static str = Box::leak(case.error_code.clone().into_boxed_str());
    let exception = model.exception(code).ok_or_else(|| format!("no exception {code}"))?;
    let at = model.facts().shapes.iter().position(|shape| shape.name == exception.name).ok_or("no shape")?;
    let shape = crate::model::ShapeId(u16::try_from(at).map_err(|error| error.to_string())?);
    let error = case.error.as_ref().expect("asked for only where there is one");
    let Document::Structure(members) = values::to_document(model, shape, error)? else {
        return Err("an error is a structure".to_owned());
    };
    let members = members.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("message")).collect();
    let error = ApiError { members, ..ApiError::client(Code::Modelled(exception.name), &case.error_message) };
    Ok(failure::write(failure::Speaker::Service(model, model.protocol()), &error, Uuid::nil()))
}

#[test]
fn every_answer_of_the_package_is_what_we_would_write() {
    const SUITES: &[&str] = &[
        "output/json",
        "output/json_1_0",
        "output/json_1_0-query-compatible",
        "output/query",
        "output/rest-json",
        "output/smithy-rpc-v2-cbor",
        "output/smithy-rpc-v2-cbor-query-compatible",
    ];
    check(SUITES, EXCEPTIONS, run);
}
