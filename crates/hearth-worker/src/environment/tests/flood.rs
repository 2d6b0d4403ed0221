//! Functions that never stop talking over their channel.

use std::fs::File;
use std::io::Read as _;

use super::*;

const READY: u32 = 1;
const RESPONSE: u32 = 2;
const TOO_LARGE: u32 = 5;
/// No call of a test has it.
const NOBODYS: u32 = 0xff_fff0;

/// A frame of the runtime.
fn frame(kind: u32, number: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a test's payload");
    [&(kind | number << 8).to_le_bytes(), &length.to_le_bytes(), payload].concat()
}

/// The answer of a function that, once it has its event, says these bytes for as long as somebody listens.
async fn flooded(timeout: Duration, said: Vec<u8>) -> Response {
    let fixture = Fixture::with(timeout, INIT_LIMIT, true);
    let Inside { channel, output, .. } = fixture.inside().await;
    let (mut events, mut answers): (File, File) = channel.expect("it was asked for");
    let talking = std::thread::spawn(move || {
        answers.write_all(&frame(READY, 0, b"")).expect("the server listens");
        events.read_exact(&mut [0; 8]).expect("an event");
        while answers.write_all(&said).is_ok() {}
        drop((events, output));
    });
    let response = within(fixture.handle.invoke(fixture.call("1"))).await.expect("an answer");
    let ended = tokio::task::spawn_blocking(move || talking.join());
    within(ended).await.expect("it is joined").expect("it is let go");
    response
}

#[tokio::test]
async fn answers_to_nothing_without_end_are_a_broken_rule() {
    let response = flooded(Duration::from_secs(600), frame(TOO_LARGE, NOBODYS, b"").repeat(1_024)).await;
    assert_eq!(response.error, Some(FunctionError::Exited));
}

/// So large that time is over long before there are too many of them.
#[tokio::test]
async fn a_function_that_floods_its_channel_does_not_outrun_its_time() {
    let answer = frame(RESPONSE, NOBODYS, &vec![b'x'; 6_291_556]);
    let response = flooded(Duration::from_millis(100), answer).await;
    assert_eq!(response.error, Some(FunctionError::TimedOut));
}
