//! One error in every service's own shape: status, headers, body.

use super::*;
use crate::error::Code;

fn told(service: &str, protocol: Protocol, code: Code) -> String {
    let model = Model::of(service).expect("in models/");
    let error = ApiError::client(code, "Why & how.");
    let response = write(Speaker::Service(model, protocol), &error, Uuid::nil());
    let mut headers: Vec<String> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
        .collect();
    headers.sort();
    let body = String::from_utf8_lossy(response.body());
    format!("{} | {} | {body}", response.status().as_u16(), headers.join(" | "))
}

#[test]
fn each_protocol_names_its_errors_where_its_clients_look() {
    use Protocol::{AwsJson10, AwsJson11, AwsQuery, RestJson1};
    let check = |service: &str, protocol: Protocol, code: Code, expected: &str| {
        assert_eq!(told(service, protocol, code), expected, "{service} {protocol:?} {code:?}");
    };
    let json = "content-type: application/json";
    let json10 = "content-type: application/x-amz-json-1.0";
    let json11 = "content-type: application/x-amz-json-1.1";

    // Lambda: the key of the text is the exception's, `Type` is where the model has it.
    let body = r#"{"Message":"Why & how.","Type":"User"}"#;
    let expected = format!("404 | {json} | x-amzn-errortype: ResourceNotFoundException | {body}");
    check("lambda", RestJson1, Code::ResourceNotFound, &expected);
    let body = r#"{"Type":"User","message":"Why & how."}"#;
    let expected = format!("400 | {json} | x-amzn-errortype: InvalidParameterValueException | {body}");
    check("lambda", RestJson1, Code::InvalidParameterValue, &expected);
    let body = r#"{"message":"Why & how."}"#;
    let expected = format!("400 | {json} | x-amzn-errortype: ValidationException | {body}");
    check("lambda", RestJson1, Code::Validation, &expected);
    let expected = format!("413 | {json} | x-amzn-errortype: RequestEntityTooLargeException | {body}");
    check("lambda", RestJson1, Code::RequestEntityTooLarge, &expected);
    let expected = format!("403 | {json} | x-amzn-errortype: UnrecognizedClientException | {body}");
    check("lambda", RestJson1, Code::UnrecognizedClient, &expected);
    let body = r#"{"Message":"Why & how."}"#;
    let expected = format!("403 | {json} | x-amzn-errortype: AccessDeniedException | {body}");
    check("lambda", RestJson1, Code::AccessDenied, &expected);
    let expected = format!("409 | {json} | x-amzn-errortype: ConflictException | {body}");
    check("scheduler", RestJson1, Code::Modelled("ConflictException"), &expected);

    // awsJson: the name is in the body, and nearly everything is 400.
    let error = |name: &str| format!(r#"{{"__type":"{name}","message":"Why & how."}}"#);
    let expected = format!("400 | {json11} | {}", error("InvalidParameterException"));
    check("logs", AwsJson11, Code::Validation, &expected);
    let expected = format!("400 | {json11} | {}", error("ValidationException"));
    check("events", AwsJson11, Code::Validation, &expected);
    let expected = format!("400 | {json11} | {}", error("UnrecognizedClientException"));
    check("kinesis", AwsJson11, Code::UnrecognizedClient, &expected);
    let expected = format!("400 | {json10} | {}", error("ResourceInUseException"));
    check("dynamodb", AwsJson10, Code::Modelled("ResourceInUseException"), &expected);
    let expected =
        format!("400 | {json10} | {}", r#"{"Message":"Why & how.","__type":"SerializationException"}"#);
    check("dynamodb", AwsJson10, Code::Serialization, &expected);

    // Services that clients knew under the query protocol say the older code too.
    let gone = "AWS.SimpleQueueService.NonExistentQueue";
    let expected =
        format!("400 | {json10} | x-amzn-query-error: {gone};Sender | {}", error("QueueDoesNotExist"));
    check("sqs", AwsJson10, Code::Modelled("QueueDoesNotExist"), &expected);
    let expected = format!(
        "400 | {json10} | x-amzn-query-error: MissingParameter;Sender | {}",
        error("MissingParameter")
    );
    check("sqs", AwsJson10, Code::Modelled("MissingParameter"), &expected);

    // Forms are answered in XML, in the service's namespace.
    let xml = |service: &str, code: &str| {
        format!(
            "content-type: text/xml | <ErrorResponse xmlns=\"{service}\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>Why &amp; how.</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
            Uuid::nil()
        )
    };
    let queue = "http://queue.amazonaws.com/doc/2012-11-05/";
    check("sqs", AwsQuery, Code::Modelled("QueueDoesNotExist"), &format!("400 | {}", xml(queue, gone)));
    let iam = "https://iam.amazonaws.com/doc/2010-05-08/";
    check("iam", AwsQuery, Code::NoSuchEntity, &format!("404 | {}", xml(iam, "NoSuchEntity")));
    check("iam", AwsQuery, Code::InvalidSignature, &format!("403 | {}", xml(iam, "SignatureDoesNotMatch")));
    let sts = "https://sts.amazonaws.com/doc/2011-06-15/";
    check("sts", AwsQuery, Code::UnrecognizedClient, &format!("403 | {}", xml(sts, "InvalidClientTokenId")));
    let sns = "http://sns.amazonaws.com/doc/2010-03-31/";
    let code = Code::Modelled("InvalidParameterException");
    check("sns", AwsQuery, code, &format!("400 | {}", xml(sns, "InvalidParameter")));
}

#[test]
fn an_error_in_cbor_is_a_map_with_its_name_first() {
    let expected = "400 | content-type: application/cbor | smithy-protocol: rpc-v2-cbor | ";
    let found = told("cloudwatch", Protocol::RpcV2Cbor, Code::Validation);
    let body = found.strip_prefix(expected).unwrap_or_else(|| panic!("{found}"));
    assert!(body.contains("f__typesValidationExceptiongmessagejWhy & how."), "{body}");
}

#[test]
fn faults_of_the_service_say_so() {
    for (service, protocol, expected) in [
        ("lambda", Protocol::RestJson1, r#""Type":"Service""#),
        ("sqs", Protocol::AwsJson10, "x-amzn-query-error: InternalFailure;Receiver"),
        ("iam", Protocol::AwsQuery, "<Type>Receiver</Type><Code>ServiceFailure</Code>"),
    ] {
        let found = told(service, protocol, Code::ServiceFailure);
        assert!(found.starts_with("500 | ") && found.contains(expected), "{found}");
    }
}
