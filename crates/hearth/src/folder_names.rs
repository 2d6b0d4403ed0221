//! Whether a folder may be Hearth's data folder: what is somebody else's is not removed, and not given away.
//!
//! ```text
//! absent, empty, or what a first start left          taken
//! with an `instance` or a `lock`                     Hearth's; `serve` takes it over when nothing else is in it
//! anything else                                      refused, naming what is in it
//! ```

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::data_folder::REMADE;

/// What Hearth makes in its folder. The last one is the file system's, where the folder is a disk of its own.
const NAMES: [&str; 13] = [
    "blobs",
    "boot",
    "code",
    "empty",
    "ephemeral",
    "instance",
    "instance.new",
    "lock",
    "run",
    RUNTIMES,
    "tls",
    "token",
    LOST_AND_FOUND,
];

/// How other names of Hearth's begin: the database with its log, the token's draft, what of the state is not here with
/// its draft, a killed backup's copies.
const PREFIXES: [&str; 4] = ["hearth.db", "token.", ELSEWHERE, "backup-"];

/// Bootstraps, and what `hearth runtimes setup` fetched, perhaps before the first server.
pub const RUNTIMES: &str = "runtimes";

/// Says what of the state lies elsewhere.
pub const ELSEWHERE: &str = "elsewhere";

/// Root's, on a disk of its own.
pub const LOST_AND_FOUND: &str = "lost+found";

/// Refuses a folder that was never Hearth's and has something in it.
pub fn check(folder: &Path) -> Result<()> {
    let is_file = |name: &str| fs::symlink_metadata(folder.join(name)).is_ok_and(|found| found.is_file());
    if ["instance", "lock"].into_iter().any(is_file) {
        return Ok(());
    }
    check_every_name(folder)?;
    for name in REMADE {
        let path = folder.join(name);
        let is_of_setup = |entry: io::Result<fs::DirEntry>| {
            name == RUNTIMES && entry.is_ok_and(|entry| is_fetched(&entry.file_name()))
        };
        let filled = fs::read_dir(&path).is_ok_and(|mut entries| !entries.all(is_of_setup));
        if filled {
            return refuse(folder, OsStr::new(name));
        }
    }
    Ok(())
}

/// Refuses a folder that has anything in it which is not Hearth's.
pub fn check_every_name(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("read the data folder {}", folder.display()))?,
    };
    for entry in entries {
        let name = entry.with_context(|| format!("read the data folder {}", folder.display()))?.file_name();
        if !is_ours(&name) {
            return refuse(folder, &name);
        }
    }
    Ok(())
}

/// Whether an entry of `runtimes` is of `hearth runtimes setup`: fetched with the network, and on stable storage.
pub fn is_fetched(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with("sdk-") && !name.ends_with(".partial") || name == "setup.lock")
}

fn is_ours(name: &OsStr) -> bool {
    let of_ours = |name: &str| NAMES.contains(&name) || PREFIXES.iter().any(|start| name.starts_with(start));
    name.to_str().is_some_and(of_ours)
}

fn refuse(folder: &Path, name: &OsStr) -> Result<()> {
    bail!(
        "{} is no data folder of Hearth's, it holds {}: name an empty or a new folder with --data",
        folder.display(),
        name.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(folder: &Path, what: &str) {
        let text = check(folder).unwrap_err().to_string();
        assert!(text.contains(&format!("it holds {what}: ")), "{text}");
    }

    #[test]
    fn a_folder_of_somebody_elses_is_refused_also_when_its_names_are_like_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(check(&path.join("absent")).is_ok());
        assert!(check(path).is_ok());
        fs::create_dir_all(path.join("code/mine")).unwrap();
        refused(path, "code");
        fs::remove_dir(path.join("code/mine")).unwrap();
        assert!(check(path).is_ok()); // as a first start leaves it that loses power
        fs::write(path.join("notes.txt"), "").unwrap();
        refused(path, "notes.txt");
        fs::create_dir(path.join("instance")).unwrap(); // as projects of Flask have
        refused(path, "notes.txt");
        fs::remove_dir(path.join("instance")).unwrap();
        fs::write(path.join("instance"), "").unwrap();
        assert!(check(path).is_ok());
        assert!(check_every_name(path).is_err()); // it stays ours, and `serve` does not give the notes away
    }

    #[test]
    fn what_was_fetched_before_the_first_start_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("runtimes/sdk-python-67d15dc02a345920")).unwrap();
        fs::write(folder.path().join("runtimes/setup.lock"), "").unwrap();
        assert!(check(folder.path()).is_ok());
        fs::write(folder.path().join("runtimes/mine.txt"), "").unwrap();
        refused(folder.path(), "runtimes");
    }

    #[test]
    fn a_restored_folder_and_a_disk_of_its_own_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("blobs")).unwrap();
        fs::create_dir_all(folder.path().join(LOST_AND_FOUND)).unwrap();
        for file in ["hearth.db", "hearth.db-wal", "blobs/00"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        assert!(check(folder.path()).is_ok() && check_every_name(folder.path()).is_ok());
    }
}
