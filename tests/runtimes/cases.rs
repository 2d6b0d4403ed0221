//! The cases common to all runtimes: what goes in and comes out, what the handler sees, what stays.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hearth_tests::{Answer, Function, Hearth, Invocation};
use serde_json::{Value, json};

use super::languages::{self, Language};
use super::{failures, output};

/// A synchronous event: 6 MB.
const EVENT_BYTES_MAX: usize = 6_291_456;
/// A synchronous answer: 6 MB and 100 bytes.
const ANSWER_BYTES_MAX: usize = 6_291_556;

/// A case: its sentence, and what proves it.
pub(crate) type Case = (&'static str, fn(&Bench<'_>));

const CASES: &[Case] = &[
    ("an event comes back as it went, whatever its characters", echoes),
    ("the context names the call, the function and its limits", context),
    ("the client context reaches the handler", client_context),
    ("the environment is AWS's", environment),
    ("a function's own variable replaces what is not reserved", own_variables),
    ("an event and an answer may have 6 MB and not a byte more", sizes),
    ("a payload that is no JSON reaches no function", no_json),
    ("globals live from call to call", globals),
    ("/tmp is kept from call to call and private to its environment", temporary_files),
    ("code, layers and the root are read-only", read_only),
    ("the endpoint is reached without a setting", endpoint),
];

/// A server with the function that most cases call.
pub(crate) struct Bench<'h> {
    pub(crate) hearth: &'h Hearth,
    pub(crate) runtime: &'static str,
    pub(crate) language: Language,
    package: Vec<u8>,
    /// 512 MB, 30 s.
    pub(crate) function: Function<'h>,
}

/// Runs every case against one runtime and names those that failed.
#[track_caller]
pub(crate) fn all(runtime: &'static str, language: Language) {
    if !languages::is_available(runtime) {
        let all = std::env::var("HEARTH_TEST_RUNTIMES").is_ok_and(|wanted| wanted == "all");
        assert!(!all, "{runtime} is not on this machine");
        eprintln!("skipped: {runtime} is not on this machine");
        return;
    }
    let hearth = Hearth::start();
    let package = language.package().bytes();
    let function = builder(&hearth, runtime, language, "main").package(&package);
    let function = function.with("MemorySize", json!(512)).with("Timeout", json!(30)).create();
    let bench = Bench { hearth: &hearth, runtime, language, package, function };
    let mut failed = Vec::new();
    thread::scope(|scope| {
        // Takes eleven seconds, of which it sleeps all.
        let slow = scope.spawn(|| catch_unwind(AssertUnwindSafe(|| failures::slow_init(&bench))).is_err());
        for (sentence, case) in CASES.iter().chain(output::CASES).chain(failures::CASES) {
            if catch_unwind(AssertUnwindSafe(|| case(&bench))).is_err() {
                failed.push(*sentence);
            }
        }
        if slow.join().unwrap_or(true) {
            failed.push("an init of more than ten seconds runs again inside the call");
        }
    });
    assert!(failed.is_empty(), "{runtime} in {language:?}: {failed:#?}");
}

fn builder<'h>(
    hearth: &'h Hearth,
    runtime: &str,
    language: Language,
    name: &'h str,
) -> hearth_tests::FunctionBuilder<'h> {
    let variables = json!({ "Variables": { "MINE": "ünïcödé ✓" } });
    hearth
        .function(name)
        .with("Runtime", json!(runtime))
        .with("Handler", json!(language.handler()))
        .with("Environment", variables)
}

impl<'h> Bench<'h> {
    /// Another function of the same code: 256 MB, 5 s.
    pub(crate) fn another(&self, name: &'h str) -> hearth_tests::FunctionBuilder<'h> {
        let function = builder(self.hearth, self.runtime, self.language, name).package(&self.package);
        function.with("MemorySize", json!(256)).with("Timeout", json!(5))
    }

    /// Asks the function for something; it must not fail.
    #[track_caller]
    pub(crate) fn ask(&self, event: Value) -> Value {
        answer(&self.function.invoke(&event.to_string()))
    }
}

/// What a function answered without failing.
#[track_caller]
pub(crate) fn answer(invocation: &Invocation) -> Value {
    assert_eq!(invocation.error, "", "{}\n{}", invocation.answer.text(), invocation.log);
    invocation.json()
}

fn echoes(bench: &Bench<'_>) {
    for event in [
        json!({ "a": [1, null, true, 0.5], "ключ": "значение 🔥 \u{0}\u{7f}\u{2028}" }),
        json!(["\"\\/\u{8}\u{c}\n\r\t", {}]),
        json!("text"),
        json!(0),
        json!(null),
        json!([]),
    ] {
        assert_eq!(bench.ask(event.clone()), event);
    }
    assert_eq!(bench.function.invoke("").json(), json!({}), "no body is an empty event");
}

fn context(bench: &Bench<'_>) {
    let invocation = bench.function.invoke(&json!({ "do": "context" }).to_string());
    let mut seen = answer(&invocation);
    let stream = seen["stream"].take();
    let wanted = json!({
        "request_id": invocation.request_id,
        "arn": "arn:aws:lambda:us-east-1:000000000000:function:main",
        "name": "main", "version": "$LATEST", "memory": "512",
        "group": "/aws/lambda/main", "stream": null, "time_left": true, "custom": null,
    });
    assert_eq!(seen, wanted);
    is_log_stream(stream.as_str().unwrap_or_default());
}

/// `YYYY/MM/DD/[$LATEST]` and 32 hexadecimal digits.
#[track_caller]
fn is_log_stream(stream: &str) {
    let (date, rest) = stream.split_at_checked(11).unwrap_or_default();
    let date: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let digits = rest.strip_prefix("[$LATEST]").unwrap_or_default();
    let hexadecimal = digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit());
    assert!(date == "0000/00/00/" && hexadecimal, "{stream}");
}

fn client_context(bench: &Bench<'_>) {
    // As the mobile SDKs send it: the client in Rust wants all of these.
    let client = json!({
        "installation_id": "i", "app_title": "t", "app_version_name": "n", "app_version_code": "c",
        "app_package_name": "p",
    });
    let context = json!({ "client": client, "custom": { "key": "given" }, "env": {} }).to_string();
    let request = bench.function.request(&json!({ "do": "context" }).to_string());
    let request = request.header("X-Amz-Client-Context", &BASE64_STANDARD.encode(context));
    assert_eq!(bench.hearth.send(&request).json()["custom"], "given");
}

fn environment(bench: &Bench<'_>) {
    let seen = bench.ask(json!({ "do": "environment" }));
    let managed = bench.language.is_managed();
    let (bin, lib) =
        if bench.runtime == "provided.al2" { ("", "") } else { ("/var/lang/bin:", "/var/lang/lib:") };
    let wanted = [
        ("_HANDLER", bench.language.handler()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "main"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/main"),
        ("AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"),
        ("_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"),
        ("_AWS_XRAY_DAEMON_PORT", "2000"),
        ("TZ", ":UTC"),
        ("LANG", "en_US.UTF-8"),
        ("PATH", &format!("{bin}/usr/local/bin:/usr/bin/:/bin:/opt/bin")),
        (
            "LD_LIBRARY_PATH",
            &format!("{lib}/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"),
        ),
        ("MINE", "ünïcödé ✓"),
    ];
    for (name, value) in wanted {
        assert_eq!(seen[name], value, "{name}");
    }
    let starts = |name: &str, with: &str| {
        assert!(seen[name].as_str().is_some_and(|value| value.starts_with(with)), "{name}: {}", seen[name]);
    };
    starts("AWS_ACCESS_KEY_ID", "ASIA");
    starts("AWS_SECRET_ACCESS_KEY", "");
    starts("AWS_SESSION_TOKEN", "");
    starts("AWS_ENDPOINT_URL", "http://127.0.0.1:");
    starts("_X_AMZN_TRACE_ID", "Root=1-");
    is_log_stream(seen["AWS_LAMBDA_LOG_STREAM_NAME"].as_str().unwrap_or_default());
    let execution = managed.then(|| format!("AWS_Lambda_{}", bench.runtime));
    assert_eq!(seen.get("AWS_EXECUTION_ENV").and_then(Value::as_str), execution.as_deref());
    if managed {
        assert_eq!((&seen["PWD"], &seen["SHLVL"]), (&json!("/var/task"), &json!("0")));
    }
    match bench.language {
        Language::Python => assert_eq!(seen["PYTHONPATH"], "/var/runtime"),
        Language::Node => {
            let modules = "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:\
                 /var/runtime:/var/task";
            assert_eq!(seen["NODE_PATH"], modules);
        }
        Language::Rust | Language::Go | Language::PythonClient | Language::NodeClient => {}
    }
}

fn own_variables(bench: &Bench<'_>) {
    let variables = json!({ "Variables": { "TZ": "Europe/Berlin", "LANG": "C.UTF-8" } });
    let function = bench.another("variables").with("Environment", variables).create();
    let seen = answer(&function.invoke(&json!({ "do": "environment" }).to_string()));
    assert_eq!((&seen["TZ"], &seen["LANG"]), (&json!("Europe/Berlin"), &json!("C.UTF-8")));
}

fn sizes(bench: &Bench<'_>) {
    let event = |bytes: usize| {
        let empty = json!({ "do": "size", "pad": "" }).to_string();
        json!({ "do": "size", "pad": "x".repeat(bytes - empty.len()) }).to_string()
    };
    let largest = event(EVENT_BYTES_MAX);
    assert_eq!(largest.len(), EVENT_BYTES_MAX);
    assert!(answer(&bench.function.invoke(&largest)).as_u64().is_some_and(|pad| pad > 6_000_000));
    let refused: Answer = bench.hearth.send(&bench.function.request(&event(EVENT_BYTES_MAX + 1)));
    refused.is_error(413, "RequestEntityTooLargeException");
    let large = |bytes| bench.function.invoke(&json!({ "do": "large", "bytes": bytes }).to_string());
    assert_eq!(large(ANSWER_BYTES_MAX).answer.body.len(), ANSWER_BYTES_MAX);
    large(ANSWER_BYTES_MAX + 1).failed_with(
        r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#,
    );
    assert_eq!(bench.ask(json!(1)), json!(1), "the environment goes on");
}

fn no_json(bench: &Bench<'_>) {
    for event in ["{", "nonsense", "\u{feff}1", "1 2", "'a'"] {
        bench.hearth.send(&bench.function.request(event)).is_error(400, "InvalidRequestContentException");
    }
}

fn globals(bench: &Bench<'_>) {
    let function = bench.another("counter").create();
    for expected in 1..=3 {
        let counted = answer(&function.invoke(&json!({ "do": "count" }).to_string()));
        assert_eq!(counted, json!(expected));
    }
}

fn temporary_files(bench: &Bench<'_>) {
    bench.ask(json!({ "do": "write", "text": "kept" }));
    let read = json!({ "do": "read", "path": "/tmp/kept" });
    assert_eq!(bench.ask(read.clone()), json!("kept"));
    let neighbour = bench.another("neighbour").create();
    assert_eq!(answer(&neighbour.invoke(&read.to_string())), json!(null));
}

fn read_only(bench: &Bench<'_>) {
    for path in ["/var/task/new", "/opt/new", "/var/runtime/new", "/new", "/etc/new", "/usr/new"] {
        assert_eq!(bench.ask(json!({ "do": "denied", "path": path })), json!(true), "{path}");
    }
    assert_eq!(bench.ask(json!({ "do": "denied", "path": "/tmp/new" })), json!(false));
}

fn endpoint(bench: &Bench<'_>) {
    // Without a signature, which is refused by the service itself: it was reached.
    assert_eq!(bench.ask(json!({ "do": "reach" })), json!(403));
}
