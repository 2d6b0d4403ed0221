//! Linux isolation: the spawner process, the sandboxes it makes, and the init inside each.
//!
//! ```text
//! server ──seqpacket: Command──▶ hearth __spawner (root, one thread) ──clone──▶ init ──fork──▶ the program
//!        ◀──Event + descriptors──                                    (namespaces, mounts, cgroup, seccomp)
//! ```
//!
//! The server that reads the network never forks, mounts or enters a namespace. When its socket closes, the
//! spawner kills everything it made and leaves nothing behind. The only crate with `unsafe`.
//!
//! Never: knows Lambda; is async; uses another Hearth crate.

#![allow(
    unsafe_code,
    reason = "the one crate that speaks to the kernel directly; every block says why it is sound"
)]

pub mod api;
mod cgroups;
mod confinement;
mod connection;
mod doctor;
mod egress;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod host;
mod identity;
mod init;
mod kernel;
mod landlock;
mod netlink;
mod privilege;
mod program;
mod removal;
mod root;
mod scratch;
mod seats;
mod seccomp;
pub mod spawner;
mod start;
mod unpack;
mod wire;

pub use confinement::Confinement;
pub use connection::{Connection, LaunchError, Options, POOL_DEFAULT, SPAWNER_ARGUMENT, Spawner};
pub use doctor::{Check, Level, doctor, missing_for_full, missing_walls};
pub use egress::Egress;
pub use host::clean_up;
