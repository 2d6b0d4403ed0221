//! Addresses: networks as operators write them, and which addresses belong to the public internet.
//!
//! Source: IANA's registries of special-purpose IPv4 and IPv6 addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network by its first bits: `10.1.0.0/16`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// What is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not an address, or not so many bits.
    #[error("not a network such as 10.1.0.0/16 or fd00::/8")]
    Unreadable,
    /// Bits are set that the network does not fix: most likely another network is meant.
    #[error("the address has bits beyond the network's own")]
    HostBits,
}

impl Network {
    /// The network of these first bits.
    pub fn new(address: IpAddr, bits: u8) -> Result<Self, NetworkError> {
        if bits > width(address) {
            return Err(NetworkError::Unreadable);
        }
        let network = Self { address, bits };
        if number(address) & !network.mask() & full(address) != 0 {
            return Err(NetworkError::HostBits);
        }
        Ok(network)
    }

    /// Whether the address lies in it. An IPv4 address in IPv6's clothes is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && number(address) & self.mask() == number(self.address)
    }

    fn mask(&self) -> u128 {
        let rest = u32::from(width(self.address) - self.bits);
        full(self.address).checked_shl(rest).unwrap_or(0) & full(self.address)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Unreadable)?;
        let bits = match bits {
            None => width(address),
            Some(bits) if bits.bytes().all(|digit| digit.is_ascii_digit()) => {
                bits.parse().map_err(|_| NetworkError::Unreadable)?
            }
            Some(_) => return Err(NetworkError::Unreadable),
        };
        Self::new(address, bits)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.bits)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn full(address: IpAddr) -> u128 {
    if address.is_ipv4() { u128::from(u32::MAX) } else { u128::MAX }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// IPv4 that is not the public internet's, or not anybody's: address and bits.
const SPECIAL_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),        // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // carriers' NAT; a cloud's metadata at 100.100.100.200
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // a cloud's own host services, at a public address
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local, with most clouds' metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments, DS-Lite, NAT64 discovery
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),      // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),      // reserved, broadcast
];

/// Global unicast, the only IPv6 that is the public internet's: not loopback, link-local, unique local, multicast,
/// NAT64 (`64:ff9b::/96`, `64:ff9b:1::/48`), IPv4-compatible.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What of it is not.
const SPECIAL_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo: holds an IPv4 address
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: holds an IPv4 address
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Whether the address is one of the public internet's hosts.
pub fn is_public(address: IpAddr) -> bool {
    let within = |network: IpAddr, bits| Network { address: network, bits }.contains(address);
    match address.to_canonical() {
        IpAddr::V4(_) => !SPECIAL_V4.iter().any(|(network, bits)| within((*network).into(), *bits)),
        IpAddr::V6(_) => {
            within(GLOBAL_V6.0.into(), GLOBAL_V6.1)
                && !SPECIAL_V6.iter().any(|(network, bits)| within((*network).into(), *bits))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Among them the first and last before and after every range that is not.
    const PUBLIC: &str = "
        1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
        169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 198.17.255.255 198.20.0.0
        223.255.255.255 ::ffff:1.1.1.1 2001:200::1 2606:4700::1111 2a00::1 3ffe::1";
    const SPECIAL: &str = "
        0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.0 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
        169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1
        198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
        :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::101:101
        64:ff9b:1::1 100::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 2001::1 2001:20::1 2001:db8::1
        2002:7f00:1:: 2002:101:101:: 3fff::1 5f00::1 4000::1";

    #[test]
    fn an_address_is_public_or_not_in_whatever_form_it_comes() {
        let check = |text: &str, public: bool| {
            let address = text.parse().unwrap_or_else(|_| panic!("{text} is no address"));
            assert_eq!(is_public(address), public, "{text}");
        };
        PUBLIC.split_whitespace().for_each(|text| check(text, true));
        SPECIAL.split_whitespace().for_each(|text| check(text, false));
    }

    #[test]
    fn a_network_is_written_with_its_bits_or_as_one_address() {
        let network = |text: &str| text.parse::<Network>();
        let contains =
            |text: &str, address: &str| network(text).expect(text).contains(address.parse().expect(address));
        assert!(contains("10.1.0.0/16", "10.1.255.255"));
        assert!(!contains("10.1.0.0/16", "10.2.0.0"));
        assert!(contains("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(!contains("127.0.0.1", "127.0.0.2"));
        assert!(contains("fd00::/8", "fdff::1"));
        assert!(!contains("::/0", "10.0.0.1"), "every IPv6 address, and no IPv4 address");
        assert!(contains("0.0.0.0/0", "255.255.255.255"));
        assert_eq!(network("10.1.0.1/16"), Err(NetworkError::HostBits));
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10/8", "host", "1.2.3.4/a"] {
            assert_eq!(network(wrong), Err(NetworkError::Unreadable), "{wrong}");
        }
        assert_eq!(network("10.0.0.0/8").expect("a network").to_string(), "10.0.0.0/8");
    }
}
