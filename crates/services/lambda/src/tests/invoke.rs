use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use hearth_worker::{EnvironmentId, Failure, FunctionError, LogBatch, LogEvent, Reason, Report, Response};
use hearth_world::Timestamp;

use super::worker::response;
use super::*;

const FN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:thumbnail";

fn environments(server: &Server) -> Vec<u64> {
    server.worker.seen().calls.iter().map(|(id, _)| id.0).collect()
}

#[tokio::test]
async fn the_bytes_of_the_function_come_back_unchanged() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.worker.answers(Ok(response("not { json")));
    let answer = server.invoke("thumbnail", r#"{"a" : 1}"#).await.expect("invoked");
    assert_eq!(present(&answer), ["StatusCode", "Payload", "ExecutedVersion", "TraceId"]);
    assert_eq!(member(&answer, "StatusCode"), Document::Integer(200));
    assert_eq!(member(&answer, "Payload"), Document::Blob(Bytes::from_static(b"not { json")));
    assert_eq!(string(&answer, "ExecutedVersion"), "$LATEST");
    let (_, call) = server.worker.seen().calls.remove(0);
    assert_eq!((call.payload, call.request_id.as_u128()), (Bytes::from_static(br#"{"a" : 1}"#), 42));
    assert_eq!(call.invoked_arn, FN);
    assert_eq!(string(&answer, "TraceId"), call.trace_id, "the caller and the function read the same");
}

#[tokio::test]
async fn a_request_id_of_the_callers_own_must_be_a_uuid() {
    let server = Server::start();
    server.function("thumbnail").await;
    let invoke =
        |id: &str| server.call("Invoke", with(invoke_request("thumbnail", "1"), "RequestId", text(id)));
    invoke("11111111-2222-4333-8444-555555555555").await.expect("invoked");
    let error = invoke("first").await.expect_err("no UUID");
    assert_eq!(error.code, Code::InvalidRequestContent);
    assert_eq!(server.worker.seen().calls.len(), 1);
}

#[tokio::test]
async fn a_failed_function_is_a_successful_call() {
    let server = Server::start();
    server.function("thumbnail").await;
    for error in [FunctionError::Reported, FunctionError::TimedOut, FunctionError::Exited] {
        server.worker.answers(Ok(Response { error: Some(error), ..response("{}") }));
        let answer = server.invoke("thumbnail", "1").await.expect("the call itself is good");
        assert_eq!(string(&answer, "FunctionError"), "Unhandled");
    }
}

#[tokio::test]
async fn the_log_is_shown_when_it_is_wanted() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.worker.answers(Ok(Response { log: Some(Bytes::from_static(b"START")), ..response("{}") }));
    let request = with(invoke_request("thumbnail", "1"), "LogType", text("Tail"));
    let answer = server.call("Invoke", request).await.expect("invoked");
    assert_eq!(string(&answer, "LogResult"), "U1RBUlQ=");
    server.invoke("thumbnail", "1").await.expect("invoked");
    let wanted: Vec<_> = server.worker.seen().calls.iter().map(|(_, call)| call.wants_log).collect();
    assert_eq!(wanted, [true, false]);
}

#[tokio::test]
async fn no_body_is_an_empty_event_and_what_is_not_json_never_reaches_the_function() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.call("Invoke", named("thumbnail")).await.expect("invoked");
    assert_eq!(server.worker.seen().calls[0].1.payload, "{}");
    for good in ["null", "\"text\"", "[1, 2]", " 1 "] {
        server.invoke("thumbnail", good).await.expect(good);
    }
    for bad in [" ", "{", "{'a': 1}", "1 2", "nul"] {
        let error = server.invoke("thumbnail", bad).await.expect_err(bad);
        assert_eq!(error.code, Code::InvalidRequestContent, "{bad}");
        let start = "Could not parse request body into json: Could not parse payload into json: ";
        assert!(error.message.len() > start.len() && error.message.starts_with(start), "{}", error.message);
    }
    let bytes = Document::Blob(Bytes::from_static(b"\"\xff\""));
    assert!(server.call("Invoke", with(named("thumbnail"), "Payload", bytes)).await.is_err());
    assert_eq!(server.worker.seen().calls.len(), 5);
}

#[tokio::test]
async fn an_event_above_six_megabytes_is_refused() {
    let server = Server::start();
    server.function("thumbnail").await;
    let event = |bytes: usize| {
        let payload = Document::Blob(format!("\"{}\"", "x".repeat(bytes - 2)).into());
        server.call("Invoke", with(named("thumbnail"), "Payload", payload))
    };
    event(6_291_456).await.expect("exactly 6 MB");
    let message = "Request must be smaller than 6291456 bytes for the InvokeFunction operation";
    is_error(event(6_291_457).await, Code::RequestEntityTooLarge, message);
}

#[tokio::test]
async fn a_dry_run_checks_all_and_runs_nothing() {
    let server = Server::start();
    let dry = |payload| with(invoke_request("thumbnail", payload), "InvocationType", text("DryRun"));
    let missing = format!("Function not found: {FN}:$LATEST");
    is_error(server.call("Invoke", dry("1")).await, Code::ResourceNotFound, &missing);
    server.function("thumbnail").await;
    let answer = server.call("Invoke", dry("1")).await.expect("it could run");
    assert_eq!(present(&answer), ["StatusCode"]);
    assert_eq!(member(&answer, "StatusCode"), Document::Integer(204));
    assert!(server.call("Invoke", dry("{")).await.is_err());
    assert!(server.worker.seen().calls.is_empty());
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_promised() {
    let server = Server::start();
    server.function("thumbnail").await;
    let event = with(invoke_request("thumbnail", "1"), "InvocationType", text("Event"));
    let message = "InvocationType Event is not supported by Hearth yet.";
    is_error(server.call("Invoke", event).await, Code::InvalidParameterValue, message);
}

#[tokio::test]
async fn a_function_that_is_not_active_is_not_invoked() {
    let worker = FakeWorker::new().without_runtime("Install it.");
    let server = Server::start_with(Options::default(), worker);
    server.call("CreateFunction", create_request("thumbnail")).await.expect("created");
    assert_eq!(server.settled("thumbnail").await, "Failed");
    let message = "The operation cannot be performed at this time. The function is currently in the following state: Failed";
    is_error(server.invoke("thumbnail", "1").await, Code::ResourceConflict, message);
}

#[tokio::test]
async fn versions_that_do_not_exist_are_not_found() {
    let server = Server::start();
    server.function("thumbnail").await;
    for qualifier in ["1", "prod"] {
        let answer = server.call("Invoke", qualified("thumbnail", qualifier)).await;
        is_error(answer, Code::ResourceNotFound, &format!("Function not found: {FN}:{qualifier}"));
    }
    server.call("Invoke", qualified("thumbnail", "$LATEST")).await.expect("invoked");
    assert_eq!(server.worker.seen().calls[0].1.invoked_arn, format!("{FN}:$LATEST"));
}

#[tokio::test]
async fn the_client_context_is_a_json_object_in_base64() {
    let server = Server::start();
    server.function("thumbnail").await;
    let context =
        |context: &str| server.call("Invoke", with(named("thumbnail"), "ClientContext", text(context)));
    context("eyJhIjoKMX0=").await.expect("an object");
    assert_eq!(server.worker.seen().calls[0].1.client_context.as_deref(), Some("{\"a\": 1}"));
    let message = "Client context must be a valid Base64-encoded JSON object.";
    for bad in ["%", "MQ==", "eyJhIg=="] {
        is_error(context(bad).await, Code::InvalidRequestContent, message);
    }
    assert_eq!(context(&"A".repeat(3_584)).await.expect_err("too long").code, Code::InvalidRequestContent);
}

#[tokio::test]
async fn calls_one_after_the_other_use_one_environment_and_calls_at_once_one_each() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.invoke("thumbnail", "1").await.expect("invoked");
    server.invoke("thumbnail", "2").await.expect("invoked");
    assert_eq!(environments(&server), [1, 1]);
    server.worker.hold();
    let calls = join_all((0..3).map(|_| server.invoke("thumbnail", "3")));
    let (answers, ()) = tokio::join!(calls, async {
        server.worker.until(|seen| seen.calls.len() == 5).await;
        server.worker.release();
    });
    assert!(answers.iter().all(Result::is_ok));
    let mut used = environments(&server).split_off(2);
    used.sort_unstable();
    assert_eq!(used, [1, 2, 3]);
}

#[tokio::test]
async fn a_call_above_the_accounts_concurrency_is_throttled_with_the_reason() {
    let options = Options { concurrent_executions: 1, ..Options::default() };
    let server = Server::start_with(options, FakeWorker::new());
    server.function("thumbnail").await;
    server.worker.hold();
    let (first, ()) = tokio::join!(server.invoke("thumbnail", "1"), async {
        server.worker.until(|seen| seen.calls.len() == 1).await;
        let error = server.invoke("thumbnail", "2").await.expect_err("one is running");
        assert_eq!((error.code, error.message.as_str()), (Code::TooManyRequests, "Rate Exceeded."));
        assert_eq!(error.members, [("Reason", text("ConcurrentInvocationLimitExceeded"))]);
        server.worker.release();
    });
    first.expect("the first is not concerned");
    server.invoke("thumbnail", "3").await.expect("there is room again");
}

#[tokio::test]
async fn a_full_host_makes_room_for_a_waiting_call_by_ending_what_is_idle() {
    let options = Options { environments_max: 1, room_wait: Duration::from_secs(60), ..Options::default() };
    let server = Server::start_with(options, FakeWorker::new());
    server.function("first").await;
    server.function("second").await;
    server.invoke("first", "1").await.expect("invoked");
    let (answer, ()) = tokio::join!(server.invoke("second", "1"), async {
        let seen = server.worker.until(|seen| !seen.stopped.is_empty()).await;
        assert_eq!(seen.stopped, [(EnvironmentId(1), Reason::Spindown)]);
        server.worker.close(EnvironmentId(1)).await;
    });
    answer.expect("it got the room");
}

#[tokio::test]
async fn a_call_that_finds_no_room_in_time_is_throttled() {
    let options = Options { environments_max: 1, room_wait: Duration::ZERO, ..Options::default() };
    let server = Server::start_with(options, FakeWorker::new());
    server.function("thumbnail").await;
    server.worker.hold();
    let (first, ()) = tokio::join!(server.invoke("thumbnail", "1"), async {
        server.worker.until(|seen| seen.calls.len() == 1).await;
        let error = server.invoke("thumbnail", "2").await.expect_err("the host is full");
        assert_eq!(error.code, Code::TooManyRequests);
        assert!(error.message.contains("This host runs as many execution environments as it may: 1."));
        server.worker.release();
    });
    first.expect("the first is not concerned");
}

#[tokio::test]
async fn a_call_whose_environment_was_gone_gets_another_one() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.invoke("thumbnail", "1").await.expect("invoked");
    server.worker.answers(Err(Failure::Gone));
    server.invoke("thumbnail", "2").await.expect("no call is lost");
    assert_eq!(environments(&server), [1, 1, 2]);
    server.invoke("thumbnail", "3").await.expect("invoked");
    assert_eq!(environments(&server), [1, 1, 2, 2], "the gone one is not used again");
}

#[tokio::test]
async fn an_environment_that_is_always_gone_is_an_error_and_not_a_loop() {
    let server = Server::start();
    server.function("thumbnail").await;
    for _ in 0..100 {
        server.worker.answers(Err(Failure::Gone));
    }
    let error = server.invoke("thumbnail", "1").await.expect_err("nothing takes it");
    assert_eq!(error.code, Code::ServiceFailure);
    assert_eq!(environments(&server), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn an_environment_that_closed_while_idle_is_not_used_again() {
    let mut server = Server::start();
    server.function("thumbnail").await;
    server.invoke("thumbnail", "1").await.expect("invoked");
    server.worker.close(EnvironmentId(1)).await;
    // Reports are taken in order: when this line is there, the closing has been seen.
    log(&server, "after the closing").await;
    written(&mut server).await;
    server.invoke("thumbnail", "2").await.expect("invoked");
    assert_eq!(environments(&server), [1, 2]);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_stop_its_function_and_its_environment_is_used_again() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.invoke("thumbnail", "1").await.expect("the function is known now");
    server.worker.hold();
    let mut abandoned = Box::pin(server.invoke("thumbnail", "2"));
    assert!(abandoned.as_mut().now_or_never().is_none());
    drop(abandoned);
    assert_eq!(environments(&server), [1, 1], "it runs");
    let (answer, ()) = tokio::join!(server.invoke("thumbnail", "3"), async {
        server.worker.until(|seen| seen.calls.len() == 3).await;
        server.worker.release();
    });
    answer.expect("invoked");
    assert_eq!(environments(&server), [1, 1, 2], "the environment was busy all the while");
    server.quiet().await;
    server.worker.hold();
    let (answers, ()) = tokio::join!(join_all((0..2).map(|_| server.invoke("thumbnail", "4"))), async {
        server.worker.until(|seen| seen.calls.len() == 5).await;
        server.worker.release();
    });
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(server.worker.seen().started.len(), 2, "and is free again");
}

#[tokio::test]
async fn a_function_acts_as_a_session_of_its_role_that_is_named_after_it() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.invoke("thumbnail", "1").await.expect("invoked");
    let identity = &server.worker.seen().started[0].identity;
    assert_eq!(identity.arn, "arn:aws:sts::123456789012:assumed-role/exec/thumbnail");
    assert!(identity.user_id.starts_with("AROA") && identity.user_id.ends_with(":thumbnail"));
    let (key, token) = (&identity.credentials.access_key_id, &identity.credentials.session_token.0);
    let session = server.lambda.sessions.open(key, token).expect("its credentials are of this server");
    assert_eq!((session.arn, session.user_id), (identity.arn.clone(), identity.user_id.clone()));
}

#[tokio::test]
async fn an_environment_whose_credentials_near_their_end_finishes_its_call_and_gets_no_other() {
    // An hour before the end no call begins: credentials of one hour are good for the call that made them alone.
    let options = Options { credentials: Duration::from_secs(3_600), ..Options::default() };
    let server = Server::start_with(options, FakeWorker::new());
    server.function("thumbnail").await;
    server.worker.hold();
    let (first, ()) = tokio::join!(server.invoke("thumbnail", "1"), async {
        server.worker.until(|seen| seen.calls.len() == 1).await;
        let (second, ()) = tokio::join!(server.invoke("thumbnail", "2"), async {
            server.worker.until(|seen| seen.calls.len() == 2).await;
            server.worker.release();
        });
        second.expect("the second call has an environment of its own");
    });
    first.expect("the call that runs is not concerned");
    assert_eq!(environments(&server), [1, 2]);
    let seen = server.worker.until(|seen| seen.stopped.iter().any(|(id, _)| *id == EnvironmentId(1))).await;
    assert!(seen.stopped.contains(&(EnvironmentId(1), Reason::Superseded)), "{:?}", seen.stopped);
    let [one, two] = [0, 1].map(|index| seen.started[index].identity.clone());
    assert_eq!(one.arn, two.arn, "the same session of the same role");
    assert_ne!(one.credentials.access_key_id, two.credentials.access_key_id);
}

#[tokio::test]
async fn the_lines_of_a_function_go_to_whoever_keeps_logs() {
    let mut server = Server::start();
    log(&server, "START").await;
    let written = written(&mut server).await;
    assert_eq!((written.account.as_str(), written.group.as_str()), (ACCOUNT, "g"));
    assert_eq!(written.events[0].message, "START");
}

#[tokio::test]
async fn what_the_worker_said_last_is_taken_after_the_stop() {
    let mut server = Server::start();
    server.tasks.stop();
    log(&server, "END").await;
    assert_eq!(written(&mut server).await.events[0].message, "END");
}

async fn written(server: &mut Server) -> LogBatch {
    within("a batch of lines", server.written.recv()).await.expect("the server lives")
}

async fn log(server: &Server, message: &str) {
    let event = LogEvent { time: Timestamp::from_millis(1), message: message.to_owned() };
    let batch = LogBatch {
        account: ACCOUNT.into(),
        region: "eu-west-1".into(),
        group: "g".into(),
        stream: "2026/01/01/[$LATEST]ab".into(),
        events: vec![event],
    };
    server.worker.report(Report::Log(batch)).await;
}

#[tokio::test]
async fn an_invocation_right_after_the_creation_waits_until_the_function_is_there() {
    let server = Server::start();
    for name in ["one", "two", "three"] {
        server.call("CreateFunction", create_request(name)).await.expect("created");
        server.invoke(name, "1").await.expect("invoked without waiting for Active");
    }
}
