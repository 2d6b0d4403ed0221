//! Bodies, paths and headers of whatever bytes. The first two say which operation they are for.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use super::{Received, cbor, header_list, query, timestamp, xml};
use crate::document::Document;
use crate::event_stream::EventStream;
use crate::model::{Kind, Model, OperationFacts, Protocol, ShapeId, TimestampFormat};
use crate::validation;

pub(crate) mod seeds;

/// What one byte of a body may become: a value of a list is two bytes there and some forty here.
const VALUES_A_BYTE: usize = 1;

/// An error's text for a body of any size.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// A JSON body: what was read, written and read again is the same, and no larger than its bytes.
pub(crate) fn json(bytes: &[u8]) {
    let Some((model, operation, body)) = operation(bytes, |_| true) else { return };
    let Some(shape) = operation.input else { return };
    let Ok(read) = super::json::read(model, shape, body) else { return };
    assert!(values(&read) <= VALUES_A_BYTE * body.len() + 1);
    check(model, operation, &read);
    let written = super::json_of(model, shape, &read).expect("what was read can be written");
    let again = super::json::read(model, shape, &written).expect("what was written can be read");
    let twice = super::json_of(model, shape, &again).expect("what was read can be written");
    assert_eq!(text(&twice), text(&written));
}

/// A CBOR body, the same.
pub(crate) fn cbor(bytes: &[u8]) {
    let Some((model, operation, body)) = operation(bytes, |_| true) else { return };
    let Some(shape) = operation.input else { return };
    let body = Bytes::copy_from_slice(body);
    let Ok(read) = cbor::read(model, shape, &body) else { return };
    assert!(values(&read) <= VALUES_A_BYTE * body.len() + 1);
    check(model, operation, &read);
    let write = |document: &Document| {
        let mut out = Vec::new();
        cbor::write(model, shape, document, &mut out).expect("what was read can be written");
        Bytes::from(out)
    };
    let written = write(&read);
    let again = cbor::read(model, shape, &written).expect("what was written can be read");
    assert_eq!(write(&again), written);
}

/// A form for a service that takes them.
pub(crate) fn form(bytes: &[u8]) {
    let Some((model, operation, body)) = operation(bytes, |model| model.speaks(Protocol::AwsQuery)) else {
        return;
    };
    let Ok(raw) = std::str::from_utf8(body) else { return };
    let Ok(form) = query::Form::parse(raw) else { return };
    let Ok(read) = query::read(model, operation, &form) else { return };
    // Each parameter makes the structures on its way: `A.member.1.B.member.1`.
    assert!(values(&read) <= body.len() + 1);
    check(model, operation, &read);
}

/// A whole request in restJson1: method, path and query, headers, an empty line and a body.
pub(crate) fn rest(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (method, target, rest) = (String::from_utf8_lossy(part()), String::from_utf8_lossy(part()), part());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut parameters = Vec::new();
    let found = models().filter(|model| model.speaks(Protocol::RestJson1)).find_map(|model| {
        parameters.clear();
        Some((model, model.routes().find(&method, path, query, &mut parameters)?))
    });
    let Some((model, found)) = found else { return };
    let crate::model::routes::Found::Operation(at) = found else { return };
    let operation = &model.operations()[at];
    let mut headers = HeaderMap::new();
    let mut body = rest;
    while let Some(at) = body.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&body[..at], &body[at + 1..]);
        body = after;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&line[colon + 1..])) {
            headers.append(name, value);
        }
    }
    let received =
        Received { parameters: &parameters, query, headers: &headers, body: Bytes::copy_from_slice(body) };
    if let Ok(read) = super::read(model, Protocol::RestJson1, operation, &received) {
        let members =
            model.operations()[at].input.and_then(|id| model.structure(id)).map_or(0, |s| s.members.len());
        assert!(values(&read) <= bytes.len() + members + 1);
        check(model, operation, &read);
    }
}

/// Text in XML is what it was, but for what XML cannot carry.
pub(crate) fn xml(bytes: &[u8]) {
    let given = String::from_utf8_lossy(bytes);
    let mut writer = xml::Writer::default();
    writer.text("Name", &given);
    let written = writer.finish();
    assert!(written.len() <= 6 * given.len() + 128, "an escape has six bytes");
    let mut reader = quick_xml::Reader::from_str(&written);
    let (mut inside, mut depth) = (0, 0);
    loop {
        match reader.read_event().expect("well-formed") {
            quick_xml::events::Event::Start(_) => depth += 1,
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Text(_) | quick_xml::events::Event::GeneralRef(_) => inside += 1,
            quick_xml::events::Event::Decl(_) => {}
            other => panic!("a value became markup: {other:?}"),
        }
        assert!((0..=1).contains(&depth), "a value became an element");
    }
    assert!(inside > 0 || given.is_empty());
}

/// A message of an event stream is as long as it says, and both its checksums hold.
pub(crate) fn event_stream(bytes: &[u8]) {
    let stream = EventStream::of("lambda", "InvokeWithResponseStream").expect("in the model");
    let event = Document::Structure(vec![("Payload", Document::Blob(Bytes::copy_from_slice(bytes)))]);
    let message = stream.event("PayloadChunk", &event).expect("small enough");
    let number = |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().expect("four bytes"));
    let (all, headers) = (number(0) as usize, number(4) as usize);
    assert_eq!(all, message.len());
    assert_eq!(number(8), crc32fast::hash(&message[..8]));
    assert_eq!(number(all - 4), crc32fast::hash(&message[..all - 4]));
    assert_eq!(&message[12 + headers..all - 4], bytes);
    let error = crate::ApiError::client(crate::Code::Validation, String::from_utf8_lossy(bytes));
    // A header's value has 32 KB at most; what is longer is refused or cut, never sent.
    if let Ok(message) = stream.failure(&error) {
        let all = u32::from_be_bytes(message[..4].try_into().expect("four bytes")) as usize;
        assert_eq!(all, message.len());
    }
}

/// A point in time that is read can be written in each form, and read again as the same second.
pub(crate) fn timestamp(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(micros) = timestamp::read(text) else { return };
    for format in [TimestampFormat::EpochSeconds, TimestampFormat::Iso8601, TimestampFormat::HttpDate] {
        let written = timestamp::write(micros, format);
        assert!(written.len() < 64, "{written}");
        // Years that have four digits.
        if (0..253_402_300_800_000_000).contains(&micros) {
            let again = timestamp::read(&written).expect("what was written can be read");
            assert!((again - micros).abs() < 1_000_000, "{text}: {written}");
        }
    }
}

/// The entries of a list in a header are no more and no longer than its text.
pub(crate) fn header_list(bytes: &[u8]) {
    let Ok(value) = std::str::from_utf8(bytes) else { return };
    let model = Model::of("lambda").expect("in models/");
    let shapes = (0..model.facts().shapes.len()).filter_map(|at| u16::try_from(at).ok()).map(ShapeId);
    let kinds = |wanted: fn(&Kind) -> bool| shapes.clone().find(|id| wanted(&model.shape(*id).kind));
    let string = kinds(|kind| matches!(kind, Kind::String { .. }));
    let time = kinds(|kind| matches!(kind, Kind::Timestamp(_)));
    for shape in string.into_iter().chain(time) {
        let entries = header_list::split(model, shape, value);
        assert!(entries.len() <= value.matches(',').count() + 1);
        assert!(entries.iter().map(|entry| entry.len()).sum::<usize>() <= value.len());
    }
    if let Some(string) = string {
        // One entry in quotes is read as it was.
        let quoted = header_list::quoted(value.trim().to_owned());
        let again = header_list::split(model, string, &quoted);
        let expected = if value.trim().is_empty() && quoted.is_empty() { vec![] } else { vec![value.trim()] };
        assert_eq!(again, expected);
    }
}

/// All but S3's, which is never read by these.
fn models() -> impl Iterator<Item = &'static Model> {
    Model::services().filter_map(Model::of).filter(|model| !model.speaks(Protocol::RestXml))
}

/// One of all operations, by the first two bytes.
fn operation(
    bytes: &[u8],
    wanted: fn(&Model) -> bool,
) -> Option<(&'static Model, &'static OperationFacts, &[u8])> {
    let (number, body) = bytes.split_first_chunk::<2>()?;
    let models: Vec<_> = models().filter(|model| wanted(model)).collect();
    let model = *models.get(usize::from(number[0]) % models.len())?;
    let operation = &model.operations()[usize::from(number[1]) % model.operations().len()];
    Some((model, operation, body))
}

/// Constraints are checked of whatever was read, and the answer is no larger than a page.
fn check(model: &Model, operation: &OperationFacts, input: &Document) {
    if let Err(error) = validation::check(model, operation, input) {
        assert!(error.message.len() <= TEXT_BYTES_MAX, "{} bytes", error.message.len());
    }
}

/// How many values a document has.
fn values(document: &Document) -> usize {
    1 + match document {
        Document::List(list) => list.iter().map(values).sum(),
        Document::Map(map) => map.iter().map(|(_, value)| values(value)).sum(),
        Document::Structure(members) => members.iter().map(|(_, value)| values(value)).sum(),
        _ => 0,
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
