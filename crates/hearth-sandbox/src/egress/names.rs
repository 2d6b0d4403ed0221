//! Whom a sandbox asks for names: the servers that the host itself asks.
//!
//! Never: a server on loopback, which no sandbox can reach.

use std::fs;
use std::net::Ipv4Addr;

/// Where the servers are: the usual place, and where systemd keeps those behind its own on loopback.
const PLACES: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];
/// As many as a resolver asks.
const SERVERS_MAX: usize = 3;

/// The host's name servers of version 4 that are not on loopback, from the first place that has any.
// GAP(egress): a host whose only name server is its own on loopback (dnsmasq) has none for sandboxes; and servers that
// change while the spawner runs are seen at its next start.
pub(super) fn servers() -> Vec<Ipv4Addr> {
    let found = PLACES.into_iter().filter_map(|place| fs::read_to_string(place).ok());
    found.map(|text| listed(&text)).find(|servers| !servers.is_empty()).unwrap_or_default()
}

fn listed(text: &str) -> Vec<Ipv4Addr> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let addresses = lines.filter_map(|rest| rest.trim().parse::<Ipv4Addr>().ok());
    addresses.filter(|address| !address.is_loopback()).take(SERVERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_on_loopback_and_of_version_6_are_left_out() {
        let text =
            "# a comment\nnameserver 127.0.0.53\nnameserver 192.0.2.7\nnameserver 2001:db8::1\nsearch x\n";
        assert_eq!(listed(text), [Ipv4Addr::new(192, 0, 2, 7)]);
    }
}
