use http::HeaderMap;
use proptest::prelude::*;

use super::*;

fn model() -> &'static Model {
    Model::of("lambda").expect("in models/")
}

fn input(operation: &str, parameters: &[&str], query: &str, body: &[u8]) -> Result<Document, ApiError> {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-log-type", HeaderValue::from_static("Tail"));
    let received = Received { parameters, query, headers: &headers, body: Bytes::copy_from_slice(body) };
    read(model(), model().operation(operation).expect(operation), &received)
}

fn text(text: &str) -> Document {
    Document::String(text.to_owned())
}

#[test]
fn members_come_from_the_path_the_query_headers_and_the_payload() {
    let found = input("Invoke", &["f%3A%24LATEST"], "Qualifier=%24LATEST", b"\xff not even text");
    let expected = vec![
        ("Payload", Document::Blob(Bytes::from_static(b"\xff not even text"))),
        ("FunctionName", text("f:$LATEST")),
        ("Qualifier", text("$LATEST")),
        ("LogType", text("Tail")),
    ];
    assert_eq!(found.expect("readable"), Document::Structure(expected));
}

#[test]
fn a_payload_is_not_copied() {
    let body = Bytes::from_static(b"{}");
    let received = Received { parameters: &["f"], query: "", headers: &HeaderMap::new(), body: body.clone() };
    let Ok(Document::Structure(members)) =
        read(model(), model().operation("Invoke").expect("there"), &received)
    else {
        panic!("readable")
    };
    let Document::Blob(payload) = &members[0].1 else { panic!("a blob") };
    assert_eq!(payload.as_ptr(), body.as_ptr());
}

#[test]
fn a_body_cannot_set_what_travels_in_the_path() {
    let found = input(
        "PutFunctionConcurrency",
        &["f"],
        "",
        br#"{"FunctionName":"other","ReservedConcurrentExecutions":1}"#,
    );
    let expected = vec![("ReservedConcurrentExecutions", Document::Integer(1)), ("FunctionName", text("f"))];
    assert_eq!(found.expect("readable"), Document::Structure(expected));
}

#[test]
fn of_a_repeated_member_the_last_is_meant() {
    let body = br#"{"Tags":{"a":"1","b":"2","a":"3"},"Tags":{"b":"2","a":"1","b":"3"}}"#;
    let found = input("TagResource", &["arn"], "", body).expect("readable");
    let tags = Document::Map(vec![("a".to_owned(), text("1")), ("b".to_owned(), text("3"))]);
    assert_eq!(found, Document::Structure(vec![("Tags", tags), ("Resource", text("arn"))]));
}

#[test]
fn a_path_or_query_that_is_not_utf_8_is_refused() {
    for (parameter, query) in [("%ff", ""), ("f", "Qualifier=%ff")] {
        let error = input("GetFunction", &[parameter], query, b"").expect_err("not UTF-8");
        assert_eq!(error.code, crate::error::Code::Serialization);
    }
}

#[test]
fn a_deep_body_is_refused_and_not_followed() {
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    assert!(input("CreateFunction", &[], "", deep.as_bytes()).is_err());
}

#[test]
fn a_body_of_very_many_values_is_refused_before_it_fills_the_memory() {
    let body = |entries: usize| format!("{{\"Layers\":[{}\"\"]}}", "\"\",".repeat(entries));
    assert!(input("CreateFunction", &[], "", body(400_000).as_bytes()).is_ok());
    let error = input("CreateFunction", &[], "", body(600_000).as_bytes()).expect_err("too many");
    assert!(error.message.contains("too many values"), "{error}");
}

#[test]
fn an_answer_has_its_timestamps_as_numbers_and_its_blobs_as_base64() {
    let operation = model().operation("GetEventSourceMapping").expect("there");
    let output = Document::Structure(vec![
        ("UUID", text("u")),
        ("LastModified", Document::Timestamp(1_764_037_614_123_000)),
        ("BatchSize", Document::Null),
    ]);
    let response = write(model(), operation, output).expect("of the model");
    assert_eq!(response.body(), r#"{"UUID":"u","LastModified":1764037614.123}"#.as_bytes());
}

#[test]
fn a_member_that_the_model_lacks_is_a_fault_of_ours() {
    let operation = model().operation("GetFunctionConfiguration").expect("there");
    let error =
        write(model(), operation, Document::Structure(vec![("Nmae", text("f"))])).expect_err("misspelt");
    assert_eq!(error.to_string(), "member Nmae: expected a member of the model");
}

#[test]
fn what_cannot_stand_in_a_header_is_a_fault_of_ours() {
    let operation = model().operation("Invoke").expect("there");
    let output = Document::Structure(vec![("ExecutedVersion", text("1\r\nx-evil: 1"))]);
    assert!(write(model(), operation, output).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), raw in "\\PC{0,80}") {
        let _ = input("CreateFunction", &[], &raw, &body);
        let _ = input("CreateFunction", &[], "", raw.as_bytes());
        let _ = input("UntagResource", &[&raw], &format!("tagKeys={raw}"), b"");
        let _ = model().routes().find("GET", &raw, &raw, &mut Vec::new());
    }
}
