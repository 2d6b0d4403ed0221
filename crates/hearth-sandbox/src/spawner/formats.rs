//! Sandboxes that wait for a `/tmp` of a size that no sandbox had before, and the programs that make its template.
//!
//! What waits is kept out of this process's memory, of which the sandboxes started meanwhile get a copy: its
//! environment holds credentials.
//!
//! Never: keeps those waiting that need none; more than some templates being made at once.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Seek, Write};

use rustix::fs::{MemfdFlags, memfd_create};

use super::source::ID_MAX;
use crate::api::{SandboxId, SandboxSpec};
use crate::kernel;
use crate::scratch::Formatting;

/// Templates that are made at once. Each takes some 20 ms of one processor.
const AT_ONCE: usize = 2;
/// Sandboxes that wait at most, each with a descriptor: further ones are refused.
const WAITING_MAX: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Formats {
    /// By the size in bytes.
    pub(super) running: BTreeMap<u64, Formatting>,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    id: SandboxId,
    bytes: u64,
    spec: File,
}

impl Formats {
    /// Lets a start wait for its size.
    pub(super) fn wait(&mut self, id: SandboxId, spec: &SandboxSpec) -> Result<(), String> {
        if self.waiting.len() >= WAITING_MAX {
            return Err(format!("{WAITING_MAX} sandboxes wait for their /tmp already"));
        }
        if spec.tmp_bytes > ID_MAX {
            return Err(format!("a /tmp of {} bytes is too large", spec.tmp_bytes));
        }
        let kept = keep(spec).map_err(|error| format!("keep it until its /tmp is made: {error}"))?;
        self.waiting.push_back(Waiting { id, bytes: spec.tmp_bytes, spec: kept });
        Ok(())
    }

    /// Whether it waits.
    pub(super) fn has(&self, id: SandboxId) -> bool {
        self.waiting.iter().any(|waiting| waiting.id == id)
    }

    /// Lets it wait no more; false when it did not.
    pub(super) fn forget(&mut self, id: SandboxId) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.id != id);
        self.waiting.len() < before
    }

    /// Those that waited for this size, in their order.
    pub(super) fn take(&mut self, bytes: u64) -> Vec<(SandboxId, Result<SandboxSpec, String>)> {
        let (ready, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|it| it.bytes == bytes);
        self.waiting = waiting;
        let read = |it: Waiting| {
            let spec = read_back(it.spec).map_err(|error| format!("read what was kept of it: {error}"));
            (it.id, spec)
        };
        ready.into_iter().map(read).collect()
    }

    /// A size that somebody waits for and nobody makes, if there is room to make it.
    pub(super) fn next(&self) -> Option<u64> {
        let unmade = |waiting: &&Waiting| !self.running.contains_key(&waiting.bytes);
        let next = self.waiting.iter().find(unmade).map(|waiting| waiting.bytes);
        next.filter(|_| self.running.len() < AT_ONCE)
    }

    pub(super) fn is_at_work(&self) -> bool {
        !self.running.is_empty()
    }

    /// Ends those whose time is over.
    pub(super) fn check_time(&mut self) {
        self.running.values_mut().for_each(Formatting::check_time);
    }

    /// Ends all, and lets nobody wait any more.
    pub(super) fn kill(&mut self) {
        self.waiting.clear();
        std::mem::take(&mut self.running).into_values().for_each(Formatting::discard);
    }
}

fn keep(spec: &SandboxSpec) -> io::Result<File> {
    let mut kept = File::from(memfd_create("hearth-start", MemfdFlags::CLOEXEC)?);
    let mut bytes = postcard::to_stdvec(spec).map_err(io::Error::other)?;
    let written = kept.write_all(&bytes);
    kernel::wipe_bytes(&mut bytes);
    written.map(|()| kept)
}

fn read_back(mut kept: File) -> io::Result<SandboxSpec> {
    let mut bytes = Vec::with_capacity(usize::try_from(kept.metadata()?.len()).map_err(io::Error::other)?);
    kept.rewind()?;
    kept.read_to_end(&mut bytes)?;
    let spec = postcard::from_bytes(&bytes).map_err(io::Error::other);
    kernel::wipe_bytes(&mut bytes);
    spec
}
