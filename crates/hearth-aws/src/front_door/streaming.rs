//! Answers that go on: the head is the protocol's, the body the operation's messages as they come.

use std::convert::Infallible;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};

use futures_util::{StreamExt, stream};

use super::ResponseBody;
use crate::document::{Document, ShapeError, Stream};
use crate::event_stream::{self, EventStream};
use crate::model::{Location, Model, OperationFacts, Protocol};

/// Where the content type of a streaming function travels, because the answer's own is the event stream's.
const REMAPPED: HeaderName = HeaderName::from_static("x-amzn-remapped-content-type");

/// An answer and what follows it.
pub(super) struct Streamed {
    stream: Stream,
    /// Precedes the operation's messages: members that cannot travel in headers.
    initial: Option<Bytes>,
    has_content_type: bool,
}

impl Streamed {
    /// Takes the stream out of an answer that has one.
    pub(super) fn take(
        model: &'static Model,
        protocol: Protocol,
        operation: &OperationFacts,
        output: &mut Document,
    ) -> Result<Option<Self>, ShapeError> {
        let Document::Structure(members) = output else { return Ok(None) };
        let found = members.iter_mut().find(|(_, value)| matches!(value, Document::Stream(_)));
        let Some(Document::Stream(stream)) = found.map(|(_, value)| std::mem::take(value)) else {
            return Ok(None);
        };
        let has_content_type = members
            .iter()
            .any(|(name, value)| *value != Document::Null && is_content_type(model, operation, name));
        let events = EventStream::of(model.facts().service, operation.name);
        let events = events.ok_or(ShapeError::expected("an operation that streams"))?;
        let initial = match protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => Some(events.initial(output)?),
            _ => None,
        };
        Ok(Some(Self { stream, initial, has_content_type }))
    }

    /// The answer with its messages in place of a body.
    pub(super) fn follow(self, head: Response<Bytes>) -> Response<ResponseBody> {
        let mut response = head.map(|_| self.body());
        let ours = HeaderValue::from_static(event_stream::CONTENT_TYPE);
        let theirs = response.headers_mut().insert(CONTENT_TYPE, ours);
        if let Some(theirs) = theirs.filter(|_| self.has_content_type) {
            response.headers_mut().insert(REMAPPED, theirs);
        }
        response
    }

    fn body(&self) -> ResponseBody {
        let Some(messages) = self.stream.take() else { return Full::default().boxed_unsync() };
        let initial = self.initial.clone().map(|message| Ok::<_, Infallible>(Frame::data(message)));
        StreamBody::new(stream::iter(initial).chain(BodyStream::new(messages))).boxed_unsync()
    }
}

fn is_content_type(model: &Model, operation: &OperationFacts, name: &str) -> bool {
    let member = operation.output.and_then(|id| model.structure(id)?.member(name).ok());
    member.is_some_and(|member| {
        member.location == Location::Header && member.wire_name.eq_ignore_ascii_case("content-type")
    })
}
