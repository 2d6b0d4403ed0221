//! What a program sees, and what it cannot reach.

use std::net::TcpListener;

use hearth_sandbox::api::{Exit, Mount};

use crate::bench::{Bench, program, shell};

/// The value of a line of `/proc/self/status`, as a program inside reads it.
fn status(name: &str) -> String {
    let (said, _) = Bench::new().run(&format!("grep '^{name}:' /proc/self/status"));
    said.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_user_is_993_in_group_990_and_in_no_other() {
    let (said, _) = Bench::new().run("id");
    assert_eq!(said, "uid=993(sbx_user1051) gid=990(sbx_user1051) groups=990(sbx_user1051)\n");
}

#[test]
fn every_sandbox_has_a_user_of_its_own_on_the_host() {
    let bench = Bench::new();
    let users = [1, 2].map(|id| bench.start(id, shell("sleep 1000")).user());
    assert_ne!(users[0], users[1]);
    assert!(
        users.iter().all(|user| crate::bench::processes_of(*user).len() == 1),
        "the program, and not its init"
    );
}

#[test]
fn there_is_no_capability_and_no_way_to_gain_one() {
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status(set), "0000000000000000", "{set}");
    }
    assert_eq!(status("NoNewPrivs"), "1");
}

#[test]
fn a_filter_of_system_calls_is_installed() {
    assert_eq!((status("Seccomp"), status("Seccomp_filters")), ("2".to_owned(), "1".to_owned()));
}

#[test]
fn namespaces_mounts_and_tracing_are_refused() {
    for command in [
        "unshare -U true",
        "unshare -m true",
        "unshare -n true",
        "mount -t tmpfs x /tmp",
        "chroot / /bin/true",
    ] {
        let (said, exit) = Bench::new().run(&format!("{command}; echo status $?"));
        assert_eq!(exit, Exit::Status(0));
        assert!(!said.contains("status 0"), "{command}: {said}");
    }
}

#[test]
fn signals_are_as_a_new_program_expects_them() {
    assert_eq!([status("SigBlk"), status("SigIgn")], ["0000000000000000"; 2]);
}

#[test]
fn the_root_and_what_is_shown_are_read_only() {
    let bench = Bench::new();
    let (said, _) = bench
        .run("for d in / /usr /etc /dev /proc /var /var/task; do touch $d/x 2>/dev/null && echo $d; done");
    assert_eq!(said, "", "writable");
}

#[test]
fn only_tmp_can_be_written_and_it_is_everybodys() {
    let (said, exit) = Bench::new().run("stat -c '%a %U' /tmp; echo kept > /tmp/x; cat /tmp/x; ls -A /tmp");
    assert_eq!((said.as_str(), exit), ("1777 root\nkept\nx\n", Exit::Status(0)));
}

#[test]
fn two_sandboxes_do_not_share_tmp() {
    let bench = Bench::new();
    bench.run("echo secret > /tmp/x");
    assert_eq!(bench.run("ls -A /tmp").0, "");
}

#[test]
fn devices_are_the_harmless_ones_and_there_is_no_shared_memory() {
    let (said, _) = Bench::new().run("cd /dev; echo *; echo x > null && head -c 2 /dev/zero | od -An -tx1");
    assert_eq!(said, "fd full null random stderr stdin stdout urandom zero\n 00 00\n");
}

#[test]
fn there_is_no_sys_and_no_way_out_of_the_root() {
    let (said, _) = Bench::new().run("ls -d /sys /root /home /work 2>/dev/null; cd /; cd ../../..; echo *");
    assert_eq!(said, "bin dev etc lib lib64 proc sbin tmp usr var\n");
}

#[test]
fn other_processes_are_not_seen_not_even_the_init() {
    let (said, _) = Bench::new().run("cd /proc; echo [0-9]*; kill -0 1; echo $?");
    assert!(said.starts_with("2\n"), "only the program itself: {said}");
    assert!(said.ends_with("1\n"), "the init cannot be signalled: {said}");
}

#[test]
fn what_proc_tells_about_the_host_is_masked() {
    let (said, _) = Bench::new().run("cat /proc/keys /proc/timer_list /proc/kcore 2>/dev/null | wc -c");
    assert_eq!(said, "0\n");
}

#[test]
fn where_the_hosts_trees_lie_is_not_told() {
    let (said, _) = Bench::new().run(
        "cat /proc/self/mountinfo /proc/self/mounts /proc/mounts /proc/$$/mountinfo /proc/self/mountstats \
         /proc/thread-self/mountinfo 2>/dev/null | wc -c; \
         readlink /proc/self/root /proc/self/cwd /proc/self/exe; cd /var/task && pwd -P",
    );
    assert_eq!(said, "0\n/\n/var/task\n/usr/bin/readlink\n/var/task\n");
}

#[test]
fn nothing_leads_up_from_the_root() {
    let python = "import os\n\
        root = os.open('/', os.O_PATH)\n\
        os.chdir('/tmp'); os.fchdir(root)\n\
        for step in range(64): os.chdir('..')\n\
        print(os.getcwd(), sorted(os.listdir('.')) == sorted(os.listdir('/')), os.stat('..').st_ino == os.stat('/').st_ino)\n\
        try: os.chroot('/tmp')\n\
        except OSError as error: print(error.errno)";
    let (said, ..) = Bench::new().run_spec(program(&["/usr/bin/python3", "-I", "-S", "-c", python]));
    assert_eq!(said, "/ True True\n1\n");
}

#[test]
fn the_hosts_loopback_is_not_reachable() {
    let host = TcpListener::bind("127.0.0.1:0").expect("a port of the host");
    let port = host.local_addr().expect("its address").port();
    let (said, _) = Bench::new().run(&format!("exec 4<>/dev/tcp/127.0.0.1/{port} && echo reached"));
    assert!(said.contains("Connection refused") && !said.contains("reached"), "{said}");
}

#[test]
fn the_only_interface_is_loopback_with_the_address_of_the_runtime_api() {
    let (said, _) = Bench::new().run(
        "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; \
         grep -oE '(127.0.0.1|169.254.100.1)$' /proc/net/fib_trie | sort -u; cut -d' ' -f1 /proc/net/if_inet6",
    );
    assert_eq!(said, "lo\n127.0.0.1\n169.254.100.1\n00000000000000000000000000000001\n");
}

#[test]
fn nothing_outside_can_be_reached_yet() {
    let (said, _) = Bench::new().run("exec 4<>/dev/tcp/192.0.2.1/80 && echo reached");
    assert!(said.contains("unreachable"), "{said}");
}

#[test]
fn the_names_of_the_machine_are_its_own() {
    let (said, _) = Bench::new().run("cat /proc/sys/kernel/hostname; grep -c sandbox.localdomain /etc/hosts");
    assert_eq!(said, "sandbox\n1\n");
}

#[test]
fn host_trees_and_single_files_are_shown_where_asked() {
    let bench = Bench::new();
    let code = bench.directory.path().join("code");
    std::fs::create_dir(&code).expect("a directory");
    std::fs::write(code.join("index"), "the code").expect("a file");
    let mut spec = program(&["/bin/cat", "index", "/opt/deep/er/file"]);
    spec.mounts.push(Mount { source: code.clone(), target: "/var/task".into() });
    spec.mounts.push(Mount { source: code.join("index"), target: "/opt/deep/er/file".into() });
    assert_eq!(bench.run_spec(spec).0, "the codethe code");
}

#[test]
fn a_link_in_a_shown_tree_cannot_bend_where_something_is_shown() {
    let bench = Bench::new();
    let tree = bench.directory.path().join("tree");
    std::fs::create_dir(&tree).expect("a directory");
    std::os::unix::fs::symlink("/etc", tree.join("bent")).expect("a link");
    let mut spec = program(&["/bin/true"]);
    spec.mounts.push(Mount { source: tree.clone(), target: "/opt".into() });
    spec.mounts.push(Mount { source: tree, target: "/opt/bent".into() });
    assert!(bench.start_fails(1, spec).contains("/opt/bent"));
}

#[test]
fn the_environment_of_one_sandbox_is_not_in_the_memory_of_another() {
    let bench = Bench::new();
    let mut spec = shell("sleep 1000");
    spec.environment.push(("SECRET".to_owned(), "swordfish-5c41e0".to_owned()));
    bench.start(1, spec);
    let second = bench.start(2, shell("sleep 1000"));
    let group = second.memory_stat.with_file_name("cgroup.procs");
    for pid in std::fs::read_to_string(group).expect("its processes").lines() {
        assert!(!memory_of(pid).windows(16).any(|window| window == b"swordfish-5c41e0"), "in process {pid}");
    }
}

/// All private memory of a process that can be written.
fn memory_of(pid: &str) -> Vec<u8> {
    use std::os::unix::fs::FileExt;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("maps");
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).expect("root reads any memory");
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).expect("an address"));
        let mut part = vec![0; (to - from) as usize];
        if memory.read_exact_at(&mut part, from).is_ok() {
            all.extend(part);
        }
    }
    assert!(!all.is_empty(), "memory of {pid} was read");
    all
}

#[test]
fn doctor_finds_everything_on_a_host_where_sandboxes_work() {
    let _works = Bench::new();
    for check in hearth_sandbox::doctor() {
        assert!(check.ok && check.remedy.is_none(), "{check:?}");
    }
}

#[test]
fn landlock_confines_it_and_leaves_tmp_and_the_devices_usable() {
    // The kernel stacks sixteen layers at most, and one is there already.
    let python = "import ctypes, struct\n\
        call = ctypes.CDLL(None, use_errno=True).syscall\n\
        attributes = ctypes.create_string_buffer(struct.pack('Q', 1 << 7))\n\
        rules = call(444, attributes, 8, 0)\n\
        print(sum(call(446, rules, 0) == 0 for layer in range(20)))";
    let (said, _, _) = Bench::new().run_spec(program(&["/usr/bin/python3", "-I", "-S", "-c", python]));
    assert_eq!(said, "15\n");
    let (said, _) = Bench::new().run(
        "touch /tmp/a && mkdir /tmp/d && mv /tmp/a /tmp/d/b && ln -s b /tmp/d/c && mkfifo /tmp/f && echo changed; \
         cp /usr/bin/true /tmp/true && /tmp/true && echo ran; : > /dev/null && echo wrote; echo x > /dev/stdout",
    );
    assert_eq!(said, "changed\nran\nwrote\nx\n");
}

#[test]
fn no_core_dump_is_made_nor_can_be_asked_for() {
    let python = "import resource, os\n\
        print(resource.getrlimit(resource.RLIMIT_CORE))\n\
        for limit in [(0, 0), (0, 1), (1, 1)]:\n \
         try: resource.setrlimit(resource.RLIMIT_CORE, limit); print('set')\n \
         except (OSError, ValueError) as error: print(type(error).__name__)\n\
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, 1024))\n\
        print(resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)\n\
        os.abort()";
    let (said, exit, _) = Bench::new().run_spec(program(&["/usr/bin/python3", "-I", "-S", "-c", python]));
    assert!(
        said.starts_with("(1, 1)\n") && !said.contains("set\n") && said.contains("(512, 1024)"),
        "{said}"
    );
    assert_eq!(exit, Exit::Signal(6), "and the status says that no core was dumped");
}

/// Puts the host's way with core dumps back.
struct CorePattern(String);

impl Drop for CorePattern {
    fn drop(&mut self) {
        std::fs::write("/proc/sys/kernel/core_pattern", &self.0).expect("put back");
    }
}

#[test]
fn a_program_that_takes_the_hosts_core_dumps_gets_none_of_a_sandbox() {
    let bench = Bench::new();
    let taken = bench.directory.path().join("taken");
    let taker = bench.directory.path().join("take");
    crate::bench::write_script(&taker, &format!("/bin/cat > /dev/null\necho $1 >> {}", taken.display()));
    let before = std::fs::read_to_string("/proc/sys/kernel/core_pattern").expect("a setting");
    let restore = CorePattern(before);
    std::fs::write("/proc/sys/kernel/core_pattern", format!("|{} %e", taker.display())).expect("root");
    assert_eq!(bench.run("exec -a inside bash -c 'kill -SEGV $$'").1, Exit::Signal(11));
    // The same outside is taken, after what came before it.
    let outside = std::process::Command::new("/bin/dash").args(["-c", "kill -SEGV $$"]).status();
    assert!(!outside.expect("a shell").success());
    let told = || std::fs::read_to_string(&taken).unwrap_or_default();
    crate::bench::eventually("the host's own dump is taken", || told().contains("dash"));
    drop(restore);
    assert!(!told().contains("bash"), "{}", told());
}
