//! The cases common to all runtimes: what goes in and comes out, what the handler sees, what stays.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hearth_tests::{Answer, Function, Hearth, Invocation, Package, wants_sdks};
use serde_json::{Value, json};

use super::languages::{self, Language};
use super::{failures, output, signature, variables};

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
    ("an event and an answer may have 6 MB and not a byte more", sizes),
    ("a payload that is no JSON reaches no function", no_json),
    ("globals live from call to call", globals),
    ("/tmp is kept from call to call and private to its environment", temporary_files),
    ("code, layers and the root are read-only", read_only),
    ("layers lie in /opt, later ones over earlier ones, and are looked into by the runtime", layers),
    ("the SDK that AWS's runtime carries is there, and calls as the role without a setting", sdk),
    ("the endpoint takes what a function signs with its credentials, and nothing else", endpoint),
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
        for (sentence, case) in
            CASES.iter().chain(variables::CASES).chain(output::CASES).chain(failures::CASES)
        {
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
    /// Another function of the same code: 256 MB, 30 s.
    pub(crate) fn another(&self, name: &'h str) -> hearth_tests::FunctionBuilder<'h> {
        let function = builder(self.hearth, self.runtime, self.language, name).package(&self.package);
        function.with("MemorySize", json!(256)).with("Timeout", json!(30))
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
pub(crate) fn is_log_stream(stream: &str) {
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

fn layers(bench: &Bench<'_>) {
    let first = Package::of("data.txt", "first")
        .file("below/data.txt", "first")
        .file("python/mine.py", "MINE = 'first'\n")
        .file("nodejs/node_modules/mine/index.js", "exports.MINE = 'first';")
        .entry("bin/tool", 0o100_755, b"#!/bin/sh\n");
    let second = Package::of("data.txt", "second").file("below/more.txt", "second");
    let arns = [first, second].map(|layer| {
        let name = format!("l{}", layer.bytes().len());
        bench.hearth.publish_layer(&name, &layer.bytes())["LayerVersionArn"].clone()
    });
    let function = bench.another("layered").with("Layers", json!(arns)).create();
    let ask = |event: Value| answer(&function.invoke(&event.to_string()));
    for (path, content) in [
        ("/opt/data.txt", json!("second")),
        ("/opt/below/data.txt", json!("first")),
        ("/opt/below/more.txt", json!("second")),
        ("/opt/bin/tool", json!("#!/bin/sh\n")),
        ("/opt/nothing", json!(null)),
    ] {
        assert_eq!(ask(json!({ "do": "read", "path": path })), content, "{path}");
    }
    assert_eq!(ask(json!({ "do": "denied", "path": "/opt/data.txt" })), json!(true));
    match bench.language {
        Language::Python | Language::Node => {
            assert_eq!(ask(json!({ "do": "import", "name": "mine" })), json!("first"));
        }
        // A program of its own may come from a layer, too.
        Language::Rust | Language::Go => {
            let program = bench.hearth.publish_layer("program", &bench.package)["LayerVersionArn"].clone();
            let empty = Package::of("other", "").bytes();
            let function = bench.another("from-layer").package(&empty).with("Layers", json!([program]));
            assert_eq!(function.create().invoke("[1]").json(), json!([1]));
        }
        Language::PythonClient | Language::NodeClient => {}
    }
}

fn sdk(bench: &Bench<'_>) {
    if bench.language.is_managed() {
        wants_sdks();
        let function =
            bench.another("sdk").with("MemorySize", json!(1024)).with("Timeout", json!(30)).create();
        let arn = "arn:aws:sts::000000000000:assumed-role/any/sdk";
        assert_eq!(answer(&function.invoke(&json!({ "do": "sdk" }).to_string())), json!(arn));
    }
}

fn endpoint(bench: &Bench<'_>) {
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let seen = bench.ask(json!({ "do": "environment" }));
    let send = |headers: Value| {
        let answered = bench.ask(json!({ "do": "call", "headers": headers, "body": body }));
        (answered[0].clone(), answered[1].as_str().unwrap_or_default().to_owned())
    };
    let (status, text) = send(signature::headers(&seen, body, ""));
    assert_eq!(status, 200, "{text}");
    assert!(text.contains(":assumed-role/any/main</Arn>"), "{text}");
    let (status, text) = send(signature::headers(&seen, body, "x"));
    assert!(status == 403 && text.contains("SignatureDoesNotMatch"), "{text}");
    let (status, text) = send(json!({ "Content-Type": "application/x-www-form-urlencoded" }));
    assert_eq!(status, 403, "{text}");
}
