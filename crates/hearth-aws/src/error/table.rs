//! The one table from a [`Code`] to what stands on the wire.
//!
//! Statuses and message members of modelled exceptions are the model's (a test holds them against it); the rest
//! is what the service's front end sends (`spec/lambda-api.md` section 1).

use super::Code;
use crate::model::{Model, Protocol};

/// An error's name and form on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireError {
    /// `x-amzn-ErrorType`, or `Code` in XML.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The body member that holds the text, in JSON.
    pub message_key: &'static str,
    /// The body has a member `Type`, in JSON.
    pub has_type: bool,
}

/// How this service spells this code in this protocol.
pub(crate) fn wire(code: Code, model: Option<&Model>, protocol: Protocol) -> WireError {
    let service = model.map_or("", |model| model.facts().service);
    match (code, protocol) {
        (Code::Modelled(name), protocol) => of_model(name, model, protocol),
        (code, Protocol::RestJson1) => rest_json(code, service),
        (code, Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor) => rpc(code, service),
        (code, Protocol::AwsQuery | Protocol::RestXml) => query(code, service),
    }
}

/// An exception as its model has it. One that the model lacks is still the caller's to read.
fn of_model(name: &'static str, model: Option<&Model>, protocol: Protocol) -> WireError {
    let Some(exception) = model.and_then(|model| model.exception(name)) else { return front(name, 400) };
    let is_query_compatible = model.is_some_and(|model| model.facts().query_compatible);
    let (name, status) = match protocol {
        Protocol::AwsQuery | Protocol::RestXml => (exception.facts.code, exception.facts.status),
        // The statuses of such a model are those of its query protocol.
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor if is_query_compatible => {
            (exception.name, if exception.facts.is_sender { 400 } else { 500 })
        }
        _ => (exception.name, exception.facts.status),
    };
    WireError { message_key: exception.message_key(), ..front(name, status) }
}

const fn modelled(name: &'static str, status: u16, message_key: &'static str) -> WireError {
    WireError { name, status, message_key, has_type: true }
}

/// Sent by the front end, not by the service: without `Type`.
const fn front(name: &'static str, status: u16) -> WireError {
    WireError { name, status, message_key: "message", has_type: false }
}

fn rest_json(code: Code, service: &str) -> WireError {
    match code {
        Code::AccessDenied => WireError { message_key: "Message", ..front("AccessDeniedException", 403) },
        Code::ExpiredToken => front("ExpiredTokenException", 403),
        Code::IncompleteSignature => front("IncompleteSignatureException", 400),
        Code::InvalidSignature => front("InvalidSignatureException", 403),
        Code::MethodNotAllowed => front("UnknownOperationException", 405),
        Code::MissingAuthenticationToken => front("MissingAuthenticationTokenException", 403),
        // Of our own: 4xx, because clients retry 5xx for minutes.
        Code::NotImplemented => front("NotImplementedException", 400),
        Code::RequestEntityTooLarge => front("RequestEntityTooLargeException", 413),
        Code::RequestTimeTooSkewed => front("RequestTimeTooSkewed", 403),
        Code::RequestTimeout => front("RequestTimeoutException", 408),
        Code::Serialization => front("SerializationException", 400),
        Code::ServiceFailure if service == "lambda" => modelled("ServiceException", 500, "Message"),
        Code::ServiceFailure => front("InternalFailure", 500),
        Code::Throttling => front("ThrottlingException", 429),
        Code::UnknownOperation => front("UnknownOperationException", 404),
        Code::UnrecognizedClient => front("UnrecognizedClientException", 403),
        Code::Validation => front("ValidationException", 400),

        Code::CodeSigningConfigNotFound => modelled("CodeSigningConfigNotFoundException", 404, "Message"),
        Code::CodeStorageExceeded => modelled("CodeStorageExceededException", 400, "message"),
        Code::InvalidParameterValue => modelled("InvalidParameterValueException", 400, "message"),
        Code::InvalidRequestContent => modelled("InvalidRequestContentException", 400, "message"),
        Code::InvalidRuntime => modelled("InvalidRuntimeException", 502, "Message"),
        Code::InvalidZipFile => modelled("InvalidZipFileException", 502, "Message"),
        Code::PolicyLengthExceeded => modelled("PolicyLengthExceededException", 400, "message"),
        Code::PreconditionFailed => modelled("PreconditionFailedException", 412, "message"),
        Code::ProvisionedConcurrencyConfigNotFound => {
            modelled("ProvisionedConcurrencyConfigNotFoundException", 404, "message")
        }
        Code::RecursiveInvocation => modelled("RecursiveInvocationException", 400, "Message"),
        Code::ResourceConflict => modelled("ResourceConflictException", 409, "message"),
        Code::ResourceInUse => modelled("ResourceInUseException", 400, "Message"),
        Code::ResourceNotFound => modelled("ResourceNotFoundException", 404, "Message"),
        Code::ResourceNotReady => modelled("ResourceNotReadyException", 502, "message"),
        Code::TooManyRequests => modelled("TooManyRequestsException", 429, "message"),
        Code::UnsupportedMediaType => modelled("UnsupportedMediaTypeException", 415, "message"),

        Code::DeleteConflict => front("DeleteConflictException", 409),
        Code::EntityAlreadyExists => front("EntityAlreadyExistsException", 409),
        Code::InvalidInput => front("InvalidInputException", 400),
        Code::LimitExceeded => front("LimitExceededException", 400),
        Code::MalformedPolicyDocument => front("MalformedPolicyDocumentException", 400),
        Code::NoSuchEntity => front("NoSuchEntityException", 404),
        Code::Modelled(name) => front(name, 400),
    }
}

/// awsJson and rpcv2Cbor: nearly every error of the caller's has status 400.
fn rpc(code: Code, service: &str) -> WireError {
    let wire = match (code, service) {
        // CloudWatch Logs tells violations of its model under this name.
        (Code::Validation, "logs") => front("InvalidParameterException", 400),
        (Code::ServiceFailure, "dynamodb") => front("InternalServerError", 500),
        // Measured at Athena and DynamoDB.
        (Code::Serialization, _) => {
            WireError { message_key: "Message", ..front("SerializationException", 400) }
        }
        _ => rest_json(code, service),
    };
    let status = match code {
        Code::RequestEntityTooLarge | Code::RequestTimeout | Code::UnsupportedMediaType => wire.status,
        _ if wire.status < 500 => 400,
        _ => wire.status,
    };
    WireError { status, has_type: false, ..wire }
}

/// Older services: most names lack `Exception`, some are others.
fn query(code: Code, service: &str) -> WireError {
    let (name, status) = match code {
        Code::InvalidSignature => ("SignatureDoesNotMatch", 403),
        Code::MethodNotAllowed | Code::UnknownOperation => ("InvalidAction", 400),
        Code::NotImplemented => ("NotImplemented", 400),
        Code::Serialization => ("MalformedInput", 400),
        Code::ServiceFailure if service == "iam" => ("ServiceFailure", 500),
        Code::Throttling => ("Throttling", 400),
        Code::UnrecognizedClient => ("InvalidClientTokenId", 403),
        Code::Validation => ("ValidationError", 400),
        Code::LimitExceeded => ("LimitExceeded", 409),
        _ => {
            let wire = rest_json(code, service);
            (wire.name.strip_suffix("Exception").unwrap_or(wire.name), wire.status)
        }
    };
    front(name, status)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMBDA: &[Code] = &[
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
        Code::ServiceFailure,
        Code::TooManyRequests,
        Code::UnsupportedMediaType,
    ];
    const IAM: &[Code] = &[
        Code::DeleteConflict,
        Code::EntityAlreadyExists,
        Code::InvalidInput,
        Code::LimitExceeded,
        Code::MalformedPolicyDocument,
        Code::NoSuchEntity,
        Code::ServiceFailure,
    ];

    #[test]
    fn modelled_errors_are_as_the_model_says() {
        for (service, codes) in [("lambda", LAMBDA), ("iam", IAM)] {
            let model = Model::of(service).expect("in models/");
            for code in codes {
                let wire = wire(*code, Some(model), model.protocol());
                let exception = model.exception(wire.name).unwrap_or_else(|| panic!("{}", wire.name));
                assert_eq!(exception.facts.status, wire.status, "{}", wire.name);
                if service == "lambda" {
                    let has =
                        |name: &str| exception.structure.members.iter().any(|member| member.name == name);
                    assert!(has(wire.message_key), "{} has no {}", wire.name, wire.message_key);
                    assert_eq!(has("Type"), wire.has_type, "{}", wire.name);
                }
            }
        }
    }

    #[test]
    fn an_exception_of_the_model_needs_no_line_here() {
        let check = |service: &str, name: &'static str, protocol: Protocol, expected: (&str, u16, &str)| {
            let wire = wire(Code::Modelled(name), Model::of(service), protocol);
            assert_eq!((wire.name, wire.status, wire.message_key), expected, "{service}");
        };
        let queue = "QueueDoesNotExist";
        check("sqs", queue, Protocol::AwsJson10, (queue, 400, "message"));
        check("sqs", queue, Protocol::AwsQuery, ("AWS.SimpleQueueService.NonExistentQueue", 400, "message"));
        let failure = "InternalServerError";
        check("dynamodb", failure, Protocol::AwsJson10, (failure, 500, "message"));
        check("scheduler", "ConflictException", Protocol::RestJson1, ("ConflictException", 409, "Message"));
        let unknown = "NothingOfTheKind";
        check("sns", unknown, Protocol::AwsQuery, (unknown, 400, "message"));
    }

    #[test]
    fn services_that_speak_json_have_names_of_their_own() {
        let check = |code: Code, service: &str, expected: (&str, u16)| {
            let wire = wire(code, Model::of(service), Protocol::AwsJson11);
            assert_eq!((wire.name, wire.status), expected, "{service}");
        };
        check(Code::Validation, "logs", ("InvalidParameterException", 400));
        check(Code::Validation, "kinesis", ("ValidationException", 400));
        check(Code::ServiceFailure, "dynamodb", ("InternalServerError", 500));
        check(Code::ServiceFailure, "events", ("InternalFailure", 500));
        check(Code::AccessDenied, "events", ("AccessDeniedException", 400));
        check(Code::UnrecognizedClient, "events", ("UnrecognizedClientException", 400));
    }

    #[test]
    fn older_services_have_names_of_their_own() {
        let check = |code: Code, name: &str, status: u16| {
            let wire = wire(code, Model::of("sts"), Protocol::AwsQuery);
            assert_eq!((wire.name, wire.status), (name, status));
        };
        check(Code::AccessDenied, "AccessDenied", 403);
        check(Code::ExpiredToken, "ExpiredToken", 403);
        check(Code::MissingAuthenticationToken, "MissingAuthenticationToken", 403);
        check(Code::ServiceFailure, "InternalFailure", 500);
        check(Code::Validation, "ValidationError", 400);
    }
}
