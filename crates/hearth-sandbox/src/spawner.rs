//! The spawner process: alone privileged, one thread, one loop over what its sandboxes and its server do.
//!
//! ```text
//!            Start                 exec                    program ended, or Kill
//! (nothing) ──────▶ being made ──────────▶ running ─────────────────────────────▶ leaving ──▶ (nothing)
//!                       └── failed, or killed ───────────────────────────────────────▲
//! ```
//!
//! Never: a second thread; a wait for one sandbox that keeps others waiting; an end that leaves something behind.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::api::{Command, Event, SandboxId, StartFailure, UnpackError};
use crate::connection::Greeting;
use crate::host::Host;
use crate::start::Home;
use crate::unpack::Unpacking;
use crate::{kernel, start, wire};

mod homes;
mod sandbox;

use sandbox::Sandbox;

/// Events taken from the kernel at a time.
const EVENTS_MAX: usize = 64;
/// Quiet before one part is made ahead, so that it does not take the processor from a sandbox that starts.
const REFILL_PAUSE: Duration = Duration::from_millis(30);
/// Between two attempts to remove a cgroup that is still busy.
const REMOVE_PAUSE: Duration = Duration::from_millis(2);
/// Between two looks at the time limits of unpacking.
const UNPACK_PAUSE: Duration = Duration::from_millis(250);
/// When the server is gone: until everything is killed and given back.
const END_WAIT: Duration = Duration::from_secs(8);

/// What `hearth __spawner` does, before any other thread exists: serves the connection that is its stdin until the
/// other side closes it.
pub fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hearth spawner: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    // Ctrl-C in a terminal reaches the whole group; the server decides what it means.
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGPIPE] {
        kernel::ignore_signal(signal);
    }
    rustix::thread::set_name(c"hearth-spawner")?;
    // Three descriptors for each sandbox, and some for each that is ready.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?;
    let control = kernel::inherited(libc::STDIN_FILENO)?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    kernel::duplicate_to(nothing.as_fd(), libc::STDIN_FILENO)?;
    let Some((greeting, _)) = wire::receive::<Greeting>(control.as_fd())? else { return Ok(()) };
    let host = match Host::open(&greeting) {
        Ok(host) => host,
        Err(reason) => return wire::send(control.as_fd(), &Err::<(), String>(reason), &[]),
    };
    let greeted = wire::send(control.as_fd(), &Ok::<(), String>(()), &[]);
    rustix::io::ioctl_fionbio(&control, true)?;
    let mut spawner = Spawner::new(control, host)?;
    // A server that was killed while it started is gone by now; what was made for it is given back all the same.
    let served = greeted.and_then(|()| {
        spawner.open_the_way_out(&greeting);
        spawner.run()
    });
    spawner.end()?;
    served
}

/// What a descriptor in the loop belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Control,
    Progress(SandboxId),
    Process(SandboxId),
    Unpack(u64),
    /// A sandbox's memory ran out.
    Shortage(SandboxId),
}

/// Ids leave three bits for the kind of source.
const ID_MAX: u64 = u64::MAX >> 3;

impl Source {
    fn token(self) -> epoll::EventData {
        epoll::EventData::new_u64(match self {
            Source::Control => 0,
            Source::Progress(SandboxId(id)) => id << 3 | 1,
            Source::Process(SandboxId(id)) => id << 3 | 2,
            Source::Unpack(id) => id << 3 | 3,
            Source::Shortage(SandboxId(id)) => id << 3 | 4,
        })
    }

    fn from_token(token: u64) -> Source {
        let id = token >> 3;
        match token & 7 {
            1 => Source::Progress(SandboxId(id)),
            2 => Source::Process(SandboxId(id)),
            3 => Source::Unpack(id),
            4 => Source::Shortage(SandboxId(id)),
            _ => Source::Control,
        }
    }
}

struct Spawner {
    control: OwnedFd,
    epoll: OwnedFd,
    host: Host,
    sandboxes: BTreeMap<SandboxId, Sandbox>,
    /// What sandboxes left that are gone: one each, until it is taken over or forgotten.
    homes: BTreeMap<SandboxId, Home>,
    unpackings: BTreeMap<u64, Unpacking>,
    /// Events that the server has not taken yet: a few for each thing it asked for.
    outbox: VecDeque<(Event, Vec<OwnedFd>)>,
    /// The loop waits for room in the control socket.
    waits_for_room: bool,
    /// The server is gone.
    ended: bool,
    /// Pools are topped up when it is quiet. Switched off after a failure until the next command.
    refills: bool,
}

impl Spawner {
    fn new(control: OwnedFd, host: Host) -> io::Result<Spawner> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &control, Source::Control.token(), epoll::EventFlags::IN)?;
        Ok(Spawner {
            control,
            epoll,
            host,
            sandboxes: BTreeMap::new(),
            homes: BTreeMap::new(),
            unpackings: BTreeMap::new(),
            outbox: VecDeque::new(),
            waits_for_room: false,
            ended: false,
            refills: true,
        })
    }

    /// Makes the router, which takes some 25 ms: after the server was told that it may go on. Who starts a sandbox at
    /// once waits for it.
    fn open_the_way_out(&mut self, greeting: &Greeting) {
        let Some(egress) = greeting.egress else { return };
        if let Err(error) = self.host.seats.connect(egress, &greeting.instance) {
            self.outbox.push_back((Event::NoEgress(error.to_string()), Vec::new()));
        }
    }

    fn run(&mut self) -> io::Result<()> {
        while !self.ended {
            self.turn()?;
        }
        Ok(())
    }

    /// Kills everything and waits until it is given back.
    fn end(&mut self) -> io::Result<()> {
        self.ended = true;
        self.refills = false;
        self.sandboxes.values_mut().for_each(Sandbox::kill);
        self.unpackings.values().for_each(Unpacking::kill);
        let begun = Instant::now();
        while !(self.sandboxes.is_empty() && self.unpackings.is_empty()) {
            if begun.elapsed() > END_WAIT {
                return Err(io::Error::other("sandboxes are left that could not be removed"));
            }
            self.turn()?;
        }
        self.host.close();
        Ok(())
    }

    /// Waits for what happens next and deals with it; tops a pool up when nothing does.
    fn turn(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS_MAX);
        let wait = self.wait_limit().and_then(|wait| Timespec::try_from(wait).ok());
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), wait.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let data = event.data;
            self.handle(Source::from_token(data.u64()), event.flags)?;
        }
        if events.is_empty() && self.refills {
            self.refill();
        }
        self.remove_the_leaving();
        self.unpackings.values_mut().for_each(Unpacking::check_time);
        self.sandboxes.values_mut().for_each(Sandbox::check_relief);
        self.send_events()
    }

    fn wait_limit(&self) -> Option<Duration> {
        if self.sandboxes.values().any(Sandbox::is_leaving) {
            Some(REMOVE_PAUSE)
        } else if self.refills || self.sandboxes.values().any(Sandbox::is_relieved) {
            Some(REFILL_PAUSE)
        } else if !self.unpackings.is_empty() || self.ended {
            Some(UNPACK_PAUSE)
        } else {
            None
        }
    }

    fn refill(&mut self) {
        self.refills = self.host.refill().unwrap_or_else(|error| {
            eprintln!("hearth spawner: fill the pool of ready parts: {error}");
            false
        });
    }

    fn handle(&mut self, source: Source, flags: epoll::EventFlags) -> io::Result<()> {
        match source {
            Source::Control if self.ended => {
                epoll::delete(&self.epoll, &self.control).ok();
            }
            Source::Control => {
                if flags.intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
                    self.take_command()?;
                }
            }
            Source::Progress(id) => {
                if let Some(sandbox) = self.sandboxes.get_mut(&id) {
                    self.outbox.extend(sandbox.progressed(id));
                    if !sandbox.is_being_made() {
                        unwatch_progress(&self.epoll, sandbox)?;
                    }
                }
            }
            Source::Process(id) => {
                if let Some(sandbox) = self.sandboxes.get_mut(&id) {
                    self.outbox.extend(sandbox.ended(id));
                    unwatch_progress(&self.epoll, sandbox)?;
                    epoll::delete(&self.epoll, sandbox.process())?;
                    if let Some(shortages) = sandbox.shortages() {
                        epoll::delete(&self.epoll, shortages)?;
                    }
                }
            }
            Source::Shortage(id) => {
                if let Some(sandbox) = self.sandboxes.get_mut(&id) {
                    sandbox.ran_short();
                }
            }
            Source::Unpack(number) => {
                if let Some(unpacking) = self.unpackings.remove(&number) {
                    epoll::delete(&self.epoll, unpacking.process())?;
                    self.outbox.push_back((Event::Unpacked(number, unpacking.finish()), Vec::new()));
                }
            }
        }
        Ok(())
    }

    fn take_command(&mut self) -> io::Result<()> {
        let (command, descriptors) = match wire::receive::<Command>(self.control.as_fd()) {
            Ok(Some(received)) => received,
            Ok(None) => {
                self.ended = true;
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        match command {
            Command::Start(id, mut spec) => {
                if let Err(reason) = self.start(id, &spec) {
                    let failure = StartFailure::Host(reason);
                    self.outbox.push_back((Event::StartFailed { id, failure }, Vec::new()));
                }
                spec.environment.iter_mut().for_each(|(_, value)| kernel::wipe(value));
                self.refills = true;
            }
            Command::Forget(id) => self.forget(id),
            Command::Kill(id) => self.with(id, Sandbox::kill),
            Command::Freeze(id) => self.with(id, |sandbox| sandbox.freeze()),
            Command::Thaw(id) => self.with(id, |sandbox| sandbox.thaw()),
            Command::LimitCpu(id, microseconds) => self.with(id, |sandbox| sandbox.limit_cpu(microseconds)),
            Command::Unpack(number, spec) => {
                if let Err(error) = self.unpack(number, spec, descriptors) {
                    self.outbox.push_back((Event::Unpacked(number, Err(error)), Vec::new()));
                }
            }
        }
        Ok(())
    }

    /// Does something with a sandbox, unless it has ended meanwhile.
    fn with(&mut self, id: SandboxId, act: impl FnOnce(&mut Sandbox)) {
        if let Some(sandbox) = self.sandboxes.get_mut(&id) {
            act(sandbox);
        }
    }

    fn start(&mut self, id: SandboxId, spec: &crate::api::SandboxSpec) -> Result<(), String> {
        if id.0 > ID_MAX || self.sandboxes.contains_key(&id) {
            return Err(format!("the id {} is not free", id.0));
        }
        self.host.walls.as_ref().map_or(Ok(()), |walls| walls.check(&spec.mounts))?;
        let home = spec.tmp_of.and_then(|of| self.homes.remove(&of));
        let launched = start::launch(&mut self.host, spec, home).map_err(|error| error.to_string())?;
        let mut sandbox = Sandbox::new(launched);
        let watch = |descriptor, source: Source| {
            epoll::add(&self.epoll, descriptor, source.token(), epoll::EventFlags::IN)
        };
        let watched = watch(sandbox.process(), Source::Process(id)).and_then(|()| {
            sandbox.progress().map_or(Ok(()), |progress| watch(progress, Source::Progress(id)))?;
            sandbox.shortages().map_or(Ok(()), |shortages| watch(shortages, Source::Shortage(id)))
        });
        if watched.is_err() {
            sandbox.kill(); // without a watch it would never be heard of again
        }
        self.sandboxes.insert(id, sandbox);
        watched.map_err(|error| format!("watch the sandbox: {error}"))
    }

    fn unpack(
        &mut self,
        number: u64,
        spec: crate::api::UnpackSpec,
        archives: Vec<OwnedFd>,
    ) -> Result<(), UnpackError> {
        if archives.is_empty() {
            return Err(UnpackError::Host("no archive came along".to_owned()));
        }
        if number > ID_MAX || self.unpackings.contains_key(&number) {
            return Err(UnpackError::Host(format!("the number {number} is not free")));
        }
        let unpacking = Unpacking::begin(&self.host, number, spec, archives)?;
        epoll::add(&self.epoll, unpacking.process(), Source::Unpack(number).token(), epoll::EventFlags::IN)
            .map_err(|error| UnpackError::Host(format!("watch the unpacking: {error}")))?;
        self.unpackings.insert(number, unpacking);
        Ok(())
    }

    /// Sends as many events as the socket takes, and asks to be woken for the rest.
    fn send_events(&mut self) -> io::Result<()> {
        while let Some((event, descriptors)) = self.outbox.front() {
            let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            match wire::send(self.control.as_fd(), event, &descriptors) {
                Ok(()) => drop(self.outbox.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    // The server is gone: nobody will hear the rest.
                    self.outbox.clear();
                    self.ended = true;
                }
            }
        }
        let waits = !self.outbox.is_empty();
        if waits != self.waits_for_room && !self.ended {
            let room = if waits { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
            epoll::modify(&self.epoll, &self.control, Source::Control.token(), epoll::EventFlags::IN | room)?;
            self.waits_for_room = waits;
        }
        Ok(())
    }
}

/// Children being made hold copies of the descriptor for a moment, so closing it alone would not end the watch.
fn unwatch_progress(epoll: &OwnedFd, sandbox: &mut Sandbox) -> io::Result<()> {
    if let Some(progress) = sandbox.progress() {
        epoll::delete(epoll, progress)?;
    }
    sandbox.close_progress();
    Ok(())
}
