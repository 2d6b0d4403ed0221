//! Another endpoint's error: its code becomes ours where we know it.

use bytes::Bytes;
use http::Response;

use super::super::json;
use super::{read_head, xml};
use crate::document::Document;
use crate::error::{ApiError, Code, wire};
use crate::model::{Exception, Model, Protocol};

/// Characters of an answer that is no error of AWS's kind, for the log.
const TEXT_CHARACTERS_MAX: usize = 200;

/// Codes that any service may answer with, beside those of its model.
const CODES: &[Code] = &[
    Code::AccessDenied,
    Code::ExpiredToken,
    Code::IncompleteSignature,
    Code::InvalidSignature,
    Code::MissingAuthenticationToken,
    Code::NotImplemented,
    Code::RequestEntityTooLarge,
    Code::RequestTimeout,
    Code::Serialization,
    Code::ServiceFailure,
    Code::Throttling,
    Code::UnknownOperation,
    Code::UnrecognizedClient,
    Code::Validation,
    Code::CodeSigningConfigNotFound,
    Code::CodeStorageExceeded,
    Code::InvalidParameterValue,
    Code::InvalidRequestContent,
    Code::InvalidRuntime,
    Code::InvalidZipFile,
    Code::PolicyLengthExceeded,
    Code::PreconditionFailed,
    Code::ProvisionedConcurrencyConfigNotFound,
    Code::RecursiveInvocation,
    Code::ResourceConflict,
    Code::ResourceInUse,
    Code::ResourceNotFound,
    Code::ResourceNotReady,
    Code::TooManyRequests,
    Code::UnsupportedMediaType,
    Code::DeleteConflict,
    Code::EntityAlreadyExists,
    Code::InvalidInput,
    Code::LimitExceeded,
    Code::MalformedPolicyDocument,
    Code::NoSuchEntity,
];

/// An error whose code we do not know, or an answer that is none of AWS's.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint answered {status} {code}: {message}")]
struct Foreign {
    status: u16,
    code: String,
    message: String,
}

/// What an answer says that is no success.
pub(super) fn read(model: &'static Model, protocol: Protocol, answer: &Response<Bytes>) -> ApiError {
    let told = match protocol {
        Protocol::AwsQuery | Protocol::RestXml => told_in_xml(answer),
        _ => told_in_json(answer),
    };
    let Told { code: name, message } = told;
    let code = CODES.iter().copied().find(|code| wire(*code, Some(model), protocol).name == name);
    let exception = model.exception(&name);
    let Some(code) = code.or_else(|| exception.map(|exception| Code::Modelled(exception.name))) else {
        let status = answer.status().as_u16();
        let text = if name.is_empty() { shown(answer.body()) } else { message.clone() };
        if answer.status().is_client_error() && !name.is_empty() {
            return ApiError::client(Code::Validation, format!("{name}: {message}"));
        }
        return ApiError::internal(Foreign { status, code: name, message: text });
    };
    let mut error = ApiError::client(code, message);
    if let Some(exception) = exception {
        error.members = members(model, protocol, exception, answer);
    }
    error
}

struct Told {
    code: String,
    message: String,
}

fn told_in_json(answer: &Response<Bytes>) -> Told {
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let header = answer.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let code =
        header.map(str::to_owned).or_else(|| text("__type")).or_else(|| text("code")).unwrap_or_default();
    // As SDKs do: what follows a colon is a URL, what stands before a hash a namespace.
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    Told { code, message: text("message").or_else(|| text("Message")).unwrap_or_default() }
}

fn told_in_xml(answer: &Response<Bytes>) -> Told {
    let root = xml::parse(answer.body()).unwrap_or_default();
    let error = root.child("Error").unwrap_or(&root);
    let text = |name: &str| error.child(name).map(|child| child.text.trim().to_owned()).unwrap_or_default();
    Told { code: text("Code"), message: text("Message") }
}

/// Members beside the text. One that is not readable is left out: the caller still learns what went wrong.
fn members(
    model: &'static Model,
    protocol: Protocol,
    exception: Exception<'static>,
    answer: &Response<Bytes>,
) -> Vec<(&'static str, Document)> {
    let body = match protocol {
        Protocol::AwsQuery | Protocol::RestXml => {
            let root = xml::parse(answer.body()).unwrap_or_default();
            let error = root.child("Error").unwrap_or(&root);
            xml::read_structure(model, exception.structure, error).unwrap_or_default()
        }
        _ => json::read_structure(model, exception.structure, answer.body()).unwrap_or_default(),
    };
    let mut members = match body {
        Document::Structure(members) => members,
        _ => Vec::new(),
    };
    let head = read_head(model, exception.structure, answer.status(), answer.headers());
    members.extend(head.unwrap_or_default());
    members.retain(|(name, _)| !name.eq_ignore_ascii_case("message") && !matches!(*name, "Type" | "Code"));
    members
}

fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(TEXT_CHARACTERS_MAX).filter(|c| !c.is_control()).collect()
}
