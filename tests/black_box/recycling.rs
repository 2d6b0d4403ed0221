//! Environments over updates: what runs ends on the old code, what begins after the update runs the new.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hearth_tests::{Function, Hearth, Package, Request, WAIT, let_go, programs, until_waiting};
use serde_json::{Value, json};

/// Longer than an update takes.
const UPDATED: Duration = Duration::from_secs(60);
/// Clients that call without a pause.
const CALLERS: usize = 3;

/// Waits if it is told to, and answers which code and which configuration it ran with.
const CODE: &str = "def handler(event, context):\n    if event: wait()\n    \
    return [int(open('/var/task/mark').read()), int(os.environ['MARK'])]\n";

fn package(mark: u64) -> Vec<u8> {
    Package::of("app.py", &format!("{WAIT}{CODE}")).file("mark", &mark.to_string()).bytes()
}

fn variables(mark: u64) -> Value {
    json!({ "Variables": { "MARK": mark.to_string() } })
}

/// Sends an update and waits until it is Successful.
#[track_caller]
fn update(function: &Function<'_>, hearth: &Hearth, what: &str, body: &Value) {
    let path = format!("/2015-03-31/functions/changes/{what}");
    let answer = hearth.send(&Request::new("PUT", &path).signed("lambda").body(body.to_string()));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let began = Instant::now();
    loop {
        let configuration = function.configuration().json();
        match configuration["LastUpdateStatus"].as_str() {
            Some("Successful") => return,
            Some("InProgress") => assert!(began.elapsed() < UPDATED, "{configuration}"),
            _ => panic!("{configuration}"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Ends the callers, also when the test fails beside them.
struct End<'o>(&'o AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn marks(answer: &Value) -> [u64; 2] {
    [0, 1].map(|index| answer[index].as_u64().unwrap_or_else(|| panic!("two marks: {answer}")))
}

#[test]
fn while_code_and_configuration_change_no_call_fails_and_none_begins_on_what_was_replaced() {
    let hearth = Hearth::start();
    let function = hearth.function("changes").package(&package(0)).with("Environment", variables(0));
    let function = function.with("Timeout", json!(60)).create();
    // What was Successful when a call began: it must run this or something later.
    let floors = [AtomicU64::new(0), AtomicU64::new(0)];
    let over = AtomicBool::new(false);
    let calls = thread::scope(|scope| {
        let call_all_the_time = || {
            let mut calls = 0;
            while !over.load(Ordering::SeqCst) {
                let floor = floors.each_ref().map(|floor| floor.load(Ordering::SeqCst));
                let invocation = function.invoke("0");
                assert_eq!(invocation.error, "", "{}", invocation.answer.text());
                let seen = marks(&invocation.json());
                assert!(seen[0] >= floor[0] && seen[1] >= floor[1], "{seen:?} after {floor:?}");
                calls += 1;
            }
            calls
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call_all_the_time)).collect();
        let end = End(&over);
        for mark in 1..=4 {
            let code = json!({ "ZipFile": BASE64_STANDARD.encode(package(mark)) });
            update(&function, &hearth, "code", &code);
            floors[0].store(mark, Ordering::SeqCst);
            assert_eq!(marks(&function.invoke("0").json()), [mark, mark - 1]);
            update(&function, &hearth, "configuration", &json!({ "Environment": variables(mark) }));
            floors[1].store(mark, Ordering::SeqCst);
            assert_eq!(marks(&function.invoke("0").json()), [mark, mark]);
        }
        drop(end);
        callers.into_iter().map(|caller| caller.join().expect("no call failed")).sum::<u32>()
    });
    assert!(calls > 0);
}

#[test]
fn a_call_that_runs_during_an_update_ends_on_the_old_code_and_its_environment_goes() {
    let hearth = Hearth::start();
    let function = hearth.function("changes").package(&package(0)).with("Environment", variables(0));
    let function = function.with("Timeout", json!(60)).create();
    function.invoke("0");
    let mut old = BTreeSet::new();
    thread::scope(|scope| {
        let running = scope.spawn(|| function.invoke("1"));
        until_waiting(&hearth, 1);
        // Two environments at once: one of them has the long call.
        let began = Instant::now();
        while old.len() < 2 {
            assert!(began.elapsed() < UPDATED, "no second environment");
            function.invoke("0");
            old = programs(&hearth);
        }
        update(&function, &hearth, "code", &json!({ "ZipFile": BASE64_STANDARD.encode(package(1)) }));
        assert_eq!(marks(&function.invoke("0").json()), [1, 0]);
        assert!(!running.is_finished(), "the long call still runs");
        let_go(&hearth);
        let ended = running.join().expect("answered");
        assert_eq!((ended.error.as_str(), marks(&ended.json())), ("", [0, 0]));
    });
    let began = Instant::now();
    while !programs(&hearth).is_disjoint(&old) {
        assert!(began.elapsed() < UPDATED, "the old environment stays");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(marks(&function.invoke("0").json()), [1, 0]);
}
