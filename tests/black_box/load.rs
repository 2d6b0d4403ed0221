//! Environments under load: how many at once, which one next, and what clients and stops do to them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::FileExt as _;
use std::thread;

use hearth_tests::{Function, Hearth, WAIT, authorization, leftovers, let_go, until_stopping, until_waiting};
use serde_json::{Value, json};

/// Answers with a name that its environment made at its start.
const WHO: &str = "
import uuid
name = uuid.uuid4().hex
def handler(event, context):
    if event: wait()
    return name
";

/// The code of a function whose `wait()` the test ends.
fn waiting(handler: &str) -> String {
    format!("{WAIT}{handler}")
}

/// Descriptors of the server for one environment.
const DESCRIPTORS_EACH: usize = 15;

#[track_caller]
fn name(function: &Function<'_>, waits: bool) -> Value {
    let invocation = function.invoke(&waits.to_string());
    assert_eq!(invocation.error, "", "{}", invocation.answer.text());
    invocation.json()
}

/// So many calls at the same time, what is looked at meanwhile, and the environments that answered.
fn at_once(
    hearth: &Hearth,
    function: &Function<'_>,
    calls: usize,
    meanwhile: impl FnOnce(),
) -> BTreeSet<String> {
    thread::scope(|scope| {
        let running: Vec<_> = (0..calls).map(|_| scope.spawn(|| name(function, true))).collect();
        until_waiting(hearth, calls);
        meanwhile();
        let_go(hearth);
        running.into_iter().map(|call| call.join().expect("answered").to_string()).collect()
    })
}

#[test]
fn two_hundred_environments_sleep_side_by_side_and_leave_nothing() {
    let mut hearth = Hearth::start();
    let function = hearth.function("sleeper").code(&waiting(WHO)).with("Timeout", json!(170)).create();
    let few_descriptors = || {
        let held = std::fs::read_dir(format!("/proc/{}/fd", hearth.process())).expect("a process").count();
        assert!(held < 200 * DESCRIPTORS_EACH + 200, "the server holds {held} descriptors");
    };
    let names = at_once(&hearth, &function, 200, few_descriptors);
    assert_eq!(names.len(), 200, "one call at a time in each environment");
    assert_eq!(hearth.stop(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

#[test]
fn the_environment_that_was_used_last_is_used_next() {
    let hearth = Hearth::start();
    let function = hearth.function("stack").code(&waiting(WHO)).with("Timeout", json!(170)).create();
    assert_eq!(at_once(&hearth, &function, 3, || {}).len(), 3);
    let last = name(&function, false);
    for _ in 0..10 {
        assert_eq!(name(&function, false), last);
    }
}

#[test]
fn a_client_that_never_reads_its_answer_keeps_no_environment() {
    let hearth = Hearth::start();
    let code =
        "import uuid\nname = uuid.uuid4().hex\ndef handler(event, context):\n    return name + 'x' * event\n";
    let function = hearth.function("large").code(code).with("MemorySize", json!(512)).create();
    let first = function.invoke("0").json();
    let deaf: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = TcpStream::connect(hearth.address()).expect("connected");
            let request = format!(
                "POST /2015-03-31/functions/large/invocations HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\
                 Content-Length: 7\r\n\r\n6000000",
                hearth.address(),
                authorization("test", "lambda")
            );
            stream.write_all(request.as_bytes()).expect("sent");
            // The answer has begun, and with it the environment is free again.
            stream.peek(&mut [0]).expect("an answer");
            stream
        })
        .collect();
    assert_eq!(function.invoke("0").json(), first, "it was free each time");
    drop(deaf);
    assert_eq!(function.invoke("0").json(), first);
}

#[test]
fn a_call_that_runs_when_the_server_is_told_to_stop_is_answered_and_the_function_is_there_again() {
    let mut hearth = Hearth::start();
    let code = waiting("def handler(event, context):\n    if event: wait()\n    return 'done'\n");
    hearth.function("slow").code(&code).with("Timeout", json!(60)).create();
    assert_eq!(Function::existing(&hearth, "slow").invoke("0").json(), json!("done"));
    thread::scope(|scope| {
        let running = scope.spawn(|| Function::existing(&hearth, "slow").invoke("1").json());
        until_waiting(&hearth, 1);
        hearth.signal(rustix::process::Signal::TERM);
        until_stopping(&hearth);
        let_go(&hearth);
        assert_eq!(running.join().expect("answered"), json!("done"));
    });
    assert_eq!(hearth.wait_for_end(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
    hearth.restart();
    assert_eq!(Function::existing(&hearth, "slow").invoke("0").json(), json!("done"));
}

#[test]
fn a_call_that_finds_the_host_full_is_throttled_and_one_after_it_finds_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let memory = folder.path().join("meminfo");
    std::fs::write(&memory, "").expect("written");
    let say = |megabytes: u64| {
        // In its place and of one length: an empty file would say that there is room.
        let text = format!("MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: {:9} kB\n", megabytes * 1024);
        let file = std::fs::OpenOptions::new().write(true).open(&memory);
        file.and_then(|file| file.write_all_at(text.as_bytes(), 0)).expect("written");
    };
    say(4096);
    let hearth = Hearth::start_with_memory(&memory);
    let code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n";
    let first = hearth.function("first").code(code).with("Timeout", json!(60)).create();
    let second = hearth.function("second").code(code).with("Timeout", json!(60)).create();
    assert_eq!(first.invoke("0").json(), json!("done"));
    // Less than what a new environment must leave: 256 MB.
    say(200);
    assert_eq!(first.invoke("0").json(), json!("done"), "a warm one needs no room");
    let refused = hearth.send(&second.request("0"));
    refused.is_error(429, "TooManyRequestsException");
    assert_eq!(refused.json()["Reason"], "ConcurrentInvocationLimitExceeded");
    assert!(refused.message().contains("as many execution environments as it may"), "{}", refused.text());
    // The call that waits gets the room that comes while it does.
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let answers = (0..60).map(|_| hearth.send(&second.request("0")));
            answers.into_iter().find(|answer| answer.status != 429).expect("room within a minute")
        });
        say(4096);
        assert_eq!(waiting.join().expect("no panic").json(), json!("done"));
    });
}
