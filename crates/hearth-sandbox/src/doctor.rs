//! What this host offers for sandboxes, found by looking or by a small harmless try.
//!
//! Never: changes the host.

use std::fs;
use std::path::Path;

use crate::cgroups::{Cgroups, mount_point};
use crate::{landlock, scratch, seccomp};

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is as full isolation needs it.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What a person can do when it is not.
    pub remedy: Option<String>,
}

impl Check {
    fn new(name: &'static str, found: Result<String, (String, &str)>) -> Check {
        match found {
            Ok(detail) => Check { name, ok: true, detail, remedy: None },
            Err((detail, remedy)) => Check { name, ok: false, detail, remedy: Some(remedy.to_owned()) },
        }
    }
}

/// Looks at everything a sandbox of the full level needs. Landlock is told but not needed.
pub fn doctor() -> Vec<Check> {
    vec![
        Check::new("root", root()),
        cgroups(),
        Check::new("loop devices", loop_devices()),
        Check::new("mkfs.ext4", mkfs()),
        Check::new("namespaces", namespaces()),
        Check::new("seccomp", seccomp()),
        landlock(),
    ]
}

fn root() -> Result<String, (String, &'static str)> {
    let user = rustix::process::geteuid();
    if user.is_root() {
        return Ok("running as root".to_owned());
    }
    Err((format!("running as user {}", user.as_raw()), "run as root: rootless sandboxes do not exist yet"))
}

fn cgroups() -> Check {
    let name = "cgroups";
    match Cgroups::find("doctor") {
        Ok(_) => {
            let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
            let points =
                ["memory", "pids", "freezer", "cpu"].map(|controller| mount_point(&mounts, controller));
            let points: Vec<_> =
                points.into_iter().flatten().map(|point| point.display().to_string()).collect();
            Check::new(name, Ok(format!("v1: {}", points.join(", "))))
        }
        Err(reason) => {
            Check { name, ok: false, detail: reason, remedy: Some("mount the v1 controllers".to_owned()) }
        }
    }
}

fn loop_devices() -> Result<String, (String, &'static str)> {
    if Path::new("/dev/loop-control").exists() {
        return Ok("/dev/loop-control is there".to_owned());
    }
    Err(("/dev/loop-control is missing".to_owned(), "modprobe loop"))
}

fn mkfs() -> Result<String, (String, &'static str)> {
    match scratch::mkfs_path() {
        Some(path) => Ok(path.to_owned()),
        None => Err(("not installed".to_owned(), "install e2fsprogs")),
    }
}

fn namespaces() -> Result<String, (String, &'static str)> {
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

fn seccomp() -> Result<String, (String, &'static str)> {
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    let actions = actions
        .map_err(|_| ("this kernel has no seccomp filters".to_owned(), "use a kernel with seccomp"))?;
    seccomp::compile().map_err(|error| (error, "use an x86_64 or aarch64 machine"))?;
    Ok(format!("filters: {}", actions.trim()))
}

/// A second wall: without it a sandbox still has the first.
fn landlock() -> Check {
    let found = landlock::version().map_or_else(
        || "not offered by this kernel; sandboxes start without this second wall".to_owned(),
        |version| format!("version {version}"),
    );
    Check { name: "landlock", ok: true, detail: found, remedy: None }
}
