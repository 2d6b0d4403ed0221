//! Messages to the kernel over netlink: how they are put together and how its answers are read.
//!
//! The kernel answers before the send returns, so nothing here waits.
//!
//! Never: an error that is not told; a message about another namespace than the one the socket was made in.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// Flags of a message: a request that is answered.
pub(crate) const REQUEST: u16 = 1 | 4;
/// Make it when it is absent.
pub(crate) const CREATE: u16 = 0x400;
/// Fail when it is there.
pub(crate) const EXCLUSIVE: u16 = 0x200;
/// Replace what is there.
pub(crate) const REPLACE: u16 = 0x100;
/// Put it after the others.
pub(crate) const APPEND: u16 = 0x800;

/// Says that an attribute holds attributes.
const NESTED: u16 = 0x8000;
/// The header of a message.
const HEADER_BYTES: usize = 16;
/// The kind of an answer: an error number, 0 for success.
const ERROR: u16 = 2;
/// One read of answers.
const ANSWER_BYTES: usize = 8 * 1024;

/// Which part of the kernel a socket speaks to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Family {
    /// Interfaces, addresses, routes.
    Route,
    /// Packet filters.
    Filter,
}

/// A socket of the network namespace in which it was made, wherever its owner goes.
#[derive(Debug)]
pub(crate) struct Netlink(OwnedFd);

impl Netlink {
    /// A socket of the present namespace.
    pub(crate) fn open(family: Family) -> io::Result<Netlink> {
        let protocol = match family {
            Family::Route => None, // number 0
            Family::Filter => Some(rustix::net::netlink::NETFILTER),
        };
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
        Ok(Netlink(socket))
    }

    /// Sends messages and reads all answers: the first error, if there is one.
    pub(crate) fn tell(&self, messages: &[u8]) -> io::Result<()> {
        send(&self.0, messages, SendFlags::empty())?;
        let mut answer = [0; ANSWER_BYTES];
        let mut result = Ok(());
        loop {
            match recv(&self.0, &mut answer, RecvFlags::DONTWAIT) {
                Ok((_, length)) => {
                    if let (Some(error), true) =
                        (first_error(&answer[..length.min(ANSWER_BYTES)]), result.is_ok())
                    {
                        result = Err(error);
                    }
                }
                Err(rustix::io::Errno::AGAIN) => return result,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn first_error(mut answers: &[u8]) -> Option<io::Error> {
    while let Some((header, rest)) = answers.split_first_chunk::<HEADER_BYTES>() {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        if let (ERROR, Some((code, _))) = (kind, rest.split_first_chunk::<4>()) {
            let code = i32::from_ne_bytes(*code);
            if code != 0 {
                return Some(io::Error::from_raw_os_error(code.wrapping_neg()));
            }
        }
        answers = answers.get(length.next_multiple_of(4).max(HEADER_BYTES)..)?;
    }
    None
}

/// Messages that are put together, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Messages(Vec<u8>);

impl Messages {
    /// Adds a message: its kind and flags, its fixed part, and what `fill` adds.
    pub(crate) fn add(
        &mut self,
        kind: u16,
        flags: u16,
        fixed: &[u8],
        fill: impl FnOnce(&mut Attributes<'_>),
    ) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 4]);
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(&flags.to_ne_bytes());
        self.0.extend_from_slice(&[0; 8]); // the sequence and the sender, which the kernel fills in
        self.0.extend_from_slice(fixed);
        pad(&mut self.0);
        fill(&mut Attributes(&mut self.0));
        let length = (self.0.len() - start) as u32;
        self.0[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The attributes of a message, or of an attribute.
#[derive(Debug)]
pub(crate) struct Attributes<'a>(&'a mut Vec<u8>);

impl Attributes<'_> {
    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let length = (value.len() + 4) as u16;
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        pad(self.0);
        self
    }

    /// A text with the zero byte that ends it.
    pub(crate) fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        self.bytes(kind, &[value.as_bytes(), b"\0"].concat())
    }

    /// A number as this machine writes it, as routes and interfaces have it.
    pub(crate) fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// A number as networks write it, as packet filters have it.
    pub(crate) fn network_number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    pub(crate) fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Attributes<'_>)) -> &mut Self {
        self.nested_after(kind | NESTED, &[], fill)
    }

    /// An attribute that begins with a fixed part.
    pub(crate) fn nested_after(
        &mut self,
        kind: u16,
        fixed: &[u8],
        fill: impl FnOnce(&mut Attributes<'_>),
    ) -> &mut Self {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 2]);
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(fixed);
        pad(self.0);
        fill(&mut Attributes(self.0));
        let length = (self.0.len() - start) as u16;
        self.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_what_is_inside_and_everything_is_aligned() {
        let mut messages = Messages::default();
        messages.add(16, REQUEST, &[1, 2, 3, 4], |message| {
            message.text(3, "eth0").nested(18, |inside| {
                inside.bytes(1, b"veth");
            });
        });
        let bytes = messages.bytes();
        assert_eq!(u32::from_ne_bytes(bytes[0..4].try_into().expect("four")), 16 + 4 + 12 + 12);
        assert_eq!(bytes[20..24], [9, 0, 3, 0], "a text of five bytes with its zero");
        assert_eq!(bytes[32..36], [12, 0, 18, 0x80]);
    }

    #[test]
    fn an_error_among_answers_is_found() {
        let answer = |code: i32| {
            let mut bytes = [0; 36];
            bytes[0] = 36;
            bytes[4] = 2;
            bytes[16..20].copy_from_slice(&code.to_ne_bytes());
            bytes
        };
        assert!(first_error(&answer(0)).is_none());
        let both = [answer(0), answer(-17)].concat();
        assert_eq!(first_error(&both).and_then(|error| error.raw_os_error()), Some(17));
        assert!(first_error(&both[..50]).is_none(), "cut off");
    }
}
