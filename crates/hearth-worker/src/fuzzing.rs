//! What a function's side may send, as functions of bytes, with what must hold whatever they are. `fuzz/` drives them;
//! nothing of the product does.
//!
//! A function panics when something does not hold, and returns otherwise.

use bytes::BytesMut;

use crate::channel::{Frame, RESPONSE_BYTES_MAX, take_frame};
use crate::runtime_api::known_path;

/// A reader and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of this crate.
pub const TARGETS: &[Target] = &[("channel_frames", channel_frames), ("runtime_api_path", runtime_api_path)];

/// Frames of the fast channel. The first byte says how they arrive, which makes no difference.
pub fn channel_frames(bytes: &[u8]) {
    let Some((first, stream)) = bytes.split_first() else { return };
    let read = |step: usize| {
        let (mut read, mut taken, mut bad) = (BytesMut::new(), Vec::new(), None);
        for piece in stream.chunks(step) {
            read.extend_from_slice(piece);
            while bad.is_none() {
                match take_frame(&mut read) {
                    Ok(Some(frame)) => taken.push(frame),
                    Ok(None) => break,
                    Err(error) => bad = Some(error),
                }
            }
            assert!(read.capacity() <= 4 * RESPONSE_BYTES_MAX, "no room for more than an answer");
        }
        (taken, bad)
    };
    let (taken, bad) = read(stream.len().max(1));
    assert_eq!(read(usize::from(*first) + 1), (taken.clone(), bad));
    // What was taken is what was sent.
    let sent: Vec<u8> = taken.iter().flat_map(encoded).collect();
    assert!(stream.starts_with(&sent) || taken.iter().any(|frame| *frame == Frame::Ready || is_init(frame)));
    assert!(sent.len() <= stream.len());
}

fn is_init(frame: &Frame) -> bool {
    matches!(frame, Frame::InitError(_))
}

fn encoded(frame: &Frame) -> Vec<u8> {
    let (kind, number, payload): (u32, u32, &[u8]) = match frame {
        Frame::Ready => (1, 0, b""),
        Frame::Response(number, payload) => (2, *number, payload),
        Frame::Error(number, payload) => (3, *number, payload),
        Frame::InitError(payload) => (4, 0, payload),
        Frame::TooLarge(number) => (5, *number, b""),
    };
    let mut out = (kind | number << 8).to_le_bytes().to_vec();
    out.extend_from_slice(&u32::try_from(payload.len()).expect("it was read as one").to_le_bytes());
    out.extend_from_slice(payload);
    out
}

/// Paths of the Runtime API: a request's id is a piece of the path, and never empty.
pub fn runtime_api_path(bytes: &[u8]) {
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    if let Some(Some(id)) = known_path(path) {
        assert!(!id.is_empty() && !id.contains('/') && path.contains(id));
    }
}
