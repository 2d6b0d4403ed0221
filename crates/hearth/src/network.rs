//! What functions reach beside the AWS endpoint: the internet, and ports of this machine that were named.
//!
//! Never: opens this machine's own loopback to a function, but for the ports that were named.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use anyhow::{Result, bail};
use clap::Args;
use hearth_sandbox::Egress;
use hearth_worker::{HOST_PORTS_MAX, RUNTIME_API_PORT};

use crate::server::{Network, USUAL_PORT};

/// What the command line says of it.
#[derive(Args, Clone, Debug)]
#[group(id = "network")]
pub struct Options {
    /// Whether functions reach the internet: never this machine, each other, or metadata services
    #[arg(long, value_name = "ON|OFF", default_value = "on", value_parser = ["on", "off"])]
    pub egress: String,
    /// Let functions reach private networks too (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10)
    #[arg(long)]
    pub egress_private: bool,
    /// First address of a network /16 that this machine does not use, for the way out
    #[arg(long, value_name = "ADDR", default_value_t = Egress::NETWORK_DEFAULT, value_parser = first_address)]
    pub egress_network: Ipv4Addr,
    /// Open a port of this machine's loopback to functions, at their 127.0.0.1; may be given 4 times
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub allow_host: Vec<u16>,
}

impl Options {
    /// What functions reach beside the endpoint, which is served at `port`.
    pub fn reachable(&self, port: u16) -> Result<Network> {
        let host_ports = self.allow_host.clone();
        if host_ports.len() > HOST_PORTS_MAX {
            bail!(
                "--allow-host can be given {HOST_PORTS_MAX} times: each costs every environment a descriptor"
            );
        }
        let taken = [port, USUAL_PORT, RUNTIME_API_PORT];
        let mut seen = BTreeSet::new();
        if let Some(twice) = host_ports.iter().find(|port| taken.contains(port) || !seen.insert(**port)) {
            bail!("--allow-host {twice}: functions have something else at that port already");
        }
        let egress = Egress { network: self.egress_network, private: self.egress_private };
        Ok(Network { egress: (self.egress == "on").then_some(egress), host_ports })
    }
}

/// The first address of a network of 65,536.
fn first_address(text: &str) -> Result<Ipv4Addr, String> {
    let address: Ipv4Addr = text.parse().map_err(|_| "not an address".to_owned())?;
    let fits = address.octets()[2..] == [0, 0] && (1..224).contains(&address.octets()[0]);
    if fits && !address.is_loopback() {
        Ok(address)
    } else {
        Err("not the first address of a /16, as 198.19.0.0".to_owned())
    }
}
