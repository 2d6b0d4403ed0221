//! The lock of a data folder.
//!
//! Never: follows a link of its name; says that a server runs where the file could not be opened.

use std::error::Error;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};

use crate::data_folder::NOTE_BYTES_MAX;
use crate::text_file;

/// What keeps a second server out of a data folder. The kernel gives it back when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "it locks while it is open")] File);

/// Why a lock is not taken: another server has it.
#[derive(Debug)]
pub struct InUse {
    folder: PathBuf,
    process: String,
}

impl fmt::Display for InUse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (folder, process) = (self.folder.display(), &self.process);
        write!(out, "the data folder {folder} is used by another server (process {process}): ")?;
        out.write_str("stop it, or name another folder with --data")
    }
}

impl Error for InUse {}

impl Lock {
    /// Takes it, or says why not: [`InUse`], where another server has it. To be called with the rights of the
    /// folder's user, who may have left anything of that name.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let opened = text_file::open_with(&path, &mut options);
        let mut file = opened.with_context(|| format!("open {}", path.display()))?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(error).with_context(|| format!("lock {}", path.display()));
            }
            // Who it is only makes the message better.
            let process = text_file::read(file, NOTE_BYTES_MAX).unwrap_or_default().trim().to_owned();
            return Err(InUse { folder: folder.to_owned(), process }.into());
        }
        let noted = file.set_len(0).and_then(|()| file.rewind());
        let noted = noted.and_then(|()| writeln!(file, "{}", std::process::id()));
        noted.with_context(|| format!("write {}", path.display()))?;
        Ok(Self(file))
    }
}
