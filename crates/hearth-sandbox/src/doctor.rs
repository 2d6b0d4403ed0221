//! What this host offers for sandboxes, found by looking or by a small harmless try.
//!
//! Never: changes the host.

use std::fs;
use std::path::Path;

use crate::cgroups::Cgroups;
use crate::{egress, landlock, scratch, seccomp};

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is as full isolation needs it.
    pub ok: bool,
    /// Without it there are no sandboxes at all; without the others they have a wall or a limit less.
    pub needed: bool,
    /// What was found.
    pub detail: String,
    /// What a person can do when it is not.
    pub remedy: Option<String>,
}

impl Check {
    fn needed(name: &'static str, found: Found) -> Check {
        match found {
            Ok(detail) => Check { name, ok: true, needed: true, detail, remedy: None },
            Err((detail, remedy)) => {
                Check { name, ok: false, needed: true, detail, remedy: Some(remedy.to_owned()) }
            }
        }
    }

    fn wanted(name: &'static str, found: Found) -> Check {
        Check { needed: false, ..Check::needed(name, found) }
    }
}

/// What was found, or what is missing and how to get it.
type Found = Result<String, (String, &'static str)>;

/// How far sandboxes are isolated on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Every wall and limit.
    Full,
    /// Sandboxes run, with a wall or a limit less than there could be.
    Degraded,
    /// None can be made.
    None,
}

impl Level {
    /// What these checks amount to.
    pub fn of(checks: &[Check]) -> Level {
        if checks.iter().any(|check| check.needed && !check.ok) {
            Level::None
        } else if checks.iter().any(|check| !check.ok) {
            Level::Degraded
        } else {
            Level::Full
        }
    }

    /// In one word: `full`, `degraded`, `none`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Full => "full",
            Level::Degraded => "degraded",
            Level::None => "none",
        }
    }
}

/// Looks at everything a sandbox of the full level has.
pub fn doctor() -> Vec<Check> {
    vec![
        Check::needed("root", root()),
        cgroups(),
        Check::needed("loop devices", loop_devices()),
        Check::needed("mkfs.ext4", mkfs()),
        Check::needed("namespaces", namespaces()),
        Check::needed("seccomp", seccomp()),
        Check::wanted("landlock", landlock()),
        Check::wanted("cpu ceiling", cpu_ceiling()),
        Check::wanted("swap limit", swap_limit()),
        Check::wanted("way out", way_out()),
    ]
}

/// What keeps this host from full isolation, each with a remedy; empty when nothing does.
pub fn missing_for_full() -> Vec<Check> {
    doctor().into_iter().filter(|check| !check.ok).collect()
}

/// The walls and limits that this host's sandboxes do without, told by files alone: no process, no namespace, and no
/// look at the way out, of which its own making tells.
pub fn missing_walls() -> Vec<Check> {
    let walls = [
        Check::wanted("landlock", landlock()),
        Check::wanted("cpu ceiling", cpu_ceiling()),
        Check::wanted("swap limit", swap_limit()),
    ];
    walls.into_iter().filter(|check| !check.ok).collect()
}

fn root() -> Found {
    let user = rustix::process::geteuid();
    if user.is_root() {
        return Ok("running as root".to_owned());
    }
    Err((format!("running as user {}", user.as_raw()), "run as root: rootless sandboxes do not exist yet"))
}

fn cgroups() -> Check {
    let name = "cgroups";
    match Cgroups::find("doctor") {
        Ok(groups) => Check::needed(name, Ok(groups.describe())),
        Err(reason) => {
            let remedy =
                "mount cgroup v2 with memory, pids and cpu, or v1 with memory, pids, freezer and cpu";
            Check { name, ok: false, needed: true, detail: reason, remedy: Some(remedy.to_owned()) }
        }
    }
}

fn loop_devices() -> Found {
    if Path::new("/dev/loop-control").exists() {
        return Ok("/dev/loop-control is there".to_owned());
    }
    Err(("/dev/loop-control is missing".to_owned(), "modprobe loop"))
}

fn mkfs() -> Found {
    match scratch::mkfs_path() {
        Some(path) => Ok(path.to_owned()),
        None => Err(("not installed".to_owned(), "install e2fsprogs")),
    }
}

fn namespaces() -> Found {
    const KINDS: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
    let missing: Vec<_> =
        KINDS.into_iter().filter(|kind| !Path::new("/proc/self/ns").join(kind).exists()).collect();
    if !missing.is_empty() {
        return Err((
            format!("this kernel lacks {}", missing.join(", ")),
            "use a kernel with all namespaces",
        ));
    }
    let limit = fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap_or_default();
    if limit.trim() == "0" {
        return Err(("user namespaces are switched off".to_owned(), "sysctl user.max_user_namespaces=10000"));
    }
    Ok(format!("all, up to {} user namespaces", limit.trim()))
}

fn seccomp() -> Found {
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    let actions = actions
        .map_err(|_| ("this kernel has no seccomp filters".to_owned(), "use a kernel with seccomp"))?;
    seccomp::compile().map_err(|error| (error, "use an x86_64 or aarch64 machine"))?;
    Ok(format!("filters: {}", actions.trim()))
}

fn landlock() -> Found {
    landlock::version().map(|version| format!("version {version}")).ok_or((
        "not offered by this kernel".to_owned(),
        "boot a kernel with CONFIG_SECURITY_LANDLOCK and `landlock` in its lsm= list",
    ))
}

fn cpu_ceiling() -> Found {
    limit_file(|[cpu, _]| cpu, "use a kernel with CONFIG_CFS_BANDWIDTH")
}

fn swap_limit() -> Found {
    const REMEDY: &str = "boot with swapaccount=1, or use no swap";
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
    if swaps.lines().count() <= 1 {
        return Ok("this host has no swap".to_owned());
    }
    limit_file(|[_, swap]| swap, REMEDY)
}

fn limit_file(
    which: impl Fn([(&'static str, bool); 2]) -> (&'static str, bool),
    remedy: &'static str,
) -> Found {
    let groups = Cgroups::find("doctor").map_err(|reason| (reason, "see cgroups"))?;
    match which(groups.limits()) {
        (name, true) => Ok(format!("{name} is there")),
        (name, false) => Err((format!("{name} is missing"), remedy)),
    }
}

/// Makes one and throws it away, in a network namespace of a thread's own.
fn way_out() -> Found {
    const REMEDY: &str = "use a kernel with nf_tables, nft_masq, nft_ct and veth, or start with --egress off";
    let tried = std::thread::spawn(egress::try_apart).join();
    let tried = tried.unwrap_or_else(|_| Err(std::io::Error::other("the attempt broke off")));
    tried.map_err(|error| (error.to_string(), REMEDY))?;
    Ok("packet filters and cables can be made".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_decides_between_none_and_degraded() {
        let missing = || Err(("missing".to_owned(), "get it"));
        let there = || Ok("there".to_owned());
        let level = |needed: Found, wanted: Found| {
            Level::of(&[Check::needed("a", needed), Check::wanted("b", wanted)])
        };
        assert_eq!(level(there(), there()), Level::Full);
        assert_eq!(level(there(), missing()), Level::Degraded);
        assert_eq!(level(missing(), there()), Level::None);
    }
}
