//! Places for sandboxes, made ahead: a network namespace that is up with its served sockets, a user namespace that is
//! mapped, cgroups, a user number.
//!
//! Making them takes 1.5 ms, entering them microseconds.
//!
//! Never: given to a second sandbox; able to reach the host's loopback or any address of it.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::event::pause;
use rustix::fs::{Gid, Uid};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, getppid, pidfd_send_signal, set_parent_process_death_signal,
    waitid,
};
use rustix::thread::{
    LinkNameSpaceType, UnshareFlags, capabilities, move_into_link_name_space, set_capabilities,
    set_keep_capabilities, set_thread_res_gid, set_thread_res_uid,
};

use crate::api::Listen;
use crate::cgroups::{Cgroup, Cgroups};
use crate::egress::{Egress, Router};
use crate::identity::{INSIDE_GROUP, INSIDE_USER, Identities, Identity};
use crate::kernel;

/// The address inside at which AWS's runtimes find the Runtime API.
const ADDRESS_INSIDE: Ipv4Addr = Ipv4Addr::new(169, 254, 100, 1);

/// Connections that wait to be accepted on a served socket.
const BACKLOG: i32 = 128;

/// A place for one sandbox.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) network: OwnedFd,
    pub(crate) users: OwnedFd,
    pub(crate) cgroup: Cgroup,
    /// Readable when its memory runs out.
    pub(crate) shortages: Option<OwnedFd>,
    /// The cgroups' files through which the sandbox enters.
    pub(crate) doors: Vec<File>,
    /// Served sockets, in the order asked for.
    pub(crate) sockets: Vec<OwnedFd>,
    pub(crate) identity: Identity,
}

/// Ready places.
#[derive(Debug)]
pub(crate) struct Seats {
    ready: Vec<Seat>,
    wanted: usize,
    /// The sockets of the ready ones: those asked for last.
    listen: Vec<Listen>,
    home: File,
    cgroups: Cgroups,
    pub(crate) identities: Identities,
    router: Option<Router>,
}

impl Seats {
    /// An empty pool that refills to `wanted` places with the sockets `listen`.
    pub(crate) fn new(
        wanted: usize,
        listen: &[Listen],
        cgroups: Cgroups,
        identities: Identities,
    ) -> io::Result<Seats> {
        let home = File::open("/proc/self/ns/net")?;
        Ok(Seats {
            ready: Vec::new(),
            wanted,
            listen: listen.to_vec(),
            home,
            cgroups,
            identities,
            router: None,
        })
    }

    /// Gives the places made from now on a way out. None was made yet.
    pub(crate) fn connect(&mut self, egress: Egress, instance: &str) -> io::Result<()> {
        self.router = Some(Router::open(egress, instance)?);
        Ok(())
    }

    /// A place with these sockets, ready or made now.
    pub(crate) fn take(&mut self, listen: &[Listen]) -> io::Result<Seat> {
        if self.listen != listen {
            self.listen = listen.to_vec();
            self.clear();
        }
        match self.ready.pop() {
            Some(seat) => Ok(seat),
            None => self.make(),
        }
    }

    /// Makes one more ready if there are too few; false when there is nothing to do.
    pub(crate) fn refill(&mut self) -> io::Result<bool> {
        if self.ready.len() >= self.wanted {
            return Ok(false);
        }
        let seat = self.make()?;
        self.ready.push(seat);
        Ok(true)
    }

    /// Gives back all that is ready.
    pub(crate) fn clear(&mut self) {
        for seat in std::mem::take(&mut self.ready) {
            self.give_back(&seat);
        }
    }

    /// Gives back all there is, at the end.
    pub(crate) fn close(&mut self) {
        self.clear();
        if let Some(router) = self.router.take() {
            router.close();
        }
    }

    /// Whom sandboxes ask for names.
    pub(crate) fn name_servers(&self) -> &[Ipv4Addr] {
        self.router.as_ref().map_or(&[], |router| &router.name_servers)
    }

    /// Gives back a place that no process entered.
    fn give_back(&mut self, seat: &Seat) {
        seat.cgroup.remove().ok(); // it was never used, so it is not busy
        self.identities.give_back(&seat.identity);
    }

    fn make(&mut self) -> io::Result<Seat> {
        let identity = self.identities.take()?;
        self.make_for(&identity).inspect_err(|_| self.identities.give_back(&identity))
    }

    fn make_for(&mut self, identity: &Identity) -> io::Result<Seat> {
        let (network, sockets) = self.make_network(identity.number() - self.identities.owner())?;
        let users = make_users(self.identities.owner(), identity.number())?;
        let cgroup = self.cgroups.make(&identity.number().to_string())?;
        let doors = cgroup.doors()?;
        let shortages = cgroup.shortages()?;
        Ok(Seat { network, users, cgroup, shortages, doors, sockets, identity: identity.clone() })
    }

    /// A network namespace of its own, owned by the host's user namespace, with loopback up and the served sockets
    /// in it. Those stay there wherever their descriptors go.
    fn make_network(&mut self, number: u32) -> io::Result<(OwnedFd, Vec<OwnedFd>)> {
        kernel::unshare(UnshareFlags::NEWNET)?;
        let connect = |router: &mut Router| router.connect(number);
        let made =
            set_up_loopback().and_then(|()| self.router.as_mut().map_or(Ok(()), connect)).and_then(|()| {
                let sockets = self.listen.iter().map(open_socket).collect::<io::Result<_>>()?;
                Ok((OwnedFd::from(File::open("/proc/self/ns/net")?), sockets))
            });
        move_into_link_name_space(self.home.as_fd(), Some(LinkNameSpaceType::Network))?;
        made
    }
}

fn set_up_loopback() -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)?;
    kernel::bring_up(socket.as_fd(), c"lo")?; // the kernel adds 127.0.0.1 and ::1
    kernel::add_address(socket.as_fd(), c"lo:1", ADDRESS_INSIDE)
}

fn open_socket(wanted: &Listen) -> io::Result<OwnedFd> {
    let (address, kind) = match wanted {
        Listen::Tcp(address) => (address, SocketType::STREAM),
        Listen::Udp(address) => (address, SocketType::DGRAM),
    };
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let open = || -> rustix::io::Result<OwnedFd> {
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        bind(&socket, address)?;
        if let Listen::Tcp(_) = wanted {
            listen(&socket, BACKLOG)?;
        }
        Ok(socket)
    };
    let named = |error: rustix::io::Errno, address: &SocketAddr| {
        io::Error::new(error.kind(), format!("serve {address} inside: {error}"))
    };
    open().map_err(|error| named(error, address))
}

/// A user namespace that shows `owner` as root and `program` as the sandbox's user. Nobody else exists in it.
///
/// It is made by `program`, so that what the kernel counts for the maker of a namespace (inotify instances, message
/// queues, pending signals) is counted for each sandbox alone, not for the host's root and all sandboxes together.
fn make_users(owner: u32, program: u32) -> io::Result<OwnedFd> {
    let spawner = getpid();
    let (made, make) = pipe_with(PipeFlags::CLOEXEC)?;
    let (holder, number) = match kernel::clone_process(0)? {
        kernel::Side::Child => match become_maker(program).and_then(|()| Ok(rustix::io::write(&make, b".")?))
        {
            Ok(_) => hold_until_killed(spawner),
            Err(_) => kernel::exit_now(1),
        },
        kernel::Side::Parent(holder, number) => (holder, number),
    };
    drop(make);
    let entered = rustix::io::read(&made, &mut [0; 1])? == 1;
    let made =
        if entered { map_users(number, owner, program) } else { Err(io::Error::other("no user namespace")) };
    pidfd_send_signal(&holder, Signal::KILL)?;
    waitid(WaitId::PidFd(holder.as_fd()), WaitIdOptions::EXITED)?;
    made
}

/// Enters a new user namespace as this user. The capability for it is kept over the change of user: some hosts let
/// nobody without it make one.
fn become_maker(user: u32) -> io::Result<()> {
    set_keep_capabilities(true)?;
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    let mut sets = capabilities(None)?;
    sets.effective = sets.permitted;
    set_capabilities(None, sets)?;
    kernel::unshare(UnshareFlags::NEWUSER)
}

/// Keeps a new namespace alive until the spawner has opened it and kills this process, or dies.
fn hold_until_killed(spawner: Pid) -> ! {
    let guarded = set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
    while guarded && getppid() == Some(spawner) {
        pause();
    }
    kernel::exit_now(1)
}

fn map_users(holder: i32, owner: u32, program: u32) -> io::Result<OwnedFd> {
    let process = Path::new("/proc").join(holder.to_string());
    fs::write(process.join("uid_map"), format!("0 {owner} 1\n{INSIDE_USER} {program} 1\n"))?;
    fs::write(process.join("gid_map"), format!("0 {owner} 1\n{INSIDE_GROUP} {program} 1\n"))?;
    Ok(OwnedFd::from(File::open(process.join("ns/user"))?))
}
