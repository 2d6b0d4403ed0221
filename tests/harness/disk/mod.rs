//! A disk that loses power, fills up and fails, whenever a test wants it to.
//!
//! ```text
//!   program ──▶ kernel ──FUSE──▶ service ──▶ faults? ──▶ state (now, pending, safe)
//! ```
//!
//! The kernel passes every write on at once; what a program has not synced is lost at the next cut. Needs root and
//! `/dev/fuse`. Never: touches a real disk.

mod calls;
mod faults;
mod pages;
mod service;
mod state;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fuser::{BackgroundSession, Config, MountOption, SessionACL};
use rustix::mount::UnmountFlags;
use tempfile::TempDir;

use crate::random::Chance;
pub use faults::{Access, Faults};
use service::Service;
use state::State;
pub use state::Survival;

/// What is mounted and what the test holds, both see.
#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    cut: Condvar,
}

#[derive(Debug)]
struct Inner {
    state: State,
    faults: Faults,
    /// Changes and syncs until the power is gone.
    countdown: Option<u64>,
    is_dead: bool,
    changes: u64,
    syncs: u64,
    cuts: u64,
}

/// A mounted disk.
#[derive(Debug)]
pub struct Disk {
    shared: Arc<Shared>,
    session: Option<BackgroundSession>,
    folder: TempDir,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// An empty disk.
    pub fn new() -> Self {
        let inner = Inner {
            state: State::new(),
            faults: Faults::none(),
            countdown: None,
            is_dead: false,
            changes: 0,
            syncs: 0,
            cuts: 0,
        };
        let shared = Arc::new(Shared { inner: Mutex::new(inner), cut: Condvar::new() });
        let folder = TempDir::with_prefix("hearth-disk-").expect("make a folder");
        let mut disk = Self { shared, session: None, folder };
        disk.mount();
        disk
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// A folder beside the mount, on a disk without faults.
    pub fn beside(&self) -> &Path {
        self.folder.path()
    }

    /// From now on the disk has these faults, and no others.
    pub fn set(&self, faults: Faults) {
        self.shared.lock().faults = faults;
    }

    /// The power will go at the change or sync of this number from now on: it and all later ones fail.
    pub fn cut_after(&self, changes: u64) {
        self.shared.lock().countdown = Some(changes);
    }

    /// Waits until the power is gone; false when that takes longer than `limit`.
    pub fn wait_for_cut(&self, limit: Duration) -> bool {
        let waited = self.shared.cut.wait_timeout_while(self.shared.lock(), limit, |inner| !inner.is_dead);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// The power is gone, for the programs too, which the caller has killed; then it comes back without faults.
    pub fn cut(&mut self, survival: Survival, chance: &mut Chance) {
        self.shared.lock().is_dead = true;
        self.unmount();
        {
            let mut inner = self.shared.lock();
            inner.state.lose_power(survival, chance);
            (inner.is_dead, inner.countdown) = (false, None);
            inner.cuts += 1;
        }
        self.mount();
    }

    /// The kernel's name of the machine's run: another one after each loss of power.
    pub(crate) fn boot(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}\n", self.shared.lock().cuts)
    }

    /// Changes and syncs so far.
    pub fn counts(&self) -> (u64, u64) {
        let inner = self.shared.lock();
        (inner.changes, inner.syncs)
    }

    /// Bytes that all files take together.
    pub fn used_bytes(&self) -> u64 {
        self.shared.lock().state.room()
    }

    fn mount(&mut self) {
        std::fs::create_dir_all(self.path()).expect("make the mount point");
        let mut config = Config::default();
        config.mount_options =
            vec![MountOption::FSName("hearth-test".to_owned()), MountOption::DefaultPermissions];
        config.acl = SessionACL::All;
        let service = Service::new(self.shared.clone());
        let session = fuser::spawn_mount(service, self.path(), &config);
        self.session = Some(session.expect("mount a FUSE file system: this needs root and /dev/fuse"));
    }

    /// Whoever still uses it keeps a disk that answers until it ends; a new mount does not see it.
    fn unmount(&mut self) {
        // Detached first: a process that is being killed may hold a file for a moment.
        let detached = rustix::mount::unmount(self.path(), UnmountFlags::DETACH);
        detached.expect("unmount the disk");
        // Its thread ends with the last file that is open on it.
        drop(self.session.take());
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What holds it open is being ended by others.
            let _ = rustix::mount::unmount(self.path(), UnmountFlags::DETACH);
        } else {
            self.unmount();
        }
    }
}
