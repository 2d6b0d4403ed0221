//! What the owner wants done at the start: a seed file and scripts, and the readiness that waits for them.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hearth_tests::{Request, binary, newest_python};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than any start may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A server whose start takes time, looked at before it is ready.
struct Starting {
    child: Child,
    folder: TempDir,
}

impl Starting {
    /// Starts it in a folder with these files; those below `ready.d` are executable.
    fn with(files: &[(&str, &str)], options: &[&str]) -> Self {
        let folder = TempDir::with_prefix("hearth-test-").expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, text).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
        }
        let child = command(folder.path(), options).spawn().expect("start hearth");
        Self { child, folder }
    }

    /// The address, once the ready line is there; `None` when the server ended without one.
    fn ready(&mut self) -> Option<String> {
        let mut line = String::new();
        BufReader::new(self.child.stdout.take()?).read_line(&mut line).expect("read a line");
        line.split(' ').nth(1).map(|url| url.trim_start_matches("http://").to_owned())
    }

    /// Waits for a file that a script writes, and gives its text.
    #[track_caller]
    fn written(&mut self, name: &str) -> String {
        let (path, started) = (self.folder.path().join(name), Instant::now());
        loop {
            match std::fs::read_to_string(&path) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => assert!(started.elapsed() < LIMIT, "{name} is not written: {}", self.log()),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    fn token(&self) -> String {
        let token = std::fs::read_to_string(self.folder.path().join("data/token")).expect("a token");
        format!("Bearer {}", token.trim())
    }

    fn readiness(&self, address: &str) -> (u16, Value) {
        let request = Request::new("GET", "/_hearth/ready").header("Authorization", &self.token());
        let answer = request.send(address).expect("an answer");
        (answer.status, answer.json())
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let process = rustix::process::Pid::from_child(&self.child);
        // It may have ended.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

fn command(folder: &Path, options: &[&str]) -> Command {
    let log = std::fs::File::create(folder.join("stderr")).expect("a log");
    let mut command = Command::new(binary());
    command.args(["up", "--listen", "127.0.0.1:0", "--data", "data"]).args(options).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command
}

const WAITS: &str = "#!/bin/sh\necho \"${AWS_ENDPOINT_URL#http://}\" > ../../address\n\
                     n=0; while [ ! -e ../../go ] && [ $n -lt 3000 ]; do sleep 0.02; n=$((n + 1)); done\n";

#[test]
fn the_server_is_ready_when_its_scripts_are_done_and_not_before() {
    let last =
        "import os, urllib.request\nprint('second', flush=True)\nopen('../../order', 'a').write('20\\n')\n";
    let mut start = Starting::with(
        &[
            ("init/ready.d/20-last.py", &format!("#!/usr/bin/env python3\n{last}")),
            ("init/ready.d/10-waits.sh", WAITS),
        ],
        &["--init", "init"],
    );
    let address = start.written("address").trim().to_owned();
    let (status, body) = start.readiness(&address);
    assert_eq!((status, &body["status"]), (503, &json!("starting")), "{body}");
    assert_eq!(body["steps"][0]["name"], "10-waits.sh");
    assert_eq!(
        (&body["steps"][0]["state"], &body["steps"][1]["state"]),
        (&json!("running"), &json!("waiting"))
    );
    // Who has not the token learns no names; AWS clients are served already: the scripts are some.
    let stranger = Request::new("GET", "/_hearth/ready").send(&address).expect("an answer");
    assert_eq!((stranger.status, stranger.json()["steps"].clone()), (503, Value::Null));
    let listed =
        Request::new("GET", "/2015-03-31/functions/").signed("lambda").send(&address).expect("an answer");
    assert_eq!(listed.status, 200);

    std::fs::write(start.folder.path().join("go"), "").expect("written");
    assert_eq!(start.ready(), Some(address.clone()));
    let (status, body) = start.readiness(&address);
    assert_eq!((status, &body["failed"]), (200, &json!(0)), "{body}");
    assert_eq!(body["steps"][1]["state"], "done");
    assert_eq!(start.written("order"), "20\n");
    assert!(start.log().contains("second"), "what a script prints is shown: {}", start.log());
}

#[test]
fn a_script_has_test_credentials_and_no_descriptor_of_the_servers() {
    let script = "#!/bin/sh\nexec > ../../seen.part 2>&1\nenv | sort | grep -E '^(AWS|HEARTH)_'\n\
                  for fd in /proc/$$/fd/*; do echo \"fd ${fd##*/} $(readlink $fd)\"; done\nmv ../../seen.part ../../seen\n";
    let folder = TempDir::with_prefix("hearth-test-").expect("a folder");
    std::fs::create_dir_all(folder.path().join("init/ready.d")).expect("made");
    std::fs::write(folder.path().join("init/ready.d/a.sh"), script).expect("written");
    let mut command = command(folder.path(), &["--init", "init", "--account", "123456789012"]);
    command.env("AWS_PROFILE", "real").env("AWS_SESSION_TOKEN", "real").env("AWS_ACCESS_KEY_ID", "real");
    command
        .env("AWS_ENDPOINT_URL_S3", "https://real")
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env_remove("AWS_REGION");
    let mut start = Starting { child: command.spawn().expect("start hearth"), folder };
    let address = start.ready().expect("ready");
    let seen = start.written("seen");
    for wanted in [
        format!("AWS_ENDPOINT_URL=http://{address}\n"),
        "AWS_ACCESS_KEY_ID=test\n".to_owned(),
        "AWS_DEFAULT_REGION=eu-west-1\n".to_owned(),
        "HEARTH_ACCOUNT=123456789012\n".to_owned(),
    ] {
        assert!(seen.contains(&wanted), "{wanted}{seen}");
    }
    assert!(!seen.contains("=real") && !seen.contains("https://real"), "{seen}");
    // The shell has its own beside the three: the script, and copies of what it redirects.
    let open: Vec<&str> = seen.lines().filter(|line| line.starts_with("fd ")).collect();
    assert!(open.len() >= 3, "{seen}");
    for held in ["socket:", "anon_inode:", "hearth.db", "/data/"] {
        assert!(!open.iter().any(|line| line.contains(held)), "{held}: {open:#?}");
    }
}

#[test]
fn a_failed_script_is_told_and_the_server_serves_or_ends_as_it_is_told_to() {
    let files =
        [("init/ready.d/10-fails.sh", "#!/bin/sh\nexit 3\n"), ("init/ready.d/20-goes-on.sh", "#!/bin/sh\n")];
    let mut start = Starting::with(&files, &["--init", "init"]);
    let address = start.ready().expect("it serves all the same");
    let (status, body) = start.readiness(&address);
    assert_eq!((status, &body["failed"]), (200, &json!(1)));
    assert_eq!((&body["steps"][0]["state"], &body["steps"][1]["state"]), (&json!("failed"), &json!("done")));
    assert!(
        start.log().contains("hearth: 10-fails.sh failed at the start: exit status: 3"),
        "{}",
        start.log()
    );

    let mut start = Starting::with(&files, &["--init", "init", "--init-failure", "end"]);
    assert_eq!(start.ready(), None);
    assert_eq!(start.child.wait().expect("it ended").code(), Some(1));
    assert!(start.log().contains("1 of 2 steps at the start failed"), "{}", start.log());
}

#[test]
fn a_server_whose_failed_start_ends_it_never_calls_itself_ready() {
    let fails = format!("{WAITS}exit 3\n");
    let options = ["--init", "init", "--init-failure", "end"];
    let mut start = Starting::with(&[("init/ready.d/a.sh", &fails)], &options);
    let address = start.written("address").trim().to_owned();
    // All but the end of a question, so that the server has somebody to answer while it stops.
    let mut asker = TcpStream::connect(&address).expect("connected");
    asker.write_all(format!("GET /_hearth/ready HTTP/1.1\r\nHost: {address}\r\n").as_bytes()).expect("sent");
    let connections = || {
        let health = Request::new("GET", "/_hearth/health").send(&address).expect("an answer").json();
        health["connections"].as_u64().expect("a number")
    };
    let started = Instant::now();
    while connections() < 2 {
        assert!(started.elapsed() < LIMIT, "the connection is not seen");
    }
    std::fs::write(start.folder.path().join("go"), "").expect("written");
    let started = Instant::now();
    while TcpStream::connect(&address).is_ok() {
        assert!(started.elapsed() < LIMIT, "it still listens");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut answer = [0; 12];
    // It is cut on a machine that is slow to come here.
    if asker.write_all(b"\r\n").and_then(|()| asker.read_exact(&mut answer)).is_ok() {
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 503");
    }
    assert_eq!(start.child.wait().expect("it ended").code(), Some(1));
}

#[test]
fn a_script_that_takes_too_long_is_killed_with_what_it_started() {
    let script = "#!/bin/sh\nsleep 600 &\necho $! > ../../child\nwait\n";
    let mut start =
        Starting::with(&[("init/ready.d/a.sh", script)], &["--init", "init", "--init-timeout", "5s"]);
    let child = start.written("child");
    let address = start.ready().expect("it serves all the same");
    assert!(
        start.readiness(&address).1["steps"][0]["reason"]
            .as_str()
            .is_some_and(|it| it.contains("--init-timeout"))
    );
    let process = Path::new("/proc").join(child.trim());
    let started = Instant::now();
    while std::fs::read_to_string(process.join("status")).is_ok_and(|status| !status.contains("State:\tZ")) {
        assert!(started.elapsed() < LIMIT, "what the script started lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_cannot_be_done_at_the_start_is_refused_before_anything_is_made() {
    let long = format!("{}\n", "#".repeat(4 << 20));
    for (files, options, says) in [
        (&[][..], &["--init", "init"][..], "ready.d"),
        (&[("init/ready.d/a/b", "")][..], &["--init", "init"][..], "is not a script"),
        (
            &[("init/ready.d/a", ""), ("init/boot.d/b", "")][..],
            &["--init", "init"][..],
            "scripts of boot.d are not run",
        ),
        (&[][..], &["--seed", "seed.toml"][..], "--seed: read"),
        (&[("seed.toml", long.as_str())][..], &["--seed", "seed.toml"][..], "it has more than 4194304 bytes"),
        (
            &[("seed.toml", "[[function]]\n")][..],
            &["--seed", "seed.toml"][..],
            "seed.toml:1: unknown field `function`",
        ),
        (
            &[("seed.toml", "[[functions]]\nname='a'\nruntime='x'\nhandler='x'\ncode='absent'\n")][..],
            &["--seed", "seed.toml"][..],
            "the code of a",
        ),
    ] {
        let mut start = Starting::with(files, options);
        assert_eq!(start.ready(), None);
        let code = start.child.wait().expect("it ended").code();
        assert_eq!((code, start.log().lines().count()), (Some(1), 1), "{}", start.log());
        assert!(start.log().contains(says), "{}", start.log());
        assert!(!start.folder.path().join("data").exists());
    }
}

#[test]
fn a_seed_makes_what_is_missing_and_brings_the_rest_up_to_date() {
    let seed = |memory: u32| {
        format!(
            "[[roles]]\nname = 'worker'\npolicies = ['arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole']\n\
             [[log-groups]]\nname = '/app/worker'\nretention-days = 7\n\
             [[functions]]\nname = 'hello'\nruntime = '{}'\nhandler = 'app.handler'\ncode = 'hello'\nrole = 'worker'\n\
             memory = {memory}\nenvironment = {{ WHO = 'Ada' }}\n",
            newest_python()
        )
    };
    let code = |text: &str| {
        format!("import os\ndef handler(event, context):\n    return '{text} ' + os.environ['WHO']\n")
    };
    let mut start = Starting::with(
        &[("seed.toml", &seed(128)), ("hello/app.py", &code("Hello"))],
        &["--seed", "seed.toml"],
    );
    let invoke = |address: &str| {
        let request = Request::new("POST", "/2015-03-31/functions/hello/invocations").signed("lambda");
        request.body("{}").send(address).expect("an answer").json()
    };
    let address = start.ready().expect("ready");
    assert_eq!(start.readiness(&address).1["failed"], 0, "{}", start.log());
    assert_eq!(invoke(&address), json!("Hello Ada"));
    let described =
        Request::new("POST", "/").signed("logs").header("X-Amz-Target", "Logs_20140328.DescribeLogGroups");
    let described = described
        .header("Content-Type", "application/x-amz-json-1.1")
        .body("{\"logGroupNamePrefix\":\"/app\"}");
    let groups = described.send(&address).expect("an answer").json();
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 7, "{groups}");

    let process = rustix::process::Pid::from_child(&start.child);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it runs");
    start.child.wait().expect("it ended");
    std::fs::write(start.folder.path().join("seed.toml"), seed(256)).expect("written");
    std::fs::write(start.folder.path().join("hello/app.py"), code("Good day,")).expect("written");
    start.child = command(start.folder.path(), &["--seed", "seed.toml"]).spawn().expect("start hearth");
    let address = start.ready().expect("ready");
    assert_eq!(start.readiness(&address).1["failed"], 0, "{}", start.log());
    assert_eq!(invoke(&address), json!("Good day, Ada"));
    let configuration = Request::new("GET", "/2015-03-31/functions/hello/configuration").signed("lambda");
    let configuration = configuration.send(&address).expect("an answer").json();
    assert_eq!(configuration["MemorySize"], 256);
    assert!(configuration["Role"].as_str().is_some_and(|role| role.ends_with(":role/worker")));
}

#[test]
fn a_seed_mends_a_function_whose_last_update_failed() {
    let runtime = newest_python();
    let seed = format!(
        "[[functions]]\nname = 'hello'\nruntime = '{runtime}'\nhandler = 'app.handler'\ncode = 'hello'\n"
    );
    let files =
        [("seed.toml", seed.as_str()), ("hello/app.py", "def handler(event, context):\n    return 1\n")];
    let mut start = Starting::with(&files, &["--seed", "seed.toml"]);
    let address = start.ready().expect("ready");
    let path = "/2015-03-31/functions/hello/configuration";
    let update = Request::new("PUT", path).signed("lambda").body("{\"Runtime\":\"dotnet8\"}");
    assert_eq!(update.send(&address).expect("an answer").status, 200);
    let status = |address: &str| {
        let read = Request::new("GET", path).signed("lambda").send(address).expect("an answer").json();
        read["LastUpdateStatus"].as_str().expect("a status").to_owned()
    };
    let began = Instant::now();
    while status(&address) == "InProgress" {
        assert!(began.elapsed() < LIMIT, "the update does not end");
    }
    assert_eq!(status(&address), "Failed", "this machine has no .NET");

    let process = rustix::process::Pid::from_child(&start.child);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it runs");
    start.child.wait().expect("it ended");
    start.child = command(start.folder.path(), &["--seed", "seed.toml"]).spawn().expect("start hearth");
    let address = start.ready().expect("ready");
    assert_eq!(start.readiness(&address).1["failed"], 0, "{}", start.log());
    assert_eq!(status(&address), "Successful");
}
