//! The last steps of the process that becomes the program: its user, its descriptors, its working directory.
//!
//! Never: keeps a descriptor of the spawner's; starts with a signal blocked or ignored.

use std::ffi::CString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::api::{CHANNEL_IN, CHANNEL_OUT, SandboxSpec};
use crate::identity::{INSIDE_GROUP, INSIDE_USER};
use crate::init::{FAILURE, Plan, Steps};
use crate::{kernel, privilege};

/// Files and sockets a program may have open, as in AWS's sandboxes.
const OPEN_FILES: u64 = 1024;

/// The status of a process that did not become the program. The spawner hears the reason another way.
const NOT_STARTED: i32 = 127;

/// What is executed, ready for the system call.
pub(crate) struct Program {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: CString,
    /// Its stdout and stderr.
    pub(crate) output: OwnedFd,
    pub(crate) channel: Option<Channel>,
}

/// The program's ends of the channel.
pub(crate) struct Channel {
    pub(crate) reads: OwnedFd,
    pub(crate) writes: OwnedFd,
}

impl Program {
    /// Takes the words of a spec; a zero byte in one of them is refused.
    pub(crate) fn prepare(
        spec: &SandboxSpec,
        output: OwnedFd,
        channel: Option<Channel>,
    ) -> io::Result<Program> {
        let variable = |(name, value): &(String, String)| {
            let mut text = Vec::with_capacity(name.len() + value.len() + 2);
            text.extend_from_slice(name.as_bytes());
            text.push(b'=');
            text.extend_from_slice(value.as_bytes());
            CString::new(text)
        };
        Ok(Program {
            path: CString::new(spec.program.as_os_str().as_bytes())?,
            arguments: spec
                .arguments
                .iter()
                .map(|word| CString::new(word.as_str()))
                .collect::<Result<_, _>>()?,
            environment: spec.environment.iter().map(variable).collect::<Result<_, _>>()?,
            directory: CString::new(spec.directory.as_os_str().as_bytes())?,
            output,
            channel,
        })
    }

    /// Overwrites the environment, which may hold credentials.
    pub(crate) fn wipe(&mut self) {
        for variable in self.environment.drain(..) {
            kernel::wipe_bytes(&mut variable.into_bytes());
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Becomes the program.
pub(crate) fn main(plan: &mut Plan<'_>, mut steps: Steps) -> ! {
    let Err(error) = become_program(plan, &mut steps);
    plan.progress.write_all(format!("{FAILURE}{error}\n").as_bytes()).ok();
    kernel::exit_now(NOT_STARTED)
}

/// What a failure begins with when it is the program's own; its error number follows.
pub(crate) const EXECUTE: &str = "execute ";

fn become_program(plan: &mut Plan<'_>, steps: &mut Steps) -> io::Result<std::convert::Infallible> {
    rustix::process::setsid()?;
    privilege::become_user(INSIDE_USER, INSIDE_GROUP)?;
    privilege::drop_capabilities()?;
    rustix::process::chdir(plan.program.directory.as_c_str())
        .map_err(|error| named(error.into(), "enter the working directory", &plan.program.directory))?;
    place_descriptors(&plan.program)?;
    // Not earlier: until here it holds copies of what the spawner has of all other sandboxes, in their thousands.
    setrlimit(Resource::Nofile, Rlimit { current: Some(OPEN_FILES), maximum: Some(OPEN_FILES) })?;
    kernel::reset_signals();
    steps.done("program");
    plan.progress.write_all(steps.text().as_bytes())?;
    let Program { path, arguments, environment, .. } = &plan.program;
    let error = kernel::execute(path, arguments, environment);
    Err(io::Error::other(format!("{EXECUTE}{}", error.raw_os_error().unwrap_or(libc::EIO))))
}

/// 0 reads nothing, 1 and 2 are the output pipe, 3 and 4 the channel if there is one; all others close at exec.
fn place_descriptors(program: &Program) -> io::Result<()> {
    let nothing = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let first_free = if program.channel.is_some() { CHANNEL_OUT + 1 } else { CHANNEL_IN };
    if let Some(channel) = &program.channel {
        // Both first move out of the way of the numbers they get.
        let (reads, writes) = (above(&channel.reads)?, above(&channel.writes)?);
        kernel::duplicate_to(reads.as_fd(), CHANNEL_IN)?;
        kernel::duplicate_to(writes.as_fd(), CHANNEL_OUT)?;
    }
    kernel::duplicate_to(nothing.as_fd(), 0)?;
    kernel::duplicate_to(program.output.as_fd(), 1)?;
    kernel::duplicate_to(program.output.as_fd(), 2)?;
    kernel::close_from_at_exec(first_free)
}

/// A copy of a descriptor whose number is none of those that the program gets.
fn above(descriptor: &OwnedFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(descriptor, CHANNEL_OUT + 1)?)
}

fn named(error: io::Error, what: &str, path: &CString) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.to_string_lossy()))
}
