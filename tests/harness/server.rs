//! A `hearth up` of a test's own: its own port, its own data folder.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

use crate::disk::Disk;
use crate::function::FunctionBuilder;
use crate::http::{Answer, Request};
use crate::patience::patience;

/// Longer than the drain of 10 s, on a machine that does much else.
const STOP_SECONDS: u64 = 60;

/// Between two looks at a state that another process reaches.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A running server. Dropped, it is stopped and its data folder removed.
#[derive(Debug)]
pub struct Hearth {
    child: Child,
    address: String,
    place: Place,
    folder: Option<TempDir>,
    ready_line: String,
    may_warn: bool,
}

/// Where a server has its data and its log, and in which run of the machine it believes to be.
#[derive(Debug)]
struct Place {
    data: PathBuf,
    logs: PathBuf,
    /// A file that stands in for one of the kernel's, for this server alone.
    stand_in: Option<(PathBuf, &'static str)>,
    /// Of the environment.
    variables: Vec<(String, String)>,
}

/// Puts the first argument over the second, for the program after them alone.
const STAND_IN_SCRIPT: &str = "mount --bind \"$0\" \"$1\" && shift && exec \"$@\"";
/// The kernel's name of this run of the machine.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// What the kernel says of the machine's memory.
const MEMORY: &str = "/proc/meminfo";

impl Place {
    fn log(&self) -> PathBuf {
        self.logs.join("stderr")
    }

    fn read_log(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

/// The program under test: `HEARTH_BINARY`, or what cargo builds now.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("HEARTH_BINARY") {
        Some(path) => path.into(),
        None => build(),
    })
}

/// An example program of a crate, beside the program under test.
pub fn example(package: &str, name: &str) -> PathBuf {
    let path = binary().parent().expect("a program lies in a folder").join("examples").join(name);
    if std::env::var_os("HEARTH_BINARY").is_none() || !path.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built =
            Command::new(cargo).args(["build", "--quiet", "--package", package, "--example", name]).status();
        assert!(built.expect("run cargo").success(), "{name} does not build");
    }
    path
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built =
        Command::new(cargo).args(["build", "--quiet", "--package", "hearth"]).status().expect("run cargo");
    assert!(built.success(), "hearth does not build");
    // This test lies in target/debug/deps, the program in target/debug.
    let test = std::env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(2).expect("a test lies in target/PROFILE/deps").join("hearth")
}

/// What `hearth runtimes --json` lists.
fn runtimes() -> &'static [Value] {
    static RUNTIMES: OnceLock<Vec<Value>> = OnceLock::new();
    RUNTIMES.get_or_init(|| {
        let listed =
            Command::new(binary()).args(["runtimes", "--json"]).output().expect("run hearth runtimes");
        serde_json::from_slice(&listed.stdout).expect("hearth runtimes --json prints a list")
    })
}

/// Runtimes of this machine whose names begin so, oldest first.
fn available(prefix: &str) -> Vec<String> {
    let available = runtimes().iter().filter(|entry| entry["Available"] == true);
    let names = available.filter_map(|entry| entry["Runtime"].as_str());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).map(str::to_owned).collect();
    let number = |name: &str| {
        name.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u32>().ok()).collect()
    };
    names.sort_by_key(|name| -> Vec<u32> { number(name) });
    names
}

/// Runtimes of Python that this machine has, oldest first.
pub fn pythons() -> &'static [String] {
    static PYTHONS: OnceLock<Vec<String>> = OnceLock::new();
    PYTHONS.get_or_init(|| available("python"))
}

/// The newest Node.js of this machine, as a runtime.
pub fn newest_node() -> &'static str {
    static NODE: OnceLock<String> = OnceLock::new();
    NODE.get_or_init(|| available("nodejs").pop().expect("a Node.js on this machine"))
}

/// The AWS SDKs are there, or the test says how to get them.
pub fn wants_sdks() {
    let missing = |entry: &&Value| entry["Available"] == true && entry["Sdk"]["Ready"] == false;
    let missing: Vec<_> = runtimes().iter().filter(missing).map(|entry| &entry["Runtime"]).collect();
    assert!(missing.is_empty(), "run `hearth runtimes setup` first: {missing:?}");
}

/// The newest Python of this machine, as a runtime.
pub fn newest_python() -> &'static str {
    pythons().last().expect("a Python between 3.9 and 3.13 on this machine")
}

impl Hearth {
    /// Starts a server with a new data folder.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with options of `hearth up`.
    pub fn start_with(options: &[&str]) -> Self {
        Self::start_with_variables(options, &[])
    }

    /// The same with variables of the environment.
    pub fn start_with_variables(options: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::with_prefix("hearth-test-").expect("make a folder");
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (data, logs) = (folder.path().join("data"), folder.path().to_owned());
        let place = Place { data, logs, stand_in: None, variables: variables.collect() };
        let mut hearth = Self::start_at(place, options);
        hearth.folder = Some(folder);
        hearth
    }

    /// Starts a server with its data on a disk that may fail. Announced: it may warn of that.
    pub fn start_on(disk: &Disk) -> Self {
        let boot = disk.beside().join("boot");
        std::fs::write(&boot, disk.boot()).expect("name the machine's run");
        let place = Place {
            data: disk.path().join("data"),
            logs: disk.beside().to_owned(),
            stand_in: Some((boot, BOOT)),
            variables: Vec::new(),
        };
        let mut hearth = Self::start_at(place, &[]);
        hearth.may_warn = true;
        hearth
    }

    /// Starts a server on a machine that says of its memory what `memory` holds, now and when it is written again.
    pub fn start_with_memory(memory: &Path) -> Self {
        let folder = TempDir::with_prefix("hearth-test-").expect("make a folder");
        let stand_in = Some((memory.to_owned(), MEMORY));
        let place = Place {
            data: folder.path().join("data"),
            logs: folder.path().to_owned(),
            stand_in,
            variables: Vec::new(),
        };
        let mut hearth = Self::start_at(place, &[]);
        hearth.folder = Some(folder);
        hearth
    }

    fn start_at(place: Place, options: &[&str]) -> Self {
        let (child, ready_line) = launch(&place, options);
        Self { child, address: address_of(&ready_line), place, folder: None, ready_line, may_warn: false }
    }

    /// The machine under the server's disk has been started anew.
    pub fn restart_on(&mut self, disk: &Disk) {
        let (boot, _) = self.place.stand_in.as_ref().expect("a server on a disk that may fail");
        std::fs::write(boot, disk.boot()).expect("name the machine's run");
        self.restart();
    }

    /// Starts again on the same data folder, and kills what starts before it is ready, or a moment later.
    pub fn start_and_kill(&mut self, moment: Duration) {
        self.child = command(&self.place, &[]).spawn().expect("start hearth");
        std::thread::sleep(moment);
        self.kill();
    }

    /// All that the server has written to its log so far.
    pub fn log(&self) -> String {
        self.place.read_log()
    }

    /// Starts a server over a data folder that `fill` makes at the path it is given.
    pub fn over(fill: impl FnOnce(&Path), options: &[&str]) -> Self {
        let folder = TempDir::with_prefix("hearth-test-").expect("make a folder");
        let place = Place {
            data: folder.path().join("data"),
            logs: folder.path().to_owned(),
            stand_in: None,
            variables: Vec::new(),
        };
        fill(&place.data);
        let mut hearth = Self::start_at(place, options);
        hearth.folder = Some(folder);
        hearth
    }

    /// Announces that what this test does makes the server warn; otherwise a WARN or ERROR line fails the test.
    pub fn may_warn(&mut self) {
        self.may_warn = true;
    }

    /// The one line that the server printed when it was ready.
    pub fn ready_line(&self) -> &str {
        &self.ready_line
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.place.data
    }

    /// The process of the server.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The process of the spawner: the server's child that is called so.
    pub fn spawner(&self) -> Option<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        let of_tasks =
            tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let all: Vec<String> = of_tasks.chain(std::fs::read_to_string(children)).collect();
        let mut pids = all.iter().flat_map(|text| text.split_whitespace()).filter_map(|pid| pid.parse().ok());
        pids.find(|pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(9).any(|window| window == b"__spawner")
        })
    }

    /// Sends a request and expects an answer.
    #[track_caller]
    pub fn send(&self, request: &Request) -> Answer {
        request.send(&self.address).expect("the server answers")
    }

    /// Describes a function to be created.
    pub fn function<'a>(&'a self, name: &'a str) -> FunctionBuilder<'a> {
        FunctionBuilder::new(self, name)
    }

    /// Sends a signal to the server.
    pub fn signal(&self, signal: Signal) {
        // A process that has ended already cannot be told anything.
        let _ = send_signal(self.child.id(), signal);
    }

    /// Kills the server at once, as a power cut would, and waits until it is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("the server was started by this test");
    }

    /// Kills the spawner at once, if it still runs.
    pub fn kill_spawner(&self) {
        if let Some(spawner) = self.spawner() {
            // It may have ended since it was seen.
            let _ = send_signal(spawner, Signal::KILL);
        }
    }

    /// Asks the server to stop and gives its exit code.
    #[track_caller]
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.wait_for_end()
    }

    /// Waits until the server has ended and gives its exit code; `None` when a signal ended it.
    #[track_caller]
    pub fn wait_for_end(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the server was started by this test") {
                return status.code();
            }
            assert!(started.elapsed() < patience(STOP_SECONDS), "the server does not stop");
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Starts again on the same data folder.
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// The same with options of `hearth up`.
    pub fn restart_with(&mut self, options: &[&str]) {
        let (child, ready_line) = launch(&self.place, options);
        (self.child, self.address, self.ready_line) = (child, address_of(&ready_line), ready_line);
    }

    /// The instance's name, which everything of this server on the host carries.
    pub fn instance(&self) -> String {
        let text =
            std::fs::read_to_string(self.place.data.join("instance")).expect("a server names its instance");
        text.trim().to_owned()
    }
}

impl Drop for Hearth {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let started = Instant::now();
        while started.elapsed() < patience(STOP_SECONDS) && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK_AGAIN);
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
        let log = self.log();
        let warnings: Vec<&str> =
            log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
        if std::thread::panicking() {
            self.folder.take().map(TempDir::keep);
            eprintln!("the server's data folder and log are kept: {}", self.place.data.display());
        } else {
            assert!(self.may_warn || warnings.is_empty(), "not announced: {warnings:#?}");
        }
    }
}

/// Sends a signal to a process that this test, or a server of it, has started.
pub(crate) fn send_signal(process: u32, signal: Signal) -> rustix::io::Result<()> {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process id");
    rustix::process::kill_process(pid, signal)
}

/// The program, not yet started.
fn command(place: &Place, options: &[&str]) -> Command {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(place.log()).expect("a log");
    let mut command = match &place.stand_in {
        None => Command::new(binary()),
        Some((file, over)) => {
            let mut command = Command::new("unshare");
            command.args(["--mount", "sh", "-ec", STAND_IN_SCRIPT]).arg(file).arg(over).arg(binary());
            command
        }
    };
    command.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(&place.data).args(options);
    command.envs(place.variables.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command
}

fn launch(place: &Place, options: &[&str]) -> (Child, String) {
    let mut child = command(place, options).spawn().expect("start hearth");
    let mut output = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut line = String::new();
    output.read_line(&mut line).expect("read the ready line");
    assert!(line.starts_with("ready http://"), "not ready: {line:?} {}", place.read_log());
    // Whatever else the server would print must not block it.
    std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
    (child, line)
}

fn address_of(ready_line: &str) -> String {
    let url = ready_line.split(' ').nth(1).expect("the ready line names the address");
    url.strip_prefix("http://").expect("plain HTTP").to_owned()
}
