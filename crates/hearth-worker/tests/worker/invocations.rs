use std::collections::BTreeMap;

use hearth_worker::Worker as _;

use super::support::{Host, Settings, log_until, within};

const HELLO: &str = r#"
print("loading")
def handler(event, context):
    print("hello")
    print("no newline", end="")
    return {"event": event, "memory": context.memory_limit_in_mb, "name": context.function_name}
"#;

#[tokio::test]
async fn a_function_answers_and_its_log_has_the_lines_in_order() {
    let Some(mut host) = Host::start().await else { return };
    let id = host.begin(host.function(HELLO, Settings::default())).await;

    let first = host.outcome(id, r#"{"a": 1}"#).await;
    first.answers(r#"{"event": {"a": 1}, "memory": "128", "name": "f"}"#);
    let lines = first.lines();
    assert_eq!(
        lines[..4],
        ["START RequestId: ID Version: $LATEST", "hello", "no newline", "END RequestId: ID"]
    );
    assert!(lines[4].starts_with("REPORT RequestId: ID\tDuration: "), "{lines:?}");
    assert!(lines[4].contains("\tMemory Size: 128 MB\tMax Memory Used: "), "{lines:?}");
    assert!(lines[4].contains("\tInit Duration: ") && lines[4].ends_with(" ms\t"), "{lines:?}");
    assert!((1..60).contains(&first.max_memory_mb()), "{lines:?}");

    let second = host.outcome(id, "[]").await;
    assert!(!second.report().contains("Init Duration"));

    let all = host.log_until(&format!("REPORT RequestId: {}", second.request)).await;
    assert!(all[0].starts_with("INIT_START Runtime Version: python:3."), "{all:?}");
    let arn = all[0].split("ARN: arn:aws:lambda:us-east-1::runtime:").nth(1).expect("an ARN");
    assert_eq!(arn.len(), 64);
    assert_eq!(all[1], "loading");
    assert_eq!(all.iter().filter(|line| line.starts_with("INIT_START")).count(), 1);
    host.end().await;
}

#[tokio::test]
async fn the_sandbox_has_the_environment_that_aws_gives() {
    let Some(host) = Host::start().await else { return };
    let code = r#"
import os, socket, sys
def handler(event, context):
    with socket.create_connection(("127.0.0.1", 4566)) as connection:
        connection.sendall(b"hello")
        caller = connection.recv(100).decode()
    for address in (("169.254.100.1", 9001), ("127.0.0.1", 9001)):
        with socket.create_connection(address) as connection:
            connection.sendall(b"GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert connection.makefile().read().endswith("pong")
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"{}", ("169.254.100.1", 2000))
    wanted = ["_HANDLER", "TZ", "SHLVL", "PWD", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "MINE", "AWS_REGION", "PYTHONPATH"]
    return [caller, {name: os.environ.get(name) for name in wanted}, sys.path[:5], os.getcwd(), __file__]
"#;
    let variables = BTreeMap::from([("MINE", "yes"), ("TZ", "Europe/Berlin"), ("AWS_REGION", "moon")]);
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let outcome = host.run(code, Settings { variables, ..Settings::default() }).await;
    let version = host.runtime;
    outcome.answers(&format!(
        r#"["arn:aws:sts::000000000000:assumed-role/r/f", {{"_HANDLER": "app.handler", "TZ": "Europe/Berlin", "SHLVL": "0", "PWD": "/var/task", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "MINE": "yes", "AWS_REGION": "us-east-1", "PYTHONPATH": "/var/runtime"}}, ["/var/task", "/opt/python/lib/{version}/site-packages", "/opt/python", "/var/lang/lib/{version}/site-packages", "/var/runtime"], "/var/task", "/var/task/app.py"]"#
    ));
    host.end().await;
}

#[tokio::test]
async fn six_megabytes_go_in_and_out_and_one_byte_more_does_not() {
    let Some(host) = Host::start().await else { return };
    let code = "def handler(event, context): return 'x' * event if isinstance(event, int) else event";
    let id = host.begin(host.function(code, Settings { memory_mb: 512, ..Settings::default() })).await;

    let event = format!("\"{}\"", "y".repeat(6_291_456 - 2));
    let echoed = host.invoke(id, host.call(event.clone())).await.expect("an answer");
    assert!(echoed.error.is_none() && echoed.payload == event.as_bytes());

    let largest = host.outcome(id, "6291554").await;
    assert_eq!((largest.payload.len(), largest.failed), (6_291_556, false));
    host.outcome(id, "6291555").await.fails_with(
        r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#,
    );
    host.outcome(id, "1").await.answers("\"x\"");
    host.end().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_the_function() {
    let Some(mut host) = Host::start().await else { return };
    let code =
        "import time\ndef handler(event, context):\n  print('begun')\n  time.sleep(event)\n  print('done')\n";
    let id = host.begin(host.function(code, Settings::default())).await;
    host.outcome(id, "0").await;
    host.log_until("REPORT").await;

    let call = host.worker.invoke(id, host.call("3"));
    tokio::select! {
        answer = call => panic!("the function still sleeps: {answer:?}"),
        _ = log_until(&mut host.reports, "begun") => {}
    }
    let lines = host.log_until("REPORT").await;
    assert!(lines.contains(&"done".to_owned()), "{lines:?}");
    host.end().await;
}

#[tokio::test]
async fn twenty_environments_start_at_once() {
    let Some(host) = Host::start().await else { return };
    let revision = host.function(HELLO, Settings::default());
    let all = (0..20).map(|_| async {
        let id = host.begin(revision.clone()).await;
        host.outcome(id, "1").await
    });
    let all = within(futures_util::future::join_all(all)).await;
    assert!(all.iter().all(|outcome| !outcome.failed), "{all:?}");
    host.end().await;
}
