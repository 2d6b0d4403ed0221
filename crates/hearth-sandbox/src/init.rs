//! The first process of a sandbox: makes it from inside, starts the program, waits, and takes everything with it.
//!
//! ```text
//! clone ▸ cgroups ▸ network ▸ file tree ▸ limits ▸ user namespace ▸ no capabilities ▸ Landlock, seccomp ─fork─▶ program.rs
//!                                                                                        └▶ reap until it ends
//! ```
//!
//! It is a fork of the spawner without an exec. Inside it shows as root, outside it is the owner of unpacked code,
//! without any capability; it is not dumpable, so the program can neither read nor trace it.
//!
//! Never: handles a signal; outlives the spawner; keeps a descriptor but the one it reports through and its root.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, WaitOptions, setrlimit};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};
use seccompiler::BpfProgram;

use crate::cgroups::Entry;
use crate::kernel::{self, Side};
use crate::landlock;
use crate::privilege;
use crate::program::{self, Program};
use crate::root::{HOST_NAME, Tree};

/// The status of an init that could not make the sandbox.
const FAILED: i32 = 1;

/// Processes and threads of the sandbox's user, as AWS documents; the pids cgroup holds the real limit.
const PROCESSES: u64 = 1024;
/// Core dumps in bytes: none. Of 0 the kernel would still hand one to a program that the host's `core_pattern` names; 1
/// is its word for none at all.
const CORE_BYTES: u64 = 1;
/// Memory that may be locked, in bytes.
const LOCKED_BYTES: u64 = 64 * 1024;
/// Where the init keeps its root open.
const ROOT_NUMBER: i32 = 1;
/// Stack of the first thread, in bytes.
const STACK_BYTES: u64 = 8 * 1024 * 1024;

/// Everything the child needs, prepared before it is cloned.
pub(crate) struct Plan<'a> {
    /// The way into the cgroups.
    pub(crate) entry: Entry,
    pub(crate) network: OwnedFd,
    pub(crate) users: OwnedFd,
    pub(crate) tree: Tree,
    pub(crate) tmp: OwnedFd,
    pub(crate) filter: &'a BpfProgram,
    /// The version of Landlock that this kernel has.
    pub(crate) landlock: Option<i64>,
    pub(crate) program: Program,
    /// Readable when the spawner is dead.
    pub(crate) spawner: &'a OwnedFd,
    /// Told how the making went, line by line; closed by the program's exec.
    pub(crate) progress: File,
    /// Told how the program ended.
    pub(crate) ending: File,
    pub(crate) cloned: Instant,
}

/// The life of the first process.
pub(crate) fn main(mut plan: Plan<'_>) -> ! {
    let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&mut plan)));
    kernel::exit_now(if let Ok(Ok(())) = status { 0 } else { FAILED })
}

fn run(plan: &mut Plan<'_>) -> Result<(), ()> {
    let mut steps = Steps { text: String::new(), last: plan.cloned };
    steps.done("clone");
    let made = make(plan, &mut steps);
    let made = made.map_err(|(step, error)| report(&mut plan.progress, step, &error))?;
    let started = start(plan, made, steps);
    let (child, mut ending) =
        started.map_err(|error| report(&mut plan.progress, "start the program", &error))?;
    let status = reap(child).map_err(|_| ())?;
    ending.write_all(&status.to_le_bytes()).map_err(|_| ())
}

fn report(progress: &mut File, step: &str, error: &io::Error) {
    // When the spawner does not listen any more it is dead, and so is this process at once.
    progress.write_all(format!("{FAILURE}{step}: {error}\n").as_bytes()).ok();
}

/// What a line of progress begins with when it tells a failure; the others are `step microseconds`.
pub(crate) const FAILURE: &str = "! ";

type Step<T> = Result<T, (&'static str, io::Error)>;

/// What stays of making a sandbox.
struct Made {
    /// Decides who dies first when memory runs out.
    oom: File,
    /// See [`Tree::build`].
    root: OwnedFd,
}

/// Makes the sandbox around this process.
fn make(plan: &Plan<'_>, steps: &mut Steps) -> Step<Made> {
    let step = |name: &'static str| move |error: io::Error| (name, error);
    privilege::die_with_spawner(plan.spawner).map_err(step("follow the spawner"))?;
    plan.entry.enter().map_err(step("enter the cgroups"))?;
    steps.done("cgroups");
    enter_namespaces(plan).map_err(step("enter the namespaces"))?;
    let oom = OpenOptions::new().write(true).open("/proc/self/oom_score_adj");
    let oom = oom.map_err(step("open oom_score_adj"))?;
    steps.done("namespaces");
    let root = plan.tree.build(plan.tmp.as_fd(), steps).map_err(step("build the file tree"))?;
    limit_resources().map_err(step("limit resources"))?;
    give_up_privilege(plan).map_err(step("give up privilege"))?;
    steps.done("privileges");
    landlock::confine(plan.landlock).map_err(step("confine it by Landlock"))?;
    steps.done("landlock");
    seccompiler::apply_filter(plan.filter).map_err(|e| ("install the filter", io::Error::other(e)))?;
    steps.done("seccomp");
    Ok(Made { oom, root })
}

fn enter_namespaces(plan: &Plan<'_>) -> io::Result<()> {
    rustix::thread::set_name(c"hearth-init")?;
    rustix::process::setsid()?;
    rustix::process::umask(Mode::empty()); // device nodes get the mode they are made with
    move_into_link_name_space(plan.network.as_fd(), Some(LinkNameSpaceType::Network))?;
    // After the cgroups are entered, so that they are the roots of what is seen.
    kernel::unshare(UnshareFlags::NEWCGROUP)?;
    Ok(rustix::system::sethostname(HOST_NAME.as_bytes())?)
}

fn limit_resources() -> io::Result<()> {
    let set = |resource, soft: u64, hard: Option<u64>| {
        setrlimit(resource, Rlimit { current: Some(soft), maximum: hard })
    };
    set(Resource::Nproc, PROCESSES, Some(PROCESSES))?;
    set(Resource::Core, CORE_BYTES, Some(CORE_BYTES))?;
    set(Resource::Memlock, LOCKED_BYTES, Some(LOCKED_BYTES))?;
    set(Resource::Stack, STACK_BYTES, rustix::process::getrlimit(Resource::Stack).maximum)?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    Ok(())
}

/// Enters the user namespace, last of all: every other namespace stays owned by the host's, where the capabilities
/// held from here on mean nothing. Those needed to become the program's user go with that change.
fn give_up_privilege(plan: &Plan<'_>) -> io::Result<()> {
    move_into_link_name_space(plan.users.as_fd(), Some(LinkNameSpaceType::User))?;
    privilege::become_user(0, 0)?;
    privilege::gain_nothing()?;
    privilege::die_with_spawner(plan.spawner)
}

/// Forks the program, then becomes as little as possible.
fn start(plan: &mut Plan<'_>, made: Made, steps: Steps) -> io::Result<(i32, File)> {
    let Made { mut oom, root } = made;
    // When memory runs out a process of the function goes, never this one, nor anything else on the host.
    oom.write_all(b"1000")?;
    let child = match kernel::clone_process(0)? {
        Side::Child => program::main(plan, steps),
        Side::Parent(_, number) => number,
    };
    oom.write_all(b"0")?;
    drop(oom);
    plan.program.wipe();
    privilege::drop_capabilities()?;
    Ok((child, keep_only(&plan.ending, root)?))
}

/// Closes every descriptor but the file, which moves to number 0, and the root, which moves to 1. What owned the others
/// is never dropped: this process ends without unwinding.
fn keep_only(file: &File, root: OwnedFd) -> io::Result<File> {
    let root = ManuallyDrop::new(root);
    // Both first move out of the way of the numbers they get.
    let above =
        |descriptor| rustix::io::fcntl_dupfd_cloexec(descriptor, ROOT_NUMBER + 1).map(ManuallyDrop::new);
    let (file, root) = (above(file.as_fd())?, above(root.as_fd())?);
    let kept = kernel::move_to(file.as_fd(), 0)?;
    kernel::duplicate_to(root.as_fd(), ROOT_NUMBER)?;
    kernel::close_from(ROOT_NUMBER + 1)?;
    Ok(File::from(kept))
}

/// Waits for the program, burying whatever orphans end meanwhile. Returns the program's wait status.
fn reap(program: i32) -> io::Result<i32> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == program => return Ok(status.as_raw()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// How long each step took, as lines of text.
pub(crate) struct Steps {
    text: String,
    last: Instant,
}

impl Steps {
    pub(crate) fn done(&mut self, name: &str) {
        let now = Instant::now();
        let taken = now.duration_since(self.last).as_micros();
        self.text.push_str(&format!("{name} {taken}\n"));
        self.last = now;
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}
