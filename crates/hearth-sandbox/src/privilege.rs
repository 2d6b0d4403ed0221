//! Giving up what a process may do, step by step.
//!
//! Never: a way back.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    DumpableBehavior, Gid, Signal, Uid, set_dumpable_behavior, set_parent_process_death_signal,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

/// Becomes a user and group, in no other group.
pub(crate) fn become_user(user: u32, group: u32) -> io::Result<()> {
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    Ok(set_thread_res_uid(user, user, user)?)
}

/// No program executed from here on gains a capability or a user, and nobody of the same user looks inside.
pub(crate) fn gain_nothing() -> io::Result<()> {
    for capability in CapabilitySet::all().iter() {
        // Fails for those that this kernel does not know, which nobody can hold.
        remove_capability_from_bounding_set(capability).ok();
    }
    set_no_new_privs(true)?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Holds no capability from here on.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    let none = CapabilitySet::empty();
    Ok(set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
}

/// Ends this process when the spawner does, even if it died before the kernel was asked for that. A change of user
/// takes this back, so it is done again after one. `spawner` is readable when the spawner is dead.
pub(crate) fn die_with_spawner(spawner: &OwnedFd) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let dead = poll(&mut [PollFd::new(spawner, PollFlags::IN)], Some(&now))? > 0;
    if dead { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
}
