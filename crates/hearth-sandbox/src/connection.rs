//! The server's side: starting the spawner process and talking to it.
//!
//! Never: privilege. Everything that needs it happens in the other process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

use crate::api::{Command, Event, Listen};
use crate::confinement::Confinement;
use crate::egress::Egress;
use crate::wire;

/// The argument that makes the program a spawner.
pub const SPAWNER_ARGUMENT: &str = "__spawner";

/// Starting the spawner: it waits for a predecessor's end first, and cleans up. One that dies is seen at once.
const READY_WAIT: Duration = Duration::from_secs(60);

/// Ending: every sandbox is killed and given back.
const END_WAIT: Duration = Duration::from_secs(10);

/// What a spawner is told when it starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Tells this server's cgroups from those of others on the host: letters, digits, `-` and `_`, 1 to 32 of them.
    pub instance: String,
    /// Where `/tmp` images and their templates lie; made when absent. One spawner at a time.
    pub run_directory: PathBuf,
    /// The program to start as spawner; `None` is this very program.
    pub program: Option<PathBuf>,
    /// How many sets of namespaces and how many `/tmp` file systems are kept ready. 0 makes each when it is needed.
    pub pool: u32,
    /// The sockets that sandboxes are expected to ask for, so that ready ones have them from the beginning.
    pub listen: Vec<Listen>,
    /// What the server may name once it has given its privilege up; `None` for one that stays root.
    pub confinement: Option<Confinement>,
    /// The way out to the internet; `None` leaves sandboxes without one.
    pub egress: Option<Egress>,
}

/// Ready ones of each kind, unless told otherwise.
pub const POOL_DEFAULT: u32 = 4;

impl Options {
    /// This very program as spawner, with a pool of the usual size.
    pub fn new(instance: impl Into<String>, run_directory: impl Into<PathBuf>) -> Options {
        let (instance, run_directory) = (instance.into(), run_directory.into());
        Options {
            instance,
            run_directory,
            program: None,
            pool: POOL_DEFAULT,
            listen: Vec::new(),
            confinement: None,
            egress: None,
        }
    }
}

/// The first message, server to spawner. Answered by a `Result<(), String>`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Greeting {
    pub(crate) instance: String,
    pub(crate) run_directory: PathBuf,
    pub(crate) pool: u32,
    pub(crate) listen: Vec<Listen>,
    pub(crate) confinement: Option<Confinement>,
    pub(crate) egress: Option<Egress>,
}

/// Why no spawner runs.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The process could not be started or did not answer.
    #[error("start the spawner process")]
    Process(#[source] io::Error),
    /// It started and cannot work on this host; the text says why, for a person.
    #[error("{0}")]
    Host(String),
}

/// The spawner process.
#[derive(Debug)]
pub struct Spawner;

impl Spawner {
    /// Starts the spawner and waits until it is ready (milliseconds; longer only after a crash). Blocks: call it
    /// before the async runtime runs.
    pub fn launch(options: &Options) -> Result<Connection, LaunchError> {
        let (socket, theirs) = wire::pair().map_err(LaunchError::Process)?;
        let program = options.program.clone().unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        let process = std::process::Command::new(program)
            .arg0("hearth") // what lists of processes show
            .arg(SPAWNER_ARGUMENT)
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .current_dir("/")
            .spawn()
            .map_err(LaunchError::Process)?;
        let connection = Connection { socket, process };
        connection.greet(options)?;
        rustix::io::ioctl_fionbio(&connection.socket, true).map_err(|e| LaunchError::Process(e.into()))?;
        Ok(connection)
    }
}

/// The line to a running spawner. When it is dropped, the spawner kills every sandbox and ends.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    process: Child,
}

impl Connection {
    fn greet(&self, options: &Options) -> Result<(), LaunchError> {
        let greeting = Greeting {
            instance: options.instance.clone(),
            run_directory: options.run_directory.clone(),
            pool: options.pool,
            listen: options.listen.clone(),
            confinement: options.confinement.clone(),
            egress: options.egress,
        };
        wire::send(self.socket.as_fd(), &greeting, &[]).map_err(LaunchError::Process)?;
        if !readable_within(self.socket.as_fd(), READY_WAIT).map_err(LaunchError::Process)? {
            return Err(LaunchError::Process(io::ErrorKind::TimedOut.into()));
        }
        match wire::receive::<Result<(), String>>(self.socket.as_fd()).map_err(LaunchError::Process)? {
            Some((Ok(()), _)) => Ok(()),
            Some((Err(reason), _)) => Err(LaunchError::Host(reason)),
            None => Err(LaunchError::Process(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Sends one command. `WouldBlock`: wait until the socket is writable and send it again.
    pub fn send(&self, command: &Command, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        wire::send(self.socket.as_fd(), command, descriptors)
    }

    /// The next event with its descriptors; `None` when the spawner is gone. `WouldBlock`: nothing there yet.
    pub fn receive(&self) -> io::Result<Option<(Event, Vec<OwnedFd>)>> {
        wire::receive(self.socket.as_fd())
    }

    /// The spawner's process number.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Lets the spawner kill every sandbox, give everything back and end; kills it when it has not within 10 s.
    /// Blocks: call it when nothing else is left to do.
    pub fn shutdown(mut self) -> io::Result<()> {
        let pid = i32::try_from(self.process.id()).map_err(|_| io::ErrorKind::InvalidData)?;
        let pid = rustix::process::Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
        let ended = pidfd_open(pid, PidfdFlags::empty())?;
        rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both)?;
        if !readable_within(ended.as_fd(), END_WAIT)? {
            self.process.kill()?;
        }
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Buries a spawner that is dead already. One that lives ends by itself when the socket closes.
        self.process.try_wait().ok();
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl std::os::fd::AsRawFd for Connection {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

/// Waits until there is something to read, or the other side is gone; false when `wait` passed first.
fn readable_within(descriptor: BorrowedFd<'_>, wait: Duration) -> io::Result<bool> {
    let limit = Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?;
    loop {
        match poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&limit)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
