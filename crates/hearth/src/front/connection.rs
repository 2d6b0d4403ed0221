//! One connection: HTTP/1.1 or HTTP/2 over any stream of bytes, until it closes, has to go, or the server stops.
//!
//! Never: knows what carries the bytes; lets a silent peer hold it for ever.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

use hearth_world::{Clock, Stop};

use super::Handler;
use super::bodies::{Asked, Told};
use super::guests::Guest;

/// How long a peer may take for the head of a request; also how long a connection may lie idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of a request's head: AWS's load balancers take 60 KB.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The same for HTTP/2, which counts names and values and 32 bytes for each.
const HEADERS_BYTES_MAX: u32 = 64 * 1024;

/// Requests at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;

/// What an HTTP/2 peer may send before anybody reads it, on all its streams together: this much of every connection
/// can lie in our memory.
const WINDOW_BYTES: u32 = 256 * 1024;

/// Serves one connection until it closes, falls silent, is sent away, or `stop` comes and its requests are answered.
pub async fn serve<S>(stream: S, handler: Handler, guest: &Guest, clock: &Clock, stop: &Stop)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let spoke = Arc::new(AtomicBool::new(false));
    let (heard, state) = (spoke.clone(), guest.state().clone());
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        heard.store(true, Ordering::Relaxed);
        let talk = state.asks();
        let answer = handler(request.map(|body| Asked::new(body, talk.clone())));
        let state = state.clone();
        async move {
            let response = answer.await;
            let told = response.map(|body| Told::new(body, &state));
            drop(talk);
            Ok::<_, Infallible>(told)
        }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut first = pin!(clock.sleep(HEAD_TIMEOUT));
    let mut stopping = pin!(stop.stopped());
    let (mut watched, mut draining) = (true, false);
    loop {
        // Each branch may be dropped: the connection is pinned outside and goes on where it was.
        tokio::select! {
            biased;
            outcome = connection.as_mut() => {
                if let Err(error) = outcome {
                    debug!(%error, "a connection ended early");
                }
                return;
            }
            () = guest.sent_away() => return,
            () = stopping.as_mut(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            () = first.as_mut(), if watched => {
                watched = false;
                if !spoke.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .keep_alive_interval(HEAD_TIMEOUT);
    builder
}
