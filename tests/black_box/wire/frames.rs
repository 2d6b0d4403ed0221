//! Frames of HTTP/2, written by hand (RFC 9113) so that a test can send what no client would.

use std::io::{Read, Write};

use hearth_tests::{Hearth, authorization};

use super::Line;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame that came.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

/// A connection that speaks HTTP/2 from its first byte.
pub(super) struct Http2(pub(super) Line);

impl Http2 {
    /// Connects and says hello, with these settings.
    pub(super) fn to(hearth: &Hearth, settings: &[(u16, u32)]) -> Self {
        let mut line = Line::to(hearth);
        line.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut http2 = Self(line);
        let setting = |(name, value): &(u16, u32)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
        http2.send(SETTINGS, 0, 0, &settings.iter().flat_map(setting).collect::<Vec<u8>>());
        http2
    }

    /// Sends a frame; `false` when the server takes no more.
    pub(super) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.0.write(frame(kind, flags, stream, payload))
    }

    /// A signed request to Lambda without a body.
    pub(super) fn get(&mut self, hearth: &Hearth, stream: u32, path: &str) -> bool {
        self.send(HEADERS, END_STREAM | END_HEADERS, stream, &request(hearth, path))
    }

    /// The next frame; `None` at the end of the connection. Settings and pings are answered.
    pub(super) fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.0.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).ok()?];
        self.0.0.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        let found = Frame { kind: head[3], flags: head[4], stream, payload };
        if matches!(found.kind, SETTINGS | PING) && found.flags & ACK == 0 {
            let payload = if found.kind == PING { &found.payload[..] } else { &[] };
            let _ = self.0.0.write_all(&frame(found.kind, ACK, 0, payload));
        }
        Some(found)
    }

    /// The next frame that one of these kinds is; `None` when the connection ends before.
    pub(super) fn next_of(&mut self, kinds: &[u8]) -> Option<Frame> {
        std::iter::from_fn(|| self.next()).find(|frame| kinds.contains(&frame.kind))
    }

    /// Whether the server has ended the connection, with a GOAWAY or without.
    pub(super) fn is_ended(&mut self) -> bool {
        match self.next_of(&[GOAWAY]) {
            Some(_) => true,
            None => self.0.is_closed(),
        }
    }
}

/// A frame's bytes.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The header block of a signed GET to Lambda.
pub(super) fn request(hearth: &Hearth, path: &str) -> Vec<u8> {
    signed(hearth, "GET", path)
}

/// The header block of a signed POST to Lambda.
pub(super) fn post(hearth: &Hearth, path: &str) -> Vec<u8> {
    signed(hearth, "POST", path)
}

fn signed(hearth: &Hearth, method: &str, path: &str) -> Vec<u8> {
    let signed = authorization("test", "lambda");
    let headers = [
        (":method", method),
        (":scheme", "http"),
        (":path", path),
        (":authority", hearth.address()),
        ("authorization", &signed),
    ];
    headers.iter().flat_map(|(name, value)| literal(0, name, value)).collect()
}

/// One header as a literal with a new name (RFC 7541 section 6.2): `0x40` is remembered, `0` is not.
pub(super) fn literal(kind: u8, name: &str, value: &str) -> Vec<u8> {
    let mut out = vec![kind];
    for text in [name, value] {
        out.extend(length(text.len()));
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// A length in seven bits and as many bytes more as it takes (RFC 7541 section 5.1).
fn length(length: usize) -> Vec<u8> {
    let Some(mut rest) = length.checked_sub(127) else { return vec![length.to_le_bytes()[0]] };
    let mut out = vec![127];
    while rest >= 128 {
        out.push((rest % 128).to_le_bytes()[0] | 128);
        rest /= 128;
    }
    out.push(rest.to_le_bytes()[0]);
    out
}
