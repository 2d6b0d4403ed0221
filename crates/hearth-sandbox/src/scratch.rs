//! The private `/tmp` of a sandbox: an ext4 file system of a hard size in a sparse image on a loop device.
//!
//! ```text
//! template (one per size) ──sparse copy──▶ image, unlinked at once ──loop, autoclear──▶ mount that hangs nowhere
//! ```
//!
//! Not a tmpfs: that would be charged to the function's memory. The mount is handed over as a descriptor; when the
//! last user of it is gone the kernel frees mount, loop device and image, also when everybody is killed.
//!
//! Never: an image with a name while a sandbox uses it; a file system given to a second environment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{AtFlags, Gid, Mode, Uid, chmodat, chownat, unlinkat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag};
use rustix::mount::{fsconfig_set_string, fsmount, fsopen};

use crate::kernel;

/// Templates kept, each about 0.5 MB on disk for a size of 512 MB; the oldest goes first.
const TEMPLATES_MAX: usize = 32;
/// Attempts to get a loop device that somebody else may take between asking and taking.
const LOOP_ATTEMPTS: u32 = 64;
/// Bytes of `/tmp` for each file that can exist in it.
const BYTES_PER_INODE: u32 = 16 * 1024;
/// The size that is kept ready before any sandbox has asked for one: Lambda's default of 512 MB.
const FIRST_SIZE: u64 = 512 * 1024 * 1024;
/// Where mkfs.ext4 is found; the spawner has no PATH.
const MKFS_PATHS: [&str; 3] = ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4", "/usr/bin/mkfs.ext4"];

/// The maker of `/tmp` file systems, with some made ahead.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
    owner: u32,
    ready: Vec<(OwnedFd, Disk)>,
    /// The size of the ready ones: the one asked for last.
    ready_bytes: u64,
    wanted: usize,
    serial: u64,
}

impl Scratch {
    /// Templates and images lie in `run_directory`; `/tmp` itself belongs to `owner`.
    pub(crate) fn new(run_directory: &Path, owner: u32, wanted: usize) -> Scratch {
        let directory = run_directory.to_owned();
        Scratch { directory, owner, ready: Vec::new(), ready_bytes: FIRST_SIZE, wanted, serial: 0 }
    }

    /// An empty file system with room for `bytes`, mounted nowhere yet, and what keeps it after its last mount.
    pub(crate) fn take(&mut self, bytes: u64) -> io::Result<(OwnedFd, Disk)> {
        if bytes != self.ready_bytes {
            self.ready.clear();
            self.ready_bytes = bytes;
        }
        match self.ready.pop() {
            Some(mount) => Ok(mount),
            None => self.make(bytes),
        }
    }

    /// Makes one more ready if there are too few; false when there is nothing to do.
    pub(crate) fn refill(&mut self) -> io::Result<bool> {
        if self.ready.len() >= self.wanted {
            return Ok(false);
        }
        let mount = self.make(self.ready_bytes)?;
        self.ready.push(mount);
        Ok(true)
    }

    fn make(&mut self, bytes: u64) -> io::Result<(OwnedFd, Disk)> {
        let template = self.template(bytes)?;
        self.serial += 1;
        let path = self.directory.join(format!("{IMAGE_PREFIX}{}", self.serial));
        let image = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        let copied = copy_sparse(&template, &image);
        fs::remove_file(&path)?;
        copied?;
        let disk = attach(&image)?;
        let mount = disk.mount()?;
        let (user, group) = (Uid::from_raw(self.owner), Gid::from_raw(self.owner));
        chownat(&mount, "", Some(user), Some(group), AtFlags::EMPTY_PATH)?;
        Ok((mount, disk))
    }

    /// The template of a size, made when it is not there yet.
    fn template(&self, bytes: u64) -> io::Result<File> {
        let path = self.directory.join(format!("{TEMPLATE_PREFIX}{bytes}"));
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        self.drop_oldest_template()?;
        let unfinished = self.directory.join(format!("{IMAGE_PREFIX}template"));
        let image =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&unfinished)?;
        image.set_len(image_bytes(bytes))?;
        make_file_system(&unfinished)?;
        finish_template(&image)?;
        fs::rename(&unfinished, &path)?;
        Ok(image)
    }

    fn drop_oldest_template(&self) -> io::Result<()> {
        let mut templates = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(TEMPLATE_PREFIX.as_bytes()) {
                templates.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        if templates.len() >= TEMPLATES_MAX
            && let Some((_, oldest)) = templates.into_iter().min()
        {
            fs::remove_file(oldest)?;
        }
        Ok(())
    }
}

/// Images while they still have a name.
pub(crate) const IMAGE_PREFIX: &str = "tmp-image-";
/// Templates, by their size in bytes.
const TEMPLATE_PREFIX: &str = "tmp-template-";

/// The image that leaves at least `bytes` free: one in 64 goes to inodes, some to bitmaps and group descriptors, and
/// ext4 keeps one in 50, up to 4,096 blocks, for itself.
fn image_bytes(bytes: u64) -> u64 {
    const BLOCK: u64 = 4096;
    const FIXED: u64 = 512 * 1024;
    let usable = bytes + (bytes / 48).min(4097 * BLOCK);
    (usable + usable / 63 + usable / 8192 + FIXED).next_multiple_of(BLOCK)
}

/// Gives `/tmp` its mode and takes `lost+found` away.
fn finish_template(image: &File) -> io::Result<()> {
    let root = attach(image)?.mount()?;
    unlinkat(&root, "lost+found", AtFlags::REMOVEDIR)?;
    Ok(chmodat(&root, ".", Mode::from_raw_mode(0o1777), AtFlags::empty())?)
}

/// Where mkfs.ext4 is, if it is installed.
pub(crate) fn mkfs_path() -> Option<&'static str> {
    MKFS_PATHS.into_iter().find(|path| Path::new(path).exists())
}

fn make_file_system(image: &Path) -> io::Result<()> {
    let program =
        mkfs_path().ok_or_else(|| io::Error::other("mkfs.ext4 is not installed (package e2fsprogs)"))?;
    let output = Command::new(program)
        .args(["-q", "-F", "-b", "4096", "-m", "0", "-i", &BYTES_PER_INODE.to_string()])
        .args(["-O", "^has_journal,^resize_inode", "-E", "lazy_itable_init=1,nodiscard"])
        .arg(image)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("mkfs.ext4: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Copies only what the file really holds; the rest stays a hole.
fn copy_sparse(from: &File, to: &File) -> io::Result<()> {
    let length = from.metadata()?.len();
    to.set_len(length)?;
    let (mut from, mut to) = (from, to);
    let mut position = 0;
    while let Ok(start) = rustix::fs::seek(from, rustix::fs::SeekFrom::Data(position)) {
        let end = rustix::fs::seek(from, rustix::fs::SeekFrom::Hole(start))?;
        from.seek(SeekFrom::Start(start))?;
        to.seek(SeekFrom::Start(start))?;
        io::copy(&mut io::Read::take(from, end - start), &mut to)?;
        position = end;
    }
    Ok(())
}

/// An image on a loop device. The device lives as long as this or a mount of it, and the image as long as the device.
#[derive(Debug)]
pub(crate) struct Disk {
    _device: File,
    path: String,
}

impl Disk {
    /// Mounts it, hanging nowhere; the mount lives as long as the descriptor or a place it is moved to.
    pub(crate) fn mount(&self) -> io::Result<OwnedFd> {
        let context = fsopen("ext4", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(context.as_fd(), "source", self.path.as_str())?;
        // What is in /tmp dies with the environment: its syncs need not reach the host's disk.
        fsconfig_set_flag(context.as_fd(), "nobarrier")?;
        fsconfig_create(context.as_fd())?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOSUID;
        Ok(fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
    }
}

/// Puts an image behind a free loop device.
fn attach(image: &File) -> io::Result<Disk> {
    let control = OpenOptions::new().read(true).write(true).open("/dev/loop-control")?;
    for _ in 0..LOOP_ATTEMPTS {
        let path = format!("/dev/loop{}", kernel::free_loop_device(control.as_fd())?);
        let device = OpenOptions::new().read(true).write(true).open(&path)?;
        match kernel::configure_loop_device(device.as_fd(), image.as_fd()) {
            Ok(()) => return Ok(Disk { _device: device, path }),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("every free loop device was taken by somebody else first"))
}
