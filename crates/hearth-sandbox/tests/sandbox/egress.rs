//! The way out: a network namespace plays the host, another the internet, so nothing real is touched or reached.
//!
//! ```text
//! sandbox ── router ── host: 203.0.113.2 ──wan══net── internet: 203.0.113.1, 198.51.100.7, 10.5.0.9
//! ```

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::process::Command as Process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hearth_sandbox::{Egress, Spawner};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::bench::{Bench, Running, program};

/// Two namespaces with a cable between them. Removed when dropped.
struct Town {
    host: String,
    internet: String,
}

impl Town {
    fn new() -> Town {
        static TOWNS: AtomicU64 = AtomicU64::new(0);
        let number = TOWNS.fetch_add(1, Ordering::Relaxed);
        let name = |part: &str| format!("hearth-{part}-{}-{number}", std::process::id());
        let town = Town { host: name("host"), internet: name("net") };
        let (host, internet) = (&town.host, &town.internet);
        ip(&format!("netns add {host}"));
        ip(&format!("netns add {internet}"));
        ip(&format!("-n {host} link add wan type veth peer name net netns {internet}"));
        for (namespace, interface, address) in [
            (host, "wan", "203.0.113.2/24"),
            (internet, "net", "203.0.113.1/24"),
            (internet, "lo", "198.51.100.7/32"),
            (internet, "lo", "10.5.0.9/32"),
        ] {
            ip(&format!("-n {namespace} address add {address} dev {interface}"));
            ip(&format!("-n {namespace} link set {interface} up"));
        }
        ip(&format!("-n {host} link set lo up"));
        ip(&format!("-n {host} route add default via 203.0.113.1"));
        // A new namespace has the switch as the machine's own happens to be, where a server may be running.
        town.on_host(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "0").expect("switched off"));
        town
    }

    /// A spawner on the town's host.
    fn bench(&self, egress: Egress) -> Bench {
        let mut bench = Bench::new();
        let program = bench.options.program.clone().expect("a spawner");
        let script = bench.directory.path().join("spawner");
        // Written by another process: a fork of this one would keep it open for writing, and it could not be run.
        let text = format!("exec nsenter --net=/run/netns/{} {} \"$@\"", self.host, program.display());
        let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 700 \"$0\"";
        let written = Process::new("sh").args(["-c", write]).arg(&script).arg(&text).status();
        assert!(written.expect("a shell").success(), "no script");
        bench.options.program = Some(script);
        bench.options.egress = Some(egress);
        bench.options.run_directory = bench.directory.path().join("run-in-town");
        bench.options.instance.push_str("-town");
        bench.connection = Spawner::launch(&bench.options).expect("a spawner in the town");
        bench
    }

    fn on_host<T: Send>(&self, make: impl FnOnce() -> T + Send) -> T {
        within(&self.host, make)
    }

    fn in_internet<T: Send>(&self, make: impl FnOnce() -> T + Send) -> T {
        within(&self.internet, make)
    }

    /// A file of `/proc` as the host's network sees it.
    fn host_reads(&self, path: &str) -> String {
        let path = path.replace("/proc/net", "/proc/thread-self/net");
        self.on_host(move || std::fs::read_to_string(path).expect("readable"))
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        for name in [&self.host, &self.internet] {
            Process::new("ip").args(["netns", "delete", name]).status().ok();
        }
    }
}

/// Runs something in a thread of that namespace. Sockets made there stay there.
fn within<T: Send>(namespace: &str, make: impl FnOnce() -> T + Send) -> T {
    let namespace = File::open(format!("/run/netns/{namespace}")).expect("a namespace");
    std::thread::scope(|scope| {
        let made = scope.spawn(|| {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).expect("entered");
            make()
        });
        made.join().expect("no panic")
    })
}

fn ip(words: &str) {
    let status = Process::new("ip").args(words.split(' ')).status();
    assert!(status.expect("ip: the package iproute2").success(), "ip {words}");
}

fn python(code: &str) -> hearth_sandbox::api::SandboxSpec {
    program(&["/usr/bin/python3", "-I", "-S", "-c", code])
}

/// Tries TCP connections; says one word for each.
fn attempts(addresses: &[String]) -> hearth_sandbox::api::SandboxSpec {
    let list = addresses.iter().map(|address| format!("'{address}'")).collect::<Vec<_>>().join(",");
    python(&format!(
        "import socket\n\
         for address in [{list}]:\n \
          host, port = address.rsplit(':', 1)\n \
          try: socket.create_connection((host, int(port)), 3).close(); print('connected')\n \
          except TimeoutError: print('silence')\n \
          except OSError: print('refused')\n"
    ))
}

fn tcp_server(address: &str) -> TcpListener {
    TcpListener::bind(address).expect("a port of the town")
}

/// The address of a running sandbox that prints it first.
const PRINT_ADDRESS: &str = "import socket\n\
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); probe.connect(('198.51.100.7', 9))\n\
    print(probe.getsockname()[0], flush=True)\n";

fn with_address(bench: &Bench, id: u64, code: &str) -> (Running, String) {
    let running = bench.start(id, python(&format!("{PRINT_ADDRESS}{code}")));
    let address = running.read_line().trim().to_owned();
    (running, address)
}

#[test]
fn a_sandbox_reaches_the_internet_with_the_hosts_address() {
    let town = Town::new();
    let server = town.in_internet(|| tcp_server("198.51.100.7:80"));
    let (said, _, _) = town.bench(Egress::default()).run_spec(attempts(&["198.51.100.7:80".to_owned()]));
    assert_eq!(said, "connected\n");
    let (_, peer) = server.accept().expect("a connection");
    assert_eq!(peer.ip().to_string(), "203.0.113.2");
}

#[test]
fn a_sandbox_reaches_neither_the_host_nor_private_networks_nor_metadata_nor_neighbours() {
    let town = Town::new();
    let _host = town.on_host(|| tcp_server("0.0.0.0:8080"));
    let _servers = town.in_internet(|| tcp_server("0.0.0.0:8080"));
    let bench = town.bench(Egress::default());
    let (_neighbour, address) =
        with_address(&bench, 7, "server = socket.create_server(('0.0.0.0', 8080)); server.accept()");
    assert!(address.starts_with("198.19."), "{address}");
    // The cable's ends on the host's side, from its routes.
    let uplink = town.host_reads("/proc/net/fib_trie");
    let uplink = uplink.split_whitespace().find(|word| word.starts_with("198.19.") && !word.contains('/'));
    let uplink = uplink.expect("the host's end").to_owned();
    let mut addresses: Vec<String> =
        ["203.0.113.2", "127.0.0.1", "169.254.169.254", "169.254.100.2", "10.5.0.9", "224.0.0.1", "0.0.0.0"]
            .map(|host| format!("{host}:8080"))
            .to_vec();
    addresses.extend([format!("{address}:8080"), format!("{uplink}:8080")]);
    let (said, _, _) = bench.run_spec(attempts(&addresses));
    let answers: Vec<&str> = said.lines().collect();
    assert_eq!(answers.len(), addresses.len());
    for (address, answer) in addresses.iter().zip(answers) {
        assert_ne!(answer, "connected", "{address}");
    }
}

#[test]
fn what_is_forbidden_is_refused_at_once() {
    let town = Town::new();
    let _host = town.on_host(|| tcp_server("0.0.0.0:8080"));
    let _servers = town.in_internet(|| tcp_server("0.0.0.0:8080"));
    let addresses = ["203.0.113.2:8080", "169.254.169.254:80", "10.5.0.9:8080", "198.51.100.7:8080"];
    let bench = town.bench(Egress::default());
    let (said, _, _) = bench.run_spec(attempts(&addresses.map(str::to_owned)));
    assert_eq!(said, "refused\nrefused\nrefused\nconnected\n");
}

#[test]
fn private_networks_are_reached_when_that_is_asked_for() {
    let town = Town::new();
    let _host = town.on_host(|| tcp_server("0.0.0.0:8080"));
    let _servers = town.in_internet(|| tcp_server("0.0.0.0:8080"));
    let bench = town.bench(Egress { private: true, ..Egress::default() });
    let addresses = ["10.5.0.9:8080", "203.0.113.2:8080", "169.254.169.254:80"].map(str::to_owned);
    let (said, _, _) = bench.run_spec(attempts(&addresses));
    assert_eq!(said, "connected\nrefused\nrefused\n");
}

#[test]
fn names_are_asked_of_the_hosts_own_servers() {
    let resolver = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = resolver.lines().filter_map(|line| line.strip_prefix("nameserver "));
    let server = servers.filter_map(|server| server.trim().parse::<std::net::Ipv4Addr>().ok()).next();
    let Some(server) = server.filter(|server| !server.is_loopback()) else {
        return; // this host's servers are somewhere else: a test of `egress/names.rs` reads such files
    };
    let town = Town::new();
    ip(&format!("-n {} address add {server}/32 dev lo", town.internet));
    let asked = town.in_internet(|| UdpSocket::bind((server, 53)).expect("a port"));
    asked.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let code = "import socket\n\
        try: socket.getaddrinfo('name.example', 80)\n\
        except OSError: pass\n";
    let bench = town.bench(Egress::default());
    let running = bench.start(1, python(code));
    let mut question = [0; 512];
    let (length, peer) = asked.recv_from(&mut question).expect("a question");
    assert!(question[..length].windows(4).any(|part| part == b"name"));
    assert_eq!(peer.ip().to_string(), "203.0.113.2");
    drop(running);
}

#[test]
fn a_source_that_is_not_the_sandboxs_own_goes_nowhere() {
    let town = Town::new();
    let server = town.in_internet(|| UdpSocket::bind("198.51.100.7:9").expect("a port"));
    server.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let code = "import socket\n\
        for source in ['169.254.100.1', '0.0.0.0']:\n \
         sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n \
         sender.bind((source, 0)); sender.sendto(source.encode(), ('198.51.100.7', 9))\n";
    town.bench(Egress::default()).run_spec(python(code));
    let mut bytes = [0; 64];
    let (length, _) = server.recv_from(&mut bytes).expect("a datagram");
    assert_eq!(&bytes[..length], b"0.0.0.0", "the first one was dropped");
}

#[test]
fn there_is_no_version_6_beyond_loopback() {
    let town = Town::new();
    let code = "print(open('/proc/net/if_inet6').read().split()[-1::6])\n\
        print(sorted(line.split(':')[0].strip() for line in open('/proc/net/dev').readlines()[2:]))";
    let (said, _, _) = town.bench(Egress::default()).run_spec(python(code));
    assert_eq!(said, "['lo']\n['eth0', 'lo']\n");
}

#[test]
fn one_sandbox_does_not_use_up_the_hosts_table_of_connections() {
    let town = Town::new();
    let code = "import socket\n\
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
        for port in range(1, 5001):\n \
         try: sender.sendto(b'x', ('198.51.100.7', port))\n \
         except OSError: pass\n";
    town.bench(Egress::default()).run_spec(python(code));
    let count = town.host_reads("/proc/sys/net/netfilter/nf_conntrack_count");
    let count: u32 = count.trim().parse().expect("a number");
    assert!((500..=1_200).contains(&count), "{count} connections");
}

#[test]
fn everything_on_the_host_is_as_before_when_the_spawner_ends() {
    let town = Town::new();
    let before = town.host_reads("/proc/net/dev").lines().count();
    let forwards = || town.host_reads("/proc/sys/net/ipv4/ip_forward").trim().to_owned();
    assert_eq!(forwards(), "0");
    let bench = town.bench(Egress::default());
    crate::bench::eventually("the way out is open", || forwards() == "1");
    assert_eq!(town.host_reads("/proc/net/dev").lines().count(), before + 1);
    bench.shutdown();
    crate::bench::eventually("the cable is gone", || {
        town.host_reads("/proc/net/dev").lines().count() == before
    });
    assert_eq!(forwards(), "0");
}

#[test]
fn a_killed_spawner_leaves_nothing_that_its_successor_does_not_put_right() {
    let town = Town::new();
    let before = town.host_reads("/proc/net/dev").lines().count();
    let forwards = || town.host_reads("/proc/sys/net/ipv4/ip_forward").trim().to_owned();
    let mut bench = town.bench(Egress::default());
    crate::bench::eventually("the way out is open", || forwards() == "1");
    let spawner = i32::try_from(bench.connection.process_id()).expect("a process number");
    let spawner = rustix::process::Pid::from_raw(spawner).expect("a process number");
    rustix::process::kill_process(spawner, rustix::process::Signal::KILL).expect("killed");
    assert_eq!(forwards(), "1", "nobody was there to switch it off");
    // At once, and of the same name: what the kernel has not removed yet must not be in the way.
    bench.connection = Spawner::launch(&bench.options).expect("a successor");
    let (said, _, _) = bench.run_spec(python("print(len(open('/proc/net/dev').readlines()))"));
    assert_eq!(said, "4\n", "it has a way out again");
    bench.shutdown();
    assert_eq!(forwards(), "0");
    crate::bench::eventually("the cable is gone", || {
        town.host_reads("/proc/net/dev").lines().count() == before
    });
}
