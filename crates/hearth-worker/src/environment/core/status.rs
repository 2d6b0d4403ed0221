//! How an environment is now, for people who ask.
//!
//! Never: changes anything; reads a file under the environment's lock.

use std::fs;
use std::path::{Path, PathBuf};

use super::Core;
use crate::environment::memory;
use crate::environment::state::Environment;
use crate::worker::{EnvironmentId, EnvironmentStatus};

/// Processes of a sandbox that are looked at: the first are the oldest, and among them is the runtime.
const PROCESSES_MAX: usize = 2;

/// What the host tells about a sandbox at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::environment) struct Seen {
    /// Anonymous and shared memory.
    pub(in crate::environment) held_bytes: Option<u64>,
    /// The youngest of the first processes: the runtime, and not what keeps the sandbox.
    pub(in crate::environment) process: Option<u32>,
    /// Whose it is on the host.
    pub(in crate::environment) user: Option<u32>,
}

/// Looks at a group without remembering anything; one that is gone tells nothing.
pub(in crate::environment) fn seen(group: &Path) -> Seen {
    let held_bytes = memory::held_bytes(group);
    let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let process = processes.lines().take(PROCESSES_MAX).filter_map(|line| line.parse().ok()).max();
    let user = process.and_then(|process: u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()?.parse().ok())
    });
    Seen { held_bytes, process, user }
}

/// The state as people read it.
fn name(machine: &Environment) -> &'static str {
    match machine {
        Environment::Starting { .. } | Environment::Repeating { .. } => "starting",
        Environment::Broken | Environment::Stalled { .. } => "broken",
        Environment::Idle => "idle",
        Environment::Frozen => "frozen",
        Environment::Busy { .. } => "busy",
        Environment::Settling { .. } => "settling",
        Environment::Resetting { .. } => "resetting",
        Environment::Closing | Environment::Closed => "closing",
    }
}

impl Core {
    /// How it is now, but for what the host's files tell, and where those are.
    pub(in crate::environment) fn status(&self, id: EnvironmentId) -> (EnvironmentStatus, Option<PathBuf>) {
        let status = EnvironmentStatus {
            id,
            revision: self.setup.revision.clone(),
            state: name(self.machine()),
            started: self.made,
            invocations: self.calls_seen,
            memory_bytes: None,
            memory_peak_bytes: self.memory.peak_bytes(),
            process: None,
            user: None,
        };
        (status, self.memory.group())
    }
}
