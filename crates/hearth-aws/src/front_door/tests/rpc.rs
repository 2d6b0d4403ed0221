//! Calls whose operation stands in a header or a path that is the same for every service, byte for byte.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::toys::{cbor, form, json, lambda};

const GONE: &str = r#"{"QueueName":"gone"}"#;

#[tokio::test]
async fn x_amz_target_names_the_operation() {
    let answer = json("sqs", "1.0", "AmazonSQS.GetQueueUrl", r#"{"QueueName":"q"}"#).send().await;
    let expected =
        "200\ncontent-type: application/x-amz-json-1.0\n\n{\"QueueUrl\":\"http://127.0.0.1:4566/q\"}";
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn an_operation_without_an_output_answers_an_empty_body() {
    let body = r#"{"logGroupName":"g"}"#;
    let answer = json("logs", "1.1", "Logs_20140328.CreateLogGroup", body).send().await;
    assert_eq!(answer, "200\ncontent-type: application/x-amz-json-1.1\n\n");
}

#[tokio::test]
async fn an_error_names_itself_in_the_body_and_for_older_clients_in_a_header() {
    let answer = json("sqs", "1.0", "AmazonSQS.GetQueueUrl", GONE).send().await;
    let expected = concat!(
        "400\ncontent-type: application/x-amz-json-1.0\n",
        "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\n\n",
        r#"{"__type":"QueueDoesNotExist","message":"The specified queue does not exist."}"#
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn the_same_queue_answers_in_the_older_protocol() {
    let answer = form("sqs", "Action=GetQueueUrl&Version=2012-11-05&QueueName=gone").send().await;
    let expected = concat!(
        "400\ncontent-type: text/xml\n\n",
        r#"<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type>"#,
        "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>",
        "<Message>The specified queue does not exist.</Message></Error>",
        "<RequestId>ID</RequestId></ErrorResponse>"
    );
    assert_eq!(answer, expected);
    let sent = form(
        "sqs",
        "Action=SendMessage&QueueUrl=q&MessageBody=b&MessageAttribute.1.Name=a&\
         MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v",
    );
    let answer = sent.send().await;
    assert!(answer.contains(r#"<Message>q [("a", "String", Some("v"))]</Message>"#), "{answer}");
    let answer = form("sqs", "Action=GetQueueAttributes&QueueUrl=q&AttributeName.1=All").send().await;
    let expected = concat!(
        "200\ncontent-type: text/xml\n\n",
        r#"<GetQueueAttributesResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">"#,
        "<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute>",
        "</GetQueueAttributesResult><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata>",
        "</GetQueueAttributesResponse>"
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_path_names_the_operation_of_a_call_in_cbor() {
    let answer = cbor("GetDashboard", b"\xa1\x6dDashboardName\x61d").send().await;
    let expected =
        "200\ncontent-type: application/cbor\nsmithy-protocol: rpc-v2-cbor\n\n\u{fffd}mDashboardNameaa";
    assert_eq!(answer, expected.replace("aa", "ad"));
    let answer = cbor("GetDashboard", b"\xa1\x6dDashboardName\x64gone").send().await;
    let expected = concat!(
        "400\ncontent-type: application/cbor\nsmithy-protocol: rpc-v2-cbor\n",
        "x-amzn-query-error: ResourceNotFound;Sender\n\n",
        "\u{fffd}f__typevDashboardNotFoundErrorgmessagerNo such dashboard."
    );
    assert_eq!(answer, expected);
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("in memory");
    encoder.finish().expect("in memory")
}

#[tokio::test]
async fn a_compressed_body_is_read_within_the_limit_of_the_operation() {
    let call = || cbor("GetDashboard", b"").header("content-encoding", "gzip");
    let answer = call().body(gzip(b"\xa1\x6dDashboardName\x61d")).send().await;
    assert!(answer.starts_with("200\n"), "{answer}");
    let answer = call().body(gzip(&vec![0; 64 << 20])).send().await;
    assert!(answer.starts_with("413\n") && answer.contains("RequestEntityTooLargeException"), "{answer}");
    let answer = call().body("not gzip").send().await;
    assert!(answer.starts_with("400\n") && answer.contains("SerializationException"), "{answer}");
}

#[tokio::test]
async fn one_service_answers_each_client_in_the_client_s_protocol() {
    let target = "GraniteServiceVersion20100801.GetDashboard";
    let answer = json("monitoring", "1.0", target, r#"{"DashboardName":"d"}"#).send().await;
    assert_eq!(answer, "200\ncontent-type: application/x-amz-json-1.0\n\n{\"DashboardName\":\"d\"}");
    let answer = form("monitoring", "Action=GetDashboard&Version=2010-08-01&DashboardName=d").send().await;
    assert!(
        answer.contains("<GetDashboardResult><DashboardName>d</DashboardName></GetDashboardResult>"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_call_without_a_signature_is_refused_in_its_own_protocol() {
    let answer = json("sqs", "1.0", "AmazonSQS.GetQueueUrl", "{}").unsigned().send().await;
    let expected = concat!(
        "400\ncontent-type: application/x-amz-json-1.0\n",
        "x-amzn-query-error: MissingAuthenticationToken;Sender\n\n",
        r#"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_target_of_another_service_does_not_lead_astray() {
    let answer = lambda("POST", "/").header("x-amz-target", "AmazonSQS.GetQueueUrl").body(GONE).send().await;
    assert!(answer.starts_with("400\n") && answer.contains("UnknownOperationException"), "{answer}");
}
