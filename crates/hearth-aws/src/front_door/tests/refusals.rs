//! Calls that fail, byte for byte.

use bytes::Bytes;

use super::toys::{form, lambda};

const INVOKE: &str = "/2015-03-31/functions/f/invocations";

#[tokio::test]
async fn an_error_of_lambda_has_its_name_in_a_header_and_its_type_in_the_body() {
    let answer = lambda("GET", "/2015-03-31/functions/f/configuration").send().await;
    let expected = concat!(
        "404\ncontent-type: application/json\nx-amzn-errortype: ResourceNotFoundException\n\n",
        r#"{"Message":"Function not found: arn:aws:lambda:eu-west-1:000000000000:function:f","Type":"User"}"#
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_throttled_call_says_its_reason() {
    let answer = lambda("POST", "/2015-03-31/functions/busy/invocations").body("{}").send().await;
    let expected = concat!(
        "429\ncontent-type: application/json\nretry-after: 1\nx-amzn-errortype: TooManyRequestsException\n\n",
        r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_violation_is_told_in_the_service_s_own_shape() {
    let answer = lambda("POST", "/2015-03-31/functions")
        .body(r#"{"FunctionName":"f","Role":"r1","Code":{}}"#)
        .send()
        .await;
    let expected = concat!(
        "400\ncontent-type: application/json\nx-amzn-errortype: ValidationException\n\n",
        r#"{"message":"1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: "#,
        r"Member must satisfy regular expression pattern: ",
        r#"arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"}"#
    );
    assert_eq!(answer, expected);
    let answer = form("iam", "Action=GetRole&Version=2010-05-08").send().await;
    let expected = concat!(
        "400\ncontent-type: text/xml\n\n",
        r#"<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>"#,
        "<Code>ValidationError</Code><Message>1 validation error detected: Value null at 'roleName' failed ",
        "to satisfy constraint: Member must not be null</Message></Error><RequestId>ID</RequestId></ErrorResponse>"
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_a_serialization_error() {
    for body in ["{", "[]", "{\"FunctionName\":1}", "{} x"] {
        let answer = lambda("POST", "/2015-03-31/functions").body(body).send().await;
        assert!(
            answer.starts_with(
                "400\ncontent-type: application/json\nx-amzn-errortype: SerializationException\n"
            ),
            "{answer}"
        );
    }
    let answer =
        lambda("POST", "/2015-03-31/functions").body(&b"{\"FunctionName\":\"\xff\"}"[..]).send().await;
    assert!(answer.contains("SerializationException"), "{answer}");
}

#[tokio::test]
async fn what_is_not_built_names_itself_with_a_status_that_clients_do_not_retry() {
    let answer = lambda("GET", "/2016-08-19/account-settings").send().await;
    let expected = concat!(
        "400\ncontent-type: application/json\nx-amzn-errortype: NotImplementedException\n\n",
        r#"{"message":"Operation GetAccountSettings of service lambda is not implemented by Hearth yet; "#,
        r#"docs/coverage.md lists what is."}"#
    );
    assert_eq!(answer, expected);
    let answer = form("iam", "Action=ListRoles&Version=2010-05-08").send().await;
    assert!(answer.contains("<Message>Operation ListRoles of service iam is not implemented"), "{answer}");
}

#[tokio::test]
async fn a_service_that_is_not_there_says_so_in_a_shape_that_its_clients_read() {
    let check = |answer: String, name: &str| {
        assert!(
            answer.starts_with("400\n") && answer.contains(name) && answer.contains("is not implemented"),
            "{answer}"
        );
    };
    check(form("sns", "Action=ListTopics").send().await, "<Code>NotImplemented</Code><Message>Service sns");
    check(
        lambda("GET", "/bucket").signed_for("s3").send().await,
        "<Code>NotImplemented</Code><Message>Service s3",
    );
    let target =
        lambda("POST", "/").header("x-amz-target", "DynamoDB_20120810.ListTables").signed_for("dynamodb");
    check(target.send().await, r#"{"__type":"NotImplementedException","message":"Service dynamodb"#);
}

#[tokio::test]
async fn what_does_not_exist_is_an_unknown_operation() {
    let check = |answer: String, status: &str, text: &str| {
        assert!(answer.starts_with(status) && answer.contains(text), "{answer}");
    };
    check(lambda("GET", "/2015-03-31/nothing").send().await, "404\n", "UnknownOperationException");
    check(lambda("PATCH", "/2015-03-31/functions/f").send().await, "405\n", "UnknownOperationException");
    let answer = form("iam", "Action=Nothing&Version=2010-05-08").send().await;
    check(
        answer,
        "400\n",
        "<Code>InvalidAction</Code><Message>Could not find operation Nothing for version 2010-05-08<",
    );
    let answer =
        lambda("POST", "/").header("x-amz-target", "DynamoDB_20120810.ListTables").body("{}").send().await;
    check(answer, "400\n", r#"{"__type":"UnknownOperationException","message":"Could not find"#);
}

#[tokio::test]
async fn a_fault_of_ours_tells_the_client_nothing_about_its_cause() {
    let answer = lambda("GET", "/2015-03-31/functions").send().await;
    let expected = concat!(
        "500\ncontent-type: application/json\nx-amzn-errortype: ServiceException\n\n",
        r#"{"Message":"An internal error occurred.","Type":"Service"}"#
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_panic_in_an_operation_is_a_service_exception() {
    let answer = lambda("POST", "/2015-03-31/functions/panics/invocations").send().await;
    assert!(answer.starts_with("500\n") && answer.contains("ServiceException"), "{answer}");
}

#[tokio::test]
async fn a_body_beyond_the_operation_s_limit_is_413_in_the_service_s_words() {
    let over = |bytes: usize| Bytes::from(vec![b' '; bytes]);
    let answer = lambda("POST", INVOKE).body(over(6_291_457)).send().await;
    let expected = "413\ncontent-type: application/json\nx-amzn-errortype: RequestEntityTooLargeException\n\n\
        {\"message\":\"Request must be smaller than 6291456 bytes for the InvokeFunction operation\"}";
    assert_eq!(answer, expected);
    let answer =
        lambda("POST", INVOKE).header("x-amz-invocation-type", "Event").body(over(1_048_577)).send().await;
    let text = "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)";
    assert!(answer.ends_with(&format!("{{\"message\":\"{text}\"}}")), "{answer}");
    let answer =
        lambda("POST", INVOKE).header("x-amz-invocation-type", "Event").body(over(1_048_576)).send().await;
    assert!(answer.starts_with("200\n"));
    let answer =
        lambda("POST", "/2015-03-31/functions").header("content-length", "70167212").body("{}").send().await;
    assert!(
        answer.contains("Request must be smaller than 70167211 bytes for the CreateFunction operation"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_that_waits_for_leave_to_send_too_much_is_refused_and_its_connection_closed() {
    let sent = lambda("POST", INVOKE).header("content-length", "99999999").header("expect", "100-continue");
    let answer = sent.body("never read").send().await;
    assert!(answer.starts_with("413\nconnection: close\n"), "{answer}");
}
