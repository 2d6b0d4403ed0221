use super::*;

fn batch(stream: &str, time: i64, messages: &[&str]) -> Batch {
    Batch {
        account: ACCOUNT.into(),
        region: "eu-west-1".into(),
        group: "g".into(),
        stream: stream.into(),
        events: messages.iter().map(|line| (Timestamp::from_millis(time), (*line).to_owned())).collect(),
    }
}

#[tokio::test]
async fn what_a_function_writes_makes_its_group_and_stream_and_is_never_mixed() {
    let server = Server::start();
    let writer = TaskGroup::new();
    let ingest = server.logs.ingest(&writer);
    let now = server.now();
    ingest.offer(batch("a", now, &["START", "line", ""]));
    ingest.offer(batch("b", now, &["other"]));
    ingest.offer(batch("a", now, &["END"]));
    writer.stop();
    writer.join(Duration::from_secs(30)).await.expect("what waits is written before it ends");
    assert_eq!(
        each(
            &server.ok("DescribeLogStreams", texts([("logGroupName", "g")])).await,
            "logStreams",
            "logStreamName"
        ),
        ["a", "b"]
    );
    let read = server.ok("GetLogEvents", texts([("logGroupName", "g"), ("logStreamName", "a")])).await;
    assert_eq!(messages(&read), ["START", "line", "END"]);
    assert_eq!(server.filter([]).await.len(), 4);
}

#[tokio::test]
async fn what_a_busy_function_writes_is_committed_together() {
    let server = Server::start();
    let writer = TaskGroup::new();
    let ingest = server.logs.ingest(&writer);
    let calls = 500;
    for call in 0..calls {
        ingest.offer(batch("a", server.now(), &[&call.to_string()]));
        tokio::task::yield_now().await; // the writer may go on with what there is
    }
    writer.stop();
    writer.join(Duration::from_secs(60)).await.expect("what waits is written before it ends");
    let found = server.ok("FilterLogEvents", texts([("logGroupName", "g")])).await;
    let written: Vec<_> = (0..calls).map(|call| call.to_string()).collect();
    assert_eq!(messages(&found), written);
    // The last six digits of an event's id are its place in what was written at once.
    let firsts = each(&found, "events", "eventId").iter().filter(|id| id.ends_with("000000")).count();
    assert!(firsts < calls / 4, "{firsts} transactions");
}

#[tokio::test]
async fn more_than_the_writer_holds_is_dropped_and_not_kept() {
    let server = Server::start();
    let writer = TaskGroup::new();
    let ingest = server.logs.ingest(&writer);
    let large = "x".repeat(1_000_000);
    for _ in 0..100 {
        ingest.offer(batch("a", server.now(), &[&large]));
    }
    writer.stop();
    writer.join(Duration::from_secs(60)).await.expect("it ends");
    let kept = server.filter([]).await.len();
    assert!(kept == 1, "a page has one event of that size: {kept}");
    ingest.offer(batch("a", server.now(), &["nobody listens"]));
}

#[tokio::test]
async fn a_live_tail_begins_with_its_session_and_shows_what_comes() {
    use http_body_util::BodyExt as _;

    let server = Server::with_stream().await;
    server.put("s", [(server.now(), "before".to_owned())]).await;
    server.world.domain().advance(Duration::from_millis(5));
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:g";
    let members = vec![
        ("logGroupIdentifiers", Document::List(vec![text(arn)])),
        ("logEventFilterPattern", text("wanted")),
    ];
    let answer = server.ok("StartLiveTail", members).await;
    let Document::Stream(stream) = member(&answer, "responseStream") else { panic!("a stream") };
    let mut body = stream.take().expect("taken once");
    let mut next = async || {
        let frame = body.frame().await.expect("a message").expect("cannot fail");
        String::from_utf8_lossy(&frame.into_data().expect("data")).into_owned()
    };
    assert!(next().await.contains("sessionStart"));
    server.put("s", [(server.now(), "wanted".to_owned()), (server.now(), "other".to_owned())]).await;
    let update = next().await;
    assert!(
        update.contains("\"message\":\"wanted\"") && !update.contains("other") && !update.contains("before"),
        "{update}"
    );
    let update = next().await;
    assert!(update.contains("sessionUpdate") && !update.contains("wanted"), "shown once: {update}");
    server.tasks.stop();
}
