//! What the server asks of the spawner.
//!
//! Never: a command without its answer; a second thing under a number that is in use.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::event::epoll;

use super::Spawner;
use super::sandbox::{KILLED_WHILE_MADE, Sandbox};
use super::source::{ID_MAX, Source};
use crate::api::{Command, Event, SandboxId, SandboxSpec, StartFailure, UnpackError, UnpackSpec};
use crate::removal::Removal;
use crate::scratch::Formatting;
use crate::unpack::Unpacking;
use crate::{kernel, start, wire};

impl Spawner {
    /// Takes the next command, if one is there, and carries it out or begins to.
    pub(super) fn take_command(&mut self) -> io::Result<()> {
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
                wipe_environment(&mut spec);
                self.refills = true;
            }
            Command::Forget(id) => self.forget(id),
            Command::Kill(id) => {
                if self.formats.forget(id) {
                    let failure = StartFailure::Host(KILLED_WHILE_MADE.to_owned());
                    self.outbox.push_back((Event::StartFailed { id, failure }, Vec::new()));
                }
                self.with(id, Sandbox::kill);
            }
            Command::Freeze(id) => self.with(id, |sandbox| sandbox.freeze()),
            Command::Thaw(id) => self.with(id, |sandbox| sandbox.thaw()),
            Command::LimitCpu(id, microseconds) => self.with(id, |sandbox| sandbox.limit_cpu(microseconds)),
            Command::Remove(number, tree) => {
                if let Err(reason) = self.remove(number, &tree) {
                    self.outbox.push_back((Event::Removed(number, Err(reason)), Vec::new()));
                }
            }
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

    /// Starts it, or lets it wait for a file system of its size.
    fn start(&mut self, id: SandboxId, spec: &SandboxSpec) -> Result<(), String> {
        if id.0 > ID_MAX || self.sandboxes.contains_key(&id) || self.formats.has(id) {
            return Err(format!("the id {} is not free", id.0));
        }
        self.host.walls.as_ref().map_or(Ok(()), |walls| walls.check(&spec.mounts))?;
        let taken_over = spec.tmp_of.is_some_and(|of| self.homes.contains_key(&of));
        if taken_over || self.host.scratch.has_template(spec.tmp_bytes) {
            return self.launch(id, spec);
        }
        self.formats.wait(id, spec)?;
        self.begin_formats();
        Ok(())
    }

    /// Starts those that waited for this size; those whose turn comes now have theirs made.
    pub(super) fn formatted(&mut self, bytes: u64) -> io::Result<()> {
        let Some(formatting) = self.formats.running.remove(&bytes) else { return Ok(()) };
        epoll::delete(&self.epoll, formatting.process())?;
        let made = formatting.finish(&self.host.scratch);
        if let Err(reason) = &made {
            eprintln!("hearth spawner: make a /tmp of {bytes} bytes: {reason}");
            self.refills = false;
        }
        for (id, spec) in self.formats.take(bytes) {
            let started = made.clone().and_then(|()| {
                let mut spec = spec?;
                let started = self.launch(id, &spec);
                wipe_environment(&mut spec);
                started
            });
            if let Err(reason) = started {
                let failure = StartFailure::Host(reason);
                self.outbox.push_back((Event::StartFailed { id, failure }, Vec::new()));
            }
        }
        self.begin_formats();
        Ok(())
    }

    /// Makes file systems of the sizes that somebody waits for, some at a time.
    fn begin_formats(&mut self) {
        while let Some(bytes) = self.formats.next() {
            let begun = self.begin_format(bytes);
            if let Err(error) = begun {
                for (id, _) in self.formats.take(bytes) {
                    let failure = StartFailure::Host(format!("make /tmp: {error}"));
                    self.outbox.push_back((Event::StartFailed { id, failure }, Vec::new()));
                }
            }
        }
    }

    /// Makes one of this size, which is not being made.
    pub(super) fn begin_format(&mut self, bytes: u64) -> io::Result<()> {
        let formatting = Formatting::begin(&self.host.scratch, bytes)?;
        let token = Source::Format(bytes).token();
        epoll::add(&self.epoll, formatting.process(), token, epoll::EventFlags::IN)?;
        self.formats.running.insert(bytes, formatting);
        Ok(())
    }

    fn launch(&mut self, id: SandboxId, spec: &SandboxSpec) -> Result<(), String> {
        let home = spec.tmp_of.and_then(|of| self.homes.remove(&of));
        let launched = start::launch(&mut self.host, spec, home).map_err(|error| error.to_string())?;
        let mut sandbox = Sandbox::new(launched);
        let watch = |descriptor, source: Source| {
            epoll::add(&self.epoll, descriptor, source.token(), epoll::EventFlags::IN)
        };
        let watched = watch(sandbox.process(), Source::Process(id)).and_then(|()| {
            sandbox.progress().map_or(Ok(()), |progress| watch(progress, Source::Progress(id)))?;
            let Some((shortages, flags)) = sandbox.shortages() else { return Ok(()) };
            epoll::add(&self.epoll, shortages, Source::Shortage(id).token(), flags)
        });
        if watched.is_err() {
            sandbox.kill(); // without a watch it would never be heard of again
        }
        self.sandboxes.insert(id, sandbox);
        watched.map_err(|error| format!("watch the sandbox: {error}"))
    }

    fn unpack(&mut self, number: u64, spec: UnpackSpec, archives: Vec<OwnedFd>) -> Result<(), UnpackError> {
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

    fn remove(&mut self, number: u64, tree: &Path) -> Result<(), String> {
        if number > ID_MAX || self.removals.contains_key(&number) {
            return Err(format!("the number {number} is not free"));
        }
        let removal = Removal::begin(&self.host, number, tree)
            .map_err(|error| format!("remove {}: {error}", tree.display()))?;
        epoll::add(&self.epoll, removal.process(), Source::Removal(number).token(), epoll::EventFlags::IN)
            .map_err(|error| format!("watch the removal: {error}"))?;
        self.removals.insert(number, removal);
        Ok(())
    }
}

/// No copy of the memory taken later holds it.
fn wipe_environment(spec: &mut SandboxSpec) {
    spec.environment.iter_mut().for_each(|(_, value)| kernel::wipe(value));
}
