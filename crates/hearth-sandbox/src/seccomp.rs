//! The system calls a sandbox may make: an allow-list, compiled once.
//!
//! What is not listed answers `EPERM`; `clone3`, whose arguments a filter cannot see, answers `ENOSYS`, upon which
//! every libc falls back to `clone`. Calls made often are allowed whole, so the kernel caches the answer.
//!
//! Never: a call that makes namespaces, mounts, traces, loads code into the kernel or speaks to hardware.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

mod calls;
mod tree;

/// Namespace flags that clone must not carry.
const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32 as u64;

/// Compiles the filter for this machine.
///
/// ```text
/// machine? ▸ clone3? ▸ decision tree over the numbers that are allowed whole ▸ seccompiler's rules on arguments
/// ```
///
/// The tree is there for the time it takes to install: the kernel runs the filter once for each of its 460 calls,
/// and a chain of 300 comparisons took 0.7 ms.
pub(crate) fn compile() -> Result<BpfProgram, String> {
    let mut rules = BTreeMap::new();
    for (call, alternatives) in conditional() {
        let alternatives = alternatives.into_iter().map(SeccompRule::new).collect::<Result<Vec<_>, _>>();
        rules.insert(call, alternatives.map_err(|e| e.to_string())?);
    }
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let machine = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| e.to_string())?;
    let filter =
        SeccompFilter::new(rules, refused, SeccompAction::Allow, machine).map_err(|e| e.to_string())?;
    let conditions: BpfProgram = filter.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    let tree = tree::decide(&tree::ranges(calls::ALLOWED));
    Ok(tree::begin().into_iter().chain(tree).chain(conditions).collect())
}

/// What Go asks for first, and does without when it is refused.
const MULTIPATH_TCP: i32 = 262;

/// Which limit: of core dumps.
const CORE: u64 = libc::RLIMIT_CORE as u64;
/// `setrlimit`, which libc does not name on every machine.
const SETRLIMIT: i64 = if cfg!(target_arch = "x86_64") { 160 } else { 164 };

/// Calls allowed with some arguments only: any one of the alternatives must hold, each a list of conditions.
fn conditional() -> Vec<(i64, Vec<Vec<SeccompCondition>>)> {
    let is = |argument, value| condition(argument, SeccompCmpOp::Eq, value);
    let family = |family: i32| is(0, family as u64);
    // Other protocols would load their modules.
    let internet =
        [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP, libc::IPPROTO_ICMP, libc::IPPROTO_ICMPV6, MULTIPATH_TCP];
    let internet = [libc::AF_INET, libc::AF_INET6].into_iter().flat_map(|version| {
        internet.into_iter().map(move |protocol| vec![family(version), is(2, protocol as u64)])
    });
    let reads_only = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
        .expect("a call has six arguments");
    let mut sockets = vec![
        vec![family(libc::AF_UNIX)],
        // Interfaces and addresses, which getaddrinfo and getifaddrs ask for.
        vec![family(libc::AF_NETLINK), is(2, libc::NETLINK_ROUTE as u64)],
    ];
    sockets.extend(internet);
    vec![
        (libc::SYS_clone, vec![vec![condition(0, SeccompCmpOp::MaskedEq(NAMESPACES), 0)]]),
        (libc::SYS_socket, sockets),
        // Any other family would make its socket before it says that it has no pairs.
        (libc::SYS_socketpair, vec![vec![family(libc::AF_UNIX)]]),
        // Not that of core dumps, which is how the host's `core_pattern` is kept away from them. Reading it is allowed.
        (SETRLIMIT, vec![vec![condition(0, SeccompCmpOp::Ne, CORE)]]),
        (libc::SYS_prlimit64, vec![vec![condition(1, SeccompCmpOp::Ne, CORE)], vec![reads_only]]),
        // Asking which personality it is, and choosing the plain one; none that weakens address randomisation.
        (libc::SYS_personality, vec![vec![is(0, 0xffff_ffff)], vec![is(0, 0)]]),
    ]
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> SeccompCondition {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
        .expect("a call has six arguments, and only the first three are named here")
}
