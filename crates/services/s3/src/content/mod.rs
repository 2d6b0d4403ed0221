//! Bytes on their way in and out.

mod combine;
mod digests;
mod outgoing;
mod receive;

pub(crate) use combine::{composite, full};
pub(crate) use digests::{Expected, bad_digest, verify};
pub(crate) use outgoing::{Outgoing, Piece, pieces, stream};
pub(crate) use receive::{BODY_FRAME_TIME_MAX, OBJECT_BYTES_MAX, Received, copy_of, hold, receive, too_slow};
