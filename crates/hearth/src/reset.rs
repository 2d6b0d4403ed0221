//! Everything that Hearth remembers, removed: by a running `up`, which then begins anew, or from a folder at rest.
//!
//! ```text
//! POST /_hearth/reset ─▶ Reset ─▶ the server stops as for a signal ─▶ wipe ─▶ it starts again at the same port
//! ```
//!
//! Never: touches what is not Hearth's; removes what only costs time to make again (runtimes, the server's own
//! certificate authority), the folder's names, or packages that other servers share.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use tokio::sync::Notify;

/// What is remembered, in the order in which it goes: the records first, for a package without its record is only
/// garbage. Then what was made from packages.
const REMEMBERED: [&str; 5] = ["hearth.db", "hearth.db-wal", "hearth.db-shm", "blobs", "code"];

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

    /// It has.
    pub fn done(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Removes everything remembered from a data folder that no server has open.
pub fn wipe(folder: &Path) -> Result<()> {
    for name in REMEMBERED {
        let path = folder.join(name);
        let removed = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => empty(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        removed.with_context(|| format!("remove {}", path.display()))?;
    }
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("sync {}", folder.display()))
}

/// Removes what is in a folder, and leaves the folder, which has an owner.
fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let removed = if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
