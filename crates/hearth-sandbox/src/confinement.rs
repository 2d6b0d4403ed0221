//! What a server without privilege may name to the spawner, which has it: a server that was taken over speaks the
//! same protocol.
//!
//! Never: a tree put outside the data folder; a mount of what was not named before the server gave its privilege up.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use serde::{Deserialize, Serialize};

use crate::api::Mount;

/// What a spawner's server may name. Told with the greeting, before the server gives its privilege up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Confinement {
    /// The data folder: unpacked trees go there and nowhere else, and what lies in it may be shown.
    pub folder: PathBuf,
    /// Other trees and files of the host that may be shown inside, with all below them.
    pub sources: Vec<PathBuf>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Walls {
    /// The folder itself, wherever its name leads later.
    folder: OwnedFd,
    path: PathBuf,
    run_directory: PathBuf,
    sources: Vec<PathBuf>,
}

impl Walls {
    pub(crate) fn open(confinement: &Confinement, run_directory: &Path) -> io::Result<Walls> {
        let path = confinement.folder.canonicalize()?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&path, flags, Mode::empty())?;
        // Links are followed now, by names that root chose.
        let sources = confinement.sources.iter().filter_map(|source| source.canonicalize().ok()).collect();
        Ok(Walls { folder, path, run_directory: run_directory.to_owned(), sources })
    }

    /// Refuses a mount that leads elsewhere. A link that the server changes between this look and the mount shows
    /// at most what the sandbox's own user may read on the host anyway: the mount gives no rights.
    pub(crate) fn check(&self, mounts: &[Mount]) -> Result<(), String> {
        for Mount { source, .. } in mounts {
            let found = source.canonicalize().map_err(|e| format!("mount {}: {e}", source.display()))?;
            let ours = found.starts_with(&self.path) && !found.starts_with(&self.run_directory);
            if !ours && !self.sources.iter().any(|allowed| found.starts_with(allowed)) {
                return Err(format!("mount {}: it lies outside what sandboxes may see", source.display()));
            }
        }
        Ok(())
    }

    /// The directory that a tree goes to, and its name there. No link is followed on the way, now or later.
    pub(crate) fn destination(&self, path: &Path) -> io::Result<(OwnedFd, OsString)> {
        let outside = || io::Error::new(io::ErrorKind::PermissionDenied, "it lies outside the data folder");
        let inside = path.strip_prefix(&self.path).map_err(|_| outside())?;
        let name = inside.file_name().ok_or_else(outside)?.to_owned();
        let parent = inside.parent().ok_or_else(outside)?;
        let plain = parent.components().all(|component| matches!(component, Component::Normal(_)));
        if !plain || self.path.join(parent).starts_with(&self.run_directory) {
            return Err(outside());
        }
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        Ok((openat2(&self.folder, parent, flags, Mode::empty(), resolve)?, name))
    }
}

/// The same for a server that is root itself: every place is open.
pub(crate) fn anywhere(path: &Path) -> io::Result<(OwnedFd, OsString)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok((rustix::fs::openat(CWD, parent, flags, Mode::empty())?, name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn walls(folder: &Path) -> Walls {
        std::fs::create_dir_all(folder.join("data/code")).expect("a folder");
        std::fs::create_dir_all(folder.join("data/run")).expect("a folder");
        std::fs::create_dir_all(folder.join("elsewhere")).expect("a folder");
        let confinement = Confinement { folder: folder.join("data"), sources: vec!["/usr".into()] };
        Walls::open(&confinement, &folder.join("data/run")).expect("the folder is there")
    }

    #[test]
    fn a_tree_goes_into_the_data_folder_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let walls = walls(&path);
        symlink(path.join("elsewhere"), path.join("data/link")).expect("a link");
        let destination = |name: &str| walls.destination(&path.join(name)).map(|(_, name)| name);
        assert_eq!(destination("data/code/abc").expect("inside"), "abc");
        for outside in [
            "elsewhere/x",
            "data/../elsewhere/x",
            "data/link/x",
            "data/run/x",
            "data",
            "data/code/..",
            "data/code/../run/x",
        ] {
            assert!(destination(outside).is_err(), "{outside}");
        }
        // The server swaps the directory for a link after the folder was opened.
        std::fs::remove_dir(path.join("data/code")).expect("it is empty");
        symlink(path.join("elsewhere"), path.join("data/code")).expect("a link");
        assert!(destination("data/code/abc").is_err());
    }

    #[test]
    fn only_the_data_folder_and_what_was_named_are_mounted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let walls = walls(&path);
        symlink("/etc", path.join("data/etc")).expect("a link");
        let check = |source: &Path| walls.check(&[Mount { source: source.to_owned(), target: "/x".into() }]);
        assert_eq!(check(&path.join("data/code")), Ok(()));
        assert_eq!(check(Path::new("/usr/lib")), Ok(()));
        for outside in ["/etc", "/usr/../etc", "/proc/1/root", "/"].map(PathBuf::from) {
            assert!(check(&outside).is_err(), "{}", outside.display());
        }
        for outside in ["data/etc", "data/run", "elsewhere", "data/../elsewhere", "data/nothing"] {
            assert!(check(&path.join(outside)).is_err(), "{outside}");
        }
    }
}
