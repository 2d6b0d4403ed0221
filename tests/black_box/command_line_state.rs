//! `hearth functions`, `hearth env list`, `hearth reset`: what stands, and how it goes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use hearth_tests::{Hearth, Request, binary, leftovers, newest_python};
use serde_json::{Value, json};
use tempfile::TempDir;

const ECHO: &str = "def handler(event, context):\n    return event\n";

/// Runs hearth beside a server, with its data folder.
fn beside(hearth: &Hearth, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null());
    command.env("HEARTH_ENDPOINT", format!("http://{}", hearth.address())).env("HEARTH_DATA", hearth.data());
    command.output().expect("run hearth")
}

#[track_caller]
fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[track_caller]
fn json_of(output: &Output) -> Value {
    serde_json::from_str(&text(output)).expect("JSON")
}

/// Runs `hearth reset` on a folder.
fn reset_at(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command
        .args(["reset", "--data"])
        .arg(folder)
        .args(more)
        .stdin(Stdio::null())
        .output()
        .expect("run hearth")
}

/// The one line of a command that must fail.
#[track_caller]
fn refused(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), text.lines().count()), (Some(code), 1), "{text}");
    text
}

#[test]
fn functions_are_listed_with_the_environments_they_have_now() {
    let hearth = Hearth::start();
    assert!(text(&beside(&hearth, &["functions"])).starts_with("no functions in us-east-1 at http://"));
    hearth.function("idle").code(ECHO).create();
    let echo = hearth.function("echo").code(ECHO).with("MemorySize", json!(256)).create();
    assert_eq!(echo.invoke("1").json(), json!(1));

    let table = text(&beside(&hearth, &["functions"]));
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "RUNTIME", "MEMORY", "STATE", "ENVIRONMENTS", "MODIFIED"]);
    assert_eq!(rows[1][..6], ["echo", newest_python(), "256", "MB", "Active", "1"]);
    assert_eq!(rows[2][..6], ["idle", newest_python(), "128", "MB", "Active", "0"]);

    let listed = json_of(&beside(&hearth, &["functions", "--json"]));
    assert_eq!((&listed[0]["Name"], &listed[0]["Environments"]), (&json!("echo"), &json!(1)));
    // Without the data folder's token only AWS's own answer is there.
    let folder = TempDir::new().expect("a folder");
    let without = beside(&hearth, &["functions", "--json", "--data", folder.path().to_str().expect("text")]);
    assert_eq!(json_of(&without)[0]["Environments"], Value::Null);
}

#[test]
fn environments_are_listed_with_true_figures() {
    let hearth = Hearth::start();
    assert!(text(&beside(&hearth, &["env", "list"])).starts_with("no environments"));
    let code = "keep = bytearray(40_000_000)\nfor i in range(0, len(keep), 4096): keep[i] = 1\n\
                def handler(event, context):\n    return open('/proc/self/status').read()\n";
    let function = hearth.function("holds").code(code).create();
    function.invoke("1");
    function.invoke("2");
    let listed = json_of(&beside(&hearth, &["env", "list", "--json"]));
    let environments = listed.as_array().expect("a list");
    assert_eq!(environments.len(), 1);
    let environment = &environments[0];
    assert_eq!((&environment["function"], &environment["invocations"]), (&json!("holds"), &json!(2)));
    assert!(["idle", "frozen"].contains(&environment["state"].as_str().expect("a state")), "{environment}");
    let bytes = |name: &str| environment[name].as_u64().expect(name);
    let (now, peak) = (bytes("memoryBytes"), bytes("memoryPeakBytes"));
    assert!(now > 40_000_000 && now <= bytes("memoryLimitBytes"), "{environment}");
    assert!(peak > 40_000_000 && peak <= bytes("memoryLimitBytes"), "{environment}");
    // The process is the function's runtime, as the host sees it.
    let status = std::fs::read_to_string(format!("/proc/{}/status", bytes("process"))).expect("it lives");
    let user =
        status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()?.parse().ok());
    assert_eq!(user, Some(bytes("user")));
    let rss =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    assert!(rss > Some(40_000_u64), "{status}");
    let table = text(&beside(&hearth, &["env", "list"]));
    assert!(table.starts_with("ID  FUNCTION  VERSION  STATE"), "{table}");
    assert!(
        table.lines().nth(1).is_some_and(|line| line.contains("holds") && line.contains("$LATEST")),
        "{table}"
    );
}

#[test]
fn environments_are_for_the_owner_of_the_data_folder() {
    let hearth = Hearth::start();
    for path in ["/_hearth/environments", "/_hearth/environments?x=1"] {
        let answer = hearth.send(&Request::new("GET", path).header("Authorization", "Bearer 00"));
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
    let answer = hearth.send(&Request::new("POST", "/_hearth/reset").signed("lambda"));
    assert_eq!(answer.status, 403, "{}", answer.text());
    let folder = TempDir::new().expect("a folder");
    let line =
        refused(&beside(&hearth, &["env", "list", "--data", folder.path().to_str().expect("text")]), 3);
    assert!(line.contains("does not have the data folder") && line.contains("--data"), "{line}");
}

#[test]
fn a_running_server_is_reset_and_begins_anew_at_the_same_port() {
    let hearth = Hearth::start();
    let mine = hearth.data().join("mine.txt");
    std::fs::write(&mine, "mine").expect("written");
    let (process, instance) = (hearth.process(), hearth.instance());
    let echo = hearth.function("echo").code(ECHO).create();
    echo.invoke("1");
    let line = refused(&beside(&hearth, &["reset"]), 1);
    assert!(line.contains("add --yes"), "{line}");
    assert_eq!(echo.invoke("2").json(), json!(2));

    for _ in 0..2 {
        let reset = json_of(&beside(&hearth, &["reset", "--yes", "--json"]));
        assert_eq!(reset["ServerBeganAnew"], true);
        assert_eq!(json_of(&beside(&hearth, &["functions", "--json"])), json!([]));
        assert_eq!(json_of(&beside(&hearth, &["env", "list", "--json"])), json!([]));
        let logs = Request::new("POST", "/")
            .signed("logs")
            .header("X-Amz-Target", "Logs_20140328.DescribeLogGroups");
        let logs = hearth.send(&logs.header("Content-Type", "application/x-amz-json-1.1").body("{}")).json();
        assert_eq!(logs["logGroups"], json!([]), "{logs}");
        assert_eq!(std::fs::read_dir(hearth.data().join("blobs")).expect("a folder").count(), 0);
        // It works as before, with another function of the same name.
        let again = hearth.function("echo").code(ECHO).create();
        assert_eq!(again.invoke("3").json(), json!(3));
    }
    assert_eq!((hearth.process(), hearth.instance()), (process, instance));
    assert_eq!(std::fs::read_to_string(&mine).expect("it stays"), "mine");
}

#[test]
fn a_reset_ends_running_functions_and_leaves_nothing_of_them() {
    let mut hearth = Hearth::start();
    hearth.may_warn();
    let code = "import time\ndef handler(event, context):\n    time.sleep(event)\n";
    let slow = hearth.function("slow").code(code).with("Timeout", json!(60)).create();
    slow.invoke("0");
    let (request, address) = (slow.request("50"), hearth.address().to_owned());
    let call = std::thread::spawn(move || request.send(&address));
    let started = std::time::Instant::now();
    while json_of(&beside(&hearth, &["env", "list", "--json"]))[0]["state"] != "busy" {
        assert!(started.elapsed().as_secs() < 60, "the call does not begin");
    }
    text(&beside(&hearth, &["reset", "--yes"]));
    let answer = call.join().expect("the call ended");
    let has_failed = |answer: &hearth_tests::Answer| {
        answer.status >= 500 || !answer.header("x-amz-function-error").is_empty()
    };
    assert!(answer.as_ref().map_or(true, has_failed), "{answer:?}");
    assert_eq!(json_of(&beside(&hearth, &["env", "list", "--json"])), json!([]));
    assert_eq!(hearth.stop(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

#[test]
fn a_folder_at_rest_is_reset_and_what_is_not_hearths_is_refused() {
    let mut hearth = Hearth::start();
    hearth.function("echo").code(ECHO).create();
    hearth.stop();
    let data = hearth.data().to_owned();
    assert!(refused(&reset_at(&data, &[]), 1).contains("add --yes"));
    let answer: Value = serde_json::from_str(&text(&reset_at(&data, &["--yes", "--json"]))).expect("JSON");
    assert_eq!(answer["ServerBeganAnew"], false);
    hearth.restart();
    assert_eq!(json_of(&beside(&hearth, &["functions", "--json"])), json!([]));

    let other = TempDir::new().expect("a folder");
    assert!(
        refused(&reset_at(&other.path().join("absent"), &["--yes"]), 1).contains("there is no data folder")
    );
    assert!(refused(&reset_at(other.path(), &["--yes"]), 1).contains("is no data folder"));
    std::fs::create_dir(other.path().join("blobs")).expect("made");
    std::fs::write(other.path().join("blobs/thesis.txt"), "").expect("written");
    assert!(refused(&reset_at(other.path(), &["--yes"]), 1).contains("is no data folder"));
    std::fs::write(other.path().join("notes.txt"), "").expect("written");
    assert!(refused(&reset_at(other.path(), &["--yes"]), 1).contains("it holds notes.txt"));
    assert!(other.path().join("blobs/thesis.txt").exists());
}

#[test]
fn what_other_servers_share_is_not_reset() {
    let shared = TempDir::new().expect("a folder");
    let hearth = Hearth::start_with(&["--blobs", shared.path().to_str().expect("text")]);
    hearth.function("echo").code(ECHO).create();
    let line = refused(&beside(&hearth, &["reset", "--yes"]), 3);
    assert!(line.contains("--blobs"), "{line}");
    assert_eq!(json_of(&beside(&hearth, &["functions", "--json"])).as_array().map(Vec::len), Some(1));
}

#[test]
fn what_lies_elsewhere_is_said_to_stay_also_when_no_server_runs() {
    let shared = TempDir::new().expect("a folder");
    let elsewhere = ["--blobs", shared.path().to_str().expect("text")];
    let mut hearth = Hearth::start_with(&elsewhere);
    hearth.function("echo").code(ECHO).create();
    hearth.stop();
    let line = refused(&reset_at(hearth.data(), &["--yes"]), 1);
    assert!(line.contains("--blobs") && !line.contains("--store"), "{line}");
    assert!(std::fs::read_dir(shared.path()).expect("a folder").count() > 0);
    hearth.restart_with(&elsewhere);
    assert_eq!(json_of(&beside(&hearth, &["functions", "--json"])).as_array().map(Vec::len), Some(1));
    hearth.stop();
    // A server with all of its state in the folder takes the note away.
    hearth.may_warn();
    hearth.restart();
    hearth.stop();
    text(&reset_at(hearth.data(), &["--yes"]));
}

/// Of nobody else on this machine.
const SERVERS_USER: u32 = 0x6f0a_bc01;

/// A folder as `hearth serve` leaves it, whose server has stopped.
fn served_folder(at: &Path) -> PathBuf {
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755)).expect("open to the server's user");
    let data = at.join("data");
    for folder in ["blobs", "code"] {
        std::fs::create_dir_all(data.join(folder)).expect("made");
    }
    for file in ["hearth.db", "blobs/00", "instance", "lock", "token"] {
        std::fs::write(data.join(file), "").expect("written");
    }
    let of_server = ["blobs", "blobs/00", "code", "hearth.db", "instance", "lock", "token"];
    for name in of_server {
        lchown(data.join(name), Some(SERVERS_USER), Some(SERVERS_USER)).expect("given");
    }
    // What was unpacked is not the server's.
    std::fs::create_dir_all(data.join("code/aa/inside")).expect("made");
    std::fs::write(data.join("code/aa/inside/app.py"), ECHO).expect("written");
    lchown(&data, Some(0), Some(SERVERS_USER)).expect("given");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o1770)).expect("shared");
    data
}

#[test]
fn a_served_folder_is_reset_when_that_is_meant() {
    let folder = TempDir::new().expect("a folder");
    let data = served_folder(folder.path());
    assert!(refused(&reset_at(&data, &["--yes"]), 1).contains("--including-served"));
    text(&reset_at(&data, &["--yes", "--including-served"]));
    for gone in ["hearth.db", "blobs/00", "code/aa"] {
        assert!(std::fs::symlink_metadata(data.join(gone)).is_err(), "{gone}");
    }
    assert!(data.join("blobs").is_dir() && data.join("code").is_dir() && data.join("instance").is_file());
}

#[test]
fn a_reset_as_root_follows_no_link_of_the_servers() {
    for planted in ["lock", "hearth.db", "blobs", "code"] {
        let folder = TempDir::new().expect("a folder");
        let data = served_folder(folder.path());
        let outside = folder.path().join("outside");
        std::fs::create_dir(&outside).expect("made");
        std::fs::write(outside.join("shadow"), "root's").expect("written");
        let target = if planted == "lock" { outside.join("shadow") } else { outside.clone() };
        std::fs::rename(data.join(planted), folder.path().join("away")).expect("moved");
        symlink(target, data.join(planted)).expect("planted");
        lchown(data.join(planted), Some(SERVERS_USER), Some(SERVERS_USER)).expect("given");
        let answer = reset_at(&data, &["--yes", "--including-served"]);
        let kept = std::fs::read_to_string(outside.join("shadow"));
        assert_eq!(kept.expect("it stays"), "root's", "{planted}");
        if planted == "lock" {
            let line = refused(&answer, 1);
            assert!(line.contains("lock") && !line.contains("runs"), "{line}");
            assert!(data.join("hearth.db").exists());
        }
    }
}

/// A request without a body, but for the end of its head: once there, it is answered whatever happens meanwhile.
fn begun(hearth: &Hearth, method: &str, path: &str) -> TcpStream {
    let token = std::fs::read_to_string(hearth.data().join("token")).expect("a token");
    let mut stream = TcpStream::connect(hearth.address()).expect("connected");
    let (address, token) = (hearth.address(), token.trim());
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

fn health(hearth: &Hearth) -> Value {
    hearth.send(&Request::new("GET", "/_hearth/health")).json()
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn who_asks_for_a_reset_while_one_is_made_does_not_have_another() {
    let hearth = Hearth::start();
    let mut both = [(); 2].map(|()| begun(&hearth, "POST", "/_hearth/reset"));
    until("both connections are seen", || health(&hearth)["connections"].as_u64() >= Some(3));
    for stream in &mut both {
        let mut answer = [0; 12];
        // The second one may be cut on a machine that is slow to answer it.
        if stream.write_all(b"\r\n").and_then(|()| stream.read_exact(&mut answer)).is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 202");
        }
    }
    drop(both);
    until("it begins anew", || health(&hearth)["resets"] == json!(1));
    hearth.function("after").code(ECHO).create();
    // Another one would begin at once.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        assert_eq!(health(&hearth)["resets"], json!(1));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(json_of(&beside(&hearth, &["functions", "--json"])).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_server_that_begins_anew_is_stopped_by_a_signal() {
    let mut hearth = Hearth::start();
    let database = hearth.data().join("hearth.db");
    // Removed, or made anew on a machine that was slow to look.
    let identity = || std::fs::metadata(&database).map(|found| (found.ino(), found.created().ok())).ok();
    let before = identity();
    let mut asker = begun(&hearth, "POST", "/_hearth/reset");
    asker.write_all(b"\r\n").expect("sent");
    until("it is removed", || identity() != before);
    assert_eq!(hearth.stop(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}
