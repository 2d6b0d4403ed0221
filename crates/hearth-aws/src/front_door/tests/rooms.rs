//! Large bodies that are being read share a limited room.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;
use http_body::{Body, Frame};

use super::toys::{authorization, door};
use crate::front_door::{Origin, SandboxCaller};
use crate::operation::Caller;

/// Announced and never sent.
struct Stalled;

impl Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

fn sandbox() -> Origin {
    let caller = Caller {
        access_key_id: "ASIA".to_owned(),
        arn: "arn".to_owned(),
        user_id: "id".to_owned(),
        session: None,
    };
    let account = "222222222222".to_owned();
    Origin::Sandbox(Arc::new(SandboxCaller::new(account, caller, "127.0.0.1:4566".to_owned())))
}

fn create<B>(body: B, bytes: usize) -> Request<B> {
    let request = Request::post("/2015-03-31/functions").header("host", "127.0.0.1:4566");
    let request = request.header("authorization", authorization("lambda")).header("content-length", bytes);
    request.body(body).expect("a request")
}

#[tokio::test]
async fn one_sandbox_sends_one_large_body_at_a_time_and_holds_no_other_up() {
    const LARGE: usize = 60_000_000;
    let door = door();
    let (greedy, other) = (sandbox(), sandbox());
    let mut first = pin!(door.handle(create(Stalled, LARGE), greedy.clone()));
    assert!(first.as_mut().now_or_never().is_none(), "it waits for its body");

    let large = || http_body_util::Full::new(Bytes::from(vec![b' '; LARGE]));
    let mut second = pin!(door.handle(create(large(), LARGE), greedy.clone()));
    assert!(second.as_mut().now_or_never().is_none(), "the room is taken");
    let small = http_body_util::Full::new(Bytes::from_static(b"{}"));
    assert!(door.handle(create(small, 2), greedy).now_or_never().is_some(), "small bodies need none");
    assert!(
        door.handle(create(large(), LARGE), other).now_or_never().is_some(),
        "another sandbox has its own"
    );
}
