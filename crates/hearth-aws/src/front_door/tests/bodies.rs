//! Bodies that arrive in pieces, break, or never end.

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use super::toys::{authorization, door, listener};
use crate::front_door::ResponseBody;

/// An invocation whose body comes as these pieces, its length not announced.
async fn invoke(
    kind: &str,
    pieces: impl Iterator<Item = Result<Bytes, &'static str>> + Send + 'static,
) -> Response<ResponseBody> {
    let request = Request::builder().method("POST").uri("/2015-03-31/functions/f/invocations");
    let request = request.header("host", "localhost").header("authorization", authorization("lambda"));
    let frames = stream::iter(pieces.map(|piece| piece.map(Frame::data)));
    let request =
        request.header("x-amz-invocation-type", kind).body(StreamBody::new(frames)).expect("a good request");
    door().handle(request, listener()).await
}

async fn text(response: Response<ResponseBody>) -> String {
    let bytes = response.into_body().collect().await.expect("in memory").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn pieces_are_put_together() {
    let pieces = ["{\"a\"", "", ":1", "}"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
    let response = invoke("RequestResponse", pieces.into_iter()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(text(response).await, "{\"a\":1}");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_counted_while_it_arrives() {
    let piece = Bytes::from(vec![b' '; 65_536]);
    let response = invoke("RequestResponse", std::iter::repeat_n(Ok(piece.clone()), 96)).await;
    assert_eq!(response.status(), 200);
    let response = invoke("RequestResponse", std::iter::repeat_n(Ok(piece), 97)).await;
    assert_eq!(response.status(), 413);
    assert!(response.headers().get("connection").is_none(), "what was left has been read");
    assert!(
        text(response)
            .await
            .contains("Request must be smaller than 6291456 bytes for the InvokeFunction operation")
    );
}

#[tokio::test]
async fn a_body_that_never_ends_costs_its_sender_the_connection() {
    let piece = Bytes::from(vec![b' '; 1_048_576]);
    let response = invoke("RequestResponse", std::iter::repeat(Ok(piece))).await;
    assert_eq!(response.status(), 413);
    assert_eq!(response.headers()["connection"], "close");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_of_the_sender_s() {
    let pieces = [Ok(Bytes::from_static(b"{")), Err("the line went dead")];
    let response = invoke("RequestResponse", pieces.into_iter()).await;
    assert_eq!(response.status(), 400);
    assert!(text(response).await.contains("The request body could not be read: the line went dead"));
}
