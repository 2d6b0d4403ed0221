//! Unpacking an archive in a child that can do nothing else.
//!
//! The child has the archive and one empty directory as its root, no network, no other process in sight, no
//! privilege, and limits of time and memory. A hostile archive that takes it over gains an empty room.
//!
//! Never: a directory under its final name that is not complete and on disk.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, RenameFlags, renameat_with};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Resource, Rlimit, Signal, WaitId, WaitIdOptions, pidfd_send_signal, setrlimit, waitid,
};

use crate::api::{UnpackError, UnpackSpec, Unpacked};
use crate::host::Host;
use crate::kernel::{self, Side};
use crate::{confinement, privilege};

mod archive;

#[cfg(feature = "fuzzing")]
pub(crate) use archive::unpack as here;

/// Unpacking 250 MB takes seconds; this is for archives made to take for ever, and for a host that is very busy.
const TIME_MAX: Duration = Duration::from_secs(120);
/// Time on a processor, in seconds.
const CPU_SECONDS: u64 = 60;
/// Address space, in bytes: the table of contents of a large archive, and buffers.
const MEMORY_BYTES: u64 = 1024 * 1024 * 1024;
/// Whatever runs goes before an archive that is unpacked.
const NICE: i32 = 5;
/// Files open at once.
const OPEN_FILES: u64 = 64;
/// Above every number that an archive gets: a message carries fewer descriptors.
const FIRST_FREE: i32 = 64;
/// What the child answers at most, in bytes.
const ANSWER_BYTES_MAX: u64 = 4096;
/// Trees being made, in the run directory.
pub(crate) const STAGING_PREFIX: &str = "unpack-";

/// An archive that is being unpacked.
#[derive(Debug)]
pub(crate) struct Unpacking {
    process: OwnedFd,
    answer: File,
    staging: PathBuf,
    destination: PathBuf,
    /// Where it goes: the directory, and the name in it.
    place: (OwnedFd, OsString),
    begun: Instant,
}

impl Unpacking {
    /// Starts the child.
    pub(crate) fn begin(
        host: &Host,
        number: u64,
        spec: UnpackSpec,
        archives: Vec<OwnedFd>,
    ) -> Result<Unpacking, UnpackError> {
        let place = host.walls.as_ref().map_or_else(
            || confinement::anywhere(&spec.destination),
            |walls| walls.destination(&spec.destination),
        );
        let place = place.map_err(|error| {
            UnpackError::Host(format!("unpack to {}: {error}", spec.destination.display()))
        })?;
        let staging = host.run_directory.join(format!("{STAGING_PREFIX}{number}"));
        let begun = begin(host, &spec, archives, &staging);
        let (process, answer) = begun.map_err(|error| {
            fs::remove_dir_all(&staging).ok();
            UnpackError::Host(format!("start unpacking: {error}"))
        })?;
        let (destination, begun) = (spec.destination, Instant::now());
        Ok(Unpacking { process, answer, staging, destination, place, begun })
    }

    /// Readable when the child has ended.
    pub(crate) fn process(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }

    /// Ends the child.
    pub(crate) fn kill(&self) {
        pidfd_send_signal(&self.process, Signal::KILL).ok(); // fails only when it has ended already
    }

    /// Ends the child when its time is over.
    pub(crate) fn check_time(&mut self) {
        if self.begun.elapsed() > TIME_MAX {
            self.kill();
        }
    }

    /// The child has ended: gives the tree its name, or removes it.
    pub(crate) fn finish(mut self) -> Result<Unpacked, UnpackError> {
        waitid(WaitId::PidFd(self.process.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG).ok();
        let unpacked = self.answer().and_then(|unpacked| {
            self.publish().map_err(|error| {
                UnpackError::Host(format!("move the tree to {}: {error}", self.destination.display()))
            })?;
            Ok(unpacked)
        });
        if unpacked.is_err() {
            remove_aside(&self.staging); // what stays is removed when the next spawner starts
        }
        unpacked
    }

    fn answer(&mut self) -> Result<Unpacked, UnpackError> {
        let mut bytes = Vec::new();
        let read = Read::take(&mut self.answer, ANSWER_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|error| UnpackError::Host(format!("hear from the unpacking: {error}")))?;
        postcard::from_bytes(&bytes).unwrap_or_else(|_| {
            Err(UnpackError::Bad("unpacking it takes more time or memory than is allowed".to_owned()))
        })
    }

    fn publish(&self) -> io::Result<()> {
        fs::set_permissions(&self.staging, fs::Permissions::from_mode(0o755))?;
        let (directory, name) = &self.place;
        Ok(renameat_with(CWD, &self.staging, directory, name.as_os_str(), RenameFlags::NOREPLACE)?)
    }
}

/// Removes a tree in a process of its own: an archive may have made a great many directories, and the spawner has
/// other sandboxes to see to. The process belongs to nobody, and ends when it is done.
fn remove_aside(staging: &Path) {
    match kernel::clone_process(0) {
        Ok(Side::Child) => {
            if let Ok(Side::Child) = kernel::clone_process(0) {
                kernel::close_from(0).ok();
                fs::remove_dir_all(staging).ok();
            }
            kernel::exit_now(0)
        }
        Ok(Side::Parent(between, _)) => drop(waitid(WaitId::PidFd(between.as_fd()), WaitIdOptions::EXITED)),
        Err(_) => {}
    }
}

fn begin(
    host: &Host,
    spec: &UnpackSpec,
    archives: Vec<OwnedFd>,
    staging: &Path,
) -> io::Result<(OwnedFd, File)> {
    fs::DirBuilder::new().mode(0o700).create(staging)?;
    let owner = host.seats.identities.owner();
    std::os::unix::fs::chown(staging, Some(owner), Some(owner))?;
    let (answer, answer_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let namespaces = libc::CLONE_NEWPID | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    match kernel::clone_process(namespaces)? {
        Side::Child => child(host, owner, staging, spec, &archives, &File::from(answer_write)),
        Side::Parent(process, _) => Ok((process, File::from(answer))),
    }
}

/// The child, from its first instruction to its last.
fn child(
    host: &Host,
    owner: u32,
    staging: &Path,
    spec: &UnpackSpec,
    archives: &[OwnedFd],
    answer: &File,
) -> ! {
    let unpack = || -> io::Result<()> {
        // First out of the way of the numbers they get.
        let all = std::iter::once(answer.as_fd()).chain(archives.iter().map(AsFd::as_fd));
        let above: Vec<OwnedFd> =
            all.map(|fd| rustix::io::fcntl_dupfd_cloexec(fd, FIRST_FREE)).collect::<Result<_, _>>()?;
        let shut = shut_in(host, owner, staging, spec.bytes_max);
        let numbered = (0..).zip(&above).map(|(number, fd)| kernel::move_to(fd.as_fd(), number));
        let mut archives: Vec<File> = numbered.map(|fd| fd.map(File::from)).collect::<io::Result<_>>()?;
        let mut answer = archives.remove(0);
        let result = match shut.and_then(|()| alone_with(host, above)) {
            Ok(()) => archive::unpack(archives, spec),
            Err(error) => Err(UnpackError::Host(format!("shut the unpacking in: {error}"))),
        };
        answer.write_all(&postcard::to_stdvec(&result).map_err(io::Error::other)?)
    };
    // The spawner takes silence for failure.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(unpack)).ok();
    kernel::exit_now(0)
}

/// From here on there is this directory and no privilege.
fn shut_in(host: &Host, owner: u32, staging: &Path, bytes_max: u64) -> io::Result<()> {
    rustix::process::setsid()?;
    rustix::process::chdir(staging)?;
    rustix::process::chroot(".")?;
    let limit = |resource, value| setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) });
    limit(Resource::Fsize, bytes_max)?;
    limit(Resource::Cpu, CPU_SECONDS)?;
    limit(Resource::As, MEMORY_BYTES)?;
    limit(Resource::Nofile, OPEN_FILES)?;
    limit(Resource::Core, 0)?;
    rustix::process::nice(NICE)?;
    rustix::process::umask(Mode::empty());
    privilege::gain_nothing()?;
    privilege::become_user(owner, owner)?;
    privilege::drop_capabilities()?;
    privilege::die_with_spawner(&host.myself)
}

/// From here on there are the answer (0), the archives (from 1), and no other descriptor.
fn alone_with(host: &Host, above: Vec<OwnedFd>) -> io::Result<()> {
    let first_other = i32::try_from(above.len()).map_err(io::Error::other)?;
    drop(above);
    kernel::close_from(first_other)?;
    seccompiler::apply_filter(&host.filter).map_err(io::Error::other)
}
