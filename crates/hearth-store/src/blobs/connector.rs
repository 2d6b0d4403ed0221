//! How the object store's client reaches its server: through the one outbound client.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, stream};
use hearth_outbound::{Outbound, OutboundError, Streamed};
use http::Method;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};

/// From the first look at the server's name until the head of its answer, with all of the request sent: one part of
/// 8 MB at 140 KB a second.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(60);

/// The same where the store copies an object by itself before it answers: 5 GB, the most that it does at once, at 9 MB
/// a second.
const COPY_TIME: Duration = Duration::from_secs(600);

/// The longest wait for the next piece of an answer.
const PAUSE: Duration = Duration::from_secs(20);

/// Makes clients that send over the outbound client.
#[derive(Debug)]
pub(super) struct Through(pub(super) Arc<Outbound>);

impl HttpConnector for Through {
    /// What the options say of proxies, names and limits is the outbound client's to decide.
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(self.0.clone())))
    }
}

/// Bytes of an answer that is no object: an error, a thousand names of a listing.
const WORDS_BYTES_MAX: usize = 4_194_304;

#[derive(Debug)]
struct Service(Arc<Outbound>);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let is_object =
            head.method == Method::GET && !head.uri.query().is_some_and(|query| query.contains("list-type"));
        let body = body.collect().await?.to_bytes();
        let request = http::Request::from_parts(head, body);
        let time = answer_time(&request);
        let answer = self.0.stream(request, time, PAUSE).await.map_err(failed)?;
        let (head, body) = answer.into_parts();
        let most = if is_object && head.status.is_success() { usize::MAX } else { WORDS_BYTES_MAX };
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(StreamBody::new(pieces(body, most)))))
    }
}

fn answer_time<B>(request: &http::Request<B>) -> Duration {
    if request.headers().contains_key("x-amz-copy-source") { COPY_TIME } else { ANSWER_TIME }
}

fn pieces(body: Streamed, most: usize) -> impl Stream<Item = Result<Frame<Bytes>, HttpError>> + Send + Sync {
    stream::try_unfold((body, most), |(mut body, most)| async move {
        let Some(piece) = body.chunk().await.map_err(failed)? else { return Ok(None) };
        let left =
            most.checked_sub(piece.len()).ok_or_else(|| HttpError::new(HttpErrorKind::Decode, TooLong))?;
        Ok(Some((Frame::data(piece), (body, left))))
    })
}

/// An answer that is no object is longer than any should be.
#[derive(Debug, thiserror::Error)]
#[error("an answer has more than {WORDS_BYTES_MAX} bytes")]
struct TooLong;

/// What may pass is tried again by the object store's client, what is refused is not.
fn failed(error: OutboundError) -> HttpError {
    let kind = match &error {
        OutboundError::Connect { .. } | OutboundError::Resolve { .. } => HttpErrorKind::Connect,
        OutboundError::TimedOut { .. } => HttpErrorKind::Timeout,
        OutboundError::Http { .. } => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    // What the library shows of an error is its own words without its causes.
    let (mut words, mut cause) = (error.to_string(), error.source());
    while let Some(deeper) = cause {
        words = format!("{words}: {deeper}");
        cause = deeper.source();
    }
    HttpError::new(kind, Failed(words))
}

/// Why a request failed, with all causes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_the_store_makes_has_more_time_than_what_is_sent() {
        let put = http::Request::put("http://localhost/bucket/key");
        let copy =
            http::Request::put("http://localhost/bucket/key").header("x-amz-copy-source", "bucket/draft");
        assert_eq!(answer_time(&put.body(()).unwrap()), ANSWER_TIME);
        assert_eq!(answer_time(&copy.body(()).unwrap()), COPY_TIME);
    }
}
