//! Bodies that tell what their connection does: whether its client still sends, or takes what it is sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::guests::{Part, State, Talk};
use crate::own::Body;

/// So many bytes of a body are something that goes on; fewer are dawdling.
const MOVED_BYTES: usize = 16_384;

/// A request's body. Once it is whole, its sender waits for us.
#[derive(Debug)]
pub struct Asked {
    body: Incoming,
    talk: Arc<Talk>,
    unnoticed_bytes: usize,
}

impl Asked {
    pub(super) fn new(body: Incoming, talk: Arc<Talk>) -> Self {
        if body.is_end_stream() {
            talk.is_asked();
        }
        Self { body, talk, unnoticed_bytes: 0 }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.talk.is_asked();
    }
}

impl hyper::body::Body for Asked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &polled {
            self.unnoticed_bytes += frame.data_ref().map_or(0, Bytes::len);
            if self.unnoticed_bytes >= MOVED_BYTES {
                self.unnoticed_bytes = 0;
                self.talk.moves();
            }
        }
        if polled.is_none() || self.body.is_end_stream() {
            self.talk.is_asked();
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body: each of its frames is the client's to take in time.
#[derive(Debug)]
pub(super) struct Told {
    body: Body,
    part: Arc<Part>,
}

/// Bytes that count as not taken until they are dropped.
struct Untaken {
    bytes: Bytes,
    _part: Arc<Part>,
}

impl AsRef<[u8]> for Untaken {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Told {
    pub(super) fn new(body: Body, state: &Arc<State>) -> Self {
        let part = state.takes(body.size_hint().lower());
        Self { body, part }
    }
}

impl hyper::body::Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Poll::Ready(polled) = Pin::new(&mut self.body).poll_frame(context) else {
            self.part.waits_for_us();
            return Poll::Pending;
        };
        let part = &self.part;
        Poll::Ready(polled.map(|frame| {
            frame.map(|frame| {
                frame.map_data(|bytes| {
                    part.is_due(bytes.len());
                    Bytes::from_owner(Untaken { bytes, _part: part.clone() })
                })
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
