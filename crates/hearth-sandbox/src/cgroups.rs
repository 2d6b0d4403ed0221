//! One control group per sandbox and controller: limits, freezing, and what the kernel counted.
//!
//! ```text
//! /sys/fs/cgroup/memory/hearth-<instance>/<user number>/   and the same under pids, freezer and cpu
//! ```
//!
//! A sandbox enters by writing `0` to each `tasks` file while it has one thread. Writing a process number to
//! `cgroup.procs` would wait 5 to 13 ms for the whole machine (a grace period of the kernel's).
//!
//! Never: touches a group of another instance; moves a process that already runs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{EventfdFlags, eventfd};

use crate::api::START_CPUS;

/// Clean-up rounds over groups left by a dead spawner, each killing what it finds.
const CLEAN_UP_ROUNDS: u32 = 200;
/// Pause between two of them.
const CLEAN_UP_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

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

/// CPU time is counted out in pieces of this length, in microseconds: who has used up its part stands still until the
/// next one. A short one means short pauses; below some ticks of the kernel's clock (4 ms) the parts get uneven.
const CPU_PERIOD_US: u32 = 20_000;
/// The smallest part of a period that the kernel takes, in microseconds.
const CPU_QUOTA_US_MIN: u64 = 1_000;

/// Where the controllers are mounted, with this instance's parent group in each.
#[derive(Clone, Debug)]
pub(crate) struct Cgroups {
    parents: [PathBuf; CONTROLLERS.len()],
}

impl Cgroups {
    /// Finds the controllers. Makes nothing yet.
    pub(crate) fn find(instance: &str) -> Result<Cgroups, String> {
        let mounts =
            fs::read_to_string("/proc/self/mounts").map_err(|e| format!("read /proc/self/mounts: {e}"))?;
        let group = format!("hearth-{instance}");
        let find = |controller: &str| {
            mount_point(&mounts, controller)
                .map(|point| point.join(&group))
                .ok_or_else(|| missing(&mounts, controller))
        };
        let [memory, pids, freezer, cpu] = CONTROLLERS;
        Ok(Cgroups { parents: [find(memory)?, find(pids)?, find(freezer)?, find(cpu)?] })
    }

    /// Makes the parent groups.
    pub(crate) fn make_parents(&self) -> Result<(), String> {
        for parent in &self.parents {
            make_directory(parent)
                .map_err(|error| format!("make the cgroup {}: {error}", parent.display()))?;
        }
        Ok(())
    }

    /// Makes the groups of one sandbox, without limits yet.
    pub(crate) fn make(&self, name: &str) -> io::Result<Cgroup> {
        let group = Cgroup { directories: self.parents.each_ref().map(|parent| parent.join(name)) };
        let made = group.directories.iter().try_for_each(fs::create_dir);
        made.and_then(|()| group.start()).inspect_err(|_| {
            group.remove().ok();
        })?;
        Ok(group)
    }

    /// Kills what is left in this instance's groups and removes them, as after a crash.
    pub(crate) fn clean_up(&self) -> io::Result<()> {
        for round in 0.. {
            let left: Vec<PathBuf> = self.parents.iter().flat_map(|parent| children(parent)).collect();
            for group in &left {
                kill_tasks(group);
                fs::remove_dir(group).ok();
            }
            if left.iter().all(|group| !group.exists()) {
                break;
            }
            if round == CLEAN_UP_ROUNDS {
                return Err(io::Error::other(format!("cannot empty the cgroup {}", left[0].display())));
            }
            std::thread::sleep(CLEAN_UP_PAUSE);
        }
        self.remove_parents();
        Ok(())
    }

    /// Removes the parent groups when they are empty.
    pub(crate) fn remove_parents(&self) {
        for parent in &self.parents {
            fs::remove_dir(parent).ok();
        }
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
        self.limit_cpu(START_CPUS * 1_000_000)
    }

    /// The ceiling of CPU time, in microseconds of each second. Kernels without CFS bandwidth control have none.
    pub(crate) fn limit_cpu(&self, microseconds_per_second: u32) -> io::Result<()> {
        let quota = u64::from(microseconds_per_second) * u64::from(CPU_PERIOD_US) / 1_000_000;
        let quota = quota.max(CPU_QUOTA_US_MIN).to_string();
        write_if_there(&self.directories[CPU].join("cpu.cfs_quota_us"), &quota)
    }

    /// Sets the limits: memory of all kinds together in bytes, processes and threads, and the weight when CPU is short.
    pub(crate) fn limit(&self, memory_bytes: u64, processes_max: u32, cpu_shares: u64) -> io::Result<()> {
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
    pub(crate) fn doors(&self) -> io::Result<Vec<File>> {
        self.directories
            .iter()
            .map(|directory| OpenOptions::new().write(true).open(directory.join("tasks")))
            .collect()
    }

    /// Becomes readable when memory runs out. `None` where the kernel does not tell.
    pub(crate) fn shortages(&self) -> io::Result<Option<OwnedFd>> {
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
    pub(crate) fn memory_stat(&self) -> PathBuf {
        self.directories[MEMORY].join("memory.stat")
    }

    /// The kernel killed a process of this group for memory.
    pub(crate) fn was_out_of_memory(&self) -> bool {
        let control =
            fs::read_to_string(self.directories[MEMORY].join("memory.oom_control")).unwrap_or_default();
        let killed = control.lines().find_map(|line| line.strip_prefix("oom_kill "));
        killed.is_some_and(|count| count.trim() != "0")
    }

    /// Stops all its processes where they are.
    pub(crate) fn freeze(&self) -> io::Result<()> {
        write(&self.directories[FREEZER].join("freezer.state"), "FROZEN")
    }

    /// Lets them go on.
    pub(crate) fn thaw(&self) -> io::Result<()> {
        write(&self.directories[FREEZER].join("freezer.state"), "THAWED")
    }

    /// Removes the groups; false while one of them is still busy.
    pub(crate) fn remove(&self) -> io::Result<bool> {
        for directory in &self.directories {
            match fs::remove_dir(directory) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => return Ok(false),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(true)
    }
}

/// Where a v1 controller is mounted, read from the lines of `/proc/self/mounts`.
pub(crate) fn mount_point(mounts: &str, controller: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup" && options.split(',').any(|option| option == controller))
            .then(|| PathBuf::from(point))
    })
}

// GAP(cgroup-v2): a host with only the unified hierarchy is refused. There the child is to be made inside its
// group (CLONE_INTO_CGROUP), with memory.max, pids.max, cgroup.freeze and cgroup.kill.
fn missing(mounts: &str, controller: &str) -> String {
    let unified = mounts.lines().any(|line| line.split(' ').nth(2) == Some("cgroup2"));
    let seen =
        if unified { "only cgroup v2 is mounted, which is not supported yet" } else { "it is not mounted" };
    format!(
        "the cgroup controller `{controller}` is needed in its v1 form, and {seen}: \
         boot with systemd.unified_cgroup_hierarchy=0, or mount it with \
         `mount -t cgroup -o {controller} cgroup /sys/fs/cgroup/{controller}`"
    )
}

fn children(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Kills every process of a group, thawing it so that they can die.
fn kill_tasks(group: &Path) {
    let tasks = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in tasks.lines().filter_map(|line| line.parse().ok()).filter_map(rustix::process::Pid::from_raw) {
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
    }
    write(&group.join("freezer.state"), "THAWED").ok();
}

fn make_directory(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// For files that not every kernel has.
fn write_if_there(path: &Path, value: &str) -> io::Result<()> {
    match write(path, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn write(path: &Path, value: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "proc /proc proc rw 0 0\n\
        cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
        cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n\
        cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";

    #[test]
    fn a_controller_is_found_by_its_option_not_by_its_path() {
        assert_eq!(mount_point(HYBRID, "memory"), Some(PathBuf::from("/sys/fs/cgroup/memory")));
        assert_eq!(mount_point(HYBRID, "cpuacct"), Some(PathBuf::from("/sys/fs/cgroup/cpu,cpuacct")));
        assert_eq!(mount_point(HYBRID, "pids"), None);
    }

    #[test]
    fn what_is_missing_is_named_with_a_remedy() {
        let sentence = missing("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "memory");
        assert!(sentence.contains("`memory`") && sentence.contains("only cgroup v2"), "{sentence}");
        assert!(missing("", "pids").contains("not mounted"));
    }
}
