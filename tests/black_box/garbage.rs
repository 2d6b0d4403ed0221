//! What functions leave on the disk, and that it goes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hearth_tests::{Function, Hearth, Package, Request, binary};
use serde_json::{Value, json};

/// Longer than a claim of a killed server lasts, and its takeover takes.
const GONE_TIMEOUT: Duration = Duration::from_secs(40);

const LOOK_AGAIN: Duration = Duration::from_millis(20);

const WAITS: &str = "import os, time\ndef handler(event, context):\n    print('begun')\n    time.sleep(event)\n    \
    return open(os.environ['LAMBDA_TASK_ROOT'] + '/data.txt').read()\n";

/// A package like no other.
fn package(mark: &str) -> Vec<u8> {
    Package::of("app.py", WAITS).file("data.txt", mark).bytes()
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, |entries| entries.count())
}

/// Packages and unpacked packages.
fn kept(hearth: &Hearth) -> (usize, usize) {
    (count(&hearth.data().join("blobs")), count(&hearth.data().join("code")))
}

#[track_caller]
fn comes_to(hearth: &Hearth, wanted: (usize, usize)) {
    let started = Instant::now();
    while kept(hearth) != wanted {
        assert!(started.elapsed() < GONE_TIMEOUT, "{:?} and not {wanted:?}", kept(hearth));
        std::thread::sleep(LOOK_AGAIN);
    }
}

#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < GONE_TIMEOUT, "still not: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// How many calls of a function have reached its handler, by its log.
fn begun(hearth: &Hearth, name: &str) -> usize {
    let body = json!({ "logGroupName": format!("/aws/lambda/{name}"), "filterPattern": "begun" });
    let request = Request::new("POST", "/")
        .signed("logs")
        .header("Content-Type", "application/x-amz-json-1.1")
        .header("X-Amz-Target", "Logs_20140328.FilterLogEvents")
        .body(body.to_string());
    hearth.send(&request).json()["events"].as_array().map_or(0, Vec::len)
}

fn disk(hearth: &Hearth, options: &[&str]) -> Value {
    let endpoint = format!("http://{}", hearth.address());
    let mut command = Command::new(binary());
    command.args(["disk", "--json", "--endpoint", &endpoint]).args(options).arg("--data").arg(hearth.data());
    let output = command.output().expect("run hearth disk");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn functions_that_come_and_go_leave_nothing_on_the_disk() {
    let hearth = Hearth::start_with(&["--garbage-grace", "1s"]);
    hearth.function("stays").package(&package("stays")).create();
    for number in 0..10 {
        let function = hearth.function("comes").package(&package(&number.to_string())).create();
        assert_eq!(function.invoke("0").json(), json!(number.to_string()));
        assert_eq!(function.delete().status, 204);
    }
    comes_to(&hearth, (1, 1));
    assert_eq!(Function::existing(&hearth, "stays").invoke("0").json(), json!("stays"));
}

#[test]
fn a_package_stays_while_another_function_has_it_and_comes_back_with_the_next_one() {
    let hearth = Hearth::start_with(&["--garbage-grace", "0s"]);
    let (left, right) = ("left", "right");
    for name in [left, right] {
        hearth.function(name).package(&package("shared")).create();
    }
    Function::existing(&hearth, left).delete();
    assert_eq!(disk(&hearth, &["--free"])["garbage"]["blobs"], 0);
    assert_eq!(kept(&hearth), (1, 1));
    assert_eq!(Function::existing(&hearth, right).invoke("0").json(), json!("shared"));
    Function::existing(&hearth, right).delete();
    // Created again at once, while the old package may just be on its way out, again and again.
    for _ in 0..20 {
        let function = hearth.function("again").package(&package("shared")).create();
        assert_eq!(function.invoke("0").json(), json!("shared"));
        function.delete();
    }
    comes_to(&hearth, (0, 0));
}

#[test]
fn a_call_that_runs_keeps_its_code_although_its_function_and_package_are_gone() {
    let hearth = Hearth::start_with(&["--garbage-grace", "0s"]);
    let slow = hearth.function("slow").package(&package("still here")).with("Timeout", json!(20));
    let function = slow.create();
    assert_eq!(function.invoke("0").json(), json!("still here"));
    let (request, address) = (function.request("3"), hearth.address().to_owned());
    let running = std::thread::spawn(move || request.send(&address).expect("it answers"));
    until("the second call runs", || begun(&hearth, "slow") == 2);
    assert_eq!(function.delete().status, 204);
    disk(&hearth, &["--free"]);
    assert_eq!(running.join().expect("no panic").json(), json!("still here"));
    comes_to(&hearth, (0, 0));
}

#[test]
fn the_disk_says_what_garbage_waits_and_lets_it_go_when_told() {
    let mut hearth = Hearth::start();
    hearth.function("stays").package(&package("stays")).create();
    hearth.function("goes").package(&package("goes")).create().delete();
    let before = disk(&hearth, &[]);
    assert_eq!(before["garbage"]["blobs"], 1);
    assert!(before["uses"]["blobs"]["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{before}");
    assert!(before["garbage"]["first_goes"].is_string(), "{before}");
    let request = Request::new("POST", "/_hearth/garbage").signed("lambda");
    assert_eq!(hearth.send(&request).status, 403, "without the token");
    disk(&hearth, &["--free"]);
    comes_to(&hearth, (1, 1));
    hearth.stop();
    assert_eq!(disk(&hearth, &[])["garbage"]["blobs"], 0, "also when no server runs");
}

#[test]
fn whenever_the_server_is_killed_garbage_goes_and_what_is_needed_stays() {
    let mut hearth = Hearth::start_with(&["--garbage-grace", "0s"]);
    hearth.may_warn();
    hearth.function("stays").package(&package("stays")).create();
    for round in 0..4_u64 {
        let template = hearth.function("NAME").package(&package(&format!("round {round}"))).request();
        let address = hearth.address().to_owned();
        let (made, done) = (Arc::new(AtomicU64::new(0)), 1 + 2 * round);
        let counted = made.clone();
        let load = std::thread::spawn(move || {
            let path = |name: &str| format!("/2015-03-31/functions/{name}");
            for number in 0.. {
                let name = format!("f-{round}-{number}");
                let created = template.clone().replaced("NAME", &name).send(&address);
                let deleted = Request::new("DELETE", &path(&name)).signed("lambda").send(&address);
                if created.is_err() || deleted.is_err() {
                    break;
                }
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        until("functions come and go", || made.load(Ordering::SeqCst) >= done);
        hearth.kill();
        load.join().expect("no panic");
        hearth.restart_with(&["--garbage-grace", "0s"]);
        assert_eq!(Function::existing(&hearth, "stays").invoke("0").json(), json!("stays"));
    }
    // One function may have been created and not deleted in each round; its package is the round's.
    let page = hearth.send(&Request::new("GET", "/2015-03-31/functions/").signed("lambda")).json();
    for entry in page["Functions"].as_array().expect("a list") {
        let name = entry["FunctionName"].as_str().expect("a name");
        let function = Function::existing(&hearth, name);
        function.wait_until_active();
        assert!(function.invoke("0").json().is_string(), "{name} runs");
        if name != "stays" {
            function.delete();
        }
    }
    comes_to(&hearth, (1, 1));
}
