//! The spawner's half of making a sandbox: everything that needs no place inside, then the clone.
//!
//! Never: waits for the child; leaves anything behind when it fails.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::fs::{Gid, Uid, fchown};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::api::SandboxSpec;
use crate::cgroups::Cgroup;
use crate::host::Host;
use crate::identity::Identity;
use crate::init::{self, Plan};
use crate::kernel::{self, Side};
use crate::program::{Channel, Program};
use crate::root::Tree;
use crate::scratch::Disk;
use crate::seats::Seat;

/// A sandbox whose first process was cloned and is making it.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) process: OwnedFd,
    pub(crate) cgroup: Cgroup,
    pub(crate) identity: Identity,
    /// Its `/tmp`, when that is to stay.
    pub(crate) home: Option<Home>,
    /// Readable when its memory runs out.
    pub(crate) shortages: Option<OwnedFd>,
    /// Lines of progress, then the end of the stream when the program runs.
    pub(crate) progress: File,
    /// The program's wait status, once.
    pub(crate) ending: File,
    /// Descriptors for the server, in the order of `Event::Started`.
    pub(crate) handover: Vec<OwnedFd>,
    /// Steps done so far, in microseconds.
    pub(crate) timings: Vec<(String, u64)>,
}

/// What outlives a sandbox: its `/tmp`, and whose the files in it are.
#[derive(Debug)]
pub(crate) struct Home {
    disk: Disk,
    /// Of the first sandbox that had it; taken until the home is given up.
    pub(crate) identity: Identity,
    users: OwnedFd,
}

/// Makes a sandbox up to the clone of its first process. With the home of an earlier one it is that one's user.
pub(crate) fn launch(host: &mut Host, spec: &SandboxSpec, home: Option<Home>) -> io::Result<Launched> {
    let mut clock = Clock { last: Instant::now(), timings: Vec::new() };
    let mut seat = host.seats.take(&spec.listen).map_err(|e| named("make the namespaces and cgroups", &e))?;
    clock.done("seat");
    let mut home = home;
    let prepared =
        prepare(host, &mut seat, &mut home, spec, &mut clock).and_then(|(plan, ends)| clone(plan, ends));
    clock.done("cloned");
    let Seat { cgroup, identity, shortages, .. } = seat;
    match prepared {
        Ok((process, Ends { progress, ending, handover })) => Ok(Launched {
            process,
            cgroup,
            identity,
            home,
            shortages,
            progress,
            ending,
            handover,
            timings: clock.timings,
        }),
        Err(error) => {
            cgroup.remove().ok(); // no process entered, so it is not busy
            host.seats.identities.give_back(&identity);
            home.inspect(|home| host.seats.identities.give_back(&home.identity));
            Err(error)
        }
    }
}

/// What the spawner keeps of a sandbox beside its process.
struct Ends {
    progress: File,
    ending: File,
    handover: Vec<OwnedFd>,
}

fn prepare<'a>(
    host: &'a mut Host,
    seat: &mut Seat,
    home: &mut Option<Home>,
    spec: &SandboxSpec,
    clock: &mut Clock,
) -> io::Result<(Plan<'a>, Ends)> {
    let tmp = take_tmp(host, seat, home, spec).map_err(|e| named("make /tmp", &e))?;
    let (identity, users) =
        home.as_ref().map_or((&seat.identity, &seat.users), |home| (&home.identity, &home.users));
    clock.done("tmp");
    // One more than the function may have: the init counts too.
    let limited = seat.cgroup.limit(spec.memory_bytes, spec.processes_max.saturating_add(1), spec.cpu_shares);
    limited.map_err(|e| named("limit memory and processes", &e))?;
    clock.done("limits");
    let mut handover = std::mem::take(&mut seat.sockets);
    let (output_read, output) = pipe_with(PipeFlags::CLOEXEC)?;
    // The program's own, so that it may also open it by name: /dev/stdout.
    let (user, group) = (Uid::from_raw(identity.number()), Gid::from_raw(identity.number()));
    fchown(&output, Some(user), Some(group))?;
    handover.push(not_waiting(output_read)?);
    let mut channel = None;
    if spec.channel {
        let (inside_reads, sending) = pipe_with(PipeFlags::CLOEXEC)?;
        let (receiving, inside_writes) = pipe_with(PipeFlags::CLOEXEC)?;
        handover.push(not_waiting(sending)?);
        handover.push(not_waiting(receiving)?);
        channel = Some(Channel { reads: inside_reads, writes: inside_writes });
    }
    let (progress, progress_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let (ending, ending_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let plan = Plan {
        doors: std::mem::take(&mut seat.doors),
        network: seat.network.try_clone()?,
        users: users.try_clone()?,
        tree: Tree::plan(&host.stage(), &spec.mounts, &spec.directory, host.seats.name_servers())?,
        tmp,
        filter: &host.filter,
        landlock: host.landlock,
        program: Program::prepare(spec, output, channel)?,
        spawner: &host.myself,
        progress: File::from(progress_write),
        ending: File::from(ending_write),
        cloned: Instant::now(),
    };
    clock.done("prepare");
    Ok((plan, Ends { progress: File::from(progress), ending: File::from(ending), handover }))
}

/// The `/tmp` that an earlier sandbox left, or a new one, which is kept when that is asked for.
fn take_tmp(
    host: &mut Host,
    seat: &Seat,
    home: &mut Option<Home>,
    spec: &SandboxSpec,
) -> io::Result<OwnedFd> {
    if let Some(home) = home {
        return home.disk.mount();
    }
    let (mount, disk) = host.scratch.take(spec.tmp_bytes)?;
    if spec.keeps_tmp {
        *home = Some(Home { disk, identity: seat.identity.clone(), users: seat.users.try_clone()? });
    }
    Ok(mount)
}

fn clone(mut plan: Plan<'_>, ends: Ends) -> io::Result<(OwnedFd, Ends)> {
    plan.cloned = Instant::now();
    let namespaces = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC;
    match kernel::clone_process(namespaces)? {
        Side::Child => init::main(plan),
        Side::Parent(process, _) => Ok((process, ends)),
    }
}

/// Using it says `WouldBlock` instead of waiting.
fn not_waiting(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    rustix::io::ioctl_fionbio(&descriptor, true)?;
    Ok(descriptor)
}

/// How long each step took.
struct Clock {
    last: Instant,
    timings: Vec<(String, u64)>,
}

impl Clock {
    fn done(&mut self, name: &str) {
        let now = Instant::now();
        let taken = u64::try_from(now.duration_since(self.last).as_micros()).unwrap_or(u64::MAX);
        self.timings.push((name.to_owned(), taken));
        self.last = now;
    }
}

fn named(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
