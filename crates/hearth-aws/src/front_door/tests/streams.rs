//! Answers that go on.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hearth_world::World;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::{Mutex, mpsc};

use super::toys::{json, lambda, listener};
use crate::dispatch::AllowAll;
use crate::document::{Document, Stream};
use crate::error::ApiError;
use crate::event_stream::EventStream;
use crate::front_door::{FrontDoor, Options, ResponseBody};
use crate::operation::{Cx, Operation, Service};
use crate::shape;

shape! {
    pub struct FunctionInput {
        function_name: String,
    }

    pub struct InvokeOutput {
        status_code: i64,
        executed_version: String,
        response_stream_content_type: Option<String>,
        event_stream: Stream,
    }

    pub struct ConsumerInput {
        shard_id: String,
    }

    pub struct SubscribeOutput {
        event_stream: Stream,
    }
}

/// What the function has still to say.
struct Function(Mutex<mpsc::Receiver<Bytes>>);

struct InvokeWithResponseStream;

impl Operation for InvokeWithResponseStream {
    const NAME: &'static str = "InvokeWithResponseStream";
    type State = Function;
    type Input = FunctionInput;
    type Output = InvokeOutput;

    async fn call(cx: &Cx<Function>, input: FunctionInput) -> Result<InvokeOutput, ApiError> {
        let state = cx.state().clone();
        let chunks = stream::unfold(state, |state| async move {
            let chunk = state.0.lock().await.recv().await?;
            let events = EventStream::of("lambda", Self::NAME).expect("a stream");
            let chunk = Document::Structure(vec![("Payload", Document::Blob(chunk))]);
            let message = events.event("PayloadChunk", &chunk).expect("of the model");
            Some((Ok::<_, Infallible>(Frame::data(message)), state))
        });
        Ok(InvokeOutput {
            status_code: 200,
            executed_version: "$LATEST".to_owned(),
            response_stream_content_type: Some("text/html".to_owned())
                .filter(|_| input.function_name == "page"),
            event_stream: Stream::new(StreamBody::new(chunks.boxed())),
        })
    }
}

struct SubscribeToShard;

impl Operation for SubscribeToShard {
    const NAME: &'static str = "SubscribeToShard";
    type State = ();
    type Input = ConsumerInput;
    type Output = SubscribeOutput;

    async fn call(_: &Cx<()>, input: ConsumerInput) -> Result<SubscribeOutput, ApiError> {
        assert_eq!(input.shard_id, "s");
        Ok(SubscribeOutput { event_stream: Stream::new(http_body_util::Empty::new()) })
    }
}

fn door() -> (FrontDoor, mpsc::Sender<Bytes>) {
    let (say, said) = mpsc::channel(1);
    let lambda =
        Service::new("lambda").with::<InvokeWithResponseStream>(&Arc::new(Function(Mutex::new(said))));
    let kinesis = Service::new("kinesis").with::<SubscribeToShard>(&Arc::new(()));
    let options = Options::default();
    (FrontDoor::new(vec![lambda, kinesis], options, World::simulated(1), Arc::new(AllowAll)), say)
}

async fn next(response: &mut Response<ResponseBody>) -> Option<String> {
    let frame = response.body_mut().frame().await?.expect("cannot fail");
    Some(String::from_utf8_lossy(&frame.into_data().expect("data")).into_owned())
}

fn header<'r>(response: &'r Response<ResponseBody>, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

#[tokio::test]
async fn a_chunk_is_sent_before_the_next_one_is_there() {
    let (door, say) = door();
    let path = "/2021-11-15/functions/f/response-streaming-invocations";
    let mut response = door.handle(lambda("POST", path).body("{}").request(), listener()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), Some("application/vnd.amazon.eventstream"));
    assert_eq!(header(&response, "x-amz-executed-version"), Some("$LATEST"));
    assert_eq!(header(&response, "x-amzn-remapped-content-type"), None);
    for word in ["one", "two"] {
        say.send(Bytes::from_static(word.as_bytes())).await.expect("listened to");
        let message = next(&mut response).await.expect("a message");
        assert!(message.contains("PayloadChunk") && message.contains(word), "{message}");
    }
    drop(say);
    assert_eq!(next(&mut response).await, None);
}

#[tokio::test]
async fn the_content_type_of_a_function_travels_in_another_header() {
    let (door, _say) = door();
    let path = "/2021-11-15/functions/page/response-streaming-invocations";
    let response = door.handle(lambda("POST", path).body("{}").request(), listener()).await;
    assert_eq!(header(&response, "content-type"), Some("application/vnd.amazon.eventstream"));
    assert_eq!(header(&response, "x-amzn-remapped-content-type"), Some("text/html"));
}

#[tokio::test]
async fn a_stream_in_aws_json_begins_with_the_initial_response() {
    let (door, _say) = door();
    let body = r#"{"ConsumerARN":"arn:aws:kinesis:eu-west-1:000000000000:stream/s/consumer/c:1","ShardId":"s","StartingPosition":{"Type":"LATEST"}}"#;
    let call = json("kinesis", "1.1", "Kinesis_20131202.SubscribeToShard", body);
    let mut response = door.handle(call.request(), listener()).await;
    assert_eq!(header(&response, "content-type"), Some("application/vnd.amazon.eventstream"));
    let message = next(&mut response).await.expect("a message");
    assert!(message.contains("initial-response") && message.contains("{}"), "{message}");
    assert_eq!(next(&mut response).await, None);
}
