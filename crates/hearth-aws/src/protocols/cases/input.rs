//! What clients send is what we read.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use super::suite::{self, Case, Request, Suite};
use super::{Exception, check, values};
use crate::document::Document;
use crate::model::routes::Found;
use crate::model::{Model, OperationFacts, Protocol};
use crate::protocols::query::Form;
use crate::protocols::{self, Received, aws_json, rpc_v2_cbor};

const EXCEPTIONS: &[Exception] = &[
    (
        "No model that is served has documents without a shape.",
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
    ("No model that is served has a JSON text in a header.", &["MediaTypeHeaderInputBase64"]),
    (
        "The case is about a header: it has no body to read.",
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
        "The client adds a token that it was not told to send.",
        &["QueryProtocolIdempotencyTokenAutoFill", "RestJsonQueryIdempotencyTokenAutoFill"],
    ),
    (
        "The client was told something empty, of which the request says nothing.",
        &[
            "QueryEmptyQueryMaps",
            "RestJsonHttpPrefixHeadersAreNotPresent",
            "RestJsonOmitsEmptyListQueryValues",
        ],
    ),
    (
        "The request has an empty structure that the client was not told to send.",
        &["RestJsonHttpWithEmptyStructurePayload", "RestJsonHttpWithHeadersButNoPayload"],
    ),
    (
        "A map of the whole query holds the parameters of other members too, at a server.",
        &["RestJsonQueryParamsStringListMap", "RestJsonQueryPrecedence"],
    ),
    ("A proxy has removed its own part of the path before it is ours.", &["RestJsonHostWithPath"]),
];

fn run(suite: &Suite, case: &Case) -> Result<(), String> {
    let model = suite.model(case)?;
    let request = case.serialized.as_ref().ok_or("no request")?;
    let found = values::of_document(&read(model, suite::operation(model), request)?);
    let mut sent = case.params.clone();
    if let Some(members) = sent.as_object_mut() {
        // A client that is told null sends nothing.
        members.retain(|_, value| !value.is_null());
    }
    match values::is_same(&found, &sent) {
        true => Ok(()),
        false => Err(format!("read {found}, sent {sent}")),
    }
}

fn read(
    model: &'static Model,
    operation: &'static OperationFacts,
    request: &Request,
) -> Result<Document, String> {
    let (path, query) = request.uri.split_once('?').unwrap_or((&request.uri, ""));
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
        headers.append(name, HeaderValue::try_from(value).map_err(|error| error.to_string())?);
    }
    let body = Bytes::from(suite::body(model.protocol(), &request.body));
    let mut parameters = Vec::new();
    let is_found = match model.protocol() {
        Protocol::RestJson1 => {
            model.routes().find(&request.method, path, query, &mut parameters) == Some(Found::Operation(0))
        }
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let prefix = model.facts().target_prefix.unwrap_or_default();
            let wanted = format!("{prefix}.{}", operation.name);
            // The package leaves out headers that a case is not about.
            let content = headers.get(http::header::CONTENT_TYPE);
            content.is_none_or(|content| content.as_bytes().starts_with(aws_json::CONTENT))
                && headers.get(aws_json::TARGET).is_none_or(|target| *target == wanted)
        }
        Protocol::RpcV2Cbor => {
            let wanted = (model.facts().target_prefix.unwrap_or_default(), operation.name);
            headers.get(rpc_v2_cbor::PROTOCOL) == Some(&rpc_v2_cbor::NAME)
                && rpc_v2_cbor::names_of(path) == Some(wanted)
        }
        _ => {
            let form = Form::parse(&request.body).map_err(|error| error.message)?;
            form.get("Action") == Some(operation.name)
        }
    };
    if !is_found {
        return Err(format!("{} {} leads elsewhere", request.method, request.uri));
    }
    let received = Received { parameters: &parameters, query, headers: &headers, body };
    protocols::read(model, model.protocol(), operation, &received).map_err(|error| error.message)
}

#[test]
fn every_request_of_the_package_is_read_as_it_was_meant() {
    const SUITES: &[&str] = &[
        "input/json",
        "input/json_1_0",
        "input/json_1_0-query-compatible",
        "input/query",
        "input/rest-json",
        "input/smithy-rpc-v2-cbor",
        "input/smithy-rpc-v2-cbor-non-query-compatible",
        "input/smithy-rpc-v2-cbor-query-compatible",
    ];
    check(SUITES, EXCEPTIONS, run);
}
