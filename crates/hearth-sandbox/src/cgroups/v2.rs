//! Version 2: one hierarchy. A process is cloned into its group (`CLONE_INTO_CGROUP`, Linux 5.7).
//!
//! ```text
//! <base>/hearth-<instance>/<user number>      base: our own group where systemd delegated it, else the top
//! <base>/hearth-self                          where we stand ourselves, when the base must be empty of processes
//! ```
//!
//! Only a group without processes gives controllers to those below it, but for the host's own top.
//!
//! Never: moves a process that is neither this one nor its server.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::process::{getpid, getppid};

use super::{CPU_PERIOD_US, make_directory, remove_all, write, write_if_there};
use crate::api::START_CPUS;

/// The controllers used.
const CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];
/// The group that spawner and server move to when they stand in the base.
const SELF: &str = "hearth-self";
/// Told by systemd on a group that it leaves to its service: `Delegate=yes`.
const DELEGATED: [&str; 2] = ["trusted.delegate", "user.delegate"];
/// Weights of version 1 and 2 that mean the same; the kernel converts them so.
const WEIGHTS: (u64, u64) = (1024, 100);
/// The weights that the kernel takes.
const WEIGHT_MAX: u64 = 10_000;
/// A `memory.events` has six lines.
const EVENTS_BYTES_MAX: usize = 1024;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Cgroups {
    base: PathBuf,
    parent: PathBuf,
}

impl Cgroups {
    /// Finds where the groups go. Makes nothing yet.
    pub(super) fn find(mounts: &str, group: &str) -> Result<Cgroups, String> {
        let point = mount_point(mounts).ok_or("it is not mounted")?;
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let base = base(&point, &own, is_delegated);
        let offered = fs::read_to_string(base.join("cgroup.controllers")).unwrap_or_default();
        let missing: Vec<_> = CONTROLLERS.into_iter().filter(|name| !has(&offered, name)).collect();
        if !missing.is_empty() {
            return Err(format!("{} does not offer {}", base.display(), missing.join(", ")));
        }
        Ok(Cgroups { parent: base.join(group), base })
    }

    /// Hands the controllers down and makes this instance's group.
    pub(super) fn make_parent(&self) -> Result<(), String> {
        let told = |what: &str, path: &Path, error: &io::Error| format!("{what} {}: {error}", path.display());
        if let Err(error) = enable(&self.base) {
            if error.kind() != io::ErrorKind::ResourceBusy {
                return Err(told("hand the controllers down from", &self.base, &error));
            }
            self.step_aside().map_err(|e| told("move out of", &self.base, &e))?;
            enable(&self.base).map_err(|error| {
                let remedy = "other processes stand in it: start hearth in a group of its own";
                format!("{}; {remedy}", told("hand the controllers down from", &self.base, &error))
            })?;
        }
        make_directory(&self.parent).map_err(|e| told("make the cgroup", &self.parent, &e))?;
        enable(&self.parent).map_err(|e| told("hand the controllers down from", &self.parent, &e))
    }

    /// Leaves the base, with the server, so that it may hand controllers down.
    fn step_aside(&self) -> io::Result<()> {
        let aside = self.base.join(SELF);
        make_directory(&aside)?;
        let standing = fs::read_to_string(self.base.join("cgroup.procs"))?;
        let ours =
            [Some(getpid()), getppid()].into_iter().flatten().map(|pid| pid.as_raw_nonzero().to_string());
        for pid in ours.filter(|pid| standing.lines().any(|line| line == pid)) {
            write(&aside.join("cgroup.procs"), &pid)?;
        }
        Ok(())
    }

    /// Makes the group of one sandbox, without limits yet.
    pub(super) fn make(&self, name: &str) -> io::Result<Cgroup> {
        let group = Cgroup { directory: [self.parent.join(name)] };
        fs::create_dir(group.path())?;
        group.start().inspect_err(|_| {
            remove_all(&group.directory).ok();
        })?;
        Ok(group)
    }

    pub(super) fn parents(&self) -> &[PathBuf] {
        std::slice::from_ref(&self.parent)
    }

    /// See the caller. The top has neither file, so a group below it is looked into.
    pub(super) fn limits(&self) -> [(&'static str, bool); 2] {
        let entries = fs::read_dir(&self.base).into_iter().flatten().flatten();
        let below: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        // Without any group there is nothing to look into: then the controller's being there must do.
        let there = |name| (name, below.is_empty() || below.iter().any(|group| group.join(name).exists()));
        let handed_down = fs::read_to_string(self.base.join("cgroup.subtree_control")).unwrap_or_default();
        let looked =
            |controller, name| if has(&handed_down, controller) { there(name) } else { (name, true) };
        [looked("cpu", "cpu.max"), looked("memory", "memory.swap.max")]
    }
}

/// The group of one sandbox.
#[derive(Debug)]
pub(crate) struct Cgroup {
    directory: [PathBuf; 1],
}

impl Cgroup {
    fn path(&self) -> &Path {
        &self.directory[0]
    }

    /// What is the same for every sandbox: nothing is swapped out, one process goes when memory runs out (as in
    /// version 1, and the init stays to tell how the program ended), and the CPU has the ceiling of an init.
    fn start(&self) -> io::Result<()> {
        write_if_there(&self.path().join("memory.swap.max"), "0")?;
        write_if_there(&self.path().join("memory.oom.group"), "0")?;
        self.limit_cpu(u64::from(START_CPUS * CPU_PERIOD_US))
    }

    /// The ceiling, in microseconds of each period. Kernels without CFS bandwidth control have none.
    pub(super) fn limit_cpu(&self, quota: u64) -> io::Result<()> {
        write_if_there(&self.path().join("cpu.max"), &format!("{quota} {CPU_PERIOD_US}"))
    }

    /// See the caller. Socket buffers are part of the memory in this version.
    pub(super) fn limit(&self, memory_bytes: u64, processes_max: u32, cpu_shares: u64) -> io::Result<()> {
        write(&self.path().join("memory.max"), &memory_bytes.to_string())?;
        write(&self.path().join("cpu.weight"), &weight(cpu_shares).to_string())?;
        write(&self.path().join("pids.max"), &processes_max.to_string())
    }

    /// Into which a process is cloned.
    pub(super) fn directory(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::open(self.path(), flags, Mode::empty())?)
    }

    pub(super) fn events(&self) -> io::Result<Events> {
        let mut events = Events { file: File::open(self.path().join("memory.events"))?, shortages: 0 };
        events.take(); // only what changes after a look is told
        Ok(events)
    }

    pub(super) fn memory_stat(&self) -> PathBuf {
        self.path().join("memory.stat")
    }

    pub(super) fn was_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.path().join("memory.events")).unwrap_or_default();
        figure(&events, "oom_kill") > 0
    }

    pub(super) fn freeze(&self, still: bool) -> io::Result<()> {
        write(&self.path().join("cgroup.freeze"), if still { "1" } else { "0" })
    }

    pub(super) fn directories(&self) -> &[PathBuf] {
        &self.directory
    }
}

/// The counts of what happened when memory was short.
#[derive(Debug)]
pub(crate) struct Events {
    file: File,
    shortages: u64,
}

impl Events {
    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Whether memory ran out since the last look. Page cache that had to go is told as well, and counts for nothing.
    pub(super) fn take(&mut self) -> bool {
        let mut text = [0; EVENTS_BYTES_MAX];
        let length = self.file.read_at(&mut text, 0).unwrap_or(0);
        let shortages = figure(&String::from_utf8_lossy(&text[..length]), "oom");
        let more = shortages > self.shortages;
        self.shortages = shortages;
        more
    }
}

/// Where version 2 is mounted, read from the lines of `/proc/self/mounts`.
pub(super) fn mount_point(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(point))
    })
}

/// Our own group, when it was delegated to us, or when we stepped aside in it earlier; else the top.
pub(super) fn base(point: &Path, own: &str, is_delegated: impl Fn(&Path) -> bool) -> PathBuf {
    let path = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let own = point.join(path);
    match own.file_name().is_some_and(|name| name == SELF).then(|| own.parent()).flatten() {
        Some(base) => base.to_owned(),
        None if is_delegated(&own) => own,
        None => point.to_owned(),
    }
}

fn is_delegated(group: &Path) -> bool {
    DELEGATED.into_iter().any(|name| {
        let mut value = [0_u8; 8];
        rustix::fs::getxattr(group, name, &mut value[..]).is_ok_and(|length| value[..length] == *b"1")
    })
}

/// Hands the controllers down to the groups below.
fn enable(group: &Path) -> io::Result<()> {
    let wanted: Vec<_> = CONTROLLERS.into_iter().map(|name| format!("+{name}")).collect();
    write(&group.join("cgroup.subtree_control"), &wanted.join(" "))
}

fn has(controllers: &str, wanted: &str) -> bool {
    controllers.split_whitespace().any(|controller| controller == wanted)
}

pub(super) fn weight(shares: u64) -> u64 {
    (shares.saturating_mul(WEIGHTS.1) / WEIGHTS.0).clamp(1, WEIGHT_MAX)
}

/// One of the figures of a file of `name value` lines.
pub(super) fn figure(text: &str, wanted: &str) -> u64 {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(name, _)| *name == wanted).and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
}
