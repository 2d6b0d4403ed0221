//! Version 1: a hierarchy for each controller. A process with one thread enters by writing `0` to each `tasks` file.
//!
//! Never: writes a process number to `cgroup.procs`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::event::{EventfdFlags, eventfd};

use super::{CPU_PERIOD_US, make_directory, remove_all, write, write_if_there};
use crate::api::START_CPUS;

/// The controllers used, by the names of cgroup v1.
const CONTROLLERS: [&str; 4] = ["memory", "pids", "freezer", "cpu"];
const MEMORY: usize = 0;
const PIDS: usize = 1;
const FREEZER: usize = 2;
const CPU: usize = 3;

/// Socket buffers of a sandbox, in bytes: the kernel counts them apart from its memory, and what all sandboxes hold
/// together squeezes the host's own connections.
const SOCKET_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// The smallest weight that the kernel takes.
const CPU_SHARES_MIN: u64 = 2;

/// Where the controllers are mounted, with this instance's parent group in each.
#[derive(Clone, Debug)]
pub(crate) struct Cgroups {
    parents: [PathBuf; CONTROLLERS.len()],
}

impl Cgroups {
    /// Finds the controllers. Makes nothing yet.
    pub(super) fn find(mounts: &str, group: &str) -> Result<Cgroups, String> {
        let find = |controller: &str| {
            mount_point(mounts, controller)
                .map(|point| point.join(group))
                .ok_or_else(|| format!("the controller `{controller}` is not mounted"))
        };
        let [memory, pids, freezer, cpu] = CONTROLLERS;
        Ok(Cgroups { parents: [find(memory)?, find(pids)?, find(freezer)?, find(cpu)?] })
    }

    /// Makes the parent groups.
    pub(super) fn make_parents(&self) -> Result<(), String> {
        for parent in &self.parents {
            make_directory(parent)
                .map_err(|error| format!("make the cgroup {}: {error}", parent.display()))?;
        }
        Ok(())
    }

    /// Makes the groups of one sandbox, without limits yet.
    pub(super) fn make(&self, name: &str) -> io::Result<Cgroup> {
        let group = Cgroup { directories: self.parents.each_ref().map(|parent| parent.join(name)) };
        let made = group.directories.iter().try_for_each(fs::create_dir);
        made.and_then(|()| group.start()).inspect_err(|_| {
            remove_all(&group.directories).ok();
        })?;
        Ok(group)
    }

    pub(super) fn parents(&self) -> &[PathBuf] {
        &self.parents
    }

    /// See the caller.
    pub(super) fn limits(&self) -> [(&'static str, bool); 2] {
        let there = |controller: usize, name: &'static str| {
            (name, self.parents[controller].parent().is_some_and(|point| point.join(name).exists()))
        };
        [there(CPU, "cpu.cfs_quota_us"), there(MEMORY, "memory.memsw.limit_in_bytes")]
    }
}

/// The groups of one sandbox.
#[derive(Debug)]
pub(crate) struct Cgroup {
    directories: [PathBuf; CONTROLLERS.len()],
}

impl Cgroup {
    /// What is the same for every sandbox: nothing is swapped out, and the CPU has the ceiling of an init. That there
    /// always is a group with one spares the kernel from switching its bookkeeping on and off.
    fn start(&self) -> io::Result<()> {
        write(&self.directories[MEMORY].join("memory.swappiness"), "0")?;
        write_if_there(&self.directories[CPU].join("cpu.cfs_period_us"), &CPU_PERIOD_US.to_string())?;
        self.limit_cpu(u64::from(START_CPUS * CPU_PERIOD_US))
    }

    /// The ceiling, in microseconds of each period. Kernels without CFS bandwidth control have none.
    pub(super) fn limit_cpu(&self, quota: u64) -> io::Result<()> {
        write_if_there(&self.directories[CPU].join("cpu.cfs_quota_us"), &quota.to_string())
    }

    /// Sets the limits: memory of all kinds together in bytes, processes and threads, and the weight when CPU is short.
    pub(super) fn limit(&self, memory_bytes: u64, processes_max: u32, cpu_shares: u64) -> io::Result<()> {
        let memory = &self.directories[MEMORY];
        let limit = memory_bytes.to_string();
        write(&memory.join("memory.limit_in_bytes"), &limit)?;
        // Memory and swap together: present where the kernel accounts swap.
        write_if_there(&memory.join("memory.memsw.limit_in_bytes"), &limit)?;
        let sockets = memory_bytes.min(SOCKET_BYTES_MAX).to_string();
        write_if_there(&memory.join("memory.kmem.tcp.limit_in_bytes"), &sockets)?;
        write(&self.directories[CPU].join("cpu.shares"), &cpu_shares.max(CPU_SHARES_MIN).to_string())?;
        write(&self.directories[PIDS].join("pids.max"), &processes_max.to_string())
    }

    /// The files through which a process with one thread enters: it writes `0` to each.
    pub(super) fn doors(&self) -> io::Result<Vec<File>> {
        self.directories
            .iter()
            .map(|directory| OpenOptions::new().write(true).open(directory.join("tasks")))
            .collect()
    }

    /// Becomes readable when memory runs out. `None` where the kernel does not tell.
    pub(super) fn shortages(&self) -> io::Result<Option<OwnedFd>> {
        let memory = &self.directories[MEMORY];
        let control = match File::open(memory.join("memory.oom_control")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let registration = format!("{} {}", event.as_raw_fd(), control.as_raw_fd());
        write_if_there(&memory.join("cgroup.event_control"), &registration)?;
        Ok(Some(event))
    }

    /// The kernel's memory figures.
    pub(super) fn memory_stat(&self) -> PathBuf {
        self.directories[MEMORY].join("memory.stat")
    }

    /// The kernel killed a process of this group for memory.
    pub(super) fn was_out_of_memory(&self) -> bool {
        let control =
            fs::read_to_string(self.directories[MEMORY].join("memory.oom_control")).unwrap_or_default();
        let killed = control.lines().find_map(|line| line.strip_prefix("oom_kill "));
        killed.is_some_and(|count| count.trim() != "0")
    }

    /// Stops all its processes where they are.
    pub(super) fn freeze(&self) -> io::Result<()> {
        write(&self.directories[FREEZER].join("freezer.state"), "FROZEN")
    }

    /// Lets them go on.
    pub(super) fn thaw(&self) -> io::Result<()> {
        write(&self.directories[FREEZER].join("freezer.state"), "THAWED")
    }

    pub(super) fn directories(&self) -> &[PathBuf] {
        &self.directories
    }
}

/// Where a v1 controller is mounted, read from the lines of `/proc/self/mounts`.
pub(super) fn mount_point(mounts: &str, controller: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup" && options.split(',').any(|option| option == controller))
            .then(|| PathBuf::from(point))
    })
}
