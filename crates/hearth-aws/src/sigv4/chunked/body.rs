//! A body's payload as a body: what a service reads of an `aws-chunked` request.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{BodyError, Decoder};

/// The payload of an `aws-chunked` body, as it arrives. An error means that nothing of it is to be kept, what was
/// already handed on included.
#[derive(Debug)]
pub struct ChunkedBody<B> {
    inner: B,
    decoder: Decoder,
    rest: Bytes,
    is_over: bool,
}

impl<B> ChunkedBody<B> {
    /// The payload of this body.
    pub fn new(inner: B, decoder: Decoder) -> Self {
        Self { inner, decoder, rest: Bytes::new(), is_over: false }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ChunkedBody<B> {
    type Data = Bytes;
    type Error = BodyError<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            if this.is_over {
                return Poll::Ready(None);
            }
            match this.decoder.next(&mut this.rest) {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Ok(None) => {}
                Err(error) => {
                    this.is_over = true;
                    return Poll::Ready(Some(Err(BodyError::Chunk(error))));
                }
            }
            match ready!(Pin::new(&mut this.inner).poll_frame(context)) {
                Some(Ok(frame)) => this.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    this.is_over = true;
                    return Poll::Ready(Some(Err(BodyError::Line(error))));
                }
                None => {
                    this.is_over = true;
                    let ended = this.decoder.finish();
                    return Poll::Ready(ended.err().map(|error| Err(BodyError::Chunk(error))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }

    /// What the client says. It may be a lie, which is then an error at the end.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
