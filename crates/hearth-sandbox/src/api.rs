//! What the server asks of the spawner and what it hears back, with the descriptors that travel beside.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Names a sandbox between server and spawner. Chosen by the server, never reused while both live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SandboxId(pub u64);

/// Server to spawner: one message each.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Make a sandbox and start the program in it. Answered by `Started` or `StartFailed`, later by `Exited`.
    Start(SandboxId, Box<SandboxSpec>),
    /// Kill every process of the sandbox now. Answered by `Exited` (once, however often it is asked).
    Kill(SandboxId),
    /// Stop all its processes where they are, until `Thaw`.
    Freeze(SandboxId),
    /// Let them go on.
    Thaw(SandboxId),
    /// What it leaves or has left in `/tmp` goes.
    Forget(SandboxId),
    /// From now on it gets so many microseconds of CPU time in a second at most. Until it is told so, a sandbox may
    /// use [`START_CPUS`].
    LimitCpu(SandboxId, u32),
    /// Unpack archives into one tree, in an unprivileged child. Their descriptors travel beside, in order: what a
    /// later one has replaces what an earlier one had. Answered by `Unpacked`.
    Unpack(u64, UnpackSpec),
}

/// Spawner to server: one message each.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// The program runs. Descriptors beside, in this order: one per entry of `SandboxSpec::listen`, then the read
    /// end of the output pipe (stdout and stderr in one), then, if a channel was asked for, the end that sends
    /// on it and the end that receives.
    Started {
        /// Which.
        id: SandboxId,
        /// The cgroup's memory statistics file, for figures (v1 `memory.stat` or v2 `memory.stat`).
        memory_stat: PathBuf,
        /// How long each step took, in microseconds, for `hearth doctor` and benchmarks.
        timings: Vec<(String, u64)>,
    },
    /// It could not be made; nothing is left of it.
    StartFailed {
        /// Which.
        id: SandboxId,
        /// What failed.
        failure: StartFailure,
    },
    /// Its program ended, all its processes are dead, and everything it held is given back.
    Exited {
        /// Which.
        id: SandboxId,
        /// How the program ended.
        exit: Exit,
        /// The kernel killed a process of it for memory.
        out_of_memory: bool,
    },
    /// Sandboxes have no way out to the internet, although one was asked for; why, for a person.
    NoEgress(String),
    /// An archive was unpacked, or not.
    Unpacked(u64, Result<Unpacked, UnpackError>),
}

/// Why a sandbox could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartFailure {
    /// The kernel refused to execute the program, with this error number: it is missing, not executable, or of
    /// another format.
    Execute(i32),
    /// The host could not make it; for a person.
    Host(String),
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

/// Everything about one sandbox. Same spec, same sandbox: nothing else decides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SandboxSpec {
    /// Hard limit of anonymous memory, page cache and kernel memory together, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads at most.
    pub processes_max: u32,
    /// Weight when the host's CPUs are short: 1,024 is that of one process of the host. The ceiling is another matter:
    /// [`Command::LimitCpu`].
    pub cpu_shares: u64,
    /// Size of the private `/tmp` on disk, in bytes.
    pub tmp_bytes: u64,
    /// What is in `/tmp` stays when the sandbox ends, for one that is started with `tmp_of`, until `Forget`.
    pub keeps_tmp: bool,
    /// Takes over the `/tmp` that this sandbox left, with its user number. Empty when there is none.
    pub tmp_of: Option<SandboxId>,
    /// Host trees shown read-only inside, in order. Parents inside are made as needed.
    pub mounts: Vec<Mount>,
    /// The program by its path inside, then its arguments (`argv[0]` included).
    pub program: PathBuf,
    /// Arguments, the first being the program's name.
    pub arguments: Vec<String>,
    /// The whole environment: nothing is inherited.
    pub environment: Vec<(String, String)>,
    /// Working directory inside.
    pub directory: PathBuf,
    /// Sockets to be made inside the network namespace and served by the server.
    pub listen: Vec<Listen>,
    /// Make a channel of two pipes; the program reads from [`CHANNEL_IN`] and writes to [`CHANNEL_OUT`]. Not a
    /// socket pair: on one, a program could hand the server descriptors whose closing makes it wait.
    pub channel: bool,
}

/// CPUs that a sandbox may use until it is told otherwise: what Lambda gives an init, whatever the memory.
pub const START_CPUS: u32 = 2;

/// The descriptor inside from which the program reads what the server sends.
pub const CHANNEL_IN: i32 = 3;

/// The descriptor inside to which the program writes what the server receives.
pub const CHANNEL_OUT: i32 = 4;

/// A host tree or file shown inside, read-only, without devices and set-uid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// On the host.
    pub source: PathBuf,
    /// Inside, absolute.
    pub target: PathBuf,
}

/// A socket inside that the server serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Listen {
    /// A listening TCP socket.
    Tcp(SocketAddr),
    /// A bound UDP socket.
    Udp(SocketAddr),
}

/// Archives to unpack into one tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnpackSpec {
    /// The directory to make; it appears complete or not at all.
    pub destination: PathBuf,
    /// Sum of all unpacked files at most, in bytes; also of those that a later archive replaces.
    pub bytes_max: u64,
    /// Entries at most.
    pub entries_max: u32,
}

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    /// Sum of the files' sizes.
    pub bytes: u64,
    /// Files, directories and links.
    pub entries: u32,
}

/// Why an archive was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum UnpackError {
    /// Not a readable zip, or one with a path or entry that is refused.
    #[error("the archive is not usable: {0}")]
    Bad(String),
    /// Larger than allowed once unpacked.
    #[error("the archive unpacks to more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The host could not do it (disk full, I/O).
    #[error("the archive could not be unpacked here: {0}")]
    Host(String),
}
