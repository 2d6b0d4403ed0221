//! What an archive may contain, and how it becomes a tree under the current root.
//!
//! Modes are kept, links inside the tree are kept. Whatever could reach outside, stand for something else, or grow
//! without end is refused.
//!
//! Of two entries at one path the later one stays, as with `unzip` and Python's `zipfile`: merged jars and repeated
//! `zip.write` make such archives, and AWS takes them.
//!
//! Never: follows a link; replaces a directory by something else; believes a declared size.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, ResolveFlags, fchmod, fsync, mkdirat, openat2, symlinkat, unlinkat,
};
use rustix::io::Errno;
use zip::ZipArchive;
use zip::read::ZipFile;

use crate::api::{UnpackError, UnpackSpec, Unpacked};
use crate::kernel;

/// A path in an archive or a link's target is shorter, in bytes: Linux counts the NUL behind it.
const PATH_BYTES_MAX: usize = 4096;
/// Names in a path: modules inside modules need some 30.
const DEPTH_MAX: usize = 128;
/// One name of a path, in bytes.
const NAME_BYTES_MAX: usize = 255;
/// Read and written at a time.
const PIECE_BYTES: usize = 128 * 1024;

/// Types of files in a Unix mode.
const TYPE_MASK: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// Modes of entries that carry none, as from Windows.
const FILE_MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;

/// Resolves a path without following anything or leaving the tree.
const STRICT: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

type Result<T> = std::result::Result<T, UnpackError>;

/// Unpacks into the current directory, which is the root of this process. What a later archive has replaces what an
/// earlier one had, as layers do.
pub(crate) fn unpack(archives: Vec<File>, spec: &UnpackSpec) -> Result<Unpacked> {
    let mut tree = Tree { bytes_max: spec.bytes_max, nodes_max: spec.entries_max, ..Tree::default() };
    for archive in archives {
        let mut archive = ZipArchive::new(BufReader::new(archive)).map_err(|error| bad("archive", error))?;
        check_contents(&mut archive, spec)?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| bad("entry", error))?;
            tree.add(&mut entry)?;
        }
    }
    tree.finish()
}

/// Refuses by the table of contents alone what it already tells.
fn check_contents(archive: &mut ZipArchive<BufReader<File>>, spec: &UnpackSpec) -> Result<()> {
    if archive.len() > spec.entries_max as usize {
        return Err(UnpackError::Bad(format!("it has more than {} entries", spec.entries_max)));
    }
    if archive.decompressed_size().is_some_and(|size| size > u128::from(spec.bytes_max)) {
        return Err(UnpackError::TooLarge { limit: spec.bytes_max });
    }
    Ok(())
}

/// The tree so far.
#[derive(Default)]
struct Tree {
    bytes_max: u64,
    /// Files, links and directories, also those that only a path names.
    nodes_max: u32,
    nodes: u32,
    unpacked: Unpacked,
    /// Files and links by their paths, with the mode that a file gets in the end; a link has none.
    leaves: BTreeMap<String, Option<u32>>,
    /// Directories with the modes they get in the end, parents before children.
    directories: BTreeMap<String, u32>,
}

impl Tree {
    fn add(&mut self, entry: &mut ZipFile<'_, BufReader<File>>) -> Result<()> {
        let path = checked_path(&name_of(entry)?)?;
        let mode = entry.unix_mode().unwrap_or(0);
        self.unpacked.entries += 1;
        self.count_node()?;
        match mode & TYPE_MASK {
            _ if entry.encrypted() => Err(UnpackError::Bad(format!("{path} is encrypted"))),
            LINK => self.add_link(path, entry),
            DIRECTORY => self.add_directory(path, mode),
            0 | REGULAR if entry.is_dir() => self.add_directory(path, mode),
            0 | REGULAR => self.add_file(path, mode, entry),
            _ => Err(UnpackError::Bad(format!("{path} is neither file, directory nor link"))),
        }
    }

    /// Takes away the file or link that an earlier entry made at this path.
    fn make_room(&mut self, parent: &OwnedFd, name: &str, path: &str) -> Result<()> {
        if self.leaves.remove(path).is_some() {
            unlinkat(parent, name, AtFlags::empty()).map_err(|error| refused(path, error))?;
        }
        Ok(())
    }

    fn count_node(&mut self) -> Result<()> {
        self.nodes += 1;
        if self.nodes > self.nodes_max {
            return Err(UnpackError::Bad(format!(
                "it makes more than {} files and directories",
                self.nodes_max
            )));
        }
        Ok(())
    }

    /// The directory that holds an entry, made when absent, and the entry's own name.
    fn open_parent<'a>(&mut self, path: &'a str) -> Result<(OwnedFd, &'a str)> {
        match path.rsplit_once('/') {
            Some((parent, name)) => Ok((self.open_directory(parent)?, name)),
            None => Ok((self.open_directory(".")?, path)),
        }
    }

    /// Opens a directory of the tree, making it and those above as needed.
    fn open_directory(&mut self, path: &str) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat2(CWD, path, flags, Mode::empty(), STRICT) {
            Err(Errno::NOENT) => {}
            other => return other.map_err(|error| refused(path, error)),
        }
        self.count_node()?;
        let (parent, name) = self.open_parent(path)?;
        mkdirat(&parent, name, Mode::from_raw_mode(0o755)).map_err(|error| refused(path, error))?;
        openat2(&parent, name, flags, Mode::empty(), STRICT).map_err(|error| refused(path, error))
    }

    fn add_directory(&mut self, path: String, mode: u32) -> Result<()> {
        self.open_directory(&path)?;
        let mode = permissions(mode, DIRECTORY_MODE) | 0o500;
        self.directories.insert(path, mode);
        Ok(())
    }

    fn add_file(&mut self, path: String, mode: u32, content: &mut impl Read) -> Result<()> {
        let (parent, name) = self.open_parent(&path)?;
        self.make_room(&parent, name, &path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat2(&parent, name, flags, Mode::from_raw_mode(0o600), STRICT);
        let mut file = File::from(file.map_err(|error| refused(&path, error))?);
        self.copy(&path, content, &mut file)?;
        kernel::start_writing_out(file.as_fd()).map_err(|error| on_disk(&error))?;
        self.leaves.insert(path, Some(permissions(mode, FILE_MODE)));
        Ok(())
    }

    /// Copies what really comes out, up to what is left of the limit.
    fn copy(&mut self, path: &str, from: &mut impl Read, to: &mut File) -> Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let length = match from.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(bad(path, error)),
            };
            self.unpacked.bytes += length as u64;
            if self.unpacked.bytes > self.bytes_max {
                return Err(UnpackError::TooLarge { limit: self.bytes_max });
            }
            to.write_all(&piece[..length])
                .map_err(|error| UnpackError::Host(format!("write {path}: {error}")))?;
        }
    }

    fn add_link(&mut self, path: String, content: &mut impl Read) -> Result<()> {
        let mut target = String::new();
        let read = content.take(PATH_BYTES_MAX as u64).read_to_string(&mut target);
        read.map_err(|error| bad(&path, error))?;
        if target.len() >= PATH_BYTES_MAX {
            return Err(UnpackError::Bad(format!("the link {path} has a target that is too long")));
        }
        if !stays_inside(&path, &target) {
            return Err(UnpackError::Bad(format!("the link {path} leads out of the archive")));
        }
        let (parent, name) = self.open_parent(&path)?;
        self.make_room(&parent, name, &path)?;
        symlinkat(&target, &parent, name).map_err(|error| refused(&path, error))?;
        self.leaves.insert(path, None);
        Ok(())
    }

    /// Checks the links against the whole tree, gives directories their modes, and brings all of it to the disk.
    fn finish(self) -> Result<Unpacked> {
        for link in self.leaves.iter().filter(|(_, mode)| mode.is_none()).map(|(path, _)| path) {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let followed = openat2(CWD, link.as_str(), flags, Mode::empty(), ResolveFlags::BENEATH);
            if followed.is_err_and(|error| error == Errno::XDEV) {
                return Err(UnpackError::Bad(format!("the link {link} leads out of the archive")));
            }
        }
        for (path, mode) in &self.leaves {
            if let Some(mode) = mode {
                settle(path, OFlags::RDONLY, *mode)?;
            }
        }
        // Children before parents: a directory may lose the right to be written.
        for (path, mode) in self.directories.iter().rev() {
            settle(path, OFlags::RDONLY | OFlags::DIRECTORY, *mode)?;
        }
        settle(".", OFlags::RDONLY | OFlags::DIRECTORY, DIRECTORY_MODE)?;
        Ok(self.unpacked)
    }
}

/// Gives a file or directory its mode and waits until it is on the disk.
fn settle(path: &str, flags: OFlags, mode: u32) -> Result<()> {
    let file = open(path, flags)?;
    fchmod(&file, Mode::from_raw_mode(mode)).map_err(|error| refused(path, error))?;
    fsync(&file).map_err(|error| on_disk(&error.into()))
}

fn on_disk(error: &io::Error) -> UnpackError {
    UnpackError::Host(format!("bring the tree to the disk: {error}"))
}

fn open(path: &str, flags: OFlags) -> Result<OwnedFd> {
    openat2(CWD, path, flags | OFlags::CLOEXEC, Mode::empty(), STRICT).map_err(|error| refused(path, error))
}

/// The permissions of a mode, without set-uid, set-gid and sticky; `default` when it has none at all.
///
/// The program is not the files' owner, and archives made in memory are often private to theirs (Python's
/// `ZipFile.writestr` gives 0600): what the owner may read or execute, everybody may.
fn permissions(mode: u32, default: u32) -> u32 {
    if mode & 0o777 == 0 {
        return default;
    }
    let owner = mode & 0o500;
    mode & 0o777 | owner >> 3 | owner >> 6
}

/// The name of an entry. UTF-8 is what it says, flag or not (Info-ZIP sets none); all else is code page 437, as in
/// archives from Windows.
fn name_of(entry: &ZipFile<'_, BufReader<File>>) -> Result<String> {
    if let Ok(name) = std::str::from_utf8(entry.name_raw()) {
        return Ok(name.to_owned());
    }
    entry.name().map(Cow::into_owned).map_err(|error| bad("a name", error))
}

/// A path as the tree spells it: relative, without `.` and empty parts.
fn checked_path(name: &str) -> Result<String> {
    let refuse = |why: &str| Err(UnpackError::Bad(format!("the path {name:?} {why}")));
    if name.len() >= PATH_BYTES_MAX || name.contains('\0') {
        return refuse("is not a path");
    }
    if name.starts_with('/') {
        return refuse("is absolute");
    }
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return refuse("leads out of the archive"),
            part if part.len() > NAME_BYTES_MAX => return refuse("has a name that is too long"),
            part => parts.push(part),
        }
    }
    if parts.len() > DEPTH_MAX {
        return refuse("is too deep");
    }
    Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// By its words alone, a link's target lies below the root of the tree.
fn stays_inside(link: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') {
        return false;
    }
    let mut depth = link.split('/').count() - 1;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return false,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

fn bad(what: &str, error: impl std::fmt::Display) -> UnpackError {
    UnpackError::Bad(format!("{what}: {error}"))
}

/// What the kernel refuses while a path is made lies in the archive, unless the host itself has a problem.
fn refused(path: &str, error: Errno) -> UnpackError {
    match error {
        Errno::EXIST => UnpackError::Bad(format!("{path} is there twice")),
        Errno::NOTDIR => UnpackError::Bad(format!("{path} lies below a file")),
        Errno::LOOP => UnpackError::Bad(format!("{path} lies below a link")),
        error => UnpackError::Host(format!("make {path}: {error}")),
    }
}
