//! Everything that Hearth remembers, removed: by a running `up`, which then begins anew, or from a folder at rest.
//!
//! ```text
//! POST /_hearth/reset ─▶ Reset ─▶ the server stops as for a signal ─▶ wipe ─▶ it starts again at the same port
//! ```
//!
//! Never: touches what is not Hearth's; follows a link (a server without privilege may have left one for root);
//! removes what only costs time to make again (runtimes, the server's own certificate authority), the folder's names,
//! or packages that other servers share.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use futures_util::FutureExt as _;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;
use rustix::path::Arg;
use tokio::sync::Notify;

use crate::privileges::User;

/// What is remembered, in the order in which it goes: the records first, for a package without its record is only
/// garbage. Then what was made from packages.
const REMEMBERED: [&str; 5] = ["hearth.db", "hearth.db-wal", "hearth.db-shm", "blobs", CODE];

/// Unpacked packages: in a folder of `hearth serve` they are the spawner's.
const CODE: &str = "code";

/// Asks a running server to begin anew.
#[derive(Debug, Default)]
pub struct Reset {
    asked: Notify,
    count: AtomicU64,
}

impl Reset {
    /// How often this process has begun anew.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// It should. Asked again before it did, it does so once.
    pub fn ask(&self) {
        self.asked.notify_one();
    }

    /// Resolves when it should. Cancel-safe.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }

    /// It has, and so for all who asked until now: nobody can ask while it does.
    pub fn done(&self) {
        self.asked.notified().now_or_never();
        self.count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Removes everything remembered from a data folder that no server has open.
pub fn wipe(folder: &Path) -> Result<()> {
    REMEMBERED.iter().try_for_each(|name| remove(&folder.join(name)))?;
    sync(folder)
}

/// The same of a folder of `hearth serve`, as root: what is the server's own, with its rights alone.
pub fn wipe_served(folder: &Path, user: &User) -> Result<()> {
    let of_server = REMEMBERED.iter().filter(|name| **name != CODE);
    user.as_user(|| of_server.map(|name| folder.join(name)).try_for_each(|path| remove(&path)))?;
    remove(&folder.join(CODE))?;
    sync(folder)
}

fn sync(folder: &Path) -> Result<()> {
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("sync {}", folder.display()))
}

/// Removes a file, a link, or what is in a folder, and leaves the folder, which has an owner.
fn remove(path: &Path) -> Result<()> {
    let removed = match open_folder(CWD, path) {
        Ok(folder) => empty(&folder),
        Err(Errno::NOTDIR | Errno::LOOP) => unlinkat(CWD, path, AtFlags::empty()),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    };
    removed.with_context(|| format!("remove {}", path.display()))
}

fn open_folder(above: impl std::os::fd::AsFd, name: impl Arg) -> rustix::io::Result<OwnedFd> {
    openat(above, name, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// Removes what is in an open folder, whatever has its name meanwhile.
fn empty(folder: &OwnedFd) -> rustix::io::Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let removed = match unlinkat(folder, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => open_folder(folder, name)
                .and_then(|inside| empty(&inside))
                .and_then(|()| unlinkat(folder, name, AtFlags::REMOVEDIR)),
            removed => removed,
        };
        match removed {
            Err(error) if error != Errno::NOENT => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_while_it_begins_anew_is_answered_by_that_one() {
        let reset = Reset::default();
        let is_asked = || reset.asked().now_or_never().is_some();
        reset.ask();
        assert!(is_asked());
        reset.ask();
        reset.done();
        assert!(!is_asked());
        assert_eq!(reset.count(), 1);
        reset.ask();
        assert!(is_asked());
    }

    #[test]
    fn what_is_remembered_goes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for name in ["blobs", "code/aa", "runtimes/python", "run", "tls"] {
            fs::create_dir_all(path.join(name)).unwrap();
        }
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("mine"), "").unwrap();
        std::os::unix::fs::symlink(outside.path(), path.join("blobs/link")).unwrap();
        for name in
            ["hearth.db", "hearth.db-wal", "blobs/00", "code/aa/app.py", "instance", "token", "notes.txt"]
        {
            fs::write(path.join(name), "").unwrap();
        }
        wipe(path).unwrap();
        wipe(path).unwrap();
        for gone in ["hearth.db", "hearth.db-wal", "blobs/00", "blobs/link", "code/aa"] {
            assert!(fs::symlink_metadata(path.join(gone)).is_err(), "{gone}");
        }
        for kept in ["blobs", "code", "runtimes/python", "run", "tls", "instance", "token", "notes.txt"] {
            assert!(path.join(kept).exists(), "{kept}");
        }
        assert!(outside.path().join("mine").exists());
    }
}
