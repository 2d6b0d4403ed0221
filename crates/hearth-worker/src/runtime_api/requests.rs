//! The Runtime API's requests: who may ask what when (`spec/runtime-api.md` section 2).
//!
//! Never: holds more of a body than an answer may have; waits for ever for one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::answer::{self, Answer};
use crate::channel::RESPONSE_BYTES_MAX;
use crate::environment::{self, Outcome, Shared};

/// A body whose next piece does not come for so long is given up.
const BODY_STALL_MAX: Duration = Duration::from_secs(30);
/// Of a body that is too large, so much is still read, so that its sender sees the answer.
const BODY_REST_BYTES_MAX: usize = 64 * 1024 * 1024;
const ROOT: &str = "/2018-06-01/";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
enum Route<'a> {
    Ping,
    Next,
    Response(&'a str),
    Error(&'a str),
    InitError,
}

/// Why there is no body.
enum NoBody {
    TooLarge,
    Truncated,
}

/// Answers one request.
pub(super) async fn answer(
    environment: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let Some((route, method)) = route(head.uri.path()) else { return Ok(answer::no_such_path()) };
    if head.method != method {
        return Ok(answer::wrong_method());
    }
    Ok(match route {
        Route::Ping => answer::pong(),
        Route::Next => next(&environment).await,
        Route::Response(id) => response(&environment, id, &head.headers, body).await,
        Route::Error(id) => error(&environment, id, body).await,
        Route::InitError => init_error(&environment, &head.headers, body).await,
    })
}

/// GAP(extensions): restore, extensions, telemetry, logs and credentials are unknown paths for now.
fn route(path: &str) -> Option<(Route<'_>, Method)> {
    match path.strip_prefix(ROOT)? {
        "ping" => Some((Route::Ping, Method::GET)),
        "runtime/invocation/next" => Some((Route::Next, Method::GET)),
        "runtime/init/error" => Some((Route::InitError, Method::POST)),
        other => match other.strip_prefix("runtime/invocation/")?.split_once('/')? {
            (id, "response") if !id.is_empty() => Some((Route::Response(id), Method::POST)),
            (id, "error") if !id.is_empty() => Some((Route::Error(id), Method::POST)),
            _ => None,
        },
    }
}

/// Whether a path is known, and the request's id in it.
#[cfg(feature = "fuzzing")]
pub(crate) fn known_path(path: &str) -> Option<Option<&str>> {
    route(path).map(|(route, _)| match route {
        Route::Response(id) | Route::Error(id) => Some(id),
        Route::Ping | Route::Next | Route::InitError => None,
    })
}

/// Waits as long as it takes: the service never times out a blocked `next`.
async fn next(environment: &Shared) -> Answer {
    match environment.ask_next() {
        None => answer::wrong_state(environment.runtime_state(), "Ready"),
        Some(delivery) => match delivery.await {
            Ok(delivery) => answer::event(delivery),
            Err(_) => answer::internal(), // the environment is over
        },
    }
}

async fn response(environment: &Shared, id: &str, headers: &HeaderMap, body: Incoming) -> Answer {
    if let Some(refusal) = refusal(environment, id, "InvocationResponse") {
        return refusal;
    }
    let request = environment.current_request().unwrap_or_default();
    // GAP(streaming): a streamed answer is collected, and its trailers are not looked at.
    let mode = headers.get(RESPONSE_MODE);
    if mode.is_some_and(|mode| mode != "streaming") {
        let outcome = environment::unusable(
            request,
            "Runtime.InvalidResponseModeHeader",
            "Invalid function response mode",
        );
        environment.responded(outcome);
        return answer::wrong_mode();
    }
    match collect(environment, body).await {
        Ok(body) => settle(environment, id, "InvocationResponse", environment::responded(body)),
        Err(NoBody::TooLarge) => {
            environment.responded(environment::too_large());
            answer::too_large()
        }
        Err(NoBody::Truncated) => {
            let text = "HTTP request detected as truncated";
            environment.responded(environment::unusable(request, "Runtime.TruncatedResponse", text));
            answer::truncated()
        }
    }
}

async fn error(environment: &Shared, id: &str, body: Incoming) -> Answer {
    if let Some(refusal) = refusal(environment, id, "InvocationErrorResponse") {
        return refusal;
    }
    match collect(environment, body).await {
        Ok(body) => settle(environment, id, "InvocationErrorResponse", environment::reported(body)),
        Err(NoBody::TooLarge) => answer::too_large(),
        Err(NoBody::Truncated) => answer::truncated(),
    }
}

async fn init_error(environment: &Shared, headers: &HeaderMap, body: Incoming) -> Answer {
    let state = environment.runtime_state();
    if state != "Started" {
        return answer::wrong_state(state, "InitError");
    }
    let body = match collect(environment, body).await {
        Ok(body) => body,
        Err(NoBody::TooLarge) => return answer::too_large(),
        Err(NoBody::Truncated) => return answer::truncated(),
    };
    let kind = headers.get(ERROR_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match environment.init_failed(environment::init_failed(body, environment::accepted_type(kind))) {
        true => answer::accepted(),
        false => answer::wrong_state(environment.runtime_state(), "InitError"),
    }
}

/// Whether an answer for this request may come now.
fn refusal(environment: &Shared, id: &str, to: &str) -> Option<Answer> {
    let state = environment.runtime_state();
    let current = environment.current_request().map(|request| request.hyphenated().to_string());
    match (state, current) {
        ("Running", Some(current)) if current == id => None,
        ("Running", _) => Some(answer::wrong_request()),
        _ => Some(answer::wrong_state(state, to)),
    }
}

/// Gives the answer, unless the invocation ended while its body came.
fn settle(environment: &Shared, id: &str, to: &str, outcome: Outcome) -> Answer {
    if let Some(refusal) = refusal(environment, id, to) {
        return refusal;
    }
    match environment.responded(outcome) {
        true => answer::accepted(),
        false => answer::wrong_state(environment.runtime_state(), to),
    }
}

async fn collect(environment: &Shared, mut body: Incoming) -> Result<Bytes, NoBody> {
    let _one = environment.may_collect().await;
    let mut collected = BytesMut::new();
    let mut rest = 0;
    while let Some(frame) = piece(&mut body).await? {
        if rest == 0 && collected.len() + frame.len() <= RESPONSE_BYTES_MAX {
            collected.extend_from_slice(&frame);
            continue;
        }
        collected = BytesMut::new();
        rest += frame.len();
        if rest > BODY_REST_BYTES_MAX {
            break;
        }
    }
    if rest > 0 { Err(NoBody::TooLarge) } else { Ok(collected.freeze()) }
}

async fn piece(body: &mut Incoming) -> Result<Option<Bytes>, NoBody> {
    loop {
        let frame =
            tokio::time::timeout(BODY_STALL_MAX, body.frame()).await.map_err(|_| NoBody::Truncated)?;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(NoBody::Truncated),
            Some(Ok(frame)) => {
                // Trailers carry no answer.
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_runtimes_own_paths_are_known() {
        let known = |path| route(path).map(|(route, _)| route);
        assert_eq!(known("/2018-06-01/ping"), Some(Route::Ping));
        assert_eq!(known("/2018-06-01/runtime/invocation/next"), Some(Route::Next));
        assert_eq!(known("/2018-06-01/runtime/invocation/a/response"), Some(Route::Response("a")));
        assert_eq!(known("/2018-06-01/runtime/invocation/a/error"), Some(Route::Error("a")));
        assert_eq!(known("/2018-06-01/runtime/init/error"), Some(Route::InitError));
        for path in [
            "/",
            "/2018-06-01",
            "/2018-06-01/runtime/invocation//response",
            "/2018-06-01/runtime/invocation/a/b/response",
            "/2018-06-01/runtime/restore/next",
            "/2020-01-01/extension/register",
            "/2022-07-01/telemetry",
        ] {
            assert_eq!(known(path), None, "{path}");
        }
    }
}
