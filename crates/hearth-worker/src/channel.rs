//! The fast channel: frames between the server and our own bootstraps over two inherited pipes.
//!
//! ```text
//! to the runtime    [fields' length: u32][length of all: u32][fields, NUL between them][event]
//! from the runtime  [kind: u8, number: u24][length: u32][bytes]           little-endian
//! ```
//!
//! Fields: request id, deadline in ms, invoked ARN, trace id, tenant id, Cognito identity, number, client context.
//! An answer carries the number of its event, so that a late one never answers another request.
//! An answer also asks for the next event. The other side is the function's: anything may come.
//!
//! Never: trusts a length; grows beyond one answer.

use bytes::{Bytes, BytesMut};

use crate::worker::Call;

/// Synchronous response: 6 MB + 100 bytes.
pub(crate) const RESPONSE_BYTES_MAX: usize = 6_291_556;
/// An error report: a response's limit, for its stack trace is the function's text.
const REPORT_BYTES_MAX: usize = RESPONSE_BYTES_MAX;
/// Kind and length.
const HEADER_BYTES: usize = 8;

/// What a runtime says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Init is done: give me work.
    Ready,
    /// The answer to the event of this number.
    Response(u32, Bytes),
    /// The invocation's error as JSON.
    Error(u32, Bytes),
    /// Init's error as JSON.
    InitError(Bytes),
    /// The answer is larger than allowed and was not sent.
    TooLarge(u32),
}

/// What no bootstrap of ours sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of kind {kind} and {length} bytes")]
pub(crate) struct BadFrame {
    /// As read.
    pub(crate) kind: u32,
    /// As read.
    pub(crate) length: u32,
}

/// Takes one frame off the front of what was read; `None` when it is not complete yet.
pub(crate) fn take_frame(read: &mut BytesMut) -> Result<Option<Frame>, BadFrame> {
    let Some(header) = read.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let (kind, length) = header.split_at(4);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte));
    let (head, length) = (number(kind), number(length));
    let bad = BadFrame { kind: head, length };
    let (kind, event) = (head & 0xff, head >> 8);
    let length = usize::try_from(length).map_err(|_| bad)?;
    let limit = match kind {
        1 | 5 => 0,
        2 => RESPONSE_BYTES_MAX,
        3 | 4 => REPORT_BYTES_MAX,
        0 | 6.. => return Err(bad),
    };
    if length > limit {
        return Err(bad);
    }
    if read.len() < HEADER_BYTES + length {
        read.reserve(HEADER_BYTES + length - read.len());
        return Ok(None);
    }
    let mut frame = read.split_to(HEADER_BYTES + length);
    let payload = frame.split_off(HEADER_BYTES).freeze();
    Ok(Some(match kind {
        1 => Frame::Ready,
        2 => Frame::Response(event, payload),
        3 => Frame::Error(event, payload),
        4 => Frame::InitError(payload),
        _ => Frame::TooLarge(event),
    }))
}

/// The number of a call on the wire: 24 bits, so that one comes again after 16 million others.
pub(crate) fn event_number(call: u64) -> u32 {
    (call & 0xff_ffff) as u32
}

/// The front of an event's frame; the payload follows it as it is.
pub(crate) fn event_head(call: &Call, deadline_ms: i64, number: u32) -> Vec<u8> {
    use std::io::Write as _;
    let mut head = Vec::with_capacity(320);
    head.extend_from_slice(&[0; HEADER_BYTES]);
    // Writing to a Vec cannot fail.
    let _ = write!(
        head,
        "{}\0{deadline_ms}\0{}\0{}\0\0\0{number}\0{}",
        call.request_id.hyphenated(),
        without_nul(&call.invoked_arn),
        without_nul(&call.trace_id),
        call.client_context.as_deref().unwrap_or_default(),
    );
    let fields = u32::try_from(head.len() - HEADER_BYTES).unwrap_or(u32::MAX);
    let all = u32::try_from(head.len() - HEADER_BYTES + call.payload.len()).unwrap_or(u32::MAX);
    head[..4].copy_from_slice(&fields.to_le_bytes());
    head[4..8].copy_from_slice(&all.to_le_bytes());
    head
}

/// A NUL would end the field early and shift the others.
fn without_nul(field: &str) -> std::borrow::Cow<'_, str> {
    if field.contains('\0') { field.replace('\0', "").into() } else { field.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u32, bytes: &[u8]) -> Vec<u8> {
        let mut frame = kind.to_le_bytes().to_vec();
        frame.extend_from_slice(&u32::try_from(bytes.len()).expect("a small test frame").to_le_bytes());
        frame.extend_from_slice(bytes);
        frame
    }

    #[test]
    fn frames_are_taken_whole_however_they_arrive() {
        let sent =
            [frame(1, b""), frame(2 | 7 << 8, b"{}"), frame(3, b"e"), frame(4, b"i"), frame(5, b"")].concat();
        let mut read = BytesMut::new();
        let mut taken = Vec::new();
        for byte in sent {
            read.extend_from_slice(&[byte]);
            taken.extend(take_frame(&mut read).expect("well-formed"));
        }
        let bytes = Bytes::from_static;
        let expected = [
            Frame::Ready,
            Frame::Response(7, bytes(b"{}")),
            Frame::Error(0, bytes(b"e")),
            Frame::InitError(bytes(b"i")),
            Frame::TooLarge(0),
        ];
        assert_eq!(taken, expected);
        assert!(read.is_empty());
    }

    #[test]
    fn unknown_kinds_and_lengths_beyond_the_limit_are_bad_before_anything_is_stored() {
        for (kind, length) in [(0, 0), (6, 0), (1, 1), (5, 1), (2, 6_291_557), (3, u32::MAX), (u32::MAX, 0)] {
            let mut read = BytesMut::new();
            read.extend_from_slice(&kind.to_le_bytes());
            read.extend_from_slice(&length.to_le_bytes());
            assert_eq!(take_frame(&mut read), Err(BadFrame { kind, length }));
        }
    }
}
