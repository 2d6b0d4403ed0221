use proptest::prelude::*;

use super::*;
use crate::error::Code;

/// Headers and payload of one encoded message, its lengths and checksums held against the bytes.
fn decode(bytes: &[u8]) -> (Vec<(String, String)>, Vec<u8>) {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(number(0) as usize, bytes.len());
    assert_eq!(number(8), crc32fast::hash(&bytes[..8]));
    let end = bytes.len() - CHECKSUM_BYTES;
    assert_eq!(number(end), crc32fast::hash(&bytes[..end]));
    let (mut rest, payload) = bytes[PRELUDE_BYTES..end].split_at(number(4) as usize);
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at_checked(count)?;
        rest = left;
        Some(taken)
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let mut headers = Vec::new();
    while let Some(name) = take(1) {
        let name = text(take(name[0].into()).expect("a name"));
        assert_eq!(take(1), Some(&[TEXT][..]));
        let length = take(2).expect("a length");
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        headers.push((name, text(take(length).expect("a value"))));
    }
    (headers, payload.to_vec())
}

fn check(message: Result<Bytes, ShapeError>, headers: &[(&str, &str)], payload: &str) {
    let (found, body) = decode(&message.expect("of the model"));
    let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!((found.as_slice(), String::from_utf8_lossy(&body).as_ref()), (headers, payload));
}

fn text(text: &str) -> Document {
    Document::String(text.to_owned())
}

#[test]
fn messages_are_the_bytes_that_clients_test_their_decoders_with() {
    let empty = b"\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2H\xeb}\x98\xc8\xff";
    assert_eq!(message(&[], b"").expect("short"), &empty[..]);
    let json = b"\x00\x00\x00=\x00\x00\x00 \x07\xfd\x83\x96\x0ccontent-type\x07\x00\x10application/json{'foo':'bar'}\x8d\x9c\x08\xb1";
    assert_eq!(message(&[("content-type", "application/json")], b"{'foo':'bar'}").expect("short"), &json[..]);
    let error = b"\x00\x00\x00\x52\x00\x00\x00\x42\xbf\x23\x63\x7e\x0d:message-type\x07\x00\x05error\x0b:error-code\x07\x00\x04code\x0e:error-message\x07\x00\x07message\x6b\x6c\xea\x3d";
    let headers = [(":message-type", "error"), (":error-code", "code"), (":error-message", "message")];
    assert_eq!(message(&headers, b"").expect("short"), &error[..]);
}

#[test]
fn a_function_s_stream_is_chunks_and_one_end() {
    let stream = EventStream::of("lambda", "InvokeWithResponseStream").expect("a stream");
    let chunk = Document::Structure(vec![("Payload", Document::Blob(Bytes::from_static(b"\0\xffbytes")))]);
    let (headers, payload) = decode(&stream.event("PayloadChunk", &chunk).expect("of the model"));
    assert_eq!(headers[1], (":event-type".to_owned(), "PayloadChunk".to_owned()));
    assert_eq!(headers[2], (":content-type".to_owned(), "application/octet-stream".to_owned()));
    assert_eq!(payload, b"\0\xffbytes");
    let headers = [
        (":message-type", "event"),
        (":event-type", "InvokeComplete"),
        (":content-type", "application/json"),
    ];
    check(stream.event("InvokeComplete", &Document::Structure(vec![])), &headers, "{}");
    let failed = Document::Structure(vec![("ErrorCode", text("Unhandled")), ("LogResult", Document::Null)]);
    check(stream.event("InvokeComplete", &failed), &headers, r#"{"ErrorCode":"Unhandled"}"#);
}

#[test]
fn a_stream_in_aws_json_begins_with_the_rest_of_the_answer() {
    let stream = EventStream::of("kinesis", "SubscribeToShard").expect("a stream");
    let headers = [
        (":message-type", "event"),
        (":event-type", "initial-response"),
        (":content-type", "application/x-amz-json-1.1"),
    ];
    check(stream.initial(&Document::Structure(vec![])), &headers, "{}");
}

#[test]
fn a_stream_ends_with_its_own_exceptions_or_with_an_error() {
    let stream = EventStream::of("kinesis", "SubscribeToShard").expect("a stream");
    let error = ApiError::client(Code::Modelled("ResourceInUseException"), "Taken.");
    let headers = [
        (":message-type", "exception"),
        (":exception-type", "ResourceInUseException"),
        (":content-type", "application/x-amz-json-1.1"),
    ];
    check(stream.failure(&error), &headers, r#"{"message":"Taken."}"#);
    let error = ApiError::client(Code::Throttling, "Slow down.");
    let headers = [
        (":message-type", "error"),
        (":error-code", "ThrottlingException"),
        (":error-message", "Slow down."),
    ];
    check(stream.failure(&error), &headers, "");
}

#[test]
fn an_event_that_the_model_lacks_is_a_fault_of_ours() {
    let stream = EventStream::of("lambda", "InvokeWithResponseStream").expect("a stream");
    assert!(stream.event("Nothing", &Document::Structure(vec![])).is_err());
    assert!(message(&[], &vec![0; PAYLOAD_BYTES_MAX + 1]).is_err());
    assert!(EventStream::of("lambda", "Invoke").is_none());
}

proptest! {
    #[test]
    fn every_message_is_decoded_as_it_was(name in "[a-z:-]{1,255}", value in "\\PC{0,100}", payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let encoded = message(&[(&name, &value)], &payload).expect("short");
        prop_assert_eq!(decode(&encoded), (vec![(name, value)], payload));
    }
}
