//! Packet filters, written as nf_tables messages.
//!
//! ```text
//! table ──has──▶ chains (at a hook, with a policy) ──have──▶ rules: a list of tests, then what to do
//! ```
//!
//! A table belongs to the socket that made it: when the socket closes, also with a killed process, the kernel removes it.
//!
//! Never: a table or a rule of somebody else changed.

use std::io;
use std::net::Ipv4Addr;

use crate::netlink::{APPEND, Attributes, CREATE, Messages, Netlink, REQUEST};

/// `NFNL_SUBSYS_NFTABLES`, above the message's own number.
const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = 0;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const NEW_SET: u16 = 9;
/// The table goes with its socket.
const OWNED: u32 = 2;
/// The register that tests use, and the one of verdicts.
const REGISTER: u32 = 1;
const VERDICT: u32 = 0;
/// `ct state`: a packet of a connection that is known, or about one; of no connection.
const KNOWN: u32 = 2 | 4;
const INVALID: u32 = 1;
const NEW: u32 = 8;
/// The set that counts connections by their source.
const COUNTS: &str = "counts";
/// Sources counted at most.
const SOURCES_MAX: u32 = 8192;

/// Where a chain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    /// What is for this namespace itself.
    Input,
    /// What passes through.
    Forward,
    /// What leaves, to be given another source.
    Source,
}

/// One test of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test<'a> {
    /// It came in through this interface, or through any other.
    From(&'a str, bool),
    /// It goes out through this interface, or through any other.
    To(&'a str, bool),
    /// It is for this network.
    For(Ipv4Addr, u8),
    /// It comes from this network.
    By(Ipv4Addr, u8),
    /// It has this protocol and port of destination.
    Port(u8, u16),
    /// It belongs to, or is about, a connection that is known.
    Known,
    /// It belongs to nothing and begins nothing.
    Invalid,
    /// It begins a connection, and its source has more than so many.
    TooMany(u32),
}

/// What becomes of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Accept,
    Drop,
    /// Its sender is told that it is forbidden.
    Refuse,
    /// It leaves with the address of the interface it leaves by.
    Masquerade,
}

/// A table that is put together.
pub(super) struct Table<'a> {
    name: &'a str,
    messages: Messages,
}

impl<'a> Table<'a> {
    pub(super) fn new(name: &'a str) -> Table<'a> {
        let mut messages = Messages::default();
        messages.add(BATCH_BEGIN, 1, &general(0, SUBSYSTEM), |_| {});
        add(&mut messages, NEW_TABLE, CREATE, |message| {
            message.text(1, name).network_number(2, OWNED);
        });
        Table { name, messages }
    }

    /// A chain; `accepts` is its policy.
    pub(super) fn chain(&mut self, hook: Hook, accepts: bool) -> &mut Self {
        let (kind, number, priority) = match hook {
            Hook::Input => ("filter", 1, 0),
            Hook::Forward => ("filter", 2, 0),
            Hook::Source => ("nat", 4, 100),
        };
        let table = self.name;
        add(&mut self.messages, NEW_CHAIN, CREATE, |message| {
            message.text(1, table).text(3, name_of(hook)).text(7, kind).network_number(5, u32::from(accepts));
            message.nested(4, |place| {
                place.network_number(1, number).network_number(2, priority);
            });
        });
        self
    }

    /// The set that [`Test::TooMany`] counts in.
    pub(super) fn counts(&mut self) -> &mut Self {
        const EVALUATED: u32 = 0x20;
        const IPV4: u32 = 7;
        let table = self.name;
        add(&mut self.messages, NEW_SET, CREATE, |message| {
            message.text(1, table).text(2, COUNTS).network_number(3, EVALUATED);
            message.network_number(4, IPV4).network_number(5, 4).network_number(10, 1);
            message.nested(9, |description| {
                description.network_number(1, SOURCES_MAX);
            });
        });
        self
    }

    /// A rule at the end of a chain.
    pub(super) fn rule(&mut self, hook: Hook, tests: &[Test<'_>], fate: Fate) -> &mut Self {
        let table = self.name;
        add(&mut self.messages, NEW_RULE, CREATE | APPEND, |message| {
            message.text(1, table).text(2, name_of(hook)).nested(4, |expressions| {
                tests.iter().for_each(|test| write_test(expressions, *test));
                write_fate(expressions, fate);
            });
        });
        self
    }

    /// Makes the table, all of it or nothing.
    pub(super) fn make(&mut self, socket: &Netlink) -> io::Result<()> {
        self.messages.add(BATCH_END, 1, &general(0, SUBSYSTEM), |_| {});
        socket.tell(self.messages.bytes())
    }
}

fn name_of(hook: Hook) -> &'static str {
    match hook {
        Hook::Input => "input",
        Hook::Forward => "forward",
        Hook::Source => "source",
    }
}

fn add(messages: &mut Messages, kind: u16, flags: u16, fill: impl FnOnce(&mut Attributes<'_>)) {
    messages.add(SUBSYSTEM << 8 | kind, REQUEST | flags, &general(libc::AF_INET as u8, 0), fill);
}

/// `struct nfgenmsg`.
fn general(family: u8, resource: u16) -> [u8; 4] {
    let [high, low] = resource.to_be_bytes();
    [family, 0, high, low]
}

fn expression(list: &mut Attributes<'_>, name: &str, fill: impl FnOnce(&mut Attributes<'_>)) {
    list.nested(1, |element| {
        element.text(1, name).nested(2, fill);
    });
}

fn write_test(list: &mut Attributes<'_>, test: Test<'_>) {
    const CAME_BY: u32 = 6;
    const GOES_BY: u32 = 7;
    const PROTOCOL: u32 = 16;
    const SOURCE_OFFSET: u32 = 12;
    const DESTINATION_OFFSET: u32 = 16;
    match test {
        Test::From(name, same) => interface(list, CAME_BY, name, same),
        Test::To(name, same) => interface(list, GOES_BY, name, same),
        Test::For(network, prefix) => in_network(list, DESTINATION_OFFSET, network, prefix),
        Test::By(network, prefix) => in_network(list, SOURCE_OFFSET, network, prefix),
        Test::Port(protocol, port) => {
            meta(list, PROTOCOL);
            compare(list, &[protocol], true);
            payload(list, 2, 2, 2);
            compare(list, &port.to_be_bytes(), true);
        }
        Test::Known => state(list, KNOWN),
        Test::Invalid => state(list, INVALID),
        Test::TooMany(most) => {
            state(list, NEW);
            payload(list, 1, SOURCE_OFFSET, 4);
            too_many(list, most);
        }
    }
}

fn write_fate(list: &mut Attributes<'_>, fate: Fate) {
    const FORBIDDEN: u8 = 13;
    match fate {
        Fate::Accept | Fate::Drop => expression(list, "immediate", |data| {
            data.network_number(1, VERDICT).nested(2, |value| {
                value.nested(2, |verdict| {
                    verdict.network_number(1, u32::from(matches!(fate, Fate::Accept)));
                });
            });
        }),
        Fate::Refuse => expression(list, "reject", |data| {
            data.network_number(1, 0).bytes(2, &[FORBIDDEN]);
        }),
        Fate::Masquerade => expression(list, "masq", |_| {}),
    }
}

fn interface(list: &mut Attributes<'_>, key: u32, name: &str, same: bool) {
    /// Names are compared whole.
    const NAME_BYTES: usize = 16;
    let mut whole = [0; NAME_BYTES];
    whole.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    meta(list, key);
    compare(list, &whole, same);
}

fn in_network(list: &mut Attributes<'_>, offset: u32, network: Ipv4Addr, prefix: u8) {
    payload(list, 1, offset, 4);
    masked(list, u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0).to_be_bytes());
    compare(list, &network.octets(), true);
}

fn state(list: &mut Attributes<'_>, any_of: u32) {
    const STATE: u32 = 0;
    expression(list, "ct", |data| {
        data.network_number(1, REGISTER).network_number(2, STATE);
    });
    masked(list, any_of.to_ne_bytes());
    compare(list, &[0; 4], false);
}

fn too_many(list: &mut Attributes<'_>, most: u32) {
    const OVER: u32 = 1;
    expression(list, "dynset", |data| {
        data.text(1, COUNTS).network_number(2, 1).network_number(3, 0).network_number(4, REGISTER);
        data.nested(7, |counted| {
            counted.text(1, "connlimit").nested(2, |limit| {
                limit.network_number(1, most).network_number(2, OVER);
            });
        });
    });
}

fn meta(list: &mut Attributes<'_>, key: u32) {
    expression(list, "meta", |data| {
        data.network_number(1, REGISTER).network_number(2, key);
    });
}

/// Loads bytes of a packet: of its network header (1) or of what that carries (2).
fn payload(list: &mut Attributes<'_>, header: u32, offset: u32, length: u32) {
    expression(list, "payload", |data| {
        data.network_number(1, REGISTER).network_number(2, header);
        data.network_number(3, offset).network_number(4, length);
    });
}

fn masked(list: &mut Attributes<'_>, mask: [u8; 4]) {
    expression(list, "bitwise", |data| {
        data.network_number(1, REGISTER).network_number(2, REGISTER).network_number(3, 4);
        data.nested(4, |value| {
            value.bytes(1, &mask);
        });
        data.nested(5, |value| {
            value.bytes(1, &[0; 4]);
        });
    });
}

fn compare(list: &mut Attributes<'_>, with: &[u8], same: bool) {
    expression(list, "cmp", |data| {
        data.network_number(1, REGISTER).network_number(2, u32::from(!same)).nested(3, |value| {
            value.bytes(1, with);
        });
    });
}
