//! One control group per sandbox: limits, freezing, and what the kernel counted. In the version that the host mounts.
//!
//! ```text
//! v1   <each controller's mount>/hearth-<instance>/<user number>/      entered by writing to files
//! v2   <mount or our own group>/hearth-<instance>/<user number>/       the process is made in it
//! ```
//!
//! A running process is never moved: that waits 5 to 13 ms for the whole machine (a grace period of the kernel's).
//!
//! Never: touches a group of another instance; moves a process of a sandbox.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::epoll::EventFlags;

mod v1;
mod v2;

/// Clean-up rounds over groups left by a dead spawner, each killing what it finds.
const CLEAN_UP_ROUNDS: u32 = 200;
/// Pause between two of them.
const CLEAN_UP_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// CPU time is counted out in pieces of this length, in microseconds: who has used up its part stands still until the
/// next one. A short one means short pauses; below some ticks of the kernel's clock (4 ms) the parts get uneven.
const CPU_PERIOD_US: u32 = 20_000;
/// The smallest part of a period that the kernel takes, in microseconds.
const CPU_QUOTA_US_MIN: u64 = 1_000;

/// This instance's place among the host's groups.
#[derive(Clone, Debug)]
pub(crate) enum Cgroups {
    V1(v1::Cgroups),
    V2(v2::Cgroups),
}

/// The groups of one sandbox.
#[derive(Debug)]
pub(crate) enum Cgroup {
    V1(v1::Cgroup),
    V2(v2::Cgroup),
}

/// How a sandbox's first process gets into its groups.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It writes `0` to each of these while it has one thread.
    Doors(Vec<File>),
    /// It is cloned into this directory.
    Directory(OwnedFd),
}

impl Default for Entry {
    /// What is left when it was taken: nothing to do.
    fn default() -> Entry {
        Entry::Doors(Vec::new())
    }
}

impl Entry {
    /// The directory to clone into, if that is the way.
    pub(crate) fn directory(&self) -> Option<BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        match self {
            Entry::Doors(_) => None,
            Entry::Directory(directory) => Some(directory.as_fd()),
        }
    }

    /// Called by the process itself: does what is left to do.
    pub(crate) fn enter(&self) -> io::Result<()> {
        match self {
            Entry::Doors(doors) => doors.iter().try_for_each(|mut door| door.write_all(b"0")),
            Entry::Directory(_) => Ok(()),
        }
    }
}

/// Tells that a sandbox's memory ran out.
#[derive(Debug)]
pub(crate) enum Shortages {
    V1(OwnedFd),
    V2(v2::Events),
}

impl Shortages {
    /// What to wait for, and for which event of it.
    pub(crate) fn source(&self) -> (BorrowedFd<'_>, EventFlags) {
        use std::os::fd::AsFd;
        match self {
            Shortages::V1(event) => (event.as_fd(), EventFlags::IN),
            Shortages::V2(events) => (events.file(), EventFlags::PRI),
        }
    }

    /// Whether it ran out since the last look.
    pub(crate) fn take(&mut self) -> bool {
        match self {
            Shortages::V1(event) => rustix::io::read(event, &mut [0; 8]).is_ok(),
            Shortages::V2(events) => events.take(),
        }
    }
}

impl Cgroups {
    /// Chooses the version by what is mounted: the first where it has all controllers, else the second. Makes nothing.
    pub(crate) fn find(instance: &str) -> Result<Cgroups, String> {
        let mounts =
            fs::read_to_string("/proc/self/mounts").map_err(|e| format!("read /proc/self/mounts: {e}"))?;
        let group = format!("hearth-{instance}");
        match v1::Cgroups::find(&mounts, &group) {
            Ok(first) => Ok(Cgroups::V1(first)),
            Err(missing) => v2::Cgroups::find(&mounts, &group)
                .map(Cgroups::V2)
                .map_err(|second| format!("control groups: version 2: {second}; version 1: {missing}")),
        }
    }

    /// Makes the parent groups.
    pub(crate) fn make_parents(&self) -> Result<(), String> {
        match self {
            Cgroups::V1(groups) => groups.make_parents(),
            Cgroups::V2(groups) => groups.make_parent(),
        }
    }

    /// Makes the groups of one sandbox, without limits yet.
    pub(crate) fn make(&self, name: &str) -> io::Result<Cgroup> {
        match self {
            Cgroups::V1(groups) => groups.make(name).map(Cgroup::V1),
            Cgroups::V2(groups) => groups.make(name).map(Cgroup::V2),
        }
    }

    fn parents(&self) -> &[PathBuf] {
        match self {
            Cgroups::V1(groups) => groups.parents(),
            Cgroups::V2(groups) => groups.parents(),
        }
    }

    /// Kills what is left in this instance's groups and removes them, as after a crash.
    pub(crate) fn clean_up(&self) -> io::Result<()> {
        for round in 0.. {
            let left: Vec<PathBuf> = self.parents().iter().flat_map(|parent| children(parent)).collect();
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
        for parent in self.parents() {
            fs::remove_dir(parent).ok();
        }
    }

    /// Which version and where, for a person.
    pub(crate) fn describe(&self) -> String {
        let version = if matches!(self, Cgroups::V1(_)) { "v1" } else { "v2" };
        let places = self.parents().iter().filter_map(|parent| parent.parent());
        let places: Vec<_> = places.map(|place| place.display().to_string()).collect();
        format!("{version}: {}", places.join(", "))
    }

    /// The file that limits the CPU, and the one that limits swap: names, and whether they are there.
    pub(crate) fn limits(&self) -> [(&'static str, bool); 2] {
        match self {
            Cgroups::V1(groups) => groups.limits(),
            Cgroups::V2(groups) => groups.limits(),
        }
    }
}

impl Cgroup {
    /// The ceiling of CPU time, in microseconds of each second. Kernels without CFS bandwidth control have none.
    pub(crate) fn limit_cpu(&self, microseconds_per_second: u32) -> io::Result<()> {
        let quota = u64::from(microseconds_per_second) * u64::from(CPU_PERIOD_US) / 1_000_000;
        let quota = quota.max(CPU_QUOTA_US_MIN);
        match self {
            Cgroup::V1(group) => group.limit_cpu(quota),
            Cgroup::V2(group) => group.limit_cpu(quota),
        }
    }

    /// Sets the limits: memory of all kinds together in bytes, processes and threads, and the weight when CPU is short
    /// (1,024: as one process of the host).
    pub(crate) fn limit(&self, memory_bytes: u64, processes_max: u32, cpu_shares: u64) -> io::Result<()> {
        match self {
            Cgroup::V1(group) => group.limit(memory_bytes, processes_max, cpu_shares),
            Cgroup::V2(group) => group.limit(memory_bytes, processes_max, cpu_shares),
        }
    }

    /// How a process gets in.
    pub(crate) fn entry(&self) -> io::Result<Entry> {
        match self {
            Cgroup::V1(group) => group.doors().map(Entry::Doors),
            Cgroup::V2(group) => group.directory().map(Entry::Directory),
        }
    }

    /// Tells when memory runs out. `None` where the kernel does not.
    pub(crate) fn shortages(&self) -> io::Result<Option<Shortages>> {
        match self {
            Cgroup::V1(group) => Ok(group.shortages()?.map(Shortages::V1)),
            Cgroup::V2(group) => Ok(Some(Shortages::V2(group.events()?))),
        }
    }

    /// The kernel's memory figures.
    pub(crate) fn memory_stat(&self) -> PathBuf {
        match self {
            Cgroup::V1(group) => group.memory_stat(),
            Cgroup::V2(group) => group.memory_stat(),
        }
    }

    /// The kernel killed a process of this group for memory.
    pub(crate) fn was_out_of_memory(&self) -> bool {
        match self {
            Cgroup::V1(group) => group.was_out_of_memory(),
            Cgroup::V2(group) => group.was_out_of_memory(),
        }
    }

    /// Stops all its processes where they are.
    pub(crate) fn freeze(&self) -> io::Result<()> {
        match self {
            Cgroup::V1(group) => group.freeze(),
            Cgroup::V2(group) => group.freeze(true),
        }
    }

    /// Lets them go on.
    pub(crate) fn thaw(&self) -> io::Result<()> {
        match self {
            Cgroup::V1(group) => group.thaw(),
            Cgroup::V2(group) => group.freeze(false),
        }
    }

    /// Removes the groups; false while one of them is still busy.
    pub(crate) fn remove(&self) -> io::Result<bool> {
        let directories = match self {
            Cgroup::V1(group) => group.directories(),
            Cgroup::V2(group) => group.directories(),
        };
        remove_all(directories)
    }
}

fn remove_all(directories: &[PathBuf]) -> io::Result<bool> {
    for directory in directories {
        match fs::remove_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => return Ok(false),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(true)
}

fn children(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Kills every process of a group, thawing it so that they can die.
fn kill_tasks(group: &Path) {
    if write(&group.join("cgroup.kill"), "1").is_err() {
        let tasks = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        let numbers = tasks.lines().filter_map(|line| line.parse().ok());
        for pid in numbers.filter_map(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
        }
    }
    write(&group.join("freezer.state"), "THAWED").ok(); // the first version's
    write(&group.join("cgroup.freeze"), "0").ok(); // the second's
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
mod tests;
