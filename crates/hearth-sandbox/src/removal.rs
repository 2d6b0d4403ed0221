//! Removing an unpacked tree: its files belong to the owner of code, whom the server is not.
//!
//! The tree gets a name in the run directory at once, where nothing uses it and where the next spawner removes what a
//! killed one left. A process aside takes it apart: archives may have made a great many directories.
//!
//! Never: for a server without privilege, removes what was not unpacked here; follows a link; keeps sandboxes waiting.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, RenameFlags, renameat_with, statat};
use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::confinement;
use crate::host::Host;
use crate::identity::owns_code;
use crate::kernel::{self, Side};
use crate::unpack::STAGING_PREFIX;

/// The status of a process that removed everything; any other is the error number.
const DONE: i32 = 0;

/// A tree that is being taken apart.
#[derive(Debug)]
pub(crate) struct Removal {
    process: OwnedFd,
}

impl Removal {
    /// Takes the tree away from its place and starts the process. A tree that is not there is `NotFound`.
    pub(crate) fn begin(host: &Host, number: u64, tree: &Path) -> io::Result<Removal> {
        let (directory, name) = match &host.walls {
            Some(walls) => walls.destination(tree)?,
            None => confinement::anywhere(tree)?,
        };
        let found = statat(&directory, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW)?;
        let directory_of_ours = FileType::from_raw_mode(found.st_mode) == FileType::Directory
            && (host.walls.is_none() || owns_code(found.st_uid));
        // Between this look and the renaming a server that was taken over can put something else of its own there,
        // and have that removed.
        if !directory_of_ours {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it was not unpacked here"));
        }
        let aside = host.run_directory.join(format!("{STAGING_PREFIX}gone-{number}"));
        renameat_with(&directory, name.as_os_str(), CWD, &aside, RenameFlags::NOREPLACE)?;
        match kernel::clone_process(0)? {
            Side::Child => {
                kernel::close_from(0).ok();
                let removed = fs::remove_dir_all(&aside);
                kernel::exit_now(
                    removed.map_or_else(|error| error.raw_os_error().unwrap_or(libc::EIO), |()| DONE),
                )
            }
            Side::Parent(process, _) => Ok(Removal { process }),
        }
    }

    /// Readable when the process has ended.
    pub(crate) fn process(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }

    /// The process has ended: whether everything is gone.
    pub(crate) fn finish(self) -> Result<(), String> {
        let ended =
            waitid(WaitId::PidFd(self.process.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        match ended.ok().flatten().and_then(|ended| ended.exit_status()) {
            Some(DONE) => Ok(()),
            Some(error) => Err(format!("remove its files: {}", io::Error::from_raw_os_error(error))),
            None => Err("the process that removed it was killed".to_owned()),
        }
    }
}
