//! The way out to the internet, and to nothing else.
//!
//! ```text
//! sandbox ─eth0═cable═▶ router: a network namespace of the spawner's ─out═cable═▶ host ──▶ its way out
//!                       no neighbour, no private network,                  not the host itself;
//!                       so many connections each                           its address for theirs
//! ```
//!
//! All that stands between sandboxes lies in the router, which is gone with the spawner, however that ends; so are the
//! cable to the host and the host's packet filter, which the kernel binds to the spawner's socket. Only the host's
//! switch for forwarding has to be put back ([`forwarding`]).
//!
//! Never: a packet to the host's own addresses, to another sandbox, to loopback, link-local (metadata) or multicast
//! addresses; a packet whose source is not the sandbox's; version 6 of the protocol.

mod filter;
pub(crate) mod forwarding;
mod links;
mod names;

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};
use serde::{Deserialize, Serialize};

use crate::kernel;
use crate::netlink::{Family, Netlink};
use filter::{Fate, Hook, Table, Test};
use forwarding::Forwarding;
use links::End;

/// How sandboxes reach the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Egress {
    /// The first address of a network of 65,536 that nothing else on the host uses: its first half for the cables
    /// between spawners and the host, its second for sandboxes.
    pub network: Ipv4Addr,
    /// Private networks (RFC 1918, RFC 6598) may be reached too.
    pub private: bool,
}

impl Egress {
    /// The network used unless told otherwise: of the block for benchmarks (RFC 2544), which hosts seldom use.
    pub const NETWORK_DEFAULT: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 0);
}

impl Default for Egress {
    fn default() -> Self {
        Egress { network: Self::NETWORK_DEFAULT, private: false }
    }
}

/// Connections of one sandbox at once: it may have 1,024 files.
const CONNECTIONS_MAX: u32 = 1_024;
/// Cables between spawners and the host that the network has room for.
const UPLINKS: u32 = 8_192;
/// Attempts to find one of them that is free.
const UPLINK_ATTEMPTS: u32 = 16;
/// Sandboxes' addresses begin here.
const SANDBOXES_START: u32 = 0x8000;
/// The router's interface towards the host, and its number.
const OUT: &str = "out";
const OUT_INDEX: u32 = 2;
/// The router's interfaces towards sandboxes are numbered from here.
const FIRST_INDEX: u32 = 16;
/// A sandbox's interface, and its number.
const INSIDE: &str = "eth0";
const INSIDE_INDEX: u32 = 2;
/// Where a sandbox's packets go: an address that only the cable knows.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(169, 254, 100, 2);
/// Bytes of a packet when the host's own way out tells no size.
const MTU_DEFAULT: u32 = 1_500;

/// What a killed predecessor had is gone within so long.
const PREDECESSOR_WAIT: Duration = Duration::from_secs(5);
/// Between two attempts.
const PREDECESSOR_PAUSE: Duration = Duration::from_millis(5);

/// Networks that no sandbox reaches.
const NEVER: [(Ipv4Addr, u8); 5] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];
/// Networks that are reached only when that is asked for: the neighbourhood of the host.
const PRIVATE: [(Ipv4Addr, u8); 5] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
];

/// The way out of one spawner's sandboxes.
#[derive(Debug)]
pub(crate) struct Router {
    namespace: OwnedFd,
    routes: Netlink,
    network: Ipv4Addr,
    mtu: u32,
    next_index: u32,
    /// What a sandbox asks for names.
    pub(crate) name_servers: Vec<Ipv4Addr>,
    /// Both filters live as long as these.
    _filters: [Netlink; 2],
    forwarding: Forwarding,
}

impl Router {
    /// Makes the router and connects it with the host's network, which is the present one. What a killed predecessor
    /// had goes when the kernel gets to it, which is waited for.
    pub(crate) fn open(egress: Egress, instance: &str) -> io::Result<Router> {
        let begun = Instant::now();
        loop {
            match Router::try_open(egress, instance) {
                Err(error) if is_still_there(&error) && begun.elapsed() < PREDECESSOR_WAIT => {
                    std::thread::sleep(PREDECESSOR_PAUSE);
                }
                other => return other,
            }
        }
    }

    fn try_open(egress: Egress, instance: &str) -> io::Result<Router> {
        let step = |name: &'static str| move |error: io::Error| named(name, &error);
        let home = OwnedFd::from(File::open("/proc/self/ns/net")?);
        let outside = kernel::InterfaceSocket::open()?;
        let mtu = default_interface().and_then(|name| outside.mtu(&name).ok()).unwrap_or(MTU_DEFAULT);
        let at_host = format!("hearth{:08x}", hash(instance));
        let host_routes = Netlink::open(Family::Route)?;
        if let Ok(index) = outside.index(&at_host) {
            links::remove(&host_routes, index).ok(); // a killed predecessor's; the kernel may be at it already
        }
        let taken = fs::read_to_string("/proc/net/route")?;
        let (theirs, ours) = free_uplink(egress.network, instance, &taken)?;
        let name_servers = names::servers();
        let host_filter = Netlink::open(Family::Filter)?;

        kernel::unshare(UnshareFlags::NEWNET)?;
        let made = (|| {
            let namespace = OwnedFd::from(File::open("/proc/self/ns/net")?);
            configure_router().map_err(step("configure the router"))?;
            let routes = Netlink::open(Family::Route)?;
            let (here, there) =
                (End { name: OUT, index: OUT_INDEX, up: true }, End { name: &at_host, index: 0, up: false });
            links::cable(&routes, here, there, home.as_fd(), mtu)
                .map_err(step("lay the cable to the host"))?;
            links::address(&routes, OUT_INDEX, ours, 30)?;
            let filter = Netlink::open(Family::Filter)?;
            filter_router(egress, &name_servers, &filter).map_err(step("filter in the router"))?;
            Ok::<_, io::Error>((namespace, routes, filter))
        })();
        move_into_link_name_space(home.as_fd(), Some(LinkNameSpaceType::Network))?;
        let (namespace, routes, filter) = made?;

        configure_host_end(&at_host)?;
        let index = outside.index(&at_host)?;
        links::address(&host_routes, index, theirs, 30).map_err(step("give the host's end an address"))?;
        links::bring_up(&host_routes, index)?;
        links::default_route(&routes, OUT_INDEX, theirs).map_err(step("route to the host"))?;
        let table = format!("hearth-{instance}");
        filter_host(&table, &at_host, ours, &host_filter).map_err(step("filter at the host"))?;
        let forwarding = Forwarding::switch_on().map_err(step("switch forwarding on"))?;
        Ok(Router {
            namespace,
            routes,
            network: egress.network,
            mtu,
            next_index: FIRST_INDEX,
            name_servers,
            _filters: [filter, host_filter],
            forwarding,
        })
    }

    /// Connects the present network namespace, that of sandbox `number`, with the router.
    pub(crate) fn connect(&mut self, number: u32) -> io::Result<()> {
        let address = Ipv4Addr::from_bits(self.network.to_bits() + SANDBOXES_START + number);
        let index = self.next_index;
        self.next_index = if index >= i32::MAX as u32 { FIRST_INDEX } else { index + 1 };
        fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").or_else(absent_is_fine)?;
        let inside = Netlink::open(Family::Route)?;
        let name = format!("s{index}");
        let (here, there) =
            (End { name: INSIDE, index: INSIDE_INDEX, up: true }, End { name: &name, index, up: false });
        links::cable(&inside, here, there, self.namespace.as_fd(), self.mtu)?;
        links::bring_up(&self.routes, index)?;
        links::address(&inside, INSIDE_INDEX, address, 32)?;
        links::default_route(&inside, INSIDE_INDEX, GATEWAY)?;
        links::host_route(&self.routes, index, address)
    }

    /// Puts the host back as it was.
    pub(crate) fn close(self) {
        self.forwarding.switch_back();
    }
}

/// Tries everything that a router needs in a network namespace of the calling thread's own, which it stays in.
pub(crate) fn try_apart() -> io::Result<()> {
    kernel::unshare(UnshareFlags::NEWNET)?;
    configure_router()?;
    let namespace = File::open("/proc/thread-self/ns/net")?;
    let (here, there) = (End { name: OUT, index: 0, up: true }, End { name: INSIDE, index: 0, up: false });
    links::cable(&Netlink::open(Family::Route)?, here, there, namespace.as_fd(), MTU_DEFAULT)
        .map_err(|e| named("make a pair of virtual interfaces", &e))?;
    filter_router(Egress::default(), &[Ipv4Addr::BROADCAST], &Netlink::open(Family::Filter)?)
        .map_err(|e| named("make a packet filter", &e))
}

/// The router's own settings; they belong to its namespace.
fn configure_router() -> io::Result<()> {
    fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    for which in ["all", "default"] {
        let set =
            |name: &str, value: &str| fs::write(format!("/proc/sys/net/ipv4/conf/{which}/{name}"), value);
        set("rp_filter", "1")?; // what comes from a sandbox has its address
        set("accept_redirects", "0")?;
        set("send_redirects", "0")?;
        set("accept_source_route", "0")?;
        fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1").or_else(absent_is_fine)?;
    }
    Ok(())
}

/// The host's end of the cable: no version 6, no redirects, sources as they should be.
fn configure_host_end(name: &str) -> io::Result<()> {
    let set =
        |setting: &str, value: &str| fs::write(format!("/proc/sys/net/ipv4/conf/{name}/{setting}"), value);
    set("rp_filter", "1")?;
    set("accept_redirects", "0")?;
    set("send_redirects", "0")?;
    fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1").or_else(absent_is_fine)
}

fn filter_router(egress: Egress, name_servers: &[Ipv4Addr], socket: &Netlink) -> io::Result<()> {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    const DOMAIN: u16 = 53;
    let mut table = Table::new("hearth");
    table.chain(Hook::Input, false).chain(Hook::Forward, false).chain(Hook::Source, true).counts();
    table.rule(Hook::Forward, &[Test::From(OUT, true), Test::Known], Fate::Accept);
    table.rule(Hook::Forward, &[Test::From(OUT, true)], Fate::Drop);
    table.rule(Hook::Forward, &[Test::To(OUT, false)], Fate::Refuse);
    table.rule(Hook::Forward, &[Test::Known], Fate::Accept);
    table.rule(Hook::Forward, &[Test::Invalid], Fate::Drop);
    table.rule(Hook::Forward, &[Test::TooMany(CONNECTIONS_MAX)], Fate::Drop);
    for network in NEVER {
        table.rule(Hook::Forward, &[Test::For(network.0, network.1)], Fate::Refuse);
    }
    for server in name_servers {
        for protocol in [UDP, TCP] {
            let question = [Test::For(*server, 32), Test::Port(protocol, DOMAIN)];
            table.rule(Hook::Forward, &question, Fate::Accept);
        }
    }
    for network in PRIVATE.into_iter().filter(|_| !egress.private) {
        table.rule(Hook::Forward, &[Test::For(network.0, network.1)], Fate::Refuse);
    }
    table.rule(Hook::Forward, &[Test::From(OUT, false)], Fate::Accept);
    table.rule(Hook::Source, &[Test::To(OUT, true)], Fate::Masquerade);
    table.make(socket)
}

fn filter_host(name: &str, end: &str, router: Ipv4Addr, socket: &Netlink) -> io::Result<()> {
    let mut table = Table::new(name);
    table.chain(Hook::Input, true).chain(Hook::Forward, true).chain(Hook::Source, true);
    // Nothing of the host itself, whichever of its addresses was meant.
    table.rule(Hook::Input, &[Test::From(end, true)], Fate::Refuse);
    table.rule(Hook::Forward, &[Test::To(end, true), Test::Known], Fate::Accept);
    table.rule(Hook::Forward, &[Test::To(end, true)], Fate::Drop);
    for network in NEVER {
        table.rule(Hook::Forward, &[Test::From(end, true), Test::For(network.0, network.1)], Fate::Refuse);
    }
    table.rule(Hook::Source, &[Test::By(router, 32), Test::To(end, false)], Fate::Masquerade);
    table.make(socket)
}

/// The two addresses of a cable to the host that no route of the host leads to: the host's, and the router's.
fn free_uplink(network: Ipv4Addr, instance: &str, routes: &str) -> io::Result<(Ipv4Addr, Ipv4Addr)> {
    let first = hash(instance) % UPLINKS;
    for attempt in 0..UPLINK_ATTEMPTS {
        let base = network.to_bits() + (first + attempt) % UPLINKS * 4;
        if !is_routed(base, routes) {
            return Ok((Ipv4Addr::from_bits(base + 1), Ipv4Addr::from_bits(base + 2)));
        }
    }
    Err(io::Error::other(format!("this host has routes into {network}/16 already: choose another network")))
}

/// Whether a line of `/proc/net/route` other than a default route leads to an address.
fn is_routed(address: u32, routes: &str) -> bool {
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::from_be);
    routes.lines().skip(1).any(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (destination, mask) = (fields.nth(1).and_then(number), fields.nth(5).and_then(number));
        matches!((destination, mask), (Some(to), Some(mask)) if mask != 0 && address & mask == to)
    })
}

/// The interface of the host's own way out.
fn default_interface() -> Option<String> {
    let routes = fs::read_to_string("/proc/net/route").ok()?;
    let mut lines = routes.lines().skip(1).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    lines.find(|fields| fields.get(1) == Some(&"00000000")).map(|fields| fields[0].to_owned())
}

/// A number from a name, the same at every start (FNV-1a).
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// An interface or a table of that name exists.
fn is_still_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::ResourceBusy)
}

/// A kernel without version 6 has nothing to switch off.
fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn named(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

    #[test]
    fn an_uplink_is_taken_where_no_route_leads_but_the_default_one() {
        let (host, router) = free_uplink(Ipv4Addr::new(198, 19, 0, 0), "a", ROUTES).expect("room");
        assert_eq!(router.to_bits() - host.to_bits(), 1);
        assert_eq!(host.octets()[..2], [198, 19]);
        assert!(host.octets()[2] < 128, "the second half is the sandboxes'");
        let again = free_uplink(Ipv4Addr::new(198, 19, 0, 0), "a", ROUTES).expect("room");
        assert_eq!(again.0, host, "the same instance gets the same one");
        assert!(free_uplink(Ipv4Addr::new(172, 17, 0, 0), "a", ROUTES).is_err(), "docker is there");
    }

    #[test]
    fn the_names_of_interfaces_are_short_enough() {
        assert_eq!(format!("hearth{:08x}", hash("some-instance")).len(), 14);
        assert!(format!("s{}", i32::MAX).len() < 16);
    }
}
