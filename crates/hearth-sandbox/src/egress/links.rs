//! Interfaces, addresses and routes: pairs of virtual cables and what leads through them.
//!
//! Both ends of a cable have one hardware address and resolve none (`NOARP`), so there is nothing to answer falsely
//! and no table of neighbours that strangers fill.
//!
//! Never: an address of version 6 but loopback's.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::netlink::{CREATE, EXCLUSIVE, Messages, Netlink, REPLACE, REQUEST};

/// `RTM_NEWLINK` and its like.
const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
/// Interface flags: up, and without address resolution.
const UP: u32 = libc::IFF_UP as u32;
const NO_RESOLUTION: u32 = libc::IFF_NOARP as u32;
/// A hardware address that its owner chose.
const HARDWARE_ADDRESS: [u8; 6] = [0x02, 0x68, 0x65, 0x61, 0x72, 0x74];
/// `RTNH_F_ONLINK`: the gateway is beyond the cable, whatever the addresses say.
const ON_LINK: u32 = 4;

/// One end of a cable.
#[derive(Clone, Copy, Debug)]
pub(super) struct End<'a> {
    pub(super) name: &'a str,
    /// Its number; 0 lets the kernel choose.
    pub(super) index: u32,
    pub(super) up: bool,
}

/// Makes a cable from the socket's namespace to another one. Only the end here can be up at once.
pub(super) fn cable(
    socket: &Netlink,
    here: End<'_>,
    there: End<'_>,
    other: BorrowedFd<'_>,
    mtu: u32,
) -> io::Result<()> {
    let mut messages = Messages::default();
    messages.add(NEW_LINK, REQUEST | CREATE | EXCLUSIVE, &link(here), |message| {
        message.text(3, here.name).number(4, mtu).bytes(1, &HARDWARE_ADDRESS);
        message.nested(18, |information| {
            information.text(1, "veth").nested(2, |data| {
                data.nested_after(1, &link(there), |peer| {
                    peer.text(3, there.name).number(4, mtu).bytes(1, &HARDWARE_ADDRESS);
                    peer.number(28, other.as_raw_fd() as u32);
                });
            });
        });
    });
    socket.tell(messages.bytes())
}

/// Brings an end up.
pub(super) fn bring_up(socket: &Netlink, index: u32) -> io::Result<()> {
    let mut messages = Messages::default();
    messages.add(NEW_LINK, REQUEST, &link(End { name: "", index, up: true }), |_| {});
    socket.tell(messages.bytes())
}

/// Removes a cable by one of its ends.
pub(super) fn remove(socket: &Netlink, index: u32) -> io::Result<()> {
    const REMOVE_LINK: u16 = 17;
    let mut messages = Messages::default();
    messages.add(REMOVE_LINK, REQUEST, &link(End { name: "", index, up: false }), |_| {});
    socket.tell(messages.bytes())
}

/// Gives an interface an address, alone on its network.
pub(super) fn address(socket: &Netlink, index: u32, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
    let mut fixed = vec![libc::AF_INET as u8, prefix, 0, 0];
    fixed.extend_from_slice(&index.to_ne_bytes());
    let mut messages = Messages::default();
    messages.add(NEW_ADDRESS, REQUEST | CREATE | EXCLUSIVE, &fixed, |message| {
        message.bytes(2, &address.octets()).bytes(1, &address.octets());
    });
    socket.tell(messages.bytes())
}

/// Everything goes through an interface.
pub(super) fn default_route(socket: &Netlink, index: u32, gateway: Ipv4Addr) -> io::Result<()> {
    route(socket, Ipv4Addr::UNSPECIFIED, 0, index, Some(gateway))
}

/// One address is behind an interface.
pub(super) fn host_route(socket: &Netlink, index: u32, address: Ipv4Addr) -> io::Result<()> {
    route(socket, address, 32, index, None)
}

fn route(
    socket: &Netlink,
    to: Ipv4Addr,
    prefix: u8,
    index: u32,
    gateway: Option<Ipv4Addr>,
) -> io::Result<()> {
    const MAIN_TABLE: u8 = 254;
    const STATIC: u8 = 4;
    const UNICAST: u8 = 1;
    let (scope, flags) = if gateway.is_some() { (0, ON_LINK) } else { (253, 0) };
    let mut fixed = vec![libc::AF_INET as u8, prefix, 0, 0, MAIN_TABLE, STATIC, scope, UNICAST];
    fixed.extend_from_slice(&flags.to_ne_bytes());
    let mut messages = Messages::default();
    // A route of a sandbox that is gone may still be there: its interface goes when the kernel gets to it.
    messages.add(NEW_ROUTE, REQUEST | CREATE | REPLACE, &fixed, |message| {
        if prefix > 0 {
            message.bytes(1, &to.octets());
        }
        message.number(4, index);
        if let Some(gateway) = gateway {
            message.bytes(5, &gateway.octets());
        }
    });
    socket.tell(messages.bytes())
}

/// `struct ifinfomsg`.
fn link(end: End<'_>) -> [u8; 16] {
    let flags = NO_RESOLUTION | if end.up { UP } else { 0 };
    let mut fixed = [0; 16];
    fixed[4..8].copy_from_slice(&end.index.to_ne_bytes());
    fixed[8..12].copy_from_slice(&flags.to_ne_bytes());
    fixed[12..16].copy_from_slice(&(NO_RESOLUTION | UP).to_ne_bytes());
    fixed
}
