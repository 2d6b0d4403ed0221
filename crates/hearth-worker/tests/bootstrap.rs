//! The Python bootstrap, under every Python of this host, as AWS's runtime client behaves. Without sandboxes.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hearth_worker::{Places, Runtimes};

/// Longer than an interpreter takes to begin on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const RESPONSE: u32 = 2;
const ERROR: u32 = 3;
const INIT_ERROR: u32 = 4;
const TOO_LARGE: u32 = 5;

/// A runtime that runs, seen from the server's side.
struct Runtime {
    process: Child,
    channel: UnixStream,
}

/// How it ended.
struct End {
    status: Option<i32>,
    output: String,
}

impl Runtime {
    fn start(python: &Path, task: &Path, handler: &str) -> Self {
        Self::start_with(python, task, handler, &[])
    }

    fn start_with(python: &Path, task: &Path, handler: &str, variables: &[(&str, &str)]) -> Self {
        let (channel, theirs) = UnixStream::pair().expect("a socket pair");
        channel.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtimes/python");
        // The shell puts the socket where a sandbox has the two pipes.
        let process = Command::new("/bin/sh")
            .args(["-c", r#"exec "$0" -S -u "$1" 3<&0 4>&0 </dev/null 2>&1"#])
            .args([python, &runtime.join("bootstrap.py")])
            .env_clear()
            .env("_HANDLER", handler)
            .env("LAMBDA_TASK_ROOT", task)
            .env("LAMBDA_RUNTIME_DIR", runtime)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(variables.iter().copied())
            .current_dir(task)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("an interpreter");
        Self { process, channel }
    }

    /// The next frame; `None` when it ended instead.
    fn frame(&mut self) -> Option<(u32, String)> {
        let mut header = [0; 8];
        self.channel.read_exact(&mut header).ok()?;
        let [a, b, c, d, rest @ ..] = header;
        let mut body = vec![0; u32::from_le_bytes(rest) as usize];
        self.channel.read_exact(&mut body).ok()?;
        // The kind, and the number of the event that is answered.
        let (kind, number) = (u32::from(a), u32::from_le_bytes([b, c, d, 0]));
        assert_eq!(number, if matches!(kind, RESPONSE | ERROR | TOO_LARGE) { 7 } else { 0 });
        Some((kind, String::from_utf8(body).expect("UTF-8")))
    }

    fn call(&mut self, event: &str, client_context: &str) -> Option<(u32, String)> {
        let fields = format!("id-1\x004102444800000\0arn:f\0Root=1\0\0\x007\0{client_context}");
        let number = |length: usize| u32::try_from(length).expect("small").to_le_bytes();
        let head = [number(fields.len()), number(fields.len() + event.len())].concat();
        self.channel.write_all(&[&head, fields.as_bytes(), event.as_bytes()].concat()).expect("it reads");
        self.frame()
    }

    fn end(mut self) -> End {
        drop(self.channel);
        let mut output = String::new();
        self.process.stdout.take().expect("piped").read_to_string(&mut output).expect("UTF-8");
        End { status: self.process.wait().expect("it ends").code(), output }
    }
}

/// Every Python that a runtime would take.
fn pythons() -> Vec<(&'static str, PathBuf)> {
    let runtimes = Runtimes::new(Places::of_this_process(), PathBuf::new());
    let pythons = runtimes.list().into_iter().filter(|status| status.identifier.starts_with("python"));
    let found: Vec<_> = pythons.filter_map(|status| Some((status.identifier, status.path?))).collect();
    assert!(!found.is_empty(), "these tests need a Python");
    found
}

fn task(code: &str) -> tempfile::TempDir {
    let task = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(task.path().join("src")).expect("a directory");
    std::fs::write(task.path().join("app.py"), code).expect("a file");
    std::fs::write(task.path().join("src/nested.py"), "def handler(event, context): return 'nested'")
        .expect("a file");
    task
}

/// One call under every interpreter: the frame that answers it, and the output.
#[track_caller]
fn check(code: &str, event: &str, kind: u32, answer: &str, output: &str) {
    for (name, python) in pythons() {
        let task = task(code);
        let mut runtime = Runtime::start(&python, task.path(), "app.handler");
        assert_eq!(runtime.frame(), Some((1, String::new())), "{name} is ready");
        let place = |text: String| text.replace(&task.path().to_string_lossy().into_owned(), "/var/task");
        let got = runtime.call(event, "").map(|(kind, body)| (kind, place(body)));
        assert_eq!(got, Some((kind, answer.to_owned())), "{name}");
        assert_eq!(place(runtime.end().output), output, "{name}");
    }
}

/// A failed init under every interpreter.
#[track_caller]
fn check_init(code: &str, handler: &str, kind: &str, message: &str) {
    for (name, python) in pythons() {
        let task = task(code);
        let mut runtime = Runtime::start(&python, task.path(), handler);
        let (frame, body) = runtime.frame().expect("a report");
        assert_eq!(frame, INIT_ERROR, "{name}");
        let start = format!(
            r#"{{"errorMessage": "{message}", "errorType": "{kind}", "requestId": "", "stackTrace": ["#
        );
        assert!(body.starts_with(&start), "{name}: {body}");
        let end = runtime.end();
        assert_eq!(end.status, Some(1), "{name}");
        assert!(
            end.output.starts_with(&format!("[ERROR] {kind}: {message}\rTraceback")),
            "{name}: {}",
            end.output
        );
    }
}

#[test]
fn values_are_answered_as_awss_encoder_writes_them() {
    let returns = |value: &str, answer: &str| {
        check(&format!("def handler(event, context): return {value}"), "{}", RESPONSE, answer, "");
    };
    returns("None", "null");
    returns("b'raw'", "raw");
    returns(
        "{'t': (1, 2), 'n': float('nan'), 1: True, None: 1.5}",
        r#"{"t": [1, 2], "n": NaN, "1": true, "null": 1.5}"#,
    );
    returns("{'d': __import__('decimal').Decimal('1.10'), b'k': b'v'}", r#"{"d": 1.10, "k": "v"}"#);
    returns("__import__('collections').namedtuple('P', 'x y')(1, 2)", r#"{"x": 1, "y": 2}"#);
}

#[test]
fn characters_beyond_ascii_are_escaped_before_3_12_and_kept_after() {
    for (name, python) in pythons() {
        let task = task("def handler(event, context): return event");
        let mut runtime = Runtime::start(&python, task.path(), "app.handler");
        runtime.frame();
        let kept = matches!(name, "python3.12" | "python3.13");
        let answer = if kept { "\"é\"" } else { "\"\\u00e9\"" };
        assert_eq!(runtime.call(" \"é\" ", ""), Some((RESPONSE, answer.to_owned())), "{name}");
        runtime.end();
    }
}

#[test]
fn errors_of_the_handler_have_awss_fields_and_log_record() {
    check(
        "def handler(event, context):\n    raise ValueError('bad')\n",
        "{}",
        ERROR,
        r#"{"errorMessage": "bad", "errorType": "ValueError", "requestId": "id-1", "stackTrace": ["  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('bad')\n"]}"#,
        "[ERROR] ValueError: bad\rTraceback (most recent call last):\r\u{a0}\u{a0}File \"/var/task/app.py\", line 2, in handler\r\u{a0}\u{a0}\u{a0}\u{a0}raise ValueError('bad')\n",
    );
    let message = "Unable to marshal response: Object of type set is not JSON serializable";
    check(
        "def handler(event, context): return {1}",
        "{}",
        ERROR,
        &format!(
            r#"{{"errorMessage": "{message}", "errorType": "Runtime.MarshalError", "requestId": "id-1", "stackTrace": []}}"#
        ),
        &format!("[ERROR] Runtime.MarshalError: {message}\rTraceback (most recent call last):\n"),
    );
    let message = "Unable to unmarshal input: Expecting value: line 1 column 1 (char 0)";
    check(
        "def handler(event, context): return 1",
        "nonsense",
        ERROR,
        &format!(
            r#"{{"errorMessage": "{message}", "errorType": "Runtime.UnmarshalError", "requestId": "id-1", "stackTrace": []}}"#
        ),
        &format!("[ERROR] Runtime.UnmarshalError: {message}\rTraceback (most recent call last):\n"),
    );
}

#[test]
fn an_answer_above_the_limit_is_not_sent() {
    let line = "LAMBDA_RUNTIME Failed to post handler success response. Http response code: 413.\n";
    check("def handler(event, context): return 'x' * 6291555", "{}", TOO_LARGE, "", line);
}

#[test]
fn init_errors_are_named_as_aws_names_them() {
    let unable = "Unable to import module 'app': No module named 'nothere'";
    check_init("import nothere", "app.handler", "Runtime.ImportModuleError", unable);
    check_init("", "app.other", "Runtime.HandlerNotFound", "Handler 'other' missing on module 'app'");
    let malformed = "Bad handler 'app': not enough values to unpack (expected 2, got 1)";
    check_init("", "app", "Runtime.MalformedHandlerName", malformed);
    let builtin = "Cannot use built-in module sys as a handler module";
    check_init("", "sys.handler", "Runtime.BuiltInModuleConflict", builtin);
    check_init("raise KeyError('k')", "app.handler", "KeyError", "'k'");
    check_init(
        "x = = 1",
        "app.handler",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'app': invalid syntax (app.py, line 1)",
    );
}

#[test]
fn nested_handlers_are_found_by_slashes_and_by_dots() {
    for (name, python) in pythons() {
        for handler in ["src/nested.handler", "src.nested.handler"] {
            let task = task("");
            let mut runtime = Runtime::start(&python, task.path(), handler);
            runtime.frame();
            assert_eq!(runtime.call("{}", ""), Some((RESPONSE, "\"nested\"".to_owned())), "{name} {handler}");
            runtime.end();
        }
    }
}

#[test]
fn the_context_has_awss_members() {
    let code = r#"
def handler(event, context):
    import os
    context.log("logged")
    client = context.client_context
    return [context.aws_request_id, context.invoked_function_arn, context.memory_limit_in_mb, context.tenant_id,
            client.custom, client.client.app_title, context.identity.cognito_identity_id,
            context.get_remaining_time_in_millis() > 0, os.environ["_X_AMZN_TRACE_ID"]]
"#;
    for (name, python) in pythons() {
        let task = task(code);
        let mut runtime = Runtime::start(&python, task.path(), "app.handler");
        runtime.frame();
        let answer = runtime.call("{}", r#"{"custom": {"k": "v"}, "client": {"app_title": "t"}}"#);
        let expected = r#"["id-1", "arn:f", "128", null, {"k": "v"}, "t", null, true, "Root=1"]"#;
        assert_eq!(answer, Some((RESPONSE, expected.to_owned())), "{name}");
        assert_eq!(runtime.end().output, "logged", "{name}");
    }
}

#[test]
fn logging_has_awss_format_once_somebody_imports_it() {
    let code = "import logging\ndef handler(event, context):\n    logging.warning('careful')\n    logging.info('unseen')\n";
    for (name, python) in pythons() {
        let task = task(code);
        let mut runtime = Runtime::start(&python, task.path(), "app.handler");
        runtime.frame();
        runtime.call("{}", "");
        let output = runtime.end().output;
        let fields: Vec<_> = output.split('\t').collect();
        assert_eq!((fields[0], fields[2], fields[3]), ("[WARNING]", "id-1", "careful\n"), "{name}: {output}");
        let time: Vec<_> = fields[1].split(['-', 'T', ':', '.', 'Z']).map(str::len).collect();
        assert_eq!(time, [4, 2, 2, 2, 2, 2, 3, 0], "{name}: {output}");
    }
}

#[test]
fn exit_ends_the_process_with_its_status() {
    for (name, python) in pythons() {
        let task = task("def handler(event, context): exit(event)");
        let mut runtime = Runtime::start(&python, task.path(), "app.handler");
        runtime.frame();
        assert_eq!(runtime.call("3", ""), None, "{name}");
        assert_eq!(runtime.end().status, Some(3), "{name}");
    }
}

#[test]
fn in_the_json_format_every_record_and_every_error_is_one_object() {
    let code = "import logging\ndef handler(event, context):
    logging.getLogger('mine').info('seen %d', 1, extra={'order': 7})
    logging.debug('unseen')
    try:
        {}['x']
    except KeyError:
        logging.exception('caught')
    raise ValueError('no')\n";
    for (name, python) in pythons() {
        let task = task(code);
        let variables = [("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_LOG_LEVEL", "INFO")];
        let mut runtime = Runtime::start_with(&python, task.path(), "app.handler", &variables);
        runtime.frame();
        assert_eq!(runtime.call("{}", "").map(|(kind, _)| kind), Some(ERROR), "{name}");
        let output = runtime.end().output;
        let events: Vec<serde_json::Value> = output
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            .collect();
        assert_eq!(events.len(), 3, "{name}: {output}");
        let mut seen = events[0].clone();
        let time = seen["timestamp"].take();
        assert!(time.as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')), "{name}: {time}");
        let expected = serde_json::json!({ "timestamp": null, "level": "INFO", "message": "seen 1", "logger": "mine",
            "requestId": "id-1", "order": 7 });
        assert_eq!(seen, expected, "{name}");
        assert_eq!(
            (&events[1]["level"], &events[1]["errorType"]),
            (&"ERROR".into(), &"KeyError".into()),
            "{name}"
        );
        assert!(
            events[1]["location"].as_str().is_some_and(|at| at.ends_with("app.py:handler:8")),
            "{}",
            events[1]
        );
        assert_eq!(
            (&events[2]["level"], &events[2]["errorMessage"]),
            (&"ERROR".into(), &"no".into()),
            "{name}"
        );
    }
}

#[test]
fn endless_recursion_is_an_error_like_any_other_and_the_runtime_goes_on() {
    let code = "def again(n): return again(n + 1)
def handler(event, context):
    if event == 'deep':
        value = []
        for _ in range(100000): value = [value]
        return value
    return again(0) if event else 'well'\n";
    for (name, python) in pythons() {
        let task = task(code);
        let mut runtime = Runtime::start(&python, task.path(), "app.handler");
        runtime.frame();
        let (kind, body) = runtime.call("true", "").expect("an answer");
        assert!(kind == ERROR && body.contains(r#""errorType": "RecursionError""#), "{name}: {body}");
        let (kind, body) = runtime.call(r#""deep""#, "").expect("an answer");
        assert!(
            kind == ERROR && body.contains("Runtime.MarshalError"),
            "{name}: {}",
            &body[..body.len().min(300)]
        );
        assert_eq!(runtime.call("false", ""), Some((RESPONSE, r#""well""#.to_owned())), "{name}");
    }
}
