//! A spawner with a run directory of its own, and small ways to run something in its sandboxes.

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hearth_sandbox::api::{Command, Event, Exit, Listen, Mount, SandboxId, SandboxSpec, StartFailure};
use hearth_sandbox::{Connection, Options, Spawner};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;

/// Between two looks at a state that nothing announces.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Longer than anything here takes on a busy machine; so many times longer on one that is emulated.
fn patience() -> Duration {
    let times = std::env::var("HEARTH_TEST_PATIENCE").ok();
    Duration::from_secs(30 * times.map_or(1, |times| times.parse().expect("a whole number")))
}

pub(crate) struct Bench {
    pub(crate) connection: Connection,
    pub(crate) options: Options,
    pub(crate) directory: Directory,
}

/// A directory that is removed when the spawner of an instance has ended, which is when its groups are gone.
pub(crate) struct Directory {
    directory: TempDir,
    instance: String,
}

impl Directory {
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let begun = std::time::Instant::now();
        while !cgroups_of(&self.instance).is_empty() && begun.elapsed() < patience() {
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::with(|_| {})
    }

    /// With other options than the usual.
    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Bench {
        static INSTANCES: AtomicU64 = AtomicU64::new(0);
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make sandboxes, which needs root: run them as root"
        );
        let directory = tempfile::tempdir().expect("a directory for the run files");
        let number = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let mut options =
            Options::new(format!("test-{}-{number}", std::process::id()), directory.path().join("run"));
        options.program = Some(spawner_program());
        options.pool = 1;
        change(&mut options);
        let connection = Spawner::launch(&options).expect("a spawner");
        let directory = Directory { directory, instance: options.instance.clone() };
        Bench { connection, options, directory }
    }

    pub(crate) fn send(&self, command: &Command) {
        self.connection.send(command, &[]).expect("the spawner takes commands");
    }

    /// The next event, whatever it is.
    pub(crate) fn event(&self) -> (Event, Vec<OwnedFd>) {
        assert!(readable(self.connection.as_fd()), "no event came");
        self.connection.receive().expect("a readable event").expect("the spawner lives")
    }

    /// Starts a program and waits until it runs.
    pub(crate) fn start(&self, id: u64, spec: SandboxSpec) -> Running {
        let (listening, channel) = (spec.listen.len(), spec.channel);
        self.send(&Command::Start(SandboxId(id), Box::new(spec)));
        let (event, descriptors) = self.event();
        let Event::Started { id: started, memory_stat, .. } = event else {
            panic!("it did not start: {event:?}")
        };
        assert_eq!(started, SandboxId(id));
        assert_eq!(descriptors.len(), listening + 1 + 2 * usize::from(channel));
        let mut descriptors = descriptors.into_iter();
        let listeners = descriptors.by_ref().take(listening).collect();
        let output = descriptors.next().expect("the output pipe");
        let channel = descriptors.next().zip(descriptors.next());
        Running { id, memory_stat, listeners, output, channel }
    }

    /// Why a sandbox could not be started.
    pub(crate) fn start_fails(&self, id: u64, spec: SandboxSpec) -> String {
        self.send(&Command::Start(SandboxId(id), Box::new(spec)));
        match self.event().0 {
            Event::StartFailed { id: failed, failure } if failed == SandboxId(id) => match failure {
                StartFailure::Host(reason) => reason,
                StartFailure::Execute(error) => format!("execute {error}"),
            },
            other => panic!("it should not start: {other:?}"),
        }
    }

    /// Waits for the end of one sandbox: how it ended, and whether for memory.
    pub(crate) fn exited(&self, id: u64) -> (Exit, bool) {
        match self.event().0 {
            Event::Exited { id: exited, exit, out_of_memory } if exited == SandboxId(id) => {
                (exit, out_of_memory)
            }
            other => panic!("it should have ended: {other:?}"),
        }
    }

    /// Runs a shell script to its end. Returns what it said and how it ended.
    pub(crate) fn run(&self, script: &str) -> (String, Exit) {
        let (said, exit, _) = self.run_spec(shell(script));
        (said, exit)
    }

    /// Runs a spec to its end: what it said, how it ended, and whether for memory.
    pub(crate) fn run_spec(&self, spec: SandboxSpec) -> (String, Exit, bool) {
        let running = self.start(1, spec);
        let said = running.read_all();
        let (exit, out_of_memory) = self.exited(1);
        (said, exit, out_of_memory)
    }

    pub(crate) fn shutdown(self) -> Directory {
        self.connection.shutdown().expect("the spawner ends");
        self.directory
    }

    /// This instance's groups in every hierarchy.
    pub(crate) fn cgroups(&self) -> Vec<PathBuf> {
        cgroups_of(&self.options.instance)
    }
}

pub(crate) struct Running {
    pub(crate) id: u64,
    pub(crate) memory_stat: PathBuf,
    pub(crate) listeners: Vec<OwnedFd>,
    pub(crate) output: OwnedFd,
    /// Where the server sends and where it receives.
    pub(crate) channel: Option<(OwnedFd, OwnedFd)>,
}

impl Running {
    /// The server's ends of the channel, which wait: sending, receiving.
    pub(crate) fn channel(&mut self) -> (File, File) {
        let (sending, receiving) = self.channel.take().expect("the channel");
        rustix::io::ioctl_fionbio(&sending, false).expect("a channel that waits");
        rustix::io::ioctl_fionbio(&receiving, false).expect("a channel that waits");
        (sending.into(), receiving.into())
    }

    /// Everything it says until it and its children are done saying.
    pub(crate) fn read_all(&self) -> String {
        let mut said = Vec::new();
        while self.read_some(&mut said) > 0 {}
        String::from_utf8(said).expect("it speaks UTF-8")
    }

    /// Waits until it has said a line.
    pub(crate) fn read_line(&self) -> String {
        let mut said = Vec::new();
        while !said.ends_with(b"\n") {
            assert!(self.read_some(&mut said) > 0, "it ended before it said a line");
        }
        String::from_utf8(said).expect("it speaks UTF-8")
    }

    fn read_some(&self, said: &mut Vec<u8>) -> usize {
        let mut piece = [0; 4096];
        loop {
            assert!(readable(self.output.as_fd()), "it neither speaks nor ends");
            match rustix::io::read(&self.output, &mut piece) {
                Ok(length) => {
                    said.extend_from_slice(&piece[..length]);
                    return length;
                }
                Err(rustix::io::Errno::AGAIN) => {}
                Err(error) => panic!("read the output: {error}"),
            }
        }
    }

    /// The sandbox's user on the host, which also names its cgroups.
    pub(crate) fn user(&self) -> u32 {
        let group = self.memory_stat.parent().and_then(Path::file_name).expect("a group");
        group.to_str().and_then(|name| name.parse().ok()).expect("named by its user")
    }
}

impl Running {
    /// In the words of the version of control groups that this host has.
    pub(crate) fn is_frozen(&self, instance: &str) -> bool {
        let second = std::fs::read_to_string(self.memory_stat.with_file_name("cgroup.events"));
        let first = format!("/sys/fs/cgroup/freezer/hearth-{instance}/{}/freezer.state", self.user());
        match second {
            Ok(events) => events.contains("frozen 1"),
            Err(_) => std::fs::read_to_string(first).expect("state") == "FROZEN\n",
        }
    }
}

/// A spec that runs a shell script, with the host's `/usr` and nothing else.
pub(crate) fn shell(script: &str) -> SandboxSpec {
    program(&["/bin/bash", "-c", script])
}

/// A spec that runs a program.
pub(crate) fn program(words: &[&str]) -> SandboxSpec {
    SandboxSpec {
        memory_bytes: 128 << 20,
        processes_max: 64,
        cpu_shares: 1024,
        tmp_bytes: 16 << 20,
        keeps_tmp: false,
        tmp_of: None,
        mounts: vec![Mount { source: "/usr".into(), target: "/usr".into() }],
        program: words[0].into(),
        arguments: words.iter().map(|word| (*word).to_owned()).collect(),
        environment: vec![("PATH".to_owned(), "/usr/bin:/usr/sbin".to_owned())],
        directory: "/var/task".into(),
        listen: Vec::new(),
        channel: false,
    }
}

/// A listening socket made inside, as the server's own kind.
pub(crate) fn listener(descriptor: &OwnedFd) -> TcpListener {
    let listener = TcpListener::from(descriptor.try_clone().expect("a copy"));
    listener.set_nonblocking(false).expect("a listener that waits");
    listener
}

pub(crate) fn tcp(address: &str) -> Listen {
    Listen::Tcp(address.parse().expect("an address"))
}

/// Waits until there is something to read, or the other side is gone.
pub(crate) fn readable(descriptor: impl AsFd) -> bool {
    let limit = Timespec::try_from(patience()).expect("a short time");
    poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&limit)).expect("poll") > 0
}

/// Waits for a state of the host that nothing announces.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < patience(), "still not: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The groups of an instance in every hierarchy: of a host with version 2 alone, the top is one.
pub(crate) fn cgroups_of(instance: &str) -> Vec<PathBuf> {
    let controllers = std::fs::read_dir("/sys/fs/cgroup").expect("cgroups").flatten();
    let tops = controllers.map(|controller| controller.path()).chain(["/sys/fs/cgroup".into()]);
    let parents = tops.map(|top| top.join(format!("hearth-{instance}")));
    parents.filter(|parent| parent.exists()).collect()
}

/// Processes of a user of the host.
pub(crate) fn processes_of(user: u32) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let statuses = entries.filter_map(|entry| {
        let mut status = String::new();
        File::open(entry.path().join("status")).ok()?.read_to_string(&mut status).ok()?;
        Some(status)
    });
    let of_user = format!("Uid:\t{user}\t");
    statuses.filter(|status| status.lines().any(|line| line.starts_with(&of_user))).collect()
}

/// Writes a program of the shell's. By another process: a fork of this one would keep it open for writing, and it could
/// not be run.
pub(crate) fn write_script(path: &Path, text: &str) {
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 755 \"$0\"";
    let written = std::process::Command::new("sh").args(["-c", write]).arg(path).arg(text).status();
    assert!(written.expect("a shell").success(), "no script");
}

fn spawner_program() -> PathBuf {
    let this = std::env::current_exe().expect("a path of this test");
    let built = this.parent().and_then(Path::parent).expect("in target/<profile>/deps");
    let program = built.join("examples/spawner");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build -p hearth-sandbox --examples`",
        program.display()
    );
    program
}
