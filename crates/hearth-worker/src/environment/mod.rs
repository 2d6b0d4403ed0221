//! One execution environment: a sandbox running one function version, one invocation at a time.
//!
//! ```text
//! invoke ──▶ core (lock) ──on──▶ state ──effects──▶ channel, answers, log      warm: no task between
//!              ▲    ▲
//!       driver ┘    └ Runtime API connections
//! ```
//!
//! Never: two invocations at once; an invocation answered twice or not at all; a function that stops because its
//! caller went away.

mod answers;
mod calls;
mod core;
mod driver;
mod figures;
mod journal;
mod link;
mod memory;
mod said;
mod shared;
mod state;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hearth_sandbox::api::{Listen, Mount, SandboxId, SandboxSpec};
use hearth_world::World;
use tokio::sync::mpsc;

use crate::code::Code;
use crate::runtimes::{self, Entry, Program, Runtime};
use crate::sandbox::Sandbox;
use crate::worker::{
    Call, Endpoint, EnvironmentId, EnvironmentStatus, Failure, Reason, Report, Response, Revision, Secret,
};

pub(crate) use answers::{Outcome, accepted_type, init_failed, reported, responded, too_large, unusable};
pub(crate) use calls::Delivery;
pub(crate) use shared::Shared;

/// The init phase of an on-demand environment.
pub(crate) const INIT_LIMIT: Duration = Duration::from_secs(10);
/// Processes and threads of one environment: AWS's documented limit.
const PROCESSES_MAX: u32 = 1024;
/// CPU is given by memory: 1,769 MB are one vCPU (`spec/invoke.md` section 6).
const MEMORY_MB_OF_A_CPU: u64 = 1_769;
/// How long a starting runtime has the CPU of an init (two vCPUs, whatever the memory); afterwards, and from the first
/// invocation on, it has that of its memory.
const INIT_CPU: Duration = Duration::from_secs(10);
/// The weight of one process of the host.
const SHARES_OF_A_CPU: u64 = 1_024;
/// Where the Runtime API and the X-Ray daemon are.
pub(crate) const PLATFORM_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 100, 1));
/// Where older runtimes and the endpoint's clients look.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The Runtime API's port; reserved by AWS.
pub const RUNTIME_API_PORT: u16 = 9001;
/// Where the function's package is seen.
const TASK: &str = "/var/task";
/// Where its layers are seen.
const OPT: &str = "/opt";
/// The X-Ray daemon's port.
const XRAY_PORT: u16 = 2000;

/// Everything that is fixed for one environment.
pub(crate) struct Setup {
    pub(crate) revision: Arc<Revision>,
    pub(crate) runtime: Arc<Runtime>,
    /// The unpacked package.
    pub(crate) code: Code,
    /// The unpacked layers, or an empty directory: shown as `/opt`.
    pub(crate) opt: Code,
    pub(crate) sandbox: Arc<dyn Sandbox>,
    pub(crate) endpoint: Arc<dyn Endpoint>,
    /// Ports of 127.0.0.1 inside at which the endpoint is served; the first is the one announced.
    pub(crate) endpoint_ports: Vec<u16>,
    /// Ports of this host's loopback that are served inside.
    pub(crate) host_ports: Vec<u16>,
    /// What opens the metadata endpoint: `AWS_LAMBDA_METADATA_TOKEN`.
    pub(crate) metadata_token: Secret<String>,
    pub(crate) world: World,
    pub(crate) init_limit: Duration,
}

/// What each socket of [`Setup::spec`] is for, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    RuntimeApi,
    XRay,
    Endpoint,
    /// This port of the host's loopback.
    Host(u16),
}

/// The sockets of every sandbox, in order.
fn sockets(endpoint_ports: &[u16], host_ports: &[u16]) -> impl Iterator<Item = (Socket, Listen)> {
    let tcp = |address, port| Listen::Tcp(SocketAddr::new(address, port));
    let platform = [
        (Socket::RuntimeApi, tcp(PLATFORM_ADDRESS, RUNTIME_API_PORT)),
        (Socket::RuntimeApi, tcp(LOOPBACK, RUNTIME_API_PORT)),
        (Socket::XRay, Listen::Udp(SocketAddr::new(PLATFORM_ADDRESS, XRAY_PORT))),
    ];
    platform
        .into_iter()
        .chain(endpoint_ports.iter().map(move |port| (Socket::Endpoint, tcp(LOOPBACK, *port))))
        .chain(host_ports.iter().map(move |port| (Socket::Host(*port), tcp(LOOPBACK, *port))))
}

/// The sockets that every sandbox will ask for, so that the spawner can keep some ready.
pub fn sandbox_sockets(endpoint_ports: &[u16], host_ports: &[u16]) -> Vec<Listen> {
    sockets(endpoint_ports, host_ports).map(|(_, listen)| listen).collect()
}

impl Setup {
    /// The sandbox, with the `/tmp` of the one before it, unless the function has nothing to start.
    fn spec(&self, log_stream: &str, before: Option<SandboxId>) -> Option<SandboxSpec> {
        let program = self.program()?;
        let mut mounts = self.runtime.mounts.clone();
        mounts.push(Mount { source: self.code.directory.clone(), target: TASK.into() });
        mounts.push(Mount { source: self.opt.directory.clone(), target: OPT.into() });
        mounts.extend(self.runtime.layer_folders.mount(&self.opt.directory));
        Some(SandboxSpec {
            memory_bytes: u64::from(self.revision.memory_mb) * 1024 * 1024,
            processes_max: PROCESSES_MAX,
            cpu_shares: u64::from(self.revision.memory_mb) * SHARES_OF_A_CPU / MEMORY_MB_OF_A_CPU,
            tmp_bytes: u64::from(self.revision.ephemeral_mb) * 1024 * 1024,
            keeps_tmp: true,
            tmp_of: before,
            mounts,
            program: program.path.clone(),
            arguments: program.arguments_for(self.revision.memory_mb),
            environment: runtimes::environment(
                &self.revision,
                &self.runtime,
                log_stream,
                &self.metadata_token.0,
                self.endpoint_ports.first(),
            ),
            directory: TASK.into(),
            listen: sandbox_sockets(&self.endpoint_ports, &self.host_ports),
            channel: self.runtime.channel,
        })
    }

    /// The runtime's own program, or the first executable bootstrap that the function brings.
    fn program(&self) -> Option<Program> {
        let brought = |path: &&&str| {
            let below = |root: &str| Path::new(path).strip_prefix(root).ok();
            let on_host = match (below(TASK), below(OPT)) {
                (Some(file), _) => self.code.directory.join(file),
                (_, Some(file)) => self.opt.directory.join(file),
                (None, None) => return false,
            };
            // Where a link leads is for the sandbox to find out.
            let found = on_host.symlink_metadata();
            found.is_ok_and(|it| it.is_symlink() || it.is_file() && it.permissions().mode() & 0o111 != 0)
        };
        match &self.runtime.entry {
            Entry::Program(program) => Some(program.clone()),
            Entry::FirstOf(paths) => paths.iter().find(brought).map(|path| Program::brought(path)),
        }
    }

    /// CPU time in microseconds per second, by the memory.
    fn cpu_microseconds(&self) -> u32 {
        let share = u64::from(self.revision.memory_mb) * 1_000_000 / MEMORY_MB_OF_A_CPU;
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// A program that cannot be executed is the function's fault, not the host's.
    fn brings_its_program(&self) -> bool {
        matches!(self.runtime.entry, Entry::FirstOf(_))
    }

    /// What the kernel's refusal of the program, or the lack of one, is called.
    fn entry_error(&self, refused: Option<i32>) -> String {
        let Some(number) = refused else {
            return match &self.runtime.entry {
                Entry::FirstOf(paths) => format!("Couldn't find valid bootstrap(s): [{}]", paths.join(" ")),
                Entry::Program(_) => "Couldn't find valid bootstrap(s): []".to_owned(),
            };
        };
        let path = self.program().map(|program| program.path).unwrap_or_default();
        format!("fork/exec {}: {}", path.display(), answers::error_name(number))
    }
}

/// A handle of an environment. Its driver runs until the environment is gone.
#[derive(Clone)]
pub(crate) struct Handle {
    shared: Arc<Shared>,
}

/// What runs an environment.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    setup: Arc<Setup>,
}

impl Handle {
    /// A new environment: its init begins when the driver runs.
    pub(crate) fn new(setup: Arc<Setup>, reports: mpsc::Sender<Report>) -> (Handle, Driver) {
        let journal = journal::Journal::new(setup.world.clone(), setup.revision.clone(), reports);
        let shared = Arc::new(Shared::new(setup.clone(), journal));
        (Handle { shared: shared.clone() }, Driver { shared, setup })
    }

    /// Runs one invocation. Dropping the future does not stop the function.
    pub(crate) async fn invoke(&self, call: Call) -> Result<Response, Failure> {
        let answer = self.shared.invoke(call);
        // The sender goes without a word only when the environment does.
        answer.await.unwrap_or(Err(Failure::Gone))
    }

    /// Ends it once its invocation is over.
    pub(crate) fn stop(&self, why: Reason) {
        if why == Reason::Shutdown {
            self.shared.lock().shutting_down();
        }
        self.shared.apply(state::Event::Stop);
    }

    /// How it is now. Reads the host's files, but not under the lock.
    pub(crate) fn status(&self, id: EnvironmentId) -> EnvironmentStatus {
        let (mut status, group) = self.shared.lock().status(id);
        if let Some(group) = group {
            let seen = core::seen(&group);
            (status.memory_bytes, status.process, status.user) = (seen.held_bytes, seen.process, seen.user);
        }
        status
    }

    /// Ends it now.
    pub(crate) fn kill(&self) {
        self.shared.apply(state::Event::Kill);
    }
}

impl Driver {
    /// Runs the environment until nothing is left of it.
    pub(crate) async fn run(self) {
        driver::run(self.shared, self.setup).await;
    }
}
