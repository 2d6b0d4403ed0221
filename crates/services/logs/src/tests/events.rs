use super::*;

const INVALID: Code = Code::Modelled("InvalidParameterException");
const STREAM: [(&str, &str); 2] = [("logGroupName", "g"), ("logStreamName", "s")];

fn get(members: impl Into<Members>) -> Members {
    [texts(STREAM), members.into()].concat()
}

#[tokio::test]
async fn events_that_break_a_limit_are_refused_as_a_whole() {
    let server = Server::with_stream().await;
    let now = server.now();
    let line = |time| (time, "x".to_owned());
    let order = "Log events in a single PutLogEvents request must be in chronological order.";
    is_error(server.call("PutLogEvents", put("s", [line(now), line(now - 1)])).await, INVALID, order);
    let span = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.";
    is_error(server.call("PutLogEvents", put("s", [line(now - 86_400_001), line(now)])).await, INVALID, span);
    let large = put("s", [(now, "x".repeat(1_048_576 - 25))]);
    let text = "Upload too large: 1048577 bytes exceeds limit of 1048576";
    is_error(server.call("PutLogEvents", large).await, INVALID, text);
    let nowhere = server.call("PutLogEvents", put("none", [line(now)])).await;
    is_error(nowhere, Code::ResourceNotFound, "The specified log stream does not exist.");
    assert_eq!(server.filter([]).await, [""; 0]);
    server.put("s", [(now, "x".repeat(1_048_576 - 26))]).await;
    assert_eq!(server.filter([]).await[0].len(), 1_048_550, "one of the limit's size comes back");
}

#[tokio::test]
async fn events_too_old_too_new_or_expired_are_left_out_and_said() {
    let server = Server::with_stream().await;
    let now = server.now();
    let (hour, day) = (3_600_000, 86_400_000);
    let answer = server.put("s", [(now, "kept".into()), (now + 2 * hour + 1, "new".into())]).await;
    let rejected = member(&answer, "rejectedLogEventsInfo");
    assert_eq!(integer(&rejected, "tooNewLogEventStartIndex"), 1);
    let answer = server.put("s", [(now - 14 * day - 1, "old".into()), (now - 14 * day, "kept".into())]).await;
    assert_eq!(integer(&member(&answer, "rejectedLogEventsInfo"), "tooOldLogEventEndIndex"), 1);
    assert_eq!(server.filter([]).await, ["kept", "kept"]);
    let one_day = vec![("logGroupName", text("g")), ("retentionInDays", Document::Integer(1))];
    server.ok("PutRetentionPolicy", one_day).await;
    assert_eq!(server.filter([]).await, ["kept"], "what has expired is not shown");
    let answer = server.put("s", [(now - day - 1, "expired".into()), (now - 1, "young".into())]).await;
    assert_eq!(integer(&member(&answer, "rejectedLogEventsInfo"), "expiredLogEventEndIndex"), 1);
    assert_eq!(member(&server.put("s", [(now, "x".into())]).await, "rejectedLogEventsInfo"), Document::Null);
}

#[tokio::test]
async fn expired_events_leave_the_disk() {
    let server = Server::with_stream().await;
    server.logs.keep_up(&server.tasks);
    let one_day = vec![("logGroupName", text("g")), ("retentionInDays", Document::Integer(1))];
    server.ok("PutRetentionPolicy", one_day).await;
    server.until_keys(3).await;
    server.put("s", [(server.now(), "x".to_owned())]).await;
    assert_eq!(server.keys().await, 6);
    server.world.domain().advance(Duration::from_secs(86_400 + 3_600));
    server.until_keys(3).await;
    server.tasks.stop();
}

#[tokio::test]
async fn pages_of_a_stream_go_forward_and_backward_and_never_end() {
    let server = Server::with_stream().await;
    let now = server.now();
    // Batches that overlap: the second one came late.
    server.put("s", (0..10).map(|at| (now + at * 20_000, format!("{:02}", at * 2)))).await;
    server.put("s", (0..10).map(|at| (now + at * 20_000 + 1, format!("{:02}", at * 2 + 1)))).await;
    let all: Vec<String> = (0..20).map(|at| format!("{at:02}")).collect();

    let mut forward = Vec::new();
    let mut page = server
        .ok("GetLogEvents", get([("startFromHead", Document::Bool(true)), ("limit", Document::Integer(3))]))
        .await;
    while !messages(&page).is_empty() {
        forward.extend(messages(&page));
        let token = member(&page, "nextForwardToken");
        page = server.ok("GetLogEvents", get([("limit", Document::Integer(3)), ("nextToken", token)])).await;
    }
    assert_eq!(forward, all);
    let end = member(&page, "nextForwardToken");
    let again = server.ok("GetLogEvents", get([("nextToken", end.clone())])).await;
    assert_eq!(member(&again, "nextForwardToken"), end, "at the end the same token comes back");
    server.put("s", [(now + 200_000, "new".to_owned())]).await;
    assert_eq!(messages(&server.ok("GetLogEvents", get([("nextToken", end)])).await), ["new"]);

    let mut backward: Vec<String> = Vec::new();
    let mut page = server.ok("GetLogEvents", get([("limit", Document::Integer(3))])).await;
    assert_eq!(messages(&page), ["18", "19", "new"], "the last ones, in their order");
    while !messages(&page).is_empty() {
        backward = [messages(&page), backward].concat();
        let token = member(&page, "nextBackwardToken");
        page = server.ok("GetLogEvents", get([("limit", Document::Integer(3)), ("nextToken", token)])).await;
    }
    assert_eq!(backward[..20], all);
    let wrong = server.call("GetLogEvents", get(texts([("nextToken", "f/1/s")]))).await;
    is_error(wrong, INVALID, "The specified nextToken is invalid.");
    let part =
        get([("startTime", Document::Integer(now + 20_000)), ("endTime", Document::Integer(now + 40_000))]);
    assert_eq!(messages(&server.ok("GetLogEvents", part).await), ["02", "03"], "the end is not part of it");
}

#[tokio::test]
async fn a_stream_without_events_can_be_followed_from_its_beginning() {
    let server = Server::with_stream().await;
    let empty = server.ok("GetLogEvents", get([])).await;
    server.put("s", [(server.now(), "first".to_owned())]).await;
    let token = member(&empty, "nextForwardToken");
    assert_eq!(messages(&server.ok("GetLogEvents", get([("nextToken", token)])).await), ["first"]);
}

#[tokio::test]
async fn a_group_is_searched_in_the_order_of_time_across_its_streams() {
    let server = Server::with_stream().await;
    server.stream("t").await;
    let now = server.now();
    server.put("s", (0..100).map(|at| (now + at * 2, format!("even {at}")))).await;
    server.put("t", (0..100).map(|at| (now + at * 2 + 1, format!("odd {at}")))).await;
    let (mut found, mut ids, mut token) = (Vec::new(), std::collections::BTreeSet::new(), Document::Null);
    loop {
        let members =
            vec![("logGroupName", text("g")), ("limit", Document::Integer(7)), ("nextToken", token)];
        let page = server.ok("FilterLogEvents", members).await;
        found.extend(messages(&page));
        ids.extend(each(&page, "events", "eventId"));
        token = member(&page, "nextToken");
        if token == Document::Null {
            break;
        }
    }
    let expected = (0..100).flat_map(|at| [format!("even {at}"), format!("odd {at}")]).collect::<Vec<_>>();
    assert_eq!(found, expected);
    assert_eq!(ids.len(), 200, "every event has an id of its own");
    let names = |names: &[&str]| Document::List(names.iter().map(|name| text(name)).collect());
    assert_eq!(server.filter([("logStreamNames", names(&["t"]))]).await.len(), 100);
    assert_eq!(server.filter([("logStreamNames", names(&["s", "t"]))]).await.len(), 200);
    assert_eq!(server.filter(texts([("logStreamNamePrefix", "t")])).await.len(), 100);
    assert_eq!(
        server.filter(texts([("filterPattern", "?7 ?9 -odd")])).await.len(),
        100,
        "?terms are ignored"
    );
    assert_eq!(server.filter(texts([("filterPattern", "odd 42")])).await, ["odd 42"]);
    let missing = vec![("logGroupName", text("g")), ("logStreamNames", names(&["s", "x"]))];
    let text = "The specified log stream does not exist.";
    is_error(server.call("FilterLogEvents", missing).await, Code::ResourceNotFound, text);
}

#[tokio::test]
async fn a_deleted_stream_is_gone_at_once_and_one_of_its_name_begins_anew() {
    let server = Server::with_stream().await;
    server.put("s", [(server.now(), "old".to_owned())]).await;
    server.ok("DeleteLogStream", texts(STREAM)).await;
    assert_eq!(server.filter([]).await, [""; 0]);
    server.stream("s").await;
    server.put("s", [(server.now(), "new".to_owned())]).await;
    assert_eq!(server.filter([]).await, ["new"]);
    assert_eq!(messages(&server.ok("GetLogEvents", get([])).await), ["new"]);
    server.logs.keep_up(&server.tasks);
    server.until_keys(6).await;
    server.tasks.stop();
}

#[tokio::test]
async fn what_many_writers_were_told_is_there() {
    let server = Server::with_stream().await;
    let now = server.now();
    let writers = (0..20).map(|writer| {
        let events = (0..50).map(move |at| (now + at, format!("{writer} {at}")));
        server.put("s", events)
    });
    futures_util::future::join_all(writers).await;
    let found: std::collections::BTreeSet<String> = server.filter([]).await.into_iter().collect();
    assert_eq!(found.len(), 1_000);
}

#[tokio::test]
async fn a_tail_of_a_long_group_reads_no_more_than_its_end() {
    let server = Server::with_stream().await;
    let now = server.now();
    for minute in 0..40_i64 {
        let begins = now - (40 - minute) * 60_000;
        server.put("s", (0..5_000).map(|at| (begins + at, format!("{minute} {at}")))).await;
    }
    server.put("s", [(now, "last".to_owned())]).await;
    assert_eq!(server.filter([("startTime", Document::Integer(now - 1_000))]).await, ["last"]);
    let page = server.ok("GetLogEvents", get([("limit", Document::Integer(2))])).await;
    assert_eq!(messages(&page), ["39 4999", "last"]);
    // What does not match is looked at in pages that end.
    let (mut pages, mut token, mut found) = (0, Document::Null, Vec::new());
    loop {
        let members =
            vec![("logGroupName", text("g")), ("filterPattern", text("last")), ("nextToken", token)];
        let page = server.ok("FilterLogEvents", members).await;
        found.extend(messages(&page));
        (pages, token) = (pages + 1, member(&page, "nextToken"));
        if token == Document::Null {
            break;
        }
    }
    assert_eq!((pages, found), (1, vec!["last".to_owned()]));
}

#[tokio::test]
async fn a_pattern_is_tried_on_messages() {
    let server = Server::start();
    let lines = ["127.0.0.1 - frank \"GET / HTTP/1.0\" 200 1534", "nothing"].map(text).to_vec();
    let members = vec![("filterPattern", text("[..., size]")), ("logEventMessages", Document::List(lines))];
    let matches = items(&server.ok("TestMetricFilter", members).await, "matches");
    let Document::Map(values) = member(&matches[0], "extractedValues") else { panic!("a map") };
    assert!(values.contains(&("$size".to_owned(), text("1534"))) && values.len() == 6, "{values:?}");
    let members =
        vec![("filterPattern", text("{ $.a")), ("logEventMessages", Document::List(vec![text("x")]))];
    let refused = server.call("TestMetricFilter", members).await.expect_err("no pattern");
    assert_eq!(refused.code, INVALID);
}
