//! How functions of every runtime fail, and what is left of their environment.

use hearth_tests::Package;
use serde_json::{Value, json};

use super::cases::{Bench, Case, answer};

pub(crate) const CASES: &[Case] = &[
    ("an error of the handler has its language's shape and ends nothing", error),
    ("an exit is told with its status", exit),
    ("a memory fault is told with its signal", crash),
    ("a call beyond its time is ended, and the next one finds fresh globals and its own files", timeout),
    ("a function beyond its memory is killed and told so", memory),
    ("a failed init is told by the call", failed_init),
    ("a handler or program that is missing is named", missing),
];

fn error(bench: &Bench<'_>) {
    let before = bench.ask(json!({ "do": "count" })).as_u64().expect("a number");
    for message in ["boom", "ünïcödé \"quoted\"\nsecond line"] {
        let invocation = bench.function.invoke(&json!({ "do": "fail", "message": message }).to_string());
        bench.language.failed(&invocation, message);
    }
    assert_eq!(bench.ask(json!({ "do": "count" })), json!(before + 3), "the same environment");
}

/// The payload of a runtime that ended.
fn ended(kind: &str, reason: &str) -> String {
    format!(r#"{{"errorType":"{kind}","errorMessage":"RequestId: ID Error: Runtime exited {reason}"}}"#)
}

fn exit(bench: &Bench<'_>) {
    let function = bench.another("exits").create();
    let exits = |status: u32| function.invoke(&json!({ "do": "exit", "status": status }).to_string());
    exits(3).failed_with(&ended("Runtime.ExitError", "with error: exit status 3"));
    exits(0).failed_with(&ended("Runtime.ExitError", "without providing a reason"));
}

fn crash(bench: &Bench<'_>) {
    let function = bench.another("crashes").create();
    let reason = format!("with error: {}", bench.language.crash());
    let call = |event: Value| function.invoke(&event.to_string());
    for text in ["once", "twice"] {
        answer(&call(json!({ "do": "write", "text": text })));
        call(json!({ "do": "crash" })).failed_with(&ended("Runtime.ExitError", &reason));
        assert_eq!(answer(&call(json!({ "do": "read", "path": "/tmp/kept" }))), json!(text));
    }
}

fn timeout(bench: &Bench<'_>) {
    // The call after the late one runs init again, on its own time.
    let function = bench.another("sleeps").with("Timeout", json!(3)).create();
    let call = |event: Value| function.invoke(&event.to_string());
    assert_eq!(answer(&call(json!({ "do": "count" }))), json!(1));
    answer(&call(json!({ "do": "write", "text": "kept" })));
    let late = call(json!({ "do": "sleep", "ms": 30_000 }));
    late.failed_with(
        r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 3.00 seconds"}"#,
    );
    assert!(late.log_shape().ends_with("\tStatus: timeout\n"), "{}", late.log);
    assert_eq!(answer(&call(json!({ "do": "count" }))), json!(1));
    assert_eq!(answer(&call(json!({ "do": "read", "path": "/tmp/kept" }))), json!("kept"));
}

fn memory(bench: &Bench<'_>) {
    let function = bench.another("eats").with("Timeout", json!(20)).create();
    let eaten = function.invoke(&json!({ "do": "memory", "mb": 700 }).to_string());
    eaten.failed_with(&ended("Runtime.OutOfMemory", "with error: signal: killed"));
    assert!(
        eaten.log_shape().ends_with("\tStatus: error\tError Type: Runtime.OutOfMemory\n"),
        "{}",
        eaten.log
    );
}

fn failed_init(bench: &Bench<'_>) {
    let init = |name, how: &str| {
        let variables = json!({ "Variables": { "INIT": how } });
        bench.another(name).with("Environment", variables).create().invoke("{}")
    };
    let failed = init("init-fails", "fail");
    assert_eq!(failed.error, "Unhandled");
    let wanted = bench.language.init_error().replace("ID", &failed.request_id);
    let told = failed.json()["errorMessage"].as_str().unwrap_or_default().to_owned();
    assert!(told == wanted || told.replace("\"RequestId\"", "") == wanted, "{}", failed.answer.text());
    init("init-exits", "exit").failed_with(&ended("Runtime.ExitError", "with error: exit status 3"));
}

fn missing(bench: &Bench<'_>) {
    if bench.language.brings_a_program() {
        let empty = Package::of("other", "").bytes();
        bench.another("nothing").package(&empty).create().invoke("{}").failed_with(
            r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: ID Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}"#,
        );
        return;
    }
    let file = bench.language.handler().trim_end_matches(".handler");
    let function = bench.another("nobody").with("Handler", json!(format!("{file}.nobody")));
    let payload = function.create().invoke("{}").json();
    assert_eq!(payload["errorType"], "Runtime.HandlerNotFound", "{payload}");
    assert!(payload["errorMessage"].to_string().contains("nobody"), "{payload}");
    let function = bench.another("nowhere").with("Handler", json!("nowhere.handler"));
    assert_eq!(function.create().invoke("{}").json()["errorType"], "Runtime.ImportModuleError");
}

/// Init has ten seconds; then it runs again inside the call, on the call's time.
pub(crate) fn slow_init(bench: &Bench<'_>) {
    let variables = json!({ "Variables": { "INIT": "slow" } });
    let function = bench.another("init-slow").with("Environment", variables).with("Timeout", json!(1));
    function.create().invoke("{}").failed_with(
        r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}"#,
    );
}
