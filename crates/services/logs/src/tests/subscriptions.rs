use std::collections::VecDeque;
use std::io::Read as _;
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::GzDecoder;
use futures_util::future::BoxFuture;
use hearth_aws::Client;
use hearth_store::timers;
use hearth_world::within;
use serde_json::Value;

use super::*;

mod losses;

const INVALID: Code = Code::Modelled("InvalidParameterException");
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:ship";

/// The one function, `ship`: what it was called with, and how its next calls end.
#[derive(Default)]
pub(super) struct Functions {
    calls: Mutex<Vec<Value>>,
    next: Mutex<VecDeque<Result<Document, ApiError>>>,
}

impl Functions {
    /// The data of all calls so far.
    fn calls(&self) -> Vec<Value> {
        self.calls.lock().expect("nobody panics").clone()
    }

    /// All messages that were delivered, in the order of the calls.
    fn messages(&self) -> Vec<String> {
        let text = |event: &Value| event["message"].as_str().expect("a text").to_owned();
        let events = |call: &Value| call["logEvents"].as_array().expect("a list").clone();
        self.calls().iter().flat_map(events).map(|event| text(&event)).collect()
    }

    fn ends(&self, answer: Result<Document, ApiError>) {
        self.next.lock().expect("nobody panics").push_back(answer);
    }
}

impl Client for Functions {
    fn call(&self, call: Call, input: Document) -> BoxFuture<'_, Result<Document, ApiError>> {
        assert_eq!((call.service, call.account.as_str()), ("lambda", ACCOUNT));
        let known = string(&input, "FunctionName") == FUNCTION;
        let answer = match call.operation {
            _ if !known => Err(ApiError::client(Code::ResourceNotFound, "Function not found")),
            "GetFunctionConfiguration" => {
                let logging = Document::Structure(vec![("LogGroup", text("/aws/lambda/ship"))]);
                Ok(Document::Structure(vec![("LoggingConfig", logging)]))
            }
            "Invoke" => {
                let Document::Blob(payload) = member(&input, "Payload") else { panic!("a payload") };
                self.calls.lock().expect("nobody panics").push(data(&payload));
                let next = self.next.lock().expect("nobody panics").pop_front();
                next.unwrap_or_else(|| Ok(Document::Structure(Vec::new())))
            }
            other => panic!("{other}"),
        };
        Box::pin(std::future::ready(answer))
    }
}

fn data(payload: &[u8]) -> Value {
    let event: Value = serde_json::from_slice(payload).expect("JSON");
    let zipped = event["awslogs"]["data"].as_str().expect("data");
    let zipped = BASE64_STANDARD.decode(zipped).expect("base64");
    let mut plain = Vec::new();
    GzDecoder::new(&zipped[..]).read_to_end(&mut plain).expect("gzip");
    serde_json::from_slice(&plain).expect("JSON")
}

fn filter(name: &str, pattern: &str) -> Members {
    texts([
        ("logGroupName", "g"),
        ("filterName", name),
        ("filterPattern", pattern),
        ("destinationArn", FUNCTION),
    ])
}

impl Server {
    /// A server whose group `g` goes to `ship`.
    async fn subscribed(pattern: &str) -> Self {
        let server = Self::with_stream().await;
        server.logs.keep_up(&server.tasks);
        server.ok("PutSubscriptionFilter", filter("f", pattern)).await;
        server
    }

    async fn until_called(&self, times: usize) {
        within("the function is called", async {
            while self.functions.calls().len() < times {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Waits until events that a function failed with wait for their next attempt.
    async fn until_put_off(&self) {
        within("the next attempt waits", async {
            let look = |tx: &mut dyn hearth_store::Tx| timers::waiting(tx, "logs/redeliver", None, 10);
            loop {
                let waiting = transact_read::<_, StoreError, _>(&*self.store, look).await.expect("readable");
                if waiting.iter().any(|timer| !timer.claimed) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Waits until nothing is to be delivered; then no timer but those of later attempts waits.
    async fn until_delivered(&self) {
        within("the outbox is empty", async {
            while self.count(&["logs/outbox"]).await > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_matches_goes_to_the_function_as_aws_packs_it() {
    let server = Server::subscribed("wanted").await;
    let now = server.now();
    server
        .put("s", [(now, "wanted 1".into()), (now + 1, "other".into()), (now + 2, "wanted 2".into())])
        .await;
    server.until_called(1).await;
    let call = &server.functions.calls()[0];
    assert_eq!(call["messageType"], "DATA_MESSAGE");
    assert_eq!(
        (&call["owner"], &call["logGroup"], &call["logStream"]),
        (&ACCOUNT.into(), &"g".into(), &"s".into())
    );
    assert_eq!(call["subscriptionFilters"], serde_json::json!(["f"]));
    assert_eq!(server.functions.messages(), ["wanted 1", "wanted 2"]);
    assert_eq!(call["logEvents"][0]["timestamp"], now);
    let shown =
        server.ok("FilterLogEvents", texts([("logGroupName", "g"), ("filterPattern", "wanted")])).await;
    let ids = each(&shown, "events", "eventId");
    assert_eq!(
        call["logEvents"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|event| event["id"].clone())
            .collect::<Vec<_>>(),
        ids,
        "the same ids that readers see"
    );
    server.until_delivered().await;
    server.tasks.stop();
}

#[tokio::test]
async fn streams_are_not_mixed_and_words_come_with_their_names() {
    let server = Server::subscribed("[level, code]").await;
    server.stream("t").await;
    server.put("s", [(server.now(), "WARN 1".to_owned())]).await;
    server.put("t", [(server.now(), "WARN 2".to_owned())]).await;
    server.until_called(2).await;
    let mut calls = server.functions.calls();
    calls.sort_by_key(|call| call["logStream"].to_string());
    assert_eq!((&calls[0]["logStream"], &calls[1]["logStream"]), (&"s".into(), &"t".into()));
    let fields = serde_json::json!({ "level": "WARN", "code": "2" });
    assert_eq!(calls[1]["logEvents"][0]["extractedFields"], fields);
    server.tasks.stop();
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_delivered_after_it() {
    let server = Server::with_stream().await;
    server.ok("PutSubscriptionFilter", filter("f", "")).await;
    server.put("s", [(server.now(), "one".to_owned())]).await;
    server.put("s", [(server.now(), "two".to_owned())]).await;
    // Nothing delivers in this server; the next one does.
    server.logs.keep_up(&server.tasks);
    server.until_delivered().await;
    assert_eq!(server.functions.messages(), ["one", "two"]);
    assert_eq!(server.functions.calls().len(), 1, "what waits goes together");
    server.tasks.stop();
}

#[tokio::test]
async fn a_function_that_fails_gets_the_events_twice_more_and_others_meanwhile() {
    let server = Server::subscribed("").await;
    let failed = || Ok(Document::Structure(vec![("FunctionError", text("Unhandled"))]));
    (0..3).for_each(|_| server.functions.ends(failed()));
    server.put("s", [(server.now(), "poison".to_owned())]).await;
    server.until_called(1).await;
    server.until_delivered().await;
    for (seconds, calls) in [(61, 2), (121, 3)] {
        server.until_put_off().await;
        server.world.domain().advance(Duration::from_secs(seconds));
        server.until_called(calls).await;
    }
    server.until_waiting(0).await;
    server.put("s", [(server.now(), "good".to_owned())]).await;
    server.until_called(4).await;
    assert_eq!(server.functions.messages(), ["poison", "poison", "poison", "good"]);
    server.tasks.stop();
}

#[tokio::test]
async fn a_function_without_room_gets_the_events_when_it_has_some() {
    let server = Server::subscribed("").await;
    server.functions.ends(Err(ApiError::client(Code::TooManyRequests, "Rate Exceeded.")));
    server.put("s", [(server.now(), "first".to_owned())]).await;
    server.until_called(1).await;
    server.put("s", [(server.now(), "second".to_owned())]).await;
    within("it is called again", async {
        while server.functions.calls().len() < 2 {
            server.world.domain().advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    server.until_delivered().await;
    assert_eq!(server.functions.messages(), ["first", "first", "second"]);
    server.tasks.stop();
}

#[tokio::test]
async fn a_function_that_went_away_is_asked_again_after_a_pause_and_what_came_meanwhile_is_skipped() {
    let server = Server::subscribed("").await;
    server.functions.ends(Err(ApiError::client(Code::ResourceNotFound, "Function not found")));
    server.put("s", [(server.now(), "lost".to_owned())]).await;
    server.until_called(1).await;
    server.until_delivered().await;
    server.put("s", [(server.now(), "skipped".to_owned())]).await;
    server.world.domain().advance(Duration::from_secs(61));
    server.until_delivered().await;
    server.until_waiting(0).await;
    server.put("s", [(server.now(), "seen".to_owned())]).await;
    server.until_called(2).await;
    assert_eq!(server.functions.messages(), ["lost", "seen"]);
    server.tasks.stop();
}

#[tokio::test]
async fn a_filter_is_shown_as_it_was_put_changed_by_its_name_and_there_are_two_at_most() {
    let server = Server::with_stream().await;
    server.ok("PutSubscriptionFilter", filter("b", "x")).await;
    server.ok("PutSubscriptionFilter", filter("a", "")).await;
    let limit = Code::Modelled("LimitExceededException");
    is_error(server.call("PutSubscriptionFilter", filter("c", "")).await, limit, "Resource limit exceeded.");
    server.ok("PutSubscriptionFilter", filter("b", "y")).await;
    let group = texts([("logGroupName", "g")]);
    let shown = server.ok("DescribeSubscriptionFilters", group.clone()).await;
    assert_eq!(each(&shown, "subscriptionFilters", "filterName"), ["a", "b"]);
    let last = &items(&shown, "subscriptionFilters")[1];
    assert_eq!(
        ["filterPattern", "destinationArn", "distribution", "logGroupName"].map(|name| string(last, name)),
        ["y", FUNCTION, "ByLogStream", "g"]
    );
    assert_eq!(integer(last, "creationTime"), server.now());
    let page = [group.clone(), vec![("limit", Document::Integer(1))]].concat();
    let first = server.ok("DescribeSubscriptionFilters", page).await;
    assert_eq!(each(&first, "subscriptionFilters", "filterName"), ["a"]);
    let rest = [group.clone(), vec![("nextToken", member(&first, "nextToken"))]].concat();
    let rest = server.ok("DescribeSubscriptionFilters", rest).await;
    assert_eq!(each(&rest, "subscriptionFilters", "filterName"), ["b"]);
    assert_eq!(member(&rest, "nextToken"), Document::Null);
    let one = || texts([("logGroupName", "g"), ("filterName", "a")]);
    server.ok("DeleteSubscriptionFilter", one()).await;
    let missing = server.call("DeleteSubscriptionFilter", one()).await;
    is_error(missing, Code::ResourceNotFound, "The specified subscription filter does not exist.");
    assert_eq!(items(&server.ok("DescribeSubscriptionFilters", group).await, "subscriptionFilters").len(), 1);
}

#[tokio::test]
async fn a_destination_is_a_function_that_exists_and_does_not_write_into_the_group_itself() {
    let server = Server::with_stream().await;
    server.ok("CreateLogGroup", texts([("logGroupName", "/aws/lambda/ship")])).await;
    let lambda = |name: &str| format!("arn:aws:lambda:eu-west-1:123456789012:function:{name}");
    let not_called = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to \
                      execute your function.";
    for (group, destination, role, said) in [
        ("g", lambda("nobody"), false, not_called),
        ("g", lambda("ship"), true, "destinationArn for vendor lambda cannot be used with roleArn"),
        (
            "/aws/lambda/ship",
            lambda("ship"),
            false,
            "The log group provided is reserved for the function logs of the destination function.",
        ),
        (
            "g",
            "arn:aws:sns:eu-west-1:123456789012:topic".into(),
            false,
            "PutSubscriptionFilter operation cannot work with destinationArn for vendor sns",
        ),
        (
            "g",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/s".into(),
            false,
            "Hearth delivers logs to Lambda functions only yet, not to kinesis.",
        ),
        ("g", "ship".into(), false, "Invalid destinationArn: ship"),
    ] {
        let mut members = vec![
            ("logGroupName", text(group)),
            ("filterName", text("f")),
            ("filterPattern", text("")),
            ("destinationArn", text(&destination)),
        ];
        members.extend(role.then(|| ("roleArn", text("arn:aws:iam::123456789012:role/r"))));
        is_error(server.call("PutSubscriptionFilter", members).await, INVALID, said);
    }
    let nowhere = [filter("f", "")[1..].to_vec(), texts([("logGroupName", "none")])].concat();
    let nowhere = server.call("PutSubscriptionFilter", nowhere).await;
    is_error(nowhere, Code::ResourceNotFound, "The specified log group does not exist.");
    let broken = server.call("PutSubscriptionFilter", filter("f", "{ $.a")).await.expect_err("no pattern");
    assert_eq!(broken.code, INVALID);
}

#[tokio::test]
async fn a_deleted_filter_and_a_deleted_group_leave_nothing() {
    let server = Server::with_stream().await;
    server.ok("PutSubscriptionFilter", filter("f", "")).await;
    server.put("s", [(server.now(), "x".to_owned())]).await;
    server.ok("DeleteSubscriptionFilter", texts([("logGroupName", "g"), ("filterName", "f")])).await;
    server.ok("PutSubscriptionFilter", filter("g", "")).await;
    server.put("s", [(server.now(), "y".to_owned())]).await;
    server.ok("DeleteLogGroup", texts([("logGroupName", "g")])).await;
    server.logs.keep_up(&server.tasks);
    server.until_keys(0).await;
    server.until_waiting(0).await;
    assert_eq!(server.functions.messages(), [""; 0]);
    server.tasks.stop();
}
