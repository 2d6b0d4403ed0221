//! `hearth` as a person meets it: lines, refusals, exit codes.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use hearth_tests::{Hearth, Request, WAIT, binary, leftovers, let_go, until_stopping, until_waiting};
use rustix::process::Signal;
use serde_json::json;

const SLOW: &str = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n";

fn hearth(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).stdin(Stdio::null()).output().expect("run hearth")
}

/// The one line on stderr of a command that must fail.
#[track_caller]
fn refusal(arguments: &[&str], code: i32) -> String {
    let output = hearth(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(output.stdout.is_empty());
    text.trim_end().to_owned()
}

#[test]
fn the_ready_line_names_the_address_and_the_time_it_took() {
    let hearth = Hearth::start();
    let line = hearth.ready_line().strip_suffix('\n').expect("one line");
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!((words[0], words[2], words[4]), ("ready", "in", "ms"), "{line}");
    assert!(words[1].starts_with("http://127.0.0.1:"), "{line}");
    assert!(words[3].parse::<u64>().is_ok(), "{line}");
    let health = hearth.send(&Request::new("GET", "/_hearth/health")).json();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["instance"], hearth.instance());
}

#[test]
fn the_log_says_at_which_level_sandboxes_run() {
    let hearth = Hearth::start_with(&["--log", "info"]);
    let told = hearth.log();
    assert!(told.lines().any(|line| line.contains("isolation=\"full\"")), "{told}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused_in_one_line() {
    let first = Hearth::start();
    let data = first.data().to_str().expect("a text");
    let line = refusal(&["up", "--listen", "127.0.0.1:0", "--data", data], 1);
    let real = first.data().canonicalize().expect("it exists");
    let wanted = format!(
        "the data folder {} is used by another server (process {}): stop it, or name another folder with --data",
        real.display(),
        first.process()
    );
    assert_eq!(line, format!("hearth: {wanted}"));
    assert_eq!(first.send(&Request::new("GET", "/_hearth/health")).status, 200);
}

#[test]
fn a_port_in_use_is_refused_in_one_line() {
    let first = Hearth::start();
    let folder = tempfile::TempDir::new().expect("a folder");
    let line =
        refusal(&["up", "--listen", first.address(), "--data", folder.path().to_str().expect("a text")], 1);
    assert!(line.starts_with(&format!("hearth: cannot listen on {}: ", first.address())), "{line}");
}

#[test]
fn an_address_that_others_reach_needs_trust() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let data = folder.path().to_str().expect("a text");
    let line = refusal(&["up", "--listen", "0.0.0.0:0", "--data", data], 1);
    assert!(line.contains("--trust-network"), "{line}");
    assert!(
        std::fs::read_dir(folder.path()).expect("listed").next().is_none(),
        "nothing is made before a refusal"
    );
}

#[test]
fn a_user_who_is_not_root_is_refused_in_one_line() {
    let folder = tempfile::TempDir::new().expect("a folder");
    // The program is copied to where another user can reach it.
    let program = std::env::temp_dir().join(format!("hearth-copy-{}", std::process::id()));
    // By another process: a fork of this one would keep the copy open for writing, and it could not be run.
    let copied = Command::new("cp").arg(binary()).arg(&program).status();
    assert!(copied.expect("run cp").success(), "no copy");
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .output();
    std::fs::remove_file(&program).expect("removed");
    let output = output.expect("run setpriv");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.starts_with("hearth: ") && text.contains("root"), "{text}");
}

#[test]
fn a_wrong_option_is_wrong_usage() {
    assert_eq!(hearth(&["up", "--nonsense"]).status.code(), Some(2));
    assert_eq!(hearth(&["up", "--account", "12"]).status.code(), Some(2));
    assert_eq!(hearth(&[]).status.code(), Some(2));
}

#[test]
fn every_command_explains_itself_with_examples_and_exit_codes() {
    for command in ["up", "invoke", "logs", "doctor", "runtimes"] {
        let help = hearth(&[command, "--help"]);
        let text = String::from_utf8_lossy(&help.stdout);
        assert!(help.status.success());
        assert!(text.contains("Examples:") && text.contains("Exit codes:"), "{text}");
    }
}

#[test]
fn a_stop_lets_running_calls_finish_and_leaves_nothing() {
    let mut hearth = Hearth::start();
    let code = format!("{WAIT}\ndef handler(event, context):\n    wait()\n    return 'done'\n");
    let function = hearth.function("slow").code(&code).with("Timeout", json!(60)).create();
    let (request, address) = (function.request("1"), hearth.address().to_owned());
    let call = std::thread::spawn(move || request.send(&address));
    until_waiting(&hearth, 1);
    hearth.signal(Signal::TERM);
    until_stopping(&hearth);
    let_go(&hearth);
    assert_eq!(hearth.wait_for_end(), Some(0));
    let answer = call.join().expect("the call ended").expect("the call was answered");
    assert_eq!((answer.status, answer.json()), (200, json!("done")));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

#[test]
fn a_second_interrupt_ends_the_server_at_once_and_leaves_nothing() {
    let mut hearth = Hearth::start();
    hearth.may_warn();
    let function = hearth.function("slow").code(SLOW).with("Timeout", json!(60)).create();
    function.invoke("0");
    let (request, address) = (function.request("50"), hearth.address().to_owned());
    let call = std::thread::spawn(move || request.send(&address));
    wait_for_calls(&hearth, 1);
    hearth.signal(Signal::INT);
    until_stopping(&hearth);
    hearth.signal(Signal::INT);
    assert_eq!(hearth.wait_for_end(), Some(130));
    assert!(hearth.log().contains("stopped at once: running calls are lost"), "it drained: {}", hearth.log());
    assert!(call.join().expect("the call ended").is_err(), "the connection is lost");
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

#[test]
fn an_event_comes_from_standard_input_and_its_answer_goes_to_standard_output() {
    let hearth = Hearth::start();
    hearth.function("echo").code("def handler(event, context):\n    return event\n").create();
    let mut child = Command::new(binary())
        .args(["invoke", "echo", "--payload", "-", "--endpoint", &format!("http://{}", hearth.address())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("run hearth");
    child.stdin.take().expect("piped").write_all(b"[1, 2]").expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"[1, 2]\n"[..]));
}

/// Waits until the server runs this many calls.
#[track_caller]
fn wait_for_calls(hearth: &Hearth, calls: u64) {
    let started = std::time::Instant::now();
    while hearth.send(&Request::new("GET", "/_hearth/health")).json()["requests"].as_u64() < Some(calls + 1) {
        assert!(started.elapsed().as_secs() < 45, "the call does not begin");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
