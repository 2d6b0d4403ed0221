//! How functions fail, and what AWS answers for each (payloads and log lines of the real service).

use hearth_tests::{Hearth, Invocation};
use serde_json::{Value, json};

/// The REPORT line of a first call that ended with a status.
fn report(memory_mb: u32, ending: &str) -> String {
    format!(
        "REPORT RequestId: ID\tDuration: N ms\tBilled Duration: N ms\tMemory Size: {memory_mb} MB\tMax Memory Used: N MB\t\
         Init Duration: N ms\t{ending}\n"
    )
}

fn call(code: &str, memory_mb: u32, timeout_seconds: u32) -> Invocation {
    let hearth = Hearth::start();
    let function = hearth.function("fails").code(code).with("MemorySize", json!(memory_mb));
    function.with("Timeout", json!(timeout_seconds)).create().invoke("{}")
}

/// The payload that the runtime posted for a failed init: its id is empty.
#[track_caller]
fn failed_init(code: &str, error_type: &str, message: &str) {
    let invocation = call(code, 128, 5);
    assert_eq!(invocation.error, "Unhandled", "{}", invocation.answer.text());
    let payload = invocation.json();
    assert_eq!(payload["errorType"], error_type, "{payload}");
    assert_eq!(payload["errorMessage"], message, "{payload}");
    assert_eq!(payload["requestId"], "", "{payload}");
}

#[test]
fn an_exception_is_answered_with_its_type_its_text_and_its_trace() {
    let invocation = call("def handler(event, context):\n    raise ValueError('Handler fails')\n", 128, 5);
    assert_eq!(invocation.error, "Unhandled");
    let wanted = json!({
        "errorMessage": "Handler fails",
        "errorType": "ValueError",
        "requestId": invocation.request_id,
        "stackTrace": ["  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('Handler fails')\n"],
    });
    assert_eq!(invocation.json(), wanted);
    let log = invocation.log_shape();
    assert!(
        log.starts_with("START RequestId: ID Version: $LATEST\n[ERROR] ValueError: Handler fails"),
        "{log}"
    );
    assert!(log.ends_with(&format!("END RequestId: ID\n{}", report(128, ""))), "{log}");
}

#[test]
fn an_exception_does_not_end_the_environment() {
    let hearth = Hearth::start();
    let code = "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    raise Exception(n)\n";
    let function = hearth.function("fails").code(code).create();
    assert_eq!(function.invoke("{}").json()["errorMessage"], "1");
    assert_eq!(function.invoke("{}").json()["errorMessage"], "2");
}

#[test]
fn a_module_that_is_missing_is_an_import_error() {
    let text = "Unable to import module 'app': No module named 'nowhere'";
    failed_init("import nowhere\n", "Runtime.ImportModuleError", text);
}

#[test]
fn a_handler_that_is_missing_is_named() {
    failed_init("", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'");
}

#[test]
fn an_error_while_importing_has_its_own_type_and_trace() {
    let invocation = call("raise KeyError('at import')\n", 128, 5);
    let payload = invocation.json();
    assert_eq!(
        (&payload["errorType"], &payload["errorMessage"]),
        (&json!("KeyError"), &json!("'at import'"))
    );
    assert!(payload["stackTrace"].to_string().contains("/var/task/app.py"), "{payload}");
}

#[test]
fn a_syntax_error_is_a_syntax_error() {
    let invocation = call("def handler(:\n", 128, 5);
    assert_eq!(invocation.json()["errorType"], "Runtime.UserCodeSyntaxError");
}

#[test]
fn a_timeout_is_answered_when_the_time_is_over() {
    let invocation = call("import time\ndef handler(event, context):\n    time.sleep(60)\n", 128, 1);
    invocation.failed_with(
        r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}"#,
    );
    let wanted = format!(
        "START RequestId: ID Version: $LATEST\nEND RequestId: ID\n{}",
        report(128, "Status: timeout")
    );
    assert_eq!(invocation.log_shape(), wanted);
}

#[test]
fn after_a_timeout_the_next_call_finds_fresh_globals() {
    let hearth = Hearth::start();
    let code = r"
import time
n = 0
def handler(event, context):
    global n
    n += 1
    if event == 'hang':
        time.sleep(60)
    return n
";
    // The last call runs init again, on its own time.
    let function = hearth.function("reset").code(code).with("Timeout", json!(3)).create();
    assert_eq!(function.invoke("1").json(), json!(1));
    assert_eq!(function.invoke("\"hang\"").json()["errorType"], "Sandbox.Timedout");
    assert_eq!(function.invoke("1").json(), json!(1));
}

#[test]
fn an_exit_with_zero_gave_no_reason() {
    let invocation = call("import os\ndef handler(event, context):\n    os._exit(0)\n", 128, 5);
    invocation.failed_with(
        r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}"#,
    );
    let wanted = format!(
        "START RequestId: ID Version: $LATEST\nEND RequestId: ID\n{}",
        report(128, "Status: error\tError Type: Runtime.ExitError")
    );
    assert_eq!(invocation.log_shape(), wanted);
}

#[test]
fn an_exit_with_a_status_and_a_kill_are_told_apart() {
    let exited = call("import os\ndef handler(event, context):\n    os._exit(3)\n", 128, 5);
    exited.failed_with(
        r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}"#,
    );
    let killed = call("import os\ndef handler(event, context):\n    os.kill(os.getpid(), 9)\n", 128, 5);
    killed.failed_with(
        r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}"#,
    );
}

#[test]
fn a_function_that_eats_its_memory_is_told_from_one_that_was_killed() {
    let invocation = call("def handler(event, context):\n    return len(bytearray(1 << 30))\n", 128, 20);
    invocation.failed_with(
        r#"{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}"#,
    );
    let wanted = format!(
        "START RequestId: ID Version: $LATEST\nEND RequestId: ID\n{}",
        report(128, "Status: error\tError Type: Runtime.OutOfMemory")
    );
    assert_eq!(invocation.log_shape(), wanted);
}

#[test]
fn a_function_that_forks_for_ever_ends_with_its_call_and_hurts_nobody() {
    let hearth = Hearth::start();
    let bomb = "import os\ndef handler(event, context):\n    while True:\n        try:\n            os.fork()\n        \
        except OSError:\n            pass\n";
    let bomber = hearth.function("bomber").code(bomb).with("Timeout", json!(2)).create();
    // Whichever of its limits it meets first.
    let error = bomber.invoke("{}").json()["errorType"].clone();
    assert!(["Sandbox.Timedout", "Runtime.OutOfMemory"].iter().any(|limit| error == *limit), "{error}");
    let neighbour =
        hearth.function("neighbour").code("def handler(event, context):\n    return 'well'\n").create();
    assert_eq!(neighbour.invoke("{}").json(), json!("well"));
}

#[test]
fn a_response_may_have_6291556_bytes_and_not_one_more() {
    let hearth = Hearth::start();
    let code = "def handler(event, context):\n    return 'x' * event\n";
    let function = hearth
        .function("large")
        .code(code)
        .with("MemorySize", json!(512))
        .with("Timeout", json!(30))
        .create();
    // Two bytes are the quotes of the JSON text.
    assert_eq!(function.invoke("6291554").answer.body.len(), 6_291_556);
    let refused = function.invoke("6291555");
    refused.failed_with(
        r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#,
    );
}

#[test]
fn an_answer_that_is_no_json_is_a_marshal_error() {
    let payload: Value = call("def handler(event, context):\n    return {1, 2}\n", 128, 5).json();
    assert_eq!(payload["errorType"], "Runtime.MarshalError");
    let text = payload["errorMessage"].as_str().unwrap_or_default();
    assert!(text.starts_with("Unable to marshal response: "), "{payload}");
}
