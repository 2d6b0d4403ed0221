//! An answer that goes on after it has begun.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use super::{Document, FromDocument, IntoDocument, ShapeError};

/// The messages of an event stream, as they come. Copies share them: whoever takes them first has them.
#[derive(Clone)]
pub struct Stream(Arc<Mutex<Option<UnsyncBoxBody<Bytes, Infallible>>>>);

impl Stream {
    /// A stream of encoded messages: [`EventStream`](crate::EventStream) makes them.
    pub fn new(messages: impl http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(messages.boxed_unsync()))))
    }

    /// The messages, for the one who sends them.
    pub fn take(&self) -> Option<UnsyncBoxBody<Bytes, Infallible>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Stream")
    }
}

/// Equal is what is the same stream.
impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl FromDocument for Stream {
    fn from_document(document: Document) -> Result<Self, ShapeError> {
        match document {
            Document::Stream(stream) => Ok(stream),
            _ => Err(ShapeError::expected("stream")),
        }
    }
}

impl IntoDocument for Stream {
    fn into_document(self) -> Document {
        Document::Stream(self)
    }
}
