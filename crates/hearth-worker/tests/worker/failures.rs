use std::time::Duration;

use super::support::{Host, Outcome, Settings};

async fn run(code: &str, settings: Settings) -> Option<Outcome> {
    let host = Host::start().await?;
    let outcome = host.run(code, settings).await;
    host.end().await;
    Some(outcome)
}

#[tokio::test]
async fn an_exception_is_answered_with_its_stack_trace_and_logged_with_it() {
    let code = "def handler(event, context):\n    raise Exception(\"Handler fails\")\n";
    let Some(outcome) = run(code, Settings::default()).await else { return };
    outcome.fails_with(
        r#"{"errorMessage": "Handler fails", "errorType": "Exception", "requestId": "ID", "stackTrace": ["  File \"/var/task/app.py\", line 2, in handler\n    raise Exception(\"Handler fails\")\n"]}"#,
    );
    let lines = outcome.lines();
    let space = '\u{a0}';
    assert_eq!(
        lines[1..5],
        [
            "[ERROR] Exception: Handler fails".to_owned(),
            "Traceback (most recent call last):".to_owned(),
            format!("{space}{space}File \"/var/task/app.py\", line 2, in handler"),
            format!("{space}{space}{space}{space}raise Exception(\"Handler fails\")"),
        ]
    );
    assert!(!outcome.report().contains("Status"), "an exception is no failure of the environment");
}

#[tokio::test]
async fn an_import_error_fails_the_init_twice_and_answers_the_first_invocation() {
    let Some(mut host) = Host::start().await else { return };
    let outcome = host.run("import nothere\n", Settings::default()).await;
    outcome.fails_with(
        r#"{"errorMessage": "Unable to import module 'app': No module named 'nothere'", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}"#,
    );
    assert!(outcome.report().ends_with("\tStatus: error\tError Type: Runtime.ImportModuleError"));
    assert!(!outcome.report().contains("Init Duration"));
    let lines = host.log_until("REPORT RequestId").await;
    let of = |phase: &str| {
        let tail = format!("\tPhase: {phase}\tStatus: error\tError Type: Runtime.ImportModuleError");
        lines.iter().position(|line| line.starts_with("INIT_REPORT Init Duration: ") && line.ends_with(&tail))
    };
    let start = lines.iter().position(|line| line.starts_with("START"));
    assert!(of("init").is_some() && of("init") < of("invoke") && of("invoke") < start, "{lines:?}");
    host.end().await;
}

#[tokio::test]
async fn a_timeout_is_answered_when_the_time_is_over() {
    let code = "import time\ndef handler(event, context):\n    print('begin')\n    time.sleep(60)\n";
    let Some(outcome) = run(code, Settings { timeout: Duration::from_secs(1), ..Settings::default() }).await
    else {
        return;
    };
    outcome.fails_with(
        r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}"#,
    );
    assert_eq!(outcome.lines()[1], "begin");
    assert!(outcome.report().starts_with("REPORT RequestId: ID\tDuration: 1000.00 ms\t"));
    assert!(outcome.report().ends_with("\tStatus: timeout"));
}

#[tokio::test]
async fn exits_are_answered_with_how_the_runtime_ended() {
    let Some(host) = Host::start().await else { return };
    let cases = [
        ("import sys; sys.exit(0)", "Runtime exited without providing a reason"),
        ("exit(3)", "Runtime exited with error: exit status 3"),
        ("import os; os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("import os; os.abort()", "Runtime exited with error: signal: aborted"),
    ];
    for (statement, text) in cases {
        let code = format!("def handler(event, context):\n    {statement}\n");
        let outcome = host.run(&code, Settings::default()).await;
        outcome.fails_with(&format!(
            r#"{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: {text}"}}"#
        ));
        assert!(outcome.report().ends_with("\tStatus: error\tError Type: Runtime.ExitError"));
    }
    host.end().await;
}

#[tokio::test]
async fn memory_beyond_the_limit_kills_the_function_and_says_so() {
    let code =
        "def handler(event, context):\n    held = []\n    while True: held.append(bytearray(1 << 20))\n";
    let Some(outcome) = run(code, Settings::default()).await else { return };
    outcome.fails_with(
        r#"{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}"#,
    );
    assert_eq!(outcome.max_memory_mb(), 128);
}

#[tokio::test]
async fn what_breaks_the_channel_ends_the_environment_and_nothing_else() {
    let Some(host) = Host::start().await else { return };
    let code =
        "import os\ndef handler(event, context):\n    os.write(4, b'\\xff' * 4096)\n    os.read(3, 1)\n";
    let outcome = host.run(code, Settings::default()).await;
    outcome.fails_with(
        r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}"#,
    );
    host.run("def handler(event, context): return 1", Settings::default()).await.answers("1");
    host.end().await;
}

#[tokio::test]
async fn a_flood_of_output_holds_neither_the_answer_nor_the_deadline_up() {
    let code =
        "import os\ndef handler(event, context):\n    while True: os.write(1, b'x' * 60000 + b'\\n')\n";
    let Some(outcome) = run(code, Settings { timeout: Duration::from_secs(1), ..Settings::default() }).await
    else {
        return;
    };
    assert!(outcome.payload.contains("Sandbox.Timedout"), "{}", outcome.payload);
    assert!(outcome.log.len() <= 4096);
}
