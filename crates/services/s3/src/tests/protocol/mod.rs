//! botocore as the other end of the wire: what its serialiser writes is what we read, and what we write is what its
//! parser reads, member by member, for every operation that is served.
//!
//! ```text
//! other_end.py ──request──▶ front door ▶ wire ▶ s3s ──▶ Mirror: keeps the input
//!              ◀──answer─── front door ◀ wire ◀ s3s ◀── Mirror: an output with every member set
//! ```
//!
//! Only the operations are the mirror's; everything else is what the program runs.

mod cases;
mod compare;
mod exceptions;
mod sample;
mod shown;

#[allow(dead_code, reason = "shared with the tests of hearth-aws")]
#[path = "../../../../../hearth-aws/src/protocols/cases/package.rs"]
mod package;

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use hearth_aws::Service;
use hearth_world::World;
use s3s::dto::{PutObjectInput, StreamingBlob, UploadPartInput};
use s3s::{S3Request, S3Response, S3Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Served};
use crate::wire::{BUILT, Wire, exchange};
use sample::{ALTERNATIVES, At, BODY, Sample, Way};

/// In place of the operations: shows what it got, and gives what it was told.
#[derive(Clone, Debug)]
pub(crate) struct Mirror(Arc<Mutex<Seen>>);

#[derive(Debug)]
struct Seen {
    way: Way,
    alternative: usize,
    headers: Vec<String>,
    /// The operation with its input.
    input: Option<(&'static str, Value)>,
    output: String,
}

impl Mirror {
    fn new() -> Self {
        let (headers, output) = (Vec::new(), String::new());
        Self(Arc::new(Mutex::new(Seen { way: Way::Least, alternative: 0, headers, input: None, output })))
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn answer<I: Any + Debug + Send, O: Debug + Sample>(
        &self,
        operation: &'static str,
        mut request: S3Request<I>,
    ) -> S3Result<S3Response<O>> {
        assert_eq!(
            exchange(&request).expect("a call").operation,
            operation,
            "routed to one, read as another"
        );
        let body = body(&mut request.input);
        let shown = format!("{:?}", request.input);
        let mut input = shown::value(&shown).expect("what s3s shows is understood");
        if let Some(body) = body {
            let bytes = String::from_utf8(bytes_of(body).await).expect("text");
            // A request without a body is one with none in it.
            if !bytes.is_empty() {
                input["body"] = json!(bytes);
            }
        }
        let mut seen = self.seen();
        seen.input = Some((operation, input));
        let output = O::sample(&At::root(seen.way, seen.alternative, &seen.headers));
        seen.output = format!("{output:?}");
        Ok(S3Response::new(output))
    }
}

/// The stream of an input, which `Debug` does not show.
fn body(input: &mut (dyn Any + Send)) -> Option<StreamingBlob> {
    if let Some(input) = input.downcast_mut::<PutObjectInput>() {
        return input.body.take();
    }
    input.downcast_mut::<UploadPartInput>()?.body.take()
}

async fn bytes_of(mut body: StreamingBlob) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.expect("a body that arrives"));
    }
    bytes
}

/// The wire with a mirror behind it.
fn served(mirror: &Mirror) -> Served {
    let operations = mirror.clone();
    Served::answered_by(World::real(), |s3| Service::foreign(Wire::answered_by(operations, s3)))
}

#[derive(Deserialize)]
struct Request {
    operation: String,
    way: String,
    meant: Value,
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    async fn send(&self, served: &Served) -> Answer {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        served.ask(&self.line, &headers, self.body.clone()).await
    }
}

#[derive(Deserialize)]
struct Output {
    operation: String,
    members: Vec<Vec<String>>,
    headers: Vec<String>,
}

/// Runs botocore.
fn other_end<T: for<'de> Deserialize<'de>>(what: &str, given: &Value) -> T {
    let mut child = Command::new("python3")
        .args(["-c", include_str!("other_end.py"), what])
        .env("PYTHONPATH", package::python_path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(given.to_string().as_bytes()).expect("it reads");
    drop(stdin);
    let done = child.wait_with_output().expect("it ends");
    assert!(done.status.success(), "botocore failed at {what}");
    serde_json::from_slice(&done.stdout).expect("JSON")
}

#[tokio::test]
async fn every_member_that_botocore_writes_is_read_as_it_was_meant() {
    let mirror = Mirror::new();
    let served = served(&mirror);
    let requests: Vec<Request> = other_end("requests", &json!(BUILT));
    assert!(requests.len() >= BUILT.len() * 5);
    let (mut told, mut compared) = (Vec::new(), BTreeSet::new());
    for request in &requests {
        mirror.seen().input = None;
        let answer = request.send(&served).await;
        let place = format!("{} {}", request.way, request.operation);
        match mirror.seen().input.take() {
            Some((operation, input)) => {
                assert_eq!(operation, request.operation, "{}", request.line);
                compare::differences(&place, &request.meant, &input, &mut told);
                compare::places(&request.operation, &request.meant, &mut compared);
            }
            None if request.way == "refused" => answer.is_error(501, "NotImplemented"),
            None => told.push(format!("{place} is refused: {}", answer.text())),
        }
    }
    exceptions::check(exceptions::INPUT, &told);
    cases::check("input/rest-xml", cases::INPUT, &compared, &told);
}

/// An answer as botocore is given it.
fn as_sent(operation: &str, answer: &Answer) -> Value {
    let headers = answer.headers.iter();
    let headers: Vec<(&str, &str)> =
        headers.map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).collect();
    json!({
        "operation": operation, "status": answer.status.as_u16(), "headers": headers, "body": answer.text(),
    })
}

/// What botocore reads of a call that failed, with members beside its code and text.
async fn failure(served: &Served) -> BTreeSet<String> {
    let answer = served.ask("POST /bucket/a%3Ckey%3E", &[], "").await;
    answer.is(405);
    let read: Vec<Value> = other_end("answers", &json!([as_sent("GetObject", &answer)]));
    assert_eq!(
        read[0]["Error"],
        json!({
            "Code": "MethodNotAllowed", "Message": "The specified method is not allowed against this resource.",
            "Method": "POST", "ResourceType": "OBJECT",
        }),
    );
    let told = &read[0]["ResponseMetadata"];
    assert_eq!(told["RequestId"], answer.header("x-amz-request-id"));
    assert_eq!(told["HostId"], answer.header("x-amz-id-2"));
    let mut places = BTreeSet::new();
    compare::places("Failure", &read[0], &mut places);
    places
}

#[tokio::test]
async fn every_member_that_is_written_is_read_by_botocore() {
    let mirror = Mirror::new();
    let served = served(&mirror);
    let requests: Vec<Request> = other_end("requests", &json!(BUILT));
    let outputs: Vec<Output> = other_end("outputs", &json!(BUILT));
    let mut ways: Vec<(Way, usize)> = (0..ALTERNATIVES).map(|alternative| (Way::Each, alternative)).collect();
    ways.extend([(Way::Odd, 0), (Way::Empty, 0), (Way::None, 0), (Way::Least, 0)]);

    let (mut answers, mut written) = (Vec::new(), Vec::new());
    for output in &outputs {
        // These two are not served without their documents; elsewhere a member may change the answer.
        let way = match output.operation.as_str() {
            "CompleteMultipartUpload" | "DeleteObjects" => "each",
            _ => "least",
        };
        let request =
            requests.iter().find(|request| request.operation == output.operation && request.way == way);
        let request = request.expect("a request of every operation");
        for (way, alternative) in &ways {
            {
                let mut seen = mirror.seen();
                (seen.way, seen.alternative, seen.headers) = (*way, *alternative, output.headers.clone());
            }
            let answer = request.send(&served).await;
            assert!(answer.status.is_success(), "{way:?} {}: {answer:?}", output.operation);
            let shown = shown::value(&mirror.seen().output).expect("what s3s shows is understood");
            let headers: Vec<(&str, &str)> = answer
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
                .collect();
            answers.push(json!({
                "operation": output.operation, "status": answer.status.as_u16(), "headers": headers,
                "body": answer.text(),
            }));
            written.push((format!("{way:?} {}", output.operation), shown));
        }
    }

    let mut read: Vec<Value> = other_end("answers", &json!(answers));
    let (mut told, mut compared) = (Vec::new(), BTreeSet::new());
    for ((place, shown), read) in written.iter_mut().zip(&mut read) {
        let members = read.as_object_mut().expect("an output");
        members.remove("ResponseMetadata");
        if let Some(body) = shown.get_mut("body") {
            *body = json!(BODY);
        }
        compare::differences(place, shown, read, &mut told);
        compare::places(place.split(' ').next_back().unwrap_or_default(), read, &mut compared);
    }
    for (output, read) in outputs.iter().zip(read.chunks(ways.len())) {
        let unread = output.members.iter().filter(|path| !read.iter().any(|read| compare::has(read, path)));
        told.extend(unread.map(|path| format!("{}.{} is never written", output.operation, path.join("."))));
    }
    compared.extend(failure(&served).await);
    exceptions::check(exceptions::OUTPUT, &told);
    cases::check("output/rest-xml", cases::OUTPUT, &compared, &told);
}
