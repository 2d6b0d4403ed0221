//! Who may be dialled.

use std::net::{IpAddr, SocketAddr};

use crate::address::{Network, is_public};

/// Below this, ports belong to services of which few speak HTTP (mail, names, shells).
const FREE_PORTS_START: u16 = 1024;

/// The ports of HTTP among them.
const WEB_PORTS: [u16; 2] = [80, 443];

/// Decides which addresses may be connected to. Asked about the address itself, never about a name.
#[derive(Clone, Debug)]
pub struct Policy {
    public_only: bool,
    allowed: Vec<Network>,
}

/// An address that may not be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Loopback, link-local, private, reserved.
    #[error("{0} is not an address of the public internet, and not allowed by configuration")]
    Address(IpAddr),
    /// A port of something other than HTTP.
    #[error("port {0} is not one of HTTP's: below 1024 only 80 and 443 are dialled")]
    Port(u16),
}

impl Policy {
    /// Every address and port: for a developer's own machine.
    pub fn open() -> Self {
        Self { public_only: false, allowed: Vec::new() }
    }

    /// The public internet at ports that may speak HTTP, and these networks at every port.
    pub fn public(allowed: Vec<Network>) -> Self {
        Self { public_only: true, allowed }
    }

    /// Whether this address may be connected to.
    pub fn check(&self, address: SocketAddr) -> Result<(), Refused> {
        if !self.public_only || self.allowed.iter().any(|network| network.contains(address.ip())) {
            return Ok(());
        }
        if !is_public(address.ip()) {
            return Err(Refused::Address(address.ip()));
        }
        let port = address.port();
        if port < FREE_PORTS_START && !WEB_PORTS.contains(&port) {
            return Err(Refused::Port(port));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_dials_the_public_internet_and_what_is_configured() {
        let policy = Policy::public(vec!["10.1.0.0/16".parse().expect("a network")]);
        let check = |address: &str| policy.check(address.parse().expect(address));
        assert_eq!(check("1.1.1.1:443"), Ok(()));
        assert_eq!(check("1.1.1.1:8443"), Ok(()));
        assert_eq!(check("1.1.1.1:25"), Err(Refused::Port(25)));
        assert_eq!(check("1.1.1.1:0"), Err(Refused::Port(0)));
        assert_eq!(check("10.1.2.3:22"), Ok(()));
        assert!(matches!(check("10.2.0.1:443"), Err(Refused::Address(_))));
        assert!(matches!(check("[::ffff:127.0.0.1]:80"), Err(Refused::Address(_))));
        assert_eq!(check("[::ffff:10.1.0.1]:80"), Ok(()));
    }

    #[test]
    fn a_developers_machine_dials_everything() {
        assert_eq!(Policy::open().check("127.0.0.1:22".parse().expect("an address")), Ok(()));
    }
}
