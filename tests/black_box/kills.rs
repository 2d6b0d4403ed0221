//! kill -9 with a call running: what the caller is told, what is left, and the next call.

use std::thread;
use std::time::{Duration, Instant};

use hearth_tests::{Function, Hearth, leftovers, patience, programs, tasks};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

/// Shows by a file that a long call has begun.
const SLEEPS: &str = "import time\ndef handler(event, context):\n    open('/tmp/kept', 'a').write('x')\n    \
    if event: open('/tmp/busy', 'w')\n    time.sleep(event)\n    return open('/tmp/kept').read()\n";
/// Longer than anything here takes.
fn soon() -> Duration {
    patience(60)
}

/// Seconds that the call to be hit would take.
fn long() -> String {
    patience(45).as_secs().to_string()
}

fn sleeper(hearth: &Hearth) -> Function<'_> {
    let function =
        hearth.function("sleeper").code(SLEEPS).with("Timeout", json!(patience(60).as_secs())).create();
    assert_eq!(function.invoke("0").json(), json!("x"));
    function
}

#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < soon(), "{what} does not come");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the long call is in its handler.
fn until_busy(hearth: &Hearth) {
    let is_busy = |task: &u32| std::path::Path::new(&format!("/proc/{task}/root/tmp/busy")).exists();
    eventually("the long call", || programs(hearth).iter().any(is_busy));
}

fn kill(tasks: impl IntoIterator<Item = u32>) {
    for task in tasks {
        let process = Pid::from_raw(task.cast_signed()).expect("a process");
        kill_process(process, Signal::KILL).expect("it is there: it runs the call");
    }
}

#[test]
fn a_function_whose_program_is_killed_tells_so_keeps_its_files_and_answers_the_next_call() {
    let mut hearth = Hearth::start();
    let function = sleeper(&hearth);
    thread::scope(|scope| {
        let running = scope.spawn(|| function.invoke(&long()));
        until_busy(&hearth);
        kill(programs(&hearth));
        running.join().expect("answered").failed_with(
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}"#,
        );
    });
    assert_eq!(function.invoke("0").json(), json!("xxx"));
    assert_eq!(hearth.stop(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

#[test]
fn when_the_first_process_of_a_sandbox_is_killed_all_of_it_goes_and_the_next_call_is_answered() {
    let mut hearth = Hearth::start();
    hearth.may_warn();
    let function = sleeper(&hearth);
    let all = tasks(&hearth);
    let inits: Vec<u32> = all.difference(&programs(&hearth)).copied().collect();
    assert!(!inits.is_empty(), "a sandbox has a first process");
    thread::scope(|scope| {
        let running = scope.spawn(|| function.invoke(&long()));
        until_busy(&hearth);
        kill(inits);
        let ended = running.join().expect("answered");
        assert_eq!(ended.error, "Unhandled", "{}", ended.answer.text());
        assert_eq!(ended.json()["errorType"], "Runtime.ExitError", "{}", ended.answer.text());
    });
    eventually("the end of its processes", || tasks(&hearth).is_disjoint(&all));
    assert!(function.invoke("0").json().is_string());
    assert_eq!(hearth.stop(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

#[test]
fn when_the_spawner_is_killed_running_calls_fail_at_once_and_the_next_one_is_answered() {
    let mut hearth = Hearth::start();
    hearth.may_warn();
    let function = sleeper(&hearth);
    let all = tasks(&hearth);
    thread::scope(|scope| {
        let running = scope.spawn(|| function.invoke(&long()));
        until_busy(&hearth);
        let began = Instant::now();
        hearth.kill_spawner();
        let ended = running.join().expect("answered");
        assert!(began.elapsed() < patience(30), "the call waited for its end");
        assert_eq!(ended.error, "Unhandled", "{}", ended.answer.text());
        assert_eq!(ended.json()["errorType"], "Runtime.ExitError", "{}", ended.answer.text());
    });
    eventually("the end of its sandboxes", || tasks(&hearth).is_disjoint(&all));
    assert_eq!(function.invoke("0").json(), json!("x"), "another environment, with files of its own");
    assert_eq!(hearth.stop(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

#[test]
fn when_the_server_is_killed_its_callers_lose_their_connection_and_the_next_start_answers() {
    let mut hearth = Hearth::start();
    hearth.may_warn();
    let function = sleeper(&hearth);
    let (request, address) = (function.request(&long()), hearth.address().to_owned());
    let running = thread::spawn(move || request.send(&address));
    until_busy(&hearth);
    hearth.kill();
    let lost = running.join().expect("no panic");
    assert!(lost.is_err(), "an answer from a server that is gone: {lost:?}");
    hearth.restart();
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
    assert_eq!(Function::existing(&hearth, "sleeper").invoke("0").json(), json!("x"));
    assert_eq!(hearth.stop(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

/// Says when it is asked to end, if it ever is.
const WILLING: &str = r"
import os, signal
def say(number, frame):
    os.write(1, b'asked to end\n')
signal.signal(signal.SIGTERM, say)
def handler(event, context):
    if event == 'self':
        os.kill(os.getpid(), signal.SIGTERM)
    elif event == 'default':
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    return 'well'
";

#[test]
fn an_environment_without_extensions_is_ended_without_being_asked() {
    let hearth = Hearth::start();
    let function = hearth.function("willing").code(WILLING).create();
    assert_eq!(function.invoke("1").json(), json!("well"));
    let heard = function.invoke("\"self\"");
    assert!(heard.log.contains("asked to end\n"), "its own signal is its own affair: {}", heard.log);
    assert_eq!(function.delete().status, 204);
    eventually("the end of its environment", || programs(&hearth).is_empty());
    let body = json!({ "logGroupName": "/aws/lambda/willing", "filterPattern": "asked" }).to_string();
    let asked = || {
        let request = hearth_tests::Request::new("POST", "/").signed("logs").body(body.clone());
        let request = request.header("X-Amz-Target", "Logs_20140328.FilterLogEvents");
        let answer = hearth.send(&request.header("Content-Type", "application/x-amz-json-1.1"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["events"].as_array().map_or(0, Vec::len)
    };
    eventually("the line of its own signal", || asked() > 0);
    assert_eq!(asked(), 1, "and no other");
}

#[test]
fn a_program_that_ends_itself_by_sigterm_is_told_with_its_signal() {
    let hearth = Hearth::start();
    let function = hearth.function("willing").code(WILLING).create();
    function.invoke("\"default\"").failed_with(
        r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: terminated"}"#,
    );
    assert_eq!(function.invoke("1").json(), json!("well"));
}
