//! What the spawner's loop listens to, as the one number that the kernel keeps with each descriptor.
//!
//! Never: two sources of one number.

use rustix::event::epoll;

use crate::api::SandboxId;

/// What a descriptor in the loop belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Control,
    Progress(SandboxId),
    Process(SandboxId),
    Unpack(u64),
    /// A tree that is being removed.
    Removal(u64),
    /// A file system of so many bytes that is being made.
    Format(u64),
    /// A sandbox's memory ran out.
    Shortage(SandboxId),
}

/// Ids leave three bits for the kind of source.
pub(super) const ID_MAX: u64 = u64::MAX >> 3;

impl Source {
    pub(super) fn token(self) -> epoll::EventData {
        epoll::EventData::new_u64(match self {
            Source::Control => 0,
            Source::Progress(SandboxId(id)) => id << 3 | 1,
            Source::Process(SandboxId(id)) => id << 3 | 2,
            Source::Unpack(id) => id << 3 | 3,
            Source::Shortage(SandboxId(id)) => id << 3 | 4,
            Source::Removal(id) => id << 3 | 5,
            Source::Format(bytes) => bytes << 3 | 6,
        })
    }

    pub(super) fn from_token(token: u64) -> Source {
        let id = token >> 3;
        match token & 7 {
            1 => Source::Progress(SandboxId(id)),
            2 => Source::Process(SandboxId(id)),
            3 => Source::Unpack(id),
            4 => Source::Shortage(SandboxId(id)),
            5 => Source::Removal(id),
            6 => Source::Format(id),
            _ => Source::Control,
        }
    }
}
