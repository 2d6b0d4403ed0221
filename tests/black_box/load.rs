//! Environments under load: how many at once, which one next, and what clients and stops do to them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::thread;

use hearth_tests::{Function, Hearth, authorization, leftovers};
use serde_json::{Value, json};

/// Answers with a name that its environment made at its start.
const WHO: &str = r"
import time, uuid
name = uuid.uuid4().hex
def handler(event, context):
    time.sleep(event)
    return name
";

/// Descriptors of the server for one environment.
const DESCRIPTORS_EACH: usize = 15;

#[track_caller]
fn name(function: &Function<'_>, seconds: f64) -> Value {
    let invocation = function.invoke(&seconds.to_string());
    assert_eq!(invocation.error, "", "{}", invocation.answer.text());
    invocation.json()
}

/// Calls at once that overlap, and the environments that answered them.
fn at_once(function: &Function<'_>, calls: usize, seconds: f64) -> BTreeSet<String> {
    thread::scope(|scope| {
        let calls: Vec<_> = (0..calls).map(|_| scope.spawn(|| name(function, seconds))).collect();
        calls.into_iter().map(|call| call.join().expect("answered").to_string()).collect()
    })
}

#[test]
fn two_hundred_environments_sleep_side_by_side_and_leave_nothing() {
    let mut hearth = Hearth::start();
    let function = hearth.function("sleeper").code(WHO).with("Timeout", json!(60)).create();
    // Long enough that all of them are there at the same time, on a slow machine as well.
    assert_eq!(at_once(&function, 200, 20.0).len(), 200, "one call at a time in each environment");
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", hearth.process())).expect("a process").count();
    assert!(descriptors < 200 * DESCRIPTORS_EACH + 200, "the server holds {descriptors} descriptors");
    assert_eq!(hearth.stop(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

#[test]
fn the_environment_that_was_used_last_is_used_next() {
    let hearth = Hearth::start();
    let function = hearth.function("stack").code(WHO).with("Timeout", json!(30)).create();
    assert_eq!(at_once(&function, 3, 2.0).len(), 3);
    let last = name(&function, 0.0);
    for _ in 0..10 {
        assert_eq!(name(&function, 0.0), last);
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
    let code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n";
    hearth.function("slow").code(code).with("Timeout", json!(30)).create();
    assert_eq!(Function::existing(&hearth, "slow").invoke("0").json(), json!("done"));
    thread::scope(|scope| {
        let running = scope.spawn(|| Function::existing(&hearth, "slow").invoke("3").json());
        // A warm environment takes the event within milliseconds; told later, the call would be refused.
        let begun = std::time::Instant::now();
        while begun.elapsed() < std::time::Duration::from_secs(1) {
            thread::sleep(std::time::Duration::from_millis(10));
        }
        hearth.signal(rustix::process::Signal::TERM);
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
    let say = |megabytes: u64| {
        let text = format!("MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: {} kB\n", megabytes * 1024);
        std::fs::write(&memory, text).expect("written");
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
