//! What one spawner owns for its whole life: its locks, its cgroups, its user numbers, its pools, its filter.
//!
//! Never: two of them in one run directory at a time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use rustix::thread::UnshareFlags;
use seccompiler::BpfProgram;

use crate::cgroups::Cgroups;
use crate::confinement::Walls;
use crate::connection::Greeting;
use crate::egress::forwarding;
use crate::identity::Identities;
use crate::scratch::{self, Scratch};
use crate::seats::Seats;
use crate::{kernel, landlock, seccomp, unpack};

/// A predecessor that lost its server kills what it made; this long at most.
const PREDECESSOR_WAIT: Duration = Duration::from_secs(30);
/// Between two looks at its lock.
const PREDECESSOR_PAUSE: Duration = Duration::from_millis(5);

/// See the module.
pub(crate) struct Host {
    cgroups: Cgroups,
    pub(crate) seats: Seats,
    pub(crate) scratch: Scratch,
    pub(crate) filter: BpfProgram,
    pub(crate) landlock: Option<i64>,
    pub(crate) run_directory: PathBuf,
    /// What the server may name; `None` when it is root itself.
    pub(crate) walls: Option<Walls>,
    /// Readable when this process is dead, also for its children.
    pub(crate) myself: OwnedFd,
    _lock: File,
}

impl Host {
    /// Claims and prepares everything, after cleaning up what a killed predecessor left.
    pub(crate) fn open(greeting: &Greeting) -> Result<Host, String> {
        if !rustix::process::geteuid().is_root() {
            return Err(
                "sandboxes need root: run hearth as root (rootless sandboxes do not exist yet)".to_owned()
            );
        }
        check_instance(&greeting.instance)?;
        let run_directory =
            prepare(&greeting.run_directory).map_err(|e| told("use", &greeting.run_directory, &e))?;
        let lock = lock(&run_directory)?;
        clean_up(&greeting.instance, &run_directory)?;
        leave_host_mounts().map_err(|e| format!("make a mount namespace: {e}"))?;
        // After that: a folder opened before would belong to the host's mounts, and nothing is renamed across.
        let walls = greeting.confinement.as_ref().map(|named| Walls::open(named, &run_directory)).transpose();
        let walls = walls.map_err(|e| format!("confine the server: {e}"))?;
        let cgroups = Cgroups::find(&greeting.instance)?;
        cgroups.make_parents()?;
        let identities = Identities::claim(&run_directory)?;
        let pool = greeting.pool as usize;
        let scratch = Scratch::new(&run_directory, identities.owner(), pool);
        let seats = Seats::new(pool, &greeting.listen, cgroups.clone(), identities)
            .map_err(|e| format!("open the network namespace: {e}"))?;
        let filter = seccomp::compile().map_err(|e| format!("compile the system call filter: {e}"))?;
        let myself = pidfd_open(getpid(), PidfdFlags::empty())
            .map_err(|e| format!("open a process descriptor: {e}"))?;
        Ok(Host {
            cgroups,
            seats,
            scratch,
            filter,
            landlock: landlock::version(),
            run_directory,
            walls,
            myself,
            _lock: lock,
        })
    }

    /// Makes one thing ahead if a pool wants one; false when all are full.
    pub(crate) fn refill(&mut self) -> io::Result<bool> {
        let told = |what: &str, error: io::Error| io::Error::new(error.kind(), format!("{what}: {error}"));
        let more = self.seats.refill().map_err(|e| told("make namespaces and cgroups", e))?;
        Ok(more || self.scratch.refill().map_err(|e| told("make a /tmp", e))?)
    }

    /// Gives back what was made ahead, at the end.
    pub(crate) fn close(&mut self) {
        self.seats.close();
        self.cgroups.remove_parents();
    }

    /// The directory that every sandbox builds its root on, in its own mount namespace.
    pub(crate) fn stage(&self) -> PathBuf {
        stage(&self.run_directory)
    }
}

/// Kills and removes what a spawner of this instance left when it was killed: processes, cgroups, half-made images
/// and trees. Loop devices and mounts go with the processes that held them. Touches nothing of other instances.
pub fn clean_up(instance: &str, run_directory: &Path) -> Result<(), String> {
    check_instance(instance)?;
    Cgroups::find(instance)?.clean_up().map_err(|e| format!("clean up the cgroups of {instance}: {e}"))?;
    forwarding::clean_up().map_err(|e| format!("put the host's forwarding back: {e}"))?;
    remove_unfinished(run_directory).map_err(|e| told("clean up", run_directory, &e))
}

/// Removes half-made images and trees. A run directory that does not exist yet holds none.
fn remove_unfinished(run_directory: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(run_directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let starts_with = |prefix: &str| entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes());
        if starts_with(scratch::IMAGE_PREFIX) {
            gone(fs::remove_file(entry.path()))?;
        } else if starts_with(unpack::STAGING_PREFIX) {
            gone(fs::remove_dir_all(entry.path()))?;
        }
    }
    Ok(())
}

/// Somebody may be removing it already.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn check_instance(instance: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=32).contains(&instance.len()) && instance.chars().all(plain) {
        return Ok(());
    }
    Err(format!("the instance {instance:?} is not 1 to 32 letters, digits, `-` and `_`"))
}

fn prepare(run_directory: &Path) -> io::Result<PathBuf> {
    let make = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    make(run_directory)?;
    let run_directory = run_directory.canonicalize()?;
    make(&stage(&run_directory))?;
    Ok(run_directory)
}

fn stage(run_directory: &Path) -> PathBuf {
    run_directory.join("root")
}

/// Takes the run directory for this process, waiting for a predecessor that is on its way out.
fn lock(run_directory: &Path) -> Result<File, String> {
    let path = run_directory.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|e| told("open", &path, &e))?;
    let begun = Instant::now();
    while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        if begun.elapsed() > PREDECESSOR_WAIT {
            return Err(format!("another server uses {}", run_directory.display()));
        }
        std::thread::sleep(PREDECESSOR_PAUSE);
    }
    Ok(file)
}

/// A mount namespace of this process's own: what happens on the host still shows here, nothing here shows there.
fn leave_host_mounts() -> io::Result<()> {
    kernel::unshare(UnshareFlags::NEWNS)?;
    Ok(mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?)
}

fn told(what: &str, path: &Path, error: &io::Error) -> String {
    format!("{what} {}: {error}", path.display())
}
