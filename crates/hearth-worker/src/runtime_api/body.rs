//! What a runtime posts: the body, and the trailers by which it says that its stream broke off.
//!
//! Never: holds more of a body than an answer may have; waits for ever for one.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming};

use crate::channel::RESPONSE_BYTES_MAX;
use crate::environment::Shared;

/// A body whose next piece does not come for so long is given up.
const BODY_STALL_MAX: Duration = Duration::from_secs(30);
/// Of a body that is too large, so much is still read, so that its sender sees the answer.
const BODY_REST_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The trailer that says what went wrong in the middle of an answer.
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
/// The trailer with the error as base64 of JSON.
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// A body that came whole.
#[derive(Debug, Default)]
pub(super) struct Whole {
    /// As posted.
    pub(super) bytes: Bytes,
    /// The error that its trailers tell: what was sent before it is no answer.
    pub(super) failure: Option<Bytes>,
}

/// Why there is no body.
#[derive(Debug)]
pub(super) enum NoBody {
    /// Larger than an answer may be.
    TooLarge,
    /// Its connection ended, or nothing came any more.
    Truncated,
}

/// Reads a body to its end.
pub(super) async fn collect(environment: &Shared, mut body: Incoming) -> Result<Whole, NoBody> {
    let _one = environment.may_collect().await;
    let mut collected = BytesMut::new();
    let mut failure = None;
    let mut rest = 0;
    while let Some(frame) = next(&mut body).await? {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                failure = frame.into_trailers().ok().and_then(|trailers| failure_of(&trailers));
                continue;
            }
        };
        if rest == 0 && collected.len() + data.len() <= RESPONSE_BYTES_MAX {
            collected.extend_from_slice(&data);
            continue;
        }
        collected = BytesMut::new();
        rest += data.len();
        if rest > BODY_REST_BYTES_MAX {
            break;
        }
    }
    match rest {
        0 => Ok(Whole { bytes: collected.freeze(), failure }),
        _ => Err(NoBody::TooLarge),
    }
}

async fn next(body: &mut Incoming) -> Result<Option<Frame<Bytes>>, NoBody> {
    let frame = tokio::time::timeout(BODY_STALL_MAX, body.frame()).await.map_err(|_| NoBody::Truncated)?;
    frame.transpose().map_err(|_| NoBody::Truncated)
}

/// The error that trailers tell; a declared trailer that was not sent tells none.
fn failure_of(trailers: &HeaderMap) -> Option<Bytes> {
    let text =
        |name| trailers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let (kind, body) = (text(ERROR_TYPE), text(ERROR_BODY));
    let told = body.and_then(|body| BASE64_STANDARD.decode(body).ok()).map(Bytes::from);
    let error = || serde_json::json!({ "errorType": kind.unwrap_or("Runtime.Unknown"), "errorMessage": "" });
    kind.or(body).map(|_| told.unwrap_or_else(|| error().to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(trailers: &[(&'static str, &'static str)], failure: Option<&'static str>) {
        let trailers = trailers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        assert_eq!(failure_of(&trailers.collect()), failure.map(Bytes::from));
    }

    #[test]
    fn trailers_that_tell_an_error_are_the_answer() {
        check(&[], None);
        check(&[("x", "y")], None);
        check(&[(ERROR_TYPE, ""), (ERROR_BODY, "")], None);
        check(&[(ERROR_TYPE, "E"), (ERROR_BODY, "eyJhIjoxfQ==")], Some(r#"{"a":1}"#));
        check(&[(ERROR_BODY, "eyJhIjoxfQ==")], Some(r#"{"a":1}"#));
        let without = r#"{"errorMessage":"","errorType":"E"}"#;
        check(&[(ERROR_TYPE, "E")], Some(without));
        check(&[(ERROR_TYPE, "E"), (ERROR_BODY, "no base64!")], Some(without));
    }
}
