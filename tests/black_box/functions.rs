//! The thread through the house: create, active, invoke, delete; and what a restart keeps.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hearth_tests::{Function, Hearth, Package, Request, pythons};
use rustix::process::{Pid, Signal};
use serde_json::json;

const ECHO: &str = "def handler(event, context):\n    print('seen', event)\n    return event\n";

#[test]
fn a_function_is_created_becomes_active_runs_and_is_deleted() {
    let hearth = Hearth::start();
    let created = hearth.function("echo").code(ECHO).try_create();
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["State"], "Pending");
    assert_eq!(created.json()["StateReasonCode"], "Creating");

    let echo = Function::existing(&hearth, "echo");
    echo.wait_until_active();
    let invocation = echo.invoke(r#"{"a": [1, null]}"#);
    assert_eq!(invocation.json(), json!({ "a": [1, null] }));
    assert_eq!(invocation.answer.header("x-amz-executed-version"), "$LATEST");
    assert_eq!(invocation.error, "");

    assert!(matches!(echo.delete().status, 200 | 204));
    echo.configuration().is_error(404, "ResourceNotFoundException");
    echo.delete().is_error(404, "ResourceNotFoundException");
}

#[test]
fn the_log_of_a_call_is_start_prints_end_and_report() {
    let hearth = Hearth::start();
    let echo = hearth.function("echo").code(ECHO).create();
    let first = "START RequestId: ID Version: $LATEST\nseen {}\nEND RequestId: ID\nREPORT RequestId: ID\t\
        Duration: N ms\tBilled Duration: N ms\tMemory Size: 128 MB\tMax Memory Used: N MB\tInit Duration: N ms\t\n";
    assert_eq!(echo.invoke("{}").log_shape(), first);
    let warm = "START RequestId: ID Version: $LATEST\nseen {}\nEND RequestId: ID\nREPORT RequestId: ID\t\
        Duration: N ms\tBilled Duration: N ms\tMemory Size: 128 MB\tMax Memory Used: N MB\t\n";
    assert_eq!(echo.invoke("{}").log_shape(), warm);
}

#[test]
fn work_in_the_background_stands_still_between_invocations() {
    let hearth = Hearth::start();
    let code = r"
import threading
turns = [0]
def work():
    while True: turns[0] += 1
def handler(event, context):
    if event == 'begin': threading.Thread(target=work, daemon=True).start()
    return turns[0]
";
    let function = hearth.function("restless").code(code).create();
    function.invoke(r#""begin""#);
    until_frozen(&hearth);
    assert!(function.invoke("{}").json().as_u64().expect("a number") > 0, "the same process, thawed");
}

#[test]
fn every_python_of_this_machine_runs_functions() {
    let hearth = Hearth::start();
    for runtime in pythons() {
        let name = runtime.replace('.', "-");
        let code = "import sys\ndef handler(event, context):\n    return '%d.%d' % sys.version_info[:2]\n";
        let function = hearth.function(&name).code(code).with("Runtime", json!(runtime)).create();
        assert_eq!(function.invoke("{}").json(), json!(runtime.strip_prefix("python")));
    }
}

#[test]
fn code_is_read_only_and_the_sandbox_shows_nothing_of_the_host() {
    let hearth = Hearth::start();
    let code = r"
import os, socket
def denied(action):
    try:
        action()
        return False
    except OSError:
        return True
def handler(event, context):
    return {
        'uid_is_root': os.getuid() == 0,
        'task_writable': not denied(lambda: open('/var/task/new', 'w')),
        'root_writable': not denied(lambda: open('/new', 'w')),
        'tmp_writable': not denied(lambda: open('/tmp/new', 'w')),
        'host_files': sorted(set(os.listdir('/')) & {'root', 'home', 'boot', 'srv', 'mnt'}),
        'processes': len([name for name in os.listdir('/proc') if name.isdigit()]) > 20,
        'host_server': not denied(lambda: socket.create_connection(('127.0.0.1', event['port']), 2)),
        'mount': os.system('mount -t tmpfs x /tmp 2>/dev/null') == 0,
    }
";
    let function = hearth.function("curious").code(code).with("Timeout", json!(10)).create();
    // The test's own listener: the host's loopback must not be the sandbox's.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = function.invoke(&json!({ "port": port }).to_string()).json();
    let wanted = json!({
        "uid_is_root": false, "task_writable": false, "root_writable": false, "tmp_writable": true,
        "host_files": [], "processes": false, "host_server": false, "mount": false,
    });
    assert_eq!(seen, wanted);
}

/// Asks STS who calls, signed with what the function finds in its environment; `event` is added to the secret.
const WHO_AM_I: &str = r#"
import datetime, hashlib, hmac, os, urllib.error, urllib.request
def digest(key, text): return hmac.new(key, text.encode(), hashlib.sha256).digest()
def handler(event, context):
    key, token = os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SESSION_TOKEN']
    host = os.environ['AWS_ENDPOINT_URL'].split('//')[1]
    now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y%m%dT%H%M%SZ')
    body = b'Action=GetCallerIdentity&Version=2011-06-15'
    names = 'host;x-amz-date;x-amz-security-token'
    request = '\n'.join(['POST', '/', '', 'host:' + host, 'x-amz-date:' + now, 'x-amz-security-token:' + token,
                         '', names, hashlib.sha256(body).hexdigest()])
    scope = now[:8] + '/us-east-1/sts/aws4_request'
    text = '\n'.join(['AWS4-HMAC-SHA256', now, scope, hashlib.sha256(request.encode()).hexdigest()])
    signing = ('AWS4' + os.environ['AWS_SECRET_ACCESS_KEY'] + event).encode()
    for part in scope.split('/'): signing = digest(signing, part)
    headers = {'X-Amz-Date': now, 'X-Amz-Security-Token': token, 'Content-Type': 'application/x-www-form-urlencoded',
               'Authorization': 'AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s'
                                % (key, scope, names, digest(signing, text).hex())}
    try:
        return urllib.request.urlopen(urllib.request.Request('http://' + host + '/', body, headers)).read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()
"#;

#[test]
fn a_function_calls_aws_as_a_session_of_its_role_and_its_signature_counts() {
    let hearth = Hearth::start();
    let function = hearth.function("signer").code(WHO_AM_I).with("Timeout", json!(10)).create();
    let answer = function.invoke(r#""""#).json();
    assert!(answer.to_string().contains("assumed-role/any/signer</Arn>"), "{answer}");
    let answer = function.invoke(r#""x""#).json();
    assert!(answer.to_string().contains("SignatureDoesNotMatch"), "{answer}");
}

#[test]
fn the_endpoint_is_at_the_usual_port_too() {
    let hearth = Hearth::start();
    let code = r"
import os, socket
def handler(event, context):
    own = int(os.environ['AWS_ENDPOINT_URL'].rsplit(':', 1)[1])
    for port in {own, 4566}: socket.create_connection(('127.0.0.1', port), 5).close()
    return own
";
    let function = hearth.function("caller").code(code).create();
    let port: u16 = hearth.address().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    assert_eq!(function.invoke("{}").json(), json!(port));
}

#[test]
fn the_servers_own_paths_do_not_exist_inside_a_sandbox() {
    let hearth = Hearth::start();
    let code = r"
import os, urllib.request
def handler(event, context):
    url = os.environ['AWS_ENDPOINT_URL']
    own = urllib.request.Request(url + '/_hearth/health')
    try:
        urllib.request.urlopen(own, timeout=5)
        return 'the sandbox reached /_hearth'
    except urllib.error.HTTPError as error:
        return error.code
";
    let function = hearth.function("caller").code(code).with("Timeout", json!(10)).create();
    let status = function.invoke("{}").json();
    assert!(status.as_u64().is_some_and(|status| (400..500).contains(&status)), "{status}");
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill_and_a_restart() {
    let mut hearth = Hearth::start();
    hearth.function("kept").code(ECHO).create();
    // Acknowledged and still Pending: activation goes on after the restart.
    assert_eq!(hearth.function("pending").code(ECHO).try_create().status, 201);
    hearth.kill();
    hearth.restart();
    for name in ["kept", "pending"] {
        let function = Function::existing(&hearth, name);
        function.wait_until_active();
        assert_eq!(function.invoke("7").json(), json!(7));
    }
}

#[test]
fn an_ephemeral_server_leaves_no_folder_behind() {
    let temporary = tempfile::TempDir::new().expect("a folder");
    let count = || std::fs::read_dir(temporary.path()).expect("listed").count();
    let mut killed = ephemeral(temporary.path());
    assert_eq!(count(), 1);
    killed.kill().expect("it runs");
    killed.wait().expect("it ends");
    // The next one removes what a killed one could not.
    let mut ended = ephemeral(temporary.path());
    assert_eq!(count(), 1);
    rustix::process::kill_process(Pid::from_child(&ended), Signal::INT).expect("it runs");
    assert!(ended.wait().expect("it ends").success());
    assert_eq!(count(), 0);
}

fn ephemeral(temporary: &Path) -> Child {
    let mut child = Command::new(hearth_tests::binary())
        .args(["up", "--ephemeral", "--listen", "127.0.0.1:0"])
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped())
        .spawn()
        .expect("start hearth");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("the ready line");
    assert!(line.starts_with("ready "), "{line}");
    child
}

#[test]
fn accounts_and_regions_do_not_see_each_other() {
    let hearth = Hearth::start();
    hearth.function("mine").code(ECHO).create();
    let elsewhere = |key: &str, region: &str| {
        let authorization = hearth_tests::authorization(key, "lambda").replace("us-east-1", region);
        let request =
            Request::new("GET", "/2015-03-31/functions/mine").header("Authorization", &authorization);
        hearth.send(&request).status
    };
    assert_eq!(elsewhere("test", "us-east-1"), 200);
    assert_eq!(elsewhere("000000000000", "us-east-1"), 200);
    assert_eq!(elsewhere("123456789012", "us-east-1"), 404);
    assert_eq!(elsewhere("test", "eu-west-1"), 404);
}

#[test]
fn a_package_with_links_inside_keeps_them_and_its_modes() {
    let hearth = Hearth::start();
    let code = "import os\ndef handler(event, context):\n    return [os.readlink('/var/task/link'), \
        oct(os.stat('/var/task/tool').st_mode & 0o777), open('/var/task/link').read()]\n";
    let package = Package::of("app.py", code).file("data.txt", "content").link("link", "data.txt").entry(
        "tool",
        0o100_755,
        b"#!/bin/sh\n",
    );
    let function = hearth.function("links").package(&package.bytes()).create();
    assert_eq!(function.invoke("{}").json(), json!(["data.txt", "0o755", "content"]));
}

/// Waits until a sandbox of this server stands still.
fn until_frozen(hearth: &Hearth) {
    let began = std::time::Instant::now();
    while !hearth_tests::is_one_frozen(hearth) {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "nothing was frozen");
        std::thread::yield_now();
    }
}
