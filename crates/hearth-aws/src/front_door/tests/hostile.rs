//! What clients should not send, in every protocol: each is refused with an error of the caller's, told in the
//! protocol of the call, and the server goes on.

use bytes::Bytes;
use proptest::prelude::*;

use super::toys::{Sent, cbor, form, json, lambda};

/// Deeper than any parser of ours goes.
const DEEP: usize = 100_000;

/// A call of each protocol with this body.
fn calls(body: impl Into<Bytes>) -> Vec<(&'static str, Sent)> {
    let body: Bytes = body.into();
    vec![
        ("restJson1", lambda("POST", "/2015-03-31/functions").body(body.clone())),
        ("awsJson1.0", json("sqs", "1.0", "AmazonSQS.GetQueueUrl", "").body(body.clone())),
        ("awsJson1.1", json("logs", "1.1", "Logs_20140328.CreateLogGroup", "").body(body.clone())),
        ("awsQuery", form("iam", "").body(body.clone())),
        ("rpcv2Cbor", cbor("GetDashboard", b"").body(body)),
    ]
}

/// A good body of each protocol, in the order of [`calls`].
fn good() -> [Bytes; 5] {
    let create = r#"{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{}}"#;
    [
        create.into(),
        r#"{"QueueName":"q"}"#.into(),
        r#"{"logGroupName":"g"}"#.into(),
        "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D".into(),
        Bytes::from_static(b"\xa1\x6dDashboardName\x61d"),
    ]
}

/// Each protocol's answer to a body that cannot be read.
async fn refused(bodies: [Bytes; 5], what: &str) {
    for (at, body) in bodies.into_iter().enumerate() {
        let (protocol, call) = calls(body).swap_remove(at);
        let answer = call.send().await;
        let code = if protocol == "awsQuery" { "<Code>MalformedInput" } else { "SerializationException" };
        assert!(answer.starts_with("400\n") && answer.contains(code), "{protocol}, {what}: {answer}");
    }
}

#[tokio::test]
async fn what_is_good_is_taken() {
    for (at, body) in good().into_iter().enumerate() {
        let (protocol, call) = calls(body).swap_remove(at);
        let answer = call.send().await;
        assert!(answer.starts_with("20"), "{protocol}: {answer}");
    }
}

#[tokio::test]
async fn invalid_utf_8_is_refused() {
    let json = |name: &str| Bytes::from([format!("{{\"{name}\":\"").as_bytes(), b"\xff\xfe\"}"].concat());
    let bodies = [
        json("FunctionName"),
        json("QueueName"),
        json("logGroupName"),
        Bytes::from_static(b"Action=GetRole&RoleName=%FF%FE"),
        Bytes::from_static(b"\xa1\x6dDashboardName\x62\xff\xfe"),
    ];
    refused(bodies, "invalid UTF-8").await;
}

#[tokio::test]
async fn depth_is_limited_where_values_are_read_and_where_they_are_skipped() {
    let deep_json = Bytes::from(format!("{{\"Tags\":{}", "{\"a\":[".repeat(DEEP)));
    let deep_cbor = Bytes::from([&b"\xa1\x61?"[..], &vec![0x81; DEEP]].concat());
    let deep_form = format!("Action=CreateRole&Tags{}", ".member.1".repeat(1_000));
    for (at, body) in
        [&deep_json, &deep_json, &deep_json, &deep_form.into(), &deep_cbor].into_iter().enumerate()
    {
        let (protocol, call) = calls(body.clone()).swap_remove(at);
        let answer = call.send().await;
        assert!(answer.starts_with("400\n"), "{protocol}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_refused_at_every_byte() {
    for (at, body) in good().into_iter().enumerate() {
        for end in 1..body.len() {
            let (protocol, call) = calls(body.slice(..end)).swap_remove(at);
            let answer = call.send().await;
            // A form that is cut off is still a form.
            let is_refused = answer.starts_with("400\n") || protocol == "awsQuery";
            assert!(is_refused, "{protocol} after {end}: {answer}");
        }
    }
}

#[tokio::test]
async fn an_unknown_operation_is_told_in_the_protocol_of_the_call() {
    let unknown = [
        (
            lambda("GET", "/2015-03-31/nothing"),
            "404\ncontent-type: application/json\nx-amzn-errortype: UnknownOp",
        ),
        (
            json("sqs", "1.0", "AmazonSQS.Nothing", "{}"),
            "400\ncontent-type: application/x-amz-json-1.0\n\n{\"__type\":\"UnknownOp",
        ),
        (
            json("logs", "1.1", "Logs_20140328", "{}"),
            "400\ncontent-type: application/x-amz-json-1.1\n\n{\"__type\":\"UnknownOp",
        ),
        (
            json("logs", "1.1", "", "{}"),
            "400\ncontent-type: application/x-amz-json-1.1\n\n{\"__type\":\"UnknownOp",
        ),
        (form("iam", "Action=Nothing"), "400\ncontent-type: text/xml\n\n<ErrorResponse"),
        (form("iam", ""), "400\ncontent-type: text/xml\n\n<ErrorResponse"),
        (cbor("Nothing", b""), "400\ncontent-type: application/cbor\nsmithy-protocol: rpc-v2-cbor\n\n"),
        (cbor("", b""), "400\ncontent-type: application/cbor\n"),
        (
            lambda("POST", "/").signed_for("logs"),
            "404\ncontent-type: application/json\nx-amzn-errortype: UnknownOp",
        ),
    ];
    for (call, expected) in unknown {
        let answer = call.send().await;
        assert!(answer.starts_with(expected), "{expected}: {answer}");
    }
}

#[tokio::test]
async fn an_operation_that_is_not_built_names_itself_in_every_protocol() {
    let calls = [
        lambda("GET", "/2015-03-31/functions/f"),
        json("sqs", "1.0", "AmazonSQS.PurgeQueue", "{}"),
        json("logs", "1.1", "Logs_20140328.PutLogEvents", "{}"),
        form("iam", "Action=ListUsers"),
        cbor("ListMetrics", b"\xa0"),
    ];
    for call in calls {
        let answer = call.send().await;
        assert!(
            answer.starts_with("400\n") && answer.contains("is not implemented by Hearth yet"),
            "{answer}"
        );
        assert!(answer.contains("NotImplemented"), "{answer}");
    }
}

#[tokio::test]
async fn a_wrong_content_type_is_refused_where_the_protocol_has_one() {
    let json = lambda("POST", "/").signed_for("sqs").header("x-amz-target", "AmazonSQS.GetQueueUrl");
    let answer = json.header("content-type", "text/plain").body("{}").send().await;
    assert!(answer.starts_with("415\n") && answer.contains("UnsupportedMediaTypeException"), "{answer}");
    let path = "/service/GraniteServiceVersion20100801/operation/GetDashboard";
    let cbor = lambda("POST", path).signed_for("monitoring").header("smithy-protocol", "rpc-v2-cbor");
    let answer = cbor.header("content-type", "application/json").body("{}").send().await;
    assert!(answer.starts_with("415\n") && answer.contains("UnsupportedMediaTypeException"), "{answer}");
}

proptest! {
    #[test]
    fn no_body_is_a_fault_of_ours(body in prop::collection::vec(any::<u8>(), 0..64)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for (protocol, call) in calls(body.clone()) {
            let answer = runtime.block_on(call.send());
            prop_assert!(answer.starts_with('2') || answer.starts_with('4'), "{}: {}", protocol, answer);
        }
    }

    #[test]
    fn no_header_or_path_is_a_fault_of_ours(text in "[!-~]{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let plain = |character: &char| character.is_ascii_alphanumeric() || "/.:_-".contains(*character);
        let plain: String = text.chars().filter(plain).collect();
        let path = format!("/service/{plain}/operation/{plain}");
        let rpc = lambda("POST", "/").signed_for("sqs").header("x-amz-target", &text).header("content-type", &text);
        for call in [rpc, lambda("POST", &path).header("smithy-protocol", "rpc-v2-cbor")] {
            let answer = runtime.block_on(call.send());
            prop_assert!(answer.starts_with('4'), "{}: {}", text, answer);
        }
    }
}
