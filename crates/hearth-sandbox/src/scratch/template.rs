//! A new template of `/tmp`, made by a program beside the spawner's loop.
//!
//! Never: a template that is not complete; a second program for one size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Mode, chmodat, unlinkat};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{IMAGE_PREFIX, Scratch, attach};

/// Bytes of `/tmp` for each file that can exist in it.
const BYTES_PER_INODE: u32 = 16 * 1024;
/// Making 10 GB takes well below a second; this is for a host whose disk hangs.
const TIME_MAX: Duration = Duration::from_secs(30);
/// What the program says at most, in bytes.
const COMPLAINT_BYTES_MAX: u64 = 4096;
/// Where mkfs.ext4 is found; the spawner has no PATH.
const MKFS_PATHS: [&str; 3] = ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4", "/usr/bin/mkfs.ext4"];

/// The program at work.
#[derive(Debug)]
pub(crate) struct Formatting {
    bytes: u64,
    child: Child,
    process: OwnedFd,
    image: File,
    unfinished: PathBuf,
    begun: Instant,
}

impl Formatting {
    /// Starts it.
    pub(crate) fn begin(scratch: &Scratch, bytes: u64) -> io::Result<Formatting> {
        let program =
            mkfs_path().ok_or_else(|| io::Error::other("mkfs.ext4 is not installed (package e2fsprogs)"))?;
        let unfinished = scratch.directory.join(format!("{IMAGE_PREFIX}template-{bytes}"));
        let image =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&unfinished)?;
        image.set_len(image_bytes(bytes))?;
        let mut child = Command::new(program)
            .args(["-q", "-F", "-b", "4096", "-m", "0", "-i", &BYTES_PER_INODE.to_string()])
            .args(["-O", "^has_journal,^resize_inode", "-E", "lazy_itable_init=1,nodiscard"])
            .arg(&unfinished)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let process = number.ok_or_else(|| io::ErrorKind::InvalidData.into());
        match process.and_then(|number| Ok(pidfd_open(number, PidfdFlags::empty())?)) {
            Ok(process) => Ok(Formatting { bytes, child, process, image, unfinished, begun: Instant::now() }),
            Err(error) => {
                child.kill().and_then(|()| child.wait()).ok(); // it is gone when that fails
                Err(error)
            }
        }
    }

    /// Readable when it has ended.
    pub(crate) fn process(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }

    /// Ends it and leaves nothing of it.
    pub(crate) fn discard(mut self) {
        self.child.kill().ok(); // fails only when it has ended already
        self.child.wait().ok();
        fs::remove_file(&self.unfinished).ok(); // the next spawner removes it otherwise
    }

    /// Ends it when its time is over.
    pub(crate) fn check_time(&mut self) {
        if self.begun.elapsed() > TIME_MAX {
            self.child.kill().ok(); // fails only when it has ended already
        }
    }

    /// It has ended: the template gets its name.
    pub(crate) fn finish(mut self, scratch: &Scratch) -> Result<(), String> {
        let made = self.made().and_then(|()| {
            scratch.drop_oldest_template()?;
            finish_template(&self.image)?;
            fs::rename(&self.unfinished, scratch.template_path(self.bytes))
        });
        made.map_err(|error| {
            fs::remove_file(&self.unfinished).ok(); // the next spawner removes it otherwise
            error.to_string()
        })
    }

    fn made(&mut self) -> io::Result<()> {
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let mut said = String::new();
        if let Some(pipe) = self.child.stderr.take() {
            pipe.take(COMPLAINT_BYTES_MAX).read_to_string(&mut said).ok();
        }
        Err(io::Error::other(format!("mkfs.ext4: {status}: {}", said.trim())))
    }
}

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
