//! Services whose requests no generic protocol reads: S3, whose names are paths and hosts and whose bodies are objects
//! of any size.
//!
//! ```text
//! front_door: defence ─▶ Foreign::route ─▶ signature over the head ─▶ authorise ─▶ Foreign::answer, which reads the body
//! ```
//!
//! Never: sees a request whose signature is wrong; gets a body that was gathered.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use uuid::Uuid;

use crate::document::Document;
use crate::error::ApiError;
use crate::front_door::ResponseBody;
use crate::operation::{BoxFuture, Call};

/// A service that reads its requests itself.
pub trait Foreign: Send + Sync {
    /// The model's name: `s3`.
    fn name(&self) -> &'static str;

    /// Names of the operations that are built, in order.
    fn operations(&self) -> &[&'static str];

    /// Whether a request without a signature is for this service, by the name of its host.
    fn is_host(&self, host: &str, names: &[String]) -> bool;

    /// What a request means. `names` are configured names of this endpoint.
    ///
    /// # Errors
    /// When it means nothing, or what is not built.
    fn route(&self, parts: &Parts, host: &str, names: &[String]) -> Result<Routed, ApiError>;

    /// Answers a call that is allowed. Reads the body as far as it wants.
    fn answer(
        &self,
        call: Call,
        routed: Routed,
        request: Request<Payload>,
    ) -> BoxFuture<'_, Response<ResponseBody>>;

    /// What a web page of another site may do with this request. Asked before anything else is looked at.
    fn page<'a>(
        &'a self,
        parts: &'a Parts,
        host: &'a str,
        names: &'a [String],
        request_id: Uuid,
    ) -> BoxFuture<'a, Page>;

    /// The account in whose name a request without a signature is answered; `None` when it is not open to everybody.
    fn everybody<'a>(
        &'a self,
        parts: &'a Parts,
        routed: &'a Routed,
    ) -> BoxFuture<'a, Result<Option<String>, ApiError>>;

    /// The answer to a request that was refused before.
    fn refuse(&self, parts: &Parts, error: &ApiError, request_id: Uuid) -> Response<ResponseBody>;
}

/// What a request means.
#[derive(Clone, Debug)]
pub struct Routed {
    /// As the model spells it.
    pub operation: &'static str,
    /// As policies spell it: `s3:GetObject`.
    pub action: &'static str,
    /// What it is about, for whoever decides whether it may be done.
    pub input: Document,
    /// The path without what the host already says: `/BUCKET/KEY`, encoded as it came.
    pub path: String,
}

/// What a service says to a request of a web page of another site.
#[derive(Debug)]
pub enum Page {
    /// Nothing: the page is refused.
    Unknown,
    /// It may send it, and its browser may show the answer because of these headers.
    Allowed(HeaderMap),
    /// The answer to its preflight.
    Answer(Response<ResponseBody>),
}

/// The payload of a request: what is inside of `aws-chunked`, or the body itself.
pub struct Payload {
    body: UnsyncBoxBody<Bytes, ApiError>,
    /// The SHA-256 that the client signed, in hexadecimal digits: the reader has to compare it.
    pub sha256: Option<String>,
    /// How many bytes the client says there are.
    pub bytes: Option<u64>,
    /// The name of the checksum that follows the payload, which is already compared when it ends:
    /// `x-amz-checksum-crc32`.
    pub trailer: Option<String>,
}

impl Payload {
    /// A payload of these bytes, which nobody signed.
    pub fn of(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        let whole =
            http_body_util::BodyExt::map_err(http_body_util::Full::new(bytes), |never| match never {});
        Self { body: UnsyncBoxBody::new(whole), sha256: None, bytes: Some(length), trailer: None }
    }

    /// A payload as it arrives.
    pub(crate) fn new(body: UnsyncBoxBody<Bytes, ApiError>) -> Self {
        Self { body, sha256: None, bytes: None, trailer: None }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Payload").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = ApiError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ApiError>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
