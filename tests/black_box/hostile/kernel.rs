//! System calls, capabilities, limits and kernel objects that are not a function's business.

use serde_json::{Value, json};

use super::{Street, answer};

/// `errno` after a system call by number with these arguments, 0 when it succeeded.
const CALL: &str = r"
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    return ctypes.get_errno() if result < 0 else 0
";

fn with_call(code: &str) -> String {
    format!("{CALL}{code}")
}

/// EPERM, as the filter answers.
const REFUSED: i64 = 1;

#[cfg(target_arch = "x86_64")]
#[test]
fn calls_that_make_namespaces_mounts_traces_or_speak_to_the_kernel_itself_are_refused() {
    const NUMBERS: [(&str, u32); 48] = [
        ("ptrace", 101),
        ("mount", 165),
        ("umount2", 166),
        ("unshare", 272),
        ("setns", 308),
        ("bpf", 321),
        ("perf_event_open", 298),
        ("io_uring_setup", 425),
        ("keyctl", 250),
        ("add_key", 248),
        ("request_key", 249),
        ("init_module", 175),
        ("finit_module", 313),
        ("delete_module", 176),
        ("kexec_load", 246),
        ("reboot", 169),
        ("swapon", 167),
        ("swapoff", 168),
        ("sethostname", 170),
        ("setdomainname", 171),
        ("iopl", 172),
        ("ioperm", 173),
        ("settimeofday", 164),
        ("clock_settime", 227),
        ("adjtimex", 159),
        ("clock_adjtime", 305),
        ("chroot", 161),
        ("pivot_root", 155),
        ("acct", 163),
        ("quotactl", 179),
        ("syslog", 103),
        ("process_vm_readv", 310),
        ("process_vm_writev", 311),
        ("kcmp", 312),
        ("open_by_handle_at", 304),
        ("name_to_handle_at", 303),
        ("userfaultfd", 323),
        ("fanotify_init", 300),
        ("move_pages", 279),
        ("open_tree", 428),
        ("move_mount", 429),
        ("fsopen", 430),
        ("mount_setattr", 442),
        ("pidfd_getfd", 438),
        ("modify_ldt", 154),
        ("memfd_secret", 447),
        ("statmount", 457),
        ("listmount", 458),
    ];
    let street = Street::new();
    let code =
        with_call("def handler(event, context):\n    return [call(n, 0, 0, 0, 0, 0, 0) for n in event]\n");
    let numbers: Vec<u32> = NUMBERS.iter().map(|(_, number)| *number).collect();
    let answered = answer(&street.attack(&code, &json!(numbers)));
    for ((name, _), errno) in NUMBERS.iter().zip(answered.as_array().expect("a list")) {
        assert_eq!(errno, REFUSED, "{name}");
    }
    street.ends();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn no_clone_makes_a_namespace_and_clone3_is_unknown() {
    let street = Street::new();
    let code = with_call(
        "import os\ndef handler(event, context):\n    results = [call(435, 0, 0)]\n    for flag in event:\n        \
         pid = libc.syscall(56, flag | 17, 0, 0, 0, 0)\n        if pid == 0:\n            os._exit(0)\n        \
         results.append(ctypes.get_errno() if pid < 0 else 0)\n    return results\n",
    );
    let flags = [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
    let answered = answer(&street.attack(&code, &json!(flags)));
    assert_eq!(answered, json!([38, 1, 1, 1, 1, 1, 1, 1]));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_call_in_the_manner_of_another_machine_ends_the_process() {
    let street = Street::new();
    // mov eax, 20 (getpid of i386); int 0x80; ret
    let code = r#"
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
def handler(event, context):
    pid = os.fork()
    if pid == 0:
        page = mmap.mmap(-1, 4096, prot=7)
        page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
        os._exit(0)
    return os.waitpid(pid, 0)[1], libc.syscall(0x40000000 | 39)
"#;
    const KILLED_BY_THE_FILTER: i32 = 31; // SIGSYS
    assert_eq!(answer(&street.attack(code, &json!({}))), json!([KILLED_BY_THE_FILTER, -1]));
}

#[test]
fn sockets_other_than_internet_unix_and_routes_are_refused() {
    let street = Street::new();
    let code = r"
import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
def attempt(family, kind, protocol):
    try:
        socket.socket(family, kind, protocol).close()
        return 0
    except OSError as error:
        return error.errno
def handler(event, context):
    return [attempt(*kind) for kind in event]
";
    // Packets, AF_ALG, vsock, keys, Bluetooth, XDP, audit and uevents by netlink: refused by the filter.
    let families = [
        [17, 3, 0],
        [17, 2, 0],
        [38, 5, 0],
        [40, 1, 0],
        [15, 3, 2],
        [31, 3, 0],
        [44, 3, 0],
        [16, 3, 9],
        [16, 3, 15],
    ];
    let answered = answer(&street.attack(code, &json!(families)));
    assert_eq!(answered, json!([1, 1, 1, 1, 1, 1, 1, 1, 1]));
    // Raw sockets by the missing capability.
    let raw = street.hostile("raw", code).create().invoke("[[2, 3, 1], [2, 3, 255], [10, 3, 58]]");
    assert!(answer(&raw).as_array().expect("a list").iter().all(|errno| *errno == 1), "{}", raw.json());
}

#[test]
fn a_socket_pair_is_a_unix_one_or_none() {
    let street = Street::new();
    let code = r"
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def attempt(family):
    made = libc.socketpair(family, 1, 0, (ctypes.c_int * 2)())
    return ctypes.get_errno() if made < 0 else 0
def handler(event, context):
    return [attempt(family) for family in event]
";
    // AF_UNIX; then internet, AX.25, netlink, TIPC, AF_ALG, vsock, XDP: each would be made before it is refused.
    let answered = answer(&street.attack(code, &json!([1, 2, 3, 16, 30, 38, 40, 44])));
    assert_eq!(answered, json!([0, 1, 1, 1, 1, 1, 1, 1]));
}

#[test]
fn a_function_has_no_capability_and_can_gain_none() {
    let street = Street::new();
    let code = r"
import os
def handler(event, context):
    lines = dict(line.split(':', 1) for line in open('/proc/self/status'))
    refused = 0
    for attempt in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]), lambda: os.nice(-1),
                    lambda: os.chown('/tmp', 993, 990), lambda: os.mknod('/tmp/d', 0o60666, os.makedev(7, 0)),
                    lambda: os.mknod('/tmp/c', 0o20666, os.makedev(1, 1))):
        try:
            attempt()
        except PermissionError:
            refused += 1
    names = ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp')
    return [lines[name].strip().lstrip('0') for name in names] + [refused]
";
    let answered = answer(&street.attack(code, &json!({})));
    assert_eq!(answered, json!(["", "", "", "", "", "1", "2", 7]));
}

#[test]
fn no_limit_can_be_raised() {
    let street = Street::new();
    let code = r"
import resource
def handler(event, context):
    held = []
    for name in ('RLIMIT_NOFILE', 'RLIMIT_NPROC', 'RLIMIT_CORE', 'RLIMIT_MEMLOCK', 'RLIMIT_NICE', 'RLIMIT_RTPRIO'):
        limit = getattr(resource, name, {'RLIMIT_NICE': 13, 'RLIMIT_RTPRIO': 14}.get(name))
        try:
            resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            held.append('raised')
        except ValueError:
            held.append(resource.getrlimit(limit)[1])
    return held
";
    let answered = answer(&street.attack(code, &json!({})));
    assert_eq!(answered, json!([1024, 1024, 1, 65536, 0, 0]));
}

#[test]
fn one_functions_inotify_instances_are_not_taken_from_the_host_nor_from_others() {
    let street = Street::new();
    let code = r"
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def handler(event, context):
    made = 0
    while made < event and libc.inotify_init1(0) >= 0:
        made += 1
    return made
";
    assert_ne!(answer(&street.attack(code, &json!(1000))), json!(0));
    let neighbour = street.hostile("neighbour", code).create().invoke("1");
    assert_eq!(answer(&neighbour), json!(1), "a neighbour gets none");
    let host = rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC);
    assert!(host.is_ok(), "the host gets none: {host:?}");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn one_functions_message_queues_are_not_taken_from_others() {
    const TOO_MANY: i64 = 24;
    let street = Street::new();
    let code = with_call(
        "def handler(event, context):\n    return [call(240, b'queue%d' % n, 0o102, 0o600, None) for n in range(event)]\n",
    );
    street.attack(&code, &json!(64));
    let neighbour: Value = answer(&street.hostile("neighbour", &code).create().invoke("1"));
    assert_ne!(neighbour, json!([TOO_MANY]), "a neighbour gets none");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_hosts_asynchronous_io_contexts_are_out_of_reach() {
    let street = Street::new();
    let code = with_call(
        "def handler(event, context):\n    return call(206, 60000, ctypes.byref(ctypes.c_ulong(0)))\n",
    );
    assert_eq!(answer(&street.attack(&code, &json!({}))), json!(REFUSED));
}
