//! Landlock: a second wall around the file tree, which holds when a mount or a leaked descriptor did not.
//!
//! ```text
//! /      read, execute            everything shown inside
//! /dev   write to its devices     beside the above
//! /tmp   everything but devices
//! ```
//!
//! A file of the host that is reached by whatever way is below none of these and is refused. The network is not
//! handled: ports say nothing about where a packet goes, and the network namespace does.
//!
//! Never: a sandbox that does not start because its kernel is older; a right that the file modes do not give too.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, openat};

/// Rights over files, as linux/landlock.h numbers them.
mod right {
    pub(super) const EXECUTE: u64 = 1;
    pub(super) const WRITE_FILE: u64 = 1 << 1;
    pub(super) const READ_FILE: u64 = 1 << 2;
    pub(super) const READ_DIR: u64 = 1 << 3;
    pub(super) const MAKE_CHAR: u64 = 1 << 6;
    pub(super) const MAKE_BLOCK: u64 = 1 << 11;
    pub(super) const TRUNCATE: u64 = 1 << 14;
    pub(super) const IOCTL_DEV: u64 = 1 << 15;
}

/// From this version of the interface on abstract Unix sockets and signals stay within.
const SCOPES_SINCE: i64 = 6;
/// Abstract Unix sockets and signals.
const SCOPES: u64 = 0b11;

/// The rights that a version of the kernel's interface knows, all of which are taken away first.
fn known(version: i64) -> u64 {
    let count = match version {
        ..=0 => 0,
        1 => 13,
        2 => 14,
        3 | 4 => 15,
        5.. => 16,
    };
    (1 << count) - 1
}

/// What is given back below each path.
fn rules() -> [(&'static str, u64); 3] {
    let all = known(i64::MAX);
    [
        ("/", right::EXECUTE | right::READ_FILE | right::READ_DIR),
        ("/dev", right::WRITE_FILE | right::TRUNCATE | right::IOCTL_DEV),
        ("/tmp", all & !(right::MAKE_CHAR | right::MAKE_BLOCK)),
    ]
}

/// Confines this process and all that come from it to the present root. It must have given up gaining privileges.
/// A kernel without Landlock confines nothing, which `hearth doctor` tells.
pub(crate) fn confine(version: Option<i64>) -> io::Result<()> {
    let Some(version) = version else { return Ok(()) };
    let handled = known(version);
    let rules_of_this = create(handled, version)?;
    for (path, rights) in rules() {
        let beneath = openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        allow(rules_of_this.as_fd(), beneath.as_fd(), rights & handled)?;
    }
    restrict(rules_of_this.as_fd())
}

/// `struct landlock_ruleset_attr`; older kernels take its beginning.
#[repr(C)]
struct Attributes {
    files: u64,
    network: u64,
    scoped: u64,
}

/// The version of Landlock that the kernel offers, if any.
pub(crate) fn version() -> Option<i64> {
    const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: with this flag the call takes no structure (null, size 0) and returns a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0_usize,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    };
    (version > 0).then_some(version)
}

fn create(files: u64, version: i64) -> io::Result<OwnedFd> {
    let scopes = version >= SCOPES_SINCE;
    let attributes = Attributes { files, network: 0, scoped: if scopes { SCOPES } else { 0 } };
    let size = if scopes { size_of::<Attributes>() } else { size_of::<u64>() };
    // SAFETY: the structure is a live value of at least the size given, which the kernel reads during the call.
    let descriptor =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0_u32) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel returned a new descriptor, which nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor as i32) })
}

fn allow(rules: BorrowedFd<'_>, beneath: BorrowedFd<'_>, rights: u64) -> io::Result<()> {
    const LANDLOCK_RULE_PATH_BENEATH: u32 = 1;
    #[repr(C, packed)]
    struct PathBeneath {
        rights: u64,
        descriptor: i32,
    }
    let rule = PathBeneath { rights, descriptor: beneath.as_raw_fd() };
    // SAFETY: the structure has the layout of this kind of rule and is read during the call; both descriptors live.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            rules.as_raw_fd(),
            LANDLOCK_RULE_PATH_BENEATH,
            &raw const rule,
            0_u32,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn restrict(rules: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: landlock_restrict_self takes numbers only, and the descriptor lives.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0_u32) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_knows_the_rights_of_the_one_before() {
        for version in 1..10 {
            assert_eq!(known(version - 1) & !known(version), 0, "{version}");
        }
        assert_eq!(known(1).count_ones(), 13);
        assert_eq!((known(3) & right::TRUNCATE, known(4) & right::IOCTL_DEV), (right::TRUNCATE, 0));
        assert_eq!(known(5), known(99), "what a later kernel adds is not ours to name");
    }

    #[test]
    fn only_tmp_may_change() {
        let changes = !(right::EXECUTE | right::READ_FILE | right::READ_DIR);
        let may_make = |path| rules().into_iter().any(|(rule, rights)| rule == path && rights & changes != 0);
        assert!(!may_make("/"));
        assert_eq!(rules()[1].1 & (right::MAKE_CHAR | right::EXECUTE), 0);
        assert_eq!(rules()[2].1 & (right::MAKE_CHAR | right::MAKE_BLOCK), 0);
    }
}
