//! The file tree a sandbox sees, built in its own mount namespace.
//!
//! ```text
//! /            tmpfs of its own, read-only once built: directories, links, /etc
//! /proc        its own processes, read-only, with what tells about the host masked
//! /dev         null zero full random urandom and the links to /proc/self/fd; no shm
//! /tmp         ext4 of a hard size (scratch.rs)
//! spec.mounts  host trees, read-only, without devices and set-uid
//! ```
//!
//! In the end a detached copy of these mounts becomes the root. `/proc/PID/mountinfo` shows the mounts of a process's
//! namespace that lie below its root: none, so that no function reads where on the host its trees come from.
//!
//! Never: follows a link while making a place to mount on; leaves the host's root reachable.

use std::fs::File;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, makedev, mkdirat, mknodat, openat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_bind,
    mount_change, mount_remount, move_mount, open_tree, unmount,
};

use crate::api::Mount;
use crate::identity::{INSIDE_GROUP, INSIDE_USER};
use crate::init::Steps;
use crate::kernel;

/// The name of the machine inside.
pub(crate) const HOST_NAME: &str = "sandbox";

/// The tmpfs of `/` holds directories and five small files.
const ROOT_OPTIONS: &std::ffi::CStr = c"size=1m,nr_inodes=4096,mode=0755";
const DEV_OPTIONS: &std::ffi::CStr = c"size=64k,nr_inodes=64,mode=0755";
/// Only the sandbox's own processes show.
const PROC_OPTIONS: &std::ffi::CStr = c"hidepid=2";

/// What a merged-usr system links from its root into `/usr`.
const ROOT_LINKS: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// Files of `/proc` that tell about the host, or command it.
const MASKED: [&str; 7] =
    ["kcore", "keys", "kmsg", "latency_stats", "sched_debug", "sysrq-trigger", "timer_list"];
/// Character devices: name, major and minor number.
const DEVICES: [(&str, u32, u32); 5] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9)];
/// Links of `/dev`.
const DEVICE_LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// What decides a tree, found out before the sandbox is cloned.
#[derive(Debug)]
pub(crate) struct Tree {
    /// An existing directory to build on; nothing appears there outside the sandbox.
    pub(crate) stage: PathBuf,
    /// The host trees, each with its kind.
    pub(crate) mounts: Vec<(Mount, Kind)>,
    /// Links in the root: name and where it points.
    pub(crate) links: Vec<(&'static str, PathBuf)>,
    /// The files of [`MASKED`] that this kernel has.
    pub(crate) masked: Vec<&'static str>,
    /// The working directory, made when nothing else provides it.
    pub(crate) directory: PathBuf,
    /// Whom it asks for names.
    pub(crate) name_servers: Vec<Ipv4Addr>,
}

/// What is mounted, which decides what it is mounted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
}

impl Tree {
    /// Looks at the host for what the tree needs to know.
    pub(crate) fn plan(
        stage: &Path,
        mounts: &[Mount],
        directory: &Path,
        name_servers: &[Ipv4Addr],
    ) -> io::Result<Tree> {
        let kind = |mount: &Mount| {
            let found = std::fs::metadata(&mount.source);
            let found = found.map_err(|e| with_path("mount", &mount.source, &e))?;
            let kind = if found.is_dir() { Kind::Directory } else { Kind::File };
            Ok((mount.clone(), kind))
        };
        Ok(Tree {
            stage: stage.to_owned(),
            mounts: mounts.iter().map(kind).collect::<io::Result<_>>()?,
            links: root_links(mounts),
            masked: MASKED.into_iter().filter(|name| Path::new("/proc").join(name).exists()).collect(),
            directory: directory.to_owned(),
            name_servers: name_servers.to_vec(),
        })
    }

    /// Builds the tree and makes it the root of this mount namespace, and of this process a copy that nobody can
    /// name. `tmp` becomes `/tmp`. While the copy's descriptor is open the kernel counts its users without a lock.
    pub(crate) fn build(&self, tmp: BorrowedFd<'_>, steps: &mut Steps) -> io::Result<OwnedFd> {
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        mount("hearth", &self.stage, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, ROOT_OPTIONS)?;
        rustix::process::chdir(&self.stage)?;
        let root = open_directory(CWD, ".")?;
        for (name, to) in &self.links {
            symlinkat(to, &root, *name)?;
        }
        write_etc(&root, &self.name_servers)?;
        steps.done("root");
        for (mount, kind) in &self.mounts {
            attach(&root, mount, *kind).map_err(|e| with_path("show", &mount.target, &e))?;
        }
        steps.done("mounts");
        mount_proc(&root, &self.masked)?;
        steps.done("proc");
        mount_dev(&root)?;
        steps.done("dev");
        move_to(tmp, place(&root, Path::new("/tmp"), Kind::Directory)?.as_fd())?;
        place(&root, &self.directory, Kind::Directory).map_err(|e| with_path("make", &self.directory, &e))?;
        mount_remount(".", read_only(), "")?;
        drop(root);
        pivot()?;
        steps.done("pivot");
        let detached = detach()?;
        steps.done("detach");
        Ok(detached)
    }
}

fn read_only() -> MountFlags {
    MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV
}

/// The links of a merged-usr host beside the tree that becomes `/usr`.
fn root_links(mounts: &[Mount]) -> Vec<(&'static str, PathBuf)> {
    let Some(usr) = mounts.iter().find(|mount| mount.target == Path::new("/usr")) else { return Vec::new() };
    let beside = usr.source.parent().unwrap_or(Path::new("/"));
    let shown = |name: &str| mounts.iter().any(|mount| mount.target.starts_with(Path::new("/").join(name)));
    let link = |name| Some((name, std::fs::read_link(beside.join(name)).ok()?));
    ROOT_LINKS.into_iter().filter(|name| !shown(name)).filter_map(link).collect()
}

/// Whom the C library asks for names. Without a way out a question is refused at once instead of timing out.
fn resolver(name_servers: &[Ipv4Addr]) -> String {
    if name_servers.is_empty() {
        return "nameserver 169.254.100.1\noptions timeout:1 attempts:1\n".to_owned();
    }
    let lines: String = name_servers.iter().map(|server| format!("nameserver {server}\n")).collect();
    format!("{lines}options timeout:2 attempts:2\n")
}

fn write_etc(root: &OwnedFd, name_servers: &[Ipv4Addr]) -> io::Result<()> {
    let etc = place(root, Path::new("/etc"), Kind::Directory)?;
    let files = [
        (
            "passwd",
            format!(
                "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:{INSIDE_USER}:{INSIDE_GROUP}::/home/sbx_user1051:/sbin/nologin\n"
            ),
        ),
        ("group", format!("root:x:0:\nsbx_user1051:x:{INSIDE_GROUP}:\n")),
        ("hosts", "127.0.0.1 localhost sandbox.localdomain sandbox\n::1 localhost\n".to_owned()),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
        ("resolv.conf", resolver(name_servers)),
    ];
    for (name, text) in files {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&etc, name, flags, Mode::from_raw_mode(0o644))?;
        File::from(file).write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Shows one host tree or file inside, read-only with everything mounted below it.
fn attach(root: &OwnedFd, mount: &Mount, kind: Kind) -> io::Result<()> {
    let tree = copy_of(&mount.source)?;
    let attributes = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    kernel::set_mount_attributes(tree.as_fd(), attributes, libc::MS_PRIVATE)?;
    move_to(tree.as_fd(), place(root, &mount.target, kind)?.as_fd())
}

/// The mounts at and below a path once more, belonging to no namespace.
fn copy_of(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    open_tree(CWD, path, flags)
}

fn move_to(tree: BorrowedFd<'_>, place: BorrowedFd<'_>) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(tree, "", place, "", flags)?)
}

/// A place to mount on, made when absent. No link is followed on the way, so none can lead out of the root.
fn place(root: &OwnedFd, target: &Path, kind: Kind) -> io::Result<OwnedFd> {
    let mut names = Vec::new();
    for component in target.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.push(name),
            Component::ParentDir | Component::Prefix(_) => return Err(io::ErrorKind::InvalidInput.into()),
        }
    }
    let mut here = open_directory(root, ".")?;
    for (index, name) in names.iter().enumerate() {
        if kind == Kind::File && index + 1 == names.len() {
            return open_or_make_file(&here, Path::new(name));
        }
        here = match open_directory(&here, Path::new(name)) {
            Err(Errno::NOENT) => {
                mkdirat(&here, Path::new(name), Mode::from_raw_mode(0o755))?;
                open_directory(&here, Path::new(name))?
            }
            other => other?,
        };
    }
    Ok(here)
}

fn open_directory(at: impl AsFd, name: impl rustix::path::Arg) -> rustix::io::Result<OwnedFd> {
    openat(at, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn open_or_make_file(at: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(at, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => {
            mknodat(at, name, FileType::RegularFile, Mode::from_raw_mode(0o644), 0)?;
            Ok(openat(at, name, flags, Mode::empty())?)
        }
        other => Ok(other?),
    }
}

fn mount_proc(root: &OwnedFd, masked: &[&str]) -> io::Result<()> {
    place(root, Path::new("/proc"), Kind::Directory)?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "proc", "proc", flags, PROC_OPTIONS)?;
    for name in masked {
        mount_bind("/dev/null", Path::new("proc").join(name))?;
    }
    Ok(())
}

fn mount_dev(root: &OwnedFd) -> io::Result<()> {
    place(root, Path::new("/dev"), Kind::Directory)?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount("dev", "dev", "tmpfs", flags, DEV_OPTIONS)?;
    let dev = open_directory(root, "dev")?;
    for (name, major, minor) in DEVICES {
        mknodat(&dev, name, FileType::CharacterDevice, Mode::from_raw_mode(0o666), makedev(major, minor))?;
    }
    for (name, to) in DEVICE_LINKS {
        symlinkat(to, &dev, name)?;
    }
    Ok(mount_remount("dev", flags | MountFlags::BIND | MountFlags::RDONLY, "")?)
}

/// Makes the working directory the root and lets go of the old one.
fn pivot() -> io::Result<()> {
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}

/// Makes a detached copy of the root this process's root. It has no parent, so nothing leads up from it.
fn detach() -> io::Result<OwnedFd> {
    let copy = copy_of(Path::new("/"))?;
    rustix::process::fchdir(&copy)?;
    rustix::process::chroot(".")?;
    Ok(copy)
}

fn with_path(what: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.display()))
}
