//! The seam to whatever isolates a function: [`Sandbox`]. Linux namespaces now; a microVM can follow.
//!
//! Never: blocks the server for a sandbox; tells a sandbox's end twice.

pub(crate) mod host_port;
mod linux;
pub mod simulated;

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use hearth_sandbox::api::{Exit, SandboxId, SandboxSpec, UnpackError, UnpackSpec, Unpacked};
use tokio::sync::oneshot;

use crate::worker::BoxFuture;

pub use linux::{Launcher, LinuxSandbox};

/// Makes sandboxes and runs one program in each.
pub trait Sandbox: Send + Sync {
    /// Makes a sandbox and starts its program. Dropping the future ends what was begun.
    fn start(&self, spec: SandboxSpec) -> BoxFuture<'_, Result<Running, SandboxError>>;

    /// Kills every process of it now. Told by [`Running::ended`]; harmless when it is gone.
    fn kill(&self, id: SandboxId);

    /// Gives up what it left in `/tmp`, or will leave, when its spec said that this stays.
    fn forget(&self, id: SandboxId);

    /// Stops its processes where they are.
    fn freeze(&self, id: SandboxId);

    /// Lets them go on.
    fn thaw(&self, id: SandboxId);

    /// Gives it so many microseconds of CPU time in a second at most, from now on.
    fn limit_cpu(&self, id: SandboxId, microseconds_per_second: u32);

    /// Unpacks an archive without privilege.
    fn unpack(
        &self,
        archives: Vec<OwnedFd>,
        spec: UnpackSpec,
    ) -> BoxFuture<'_, Result<Unpacked, UnpackError>>;
}

/// A sandbox whose program runs. It goes on when this is dropped: [`Sandbox::kill`] ends it.
#[derive(Debug)]
pub struct Running {
    /// Its name.
    pub id: SandboxId,
    /// One socket per entry of `SandboxSpec::listen`, in that order.
    pub sockets: Vec<OwnedFd>,
    /// Read end of its standard output and error.
    pub output: OwnedFd,
    /// The server's ends of the channel, when asked for.
    pub channel: Option<Channel>,
    /// The cgroup's `memory.stat`.
    pub memory_stat: PathBuf,
    /// How long each step of the start took, in microseconds.
    pub timings: Vec<(String, u64)>,
    /// Resolves once everything of it is gone; an error means that the spawner died, which kills it too.
    pub ended: oneshot::Receiver<Ended>,
}

/// The server's ends of a channel.
#[derive(Debug)]
pub struct Channel {
    /// Where it sends.
    pub sending: OwnedFd,
    /// Where it receives.
    pub receiving: OwnedFd,
}

/// How a sandbox ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Of its program.
    pub exit: Exit,
    /// The kernel killed a process of it for memory.
    pub out_of_memory: bool,
}

/// Why no sandbox was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// What failed, for a person.
    #[error("{0}")]
    Refused(String),
    /// The kernel refused to execute the program, with this error number.
    #[error("execute the program: error {0}")]
    Execute(i32),
    /// The spawner died; the next attempt finds a new one.
    #[error("the spawner died")]
    SpawnerGone,
}
