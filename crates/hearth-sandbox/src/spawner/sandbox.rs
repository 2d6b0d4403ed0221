//! One sandbox as the spawner sees it: what it holds of it, and how far it is.
//!
//! Never: reported as ended while a process of it lives or a cgroup of it exists.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use crate::api::{Event, Exit, START_CPUS, SandboxId, StartFailure};
use crate::cgroups::Cgroup;
use crate::identity::Identity;
use crate::init::FAILURE;
use crate::program::EXECUTE;
use crate::start::{Home, Launched};

/// What a sandbox tells about its making at most, in bytes.
const PROGRESS_BYTES_MAX: usize = 16 * 1024;
/// The last step before the exec.
const LAST_STEP: &str = "program";

/// When memory runs out, the process that the kernel chose to kill must run to die, and all others try in vain
/// meanwhile: with little CPU that takes minutes. So they get some for a moment.
const RELIEF: Duration = Duration::from_millis(100);
/// Nobody gets more CPU than its own by running out of memory again and again: that much in all.
const RELIEFS_MAX: u32 = 30;

enum Stage {
    /// It tells its progress; the descriptors wait for the server.
    Making {
        told: Vec<u8>,
        handover: Vec<OwnedFd>,
        timings: Vec<(String, u64)>,
    },
    Running,
    /// It could not be made; it is being killed.
    Failed(StartFailure),
    /// Its processes are dead. Told when the cgroups are gone.
    Leaving(Event),
}

/// See the module.
pub(super) struct Sandbox {
    process: OwnedFd,
    /// While it is being made.
    progress: Option<File>,
    ending: File,
    cgroup: Cgroup,
    identity: Identity,
    /// Its `/tmp`, when that is to stay.
    home: Option<Home>,
    /// Nobody wants it any more.
    forgotten: bool,
    stage: Stage,
    /// Readable when its memory runs out.
    shortages: Option<OwnedFd>,
    /// CPU time in microseconds of each second, once it is limited.
    ceiling: Option<u32>,
    /// Since when it has more than that.
    relieved: Option<Instant>,
    reliefs: u32,
    killed: bool,
}

impl Sandbox {
    pub(super) fn new(launched: Launched) -> Sandbox {
        let Launched { process, cgroup, identity, home, shortages, progress, ending, handover, timings } =
            launched;
        let stage = Stage::Making { told: Vec::new(), handover, timings };
        Sandbox {
            process,
            progress: Some(progress),
            ending,
            cgroup,
            identity,
            home,
            forgotten: false,
            stage,
            shortages,
            ceiling: None,
            relieved: None,
            reliefs: 0,
            killed: false,
        }
    }

    /// Readable when its first process is dead, and with it all others.
    pub(super) fn process(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }

    /// What it tells while it is being made.
    pub(super) fn progress(&self) -> Option<BorrowedFd<'_>> {
        self.progress.as_ref().map(AsFd::as_fd)
    }

    /// Nobody listens to its progress any more.
    pub(super) fn close_progress(&mut self) {
        self.progress = None;
    }

    pub(super) fn is_being_made(&self) -> bool {
        matches!(self.stage, Stage::Making { .. })
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its `/tmp` goes with it.
    pub(super) fn leave_nothing(&mut self) {
        self.forgotten = true;
    }

    /// What is left of it, once; `true` when that is to stay.
    pub(super) fn take_home(&mut self) -> Option<(Home, bool)> {
        self.home.take().map(|home| (home, !self.forgotten))
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.stage, Stage::Leaving(_))
    }

    /// Kills the first process; the kernel kills the others with it. What is frozen dies when it is thawed.
    /// Dying takes CPU time, of a thousand processes much: from here on there is no ceiling.
    pub(super) fn kill(&mut self) {
        (self.ceiling, self.relieved, self.killed) = (None, None, true);
        report("lift the limit of the CPU", self.cgroup.limit_cpu(START_CPUS * 1_000_000));
        pidfd_send_signal(&self.process, Signal::KILL).ok(); // fails only when it is dead already
        self.thaw();
    }

    pub(super) fn freeze(&self) {
        report("freeze", self.cgroup.freeze());
    }

    pub(super) fn thaw(&self) {
        report("thaw", self.cgroup.thaw());
    }

    pub(super) fn limit_cpu(&mut self, microseconds_per_second: u32) {
        if self.killed {
            return;
        }
        self.ceiling = Some(microseconds_per_second);
        if self.relieved.is_none() {
            report("limit the CPU", self.cgroup.limit_cpu(microseconds_per_second));
        }
    }

    /// What becomes readable when its memory runs out.
    pub(super) fn shortages(&self) -> Option<BorrowedFd<'_>> {
        self.shortages.as_ref().map(AsFd::as_fd)
    }

    /// Its memory ran out: the kernel chose a process to kill, which needs CPU time to die.
    pub(super) fn ran_short(&mut self) {
        if let Some(shortages) = &self.shortages {
            rustix::io::read(shortages, &mut [0; 8]).ok(); // back to unreadable
        }
        if self.ceiling.is_some() && self.relieved.is_none() && self.reliefs < RELIEFS_MAX {
            self.reliefs += 1;
            self.relieved = Some(Instant::now());
            report("lift the limit of the CPU", self.cgroup.limit_cpu(START_CPUS * 1_000_000));
        }
    }

    /// Whether it has more CPU than its own.
    pub(super) fn is_relieved(&self) -> bool {
        self.relieved.is_some()
    }

    /// Takes the relief back when it is over.
    pub(super) fn check_relief(&mut self) {
        if let (Some(since), Some(ceiling)) = (self.relieved, self.ceiling)
            && since.elapsed() >= RELIEF
        {
            self.relieved = None;
            report("limit the CPU", self.cgroup.limit_cpu(ceiling));
        }
    }

    /// Reads what it told. When that was all, it runs or has failed.
    pub(super) fn progressed(&mut self, id: SandboxId) -> Option<(Event, Vec<OwnedFd>)> {
        let (Stage::Making { told, .. }, Some(progress)) = (&mut self.stage, &mut self.progress) else {
            return None;
        };
        let mut piece = [0; 4096];
        match progress.read(&mut piece) {
            Ok(0) => self.made(id),
            Ok(_) if told.len() > PROGRESS_BYTES_MAX => {
                self.stage = Stage::Failed(StartFailure::Host("it told too much".to_owned()));
                self.kill();
                None
            }
            Ok(length) => {
                told.extend_from_slice(&piece[..length]);
                None
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => None,
            Err(_) => self.made(id),
        }
    }

    /// Nobody tells progress any more: the program has replaced who did, or both are dead.
    fn made(&mut self, id: SandboxId) -> Option<(Event, Vec<OwnedFd>)> {
        let Stage::Making { told, handover, timings, .. } = &mut self.stage else { return None };
        let told = String::from_utf8_lossy(told);
        let failure = told.lines().find_map(|line| line.strip_prefix(FAILURE));
        let steps = told.lines().filter_map(|line| line.split_once(' '));
        let steps: Vec<_> =
            steps.filter_map(|(name, taken)| Some((name.to_owned(), taken.parse().ok()?))).collect();
        let finished = steps.last().is_some_and(|(name, _): &(String, u64)| name == LAST_STEP);
        if failure.is_some() || !finished {
            let execute = failure.and_then(|text| text.strip_prefix(EXECUTE)?.parse().ok());
            let reason = failure.unwrap_or("it was killed while it was being made");
            let host = || StartFailure::Host(reason.to_owned());
            self.stage = Stage::Failed(execute.map_or_else(host, StartFailure::Execute));
            self.kill();
            return None;
        }
        let timings = timings.drain(..).chain(steps).collect();
        let handover = std::mem::take(handover);
        self.stage = Stage::Running;
        Some((Event::Started { id, memory_stat: self.cgroup.memory_stat(), timings }, handover))
    }

    /// Its first process is dead, and so is every other. Returns what was not told yet.
    pub(super) fn ended(&mut self, id: SandboxId) -> Vec<(Event, Vec<OwnedFd>)> {
        waitid(WaitId::PidFd(self.process.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG).ok();
        let mut events = Vec::new();
        // Its writers are dead, so the progress comes to its end here.
        while self.is_being_made() {
            events.extend(self.progressed(id));
        }
        let out_of_memory = self.cgroup.was_out_of_memory();
        let event = match std::mem::replace(&mut self.stage, Stage::Running) {
            Stage::Running | Stage::Making { .. } => Event::Exited { id, exit: self.exit(), out_of_memory },
            Stage::Failed(StartFailure::Host(reason)) if out_of_memory => {
                let failure = StartFailure::Host(format!("{reason}: its memory does not suffice"));
                Event::StartFailed { id, failure }
            }
            Stage::Failed(failure) => Event::StartFailed { id, failure },
            Stage::Leaving(event) => event,
        };
        self.stage = Stage::Leaving(event);
        events
    }

    /// How the program ended, as its init saw it; a killed init saw nothing.
    fn exit(&mut self) -> Exit {
        let mut status = [0; 4];
        if self.ending.read_exact(&mut status).is_err() {
            return Exit::Signal(libc::SIGKILL);
        }
        let status = i32::from_le_bytes(status);
        if libc::WIFSIGNALED(status) {
            Exit::Signal(libc::WTERMSIG(status))
        } else {
            Exit::Status(libc::WEXITSTATUS(status))
        }
    }

    /// Removes the cgroups if it has ended; the event to report when they are gone.
    pub(super) fn removed(&mut self) -> Option<Event> {
        let Stage::Leaving(event) = &self.stage else { return None };
        match self.cgroup.remove() {
            Ok(true) => Some(event.clone()),
            Ok(false) => None,
            Err(error) => {
                report("remove a cgroup", Err(error));
                Some(event.clone())
            }
        }
    }
}

fn report(what: &str, result: std::io::Result<()>) {
    match result {
        // The group is gone when a command crosses the sandbox's end.
        Err(error) if error.kind() != ErrorKind::NotFound => eprintln!("hearth spawner: {what}: {error}"),
        _ => {}
    }
}
