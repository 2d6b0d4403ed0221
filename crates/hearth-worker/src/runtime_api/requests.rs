//! The Runtime API's requests: who may ask what when (`spec/runtime-api.md` section 2).
//!
//! Never: ends another invocation than the one whose id was posted.

use std::convert::Infallible;
use std::sync::Arc;

use http::{HeaderMap, Method, Request};
use hyper::body::Incoming;

use super::answer::{self, Answer};
use super::body::{self, NoBody};
use super::metadata;
use crate::environment::{self, Outcome, Shared};

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

/// Answers one request.
pub(super) async fn answer(
    environment: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    if head.uri.path() == metadata::PATH {
        let setup = environment.setup();
        return Ok(metadata::answer(&head, &setup.metadata_token.0, &setup.revision.region));
    }
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
    const TO: &str = "InvocationResponse";
    if let Some(refusal) = refusal(environment, id, TO) {
        return refusal;
    }
    let request = environment.current_request().unwrap_or_default();
    // GAP(streaming): a streamed answer is collected, for its caller is one of Invoke.
    if headers.get(RESPONSE_MODE).is_some_and(|mode| mode != "streaming") {
        let text = "Invalid function response mode";
        let outcome = environment::unusable(request, "Runtime.InvalidResponseModeHeader", text);
        return settle(environment, id, TO, outcome, answer::wrong_mode());
    }
    match body::collect(environment, body).await {
        Ok(whole) => {
            let outcome =
                whole.failure.map_or_else(|| environment::responded(whole.bytes), environment::reported);
            settle(environment, id, TO, outcome, answer::accepted())
        }
        Err(NoBody::TooLarge) => settle(environment, id, TO, environment::too_large(), answer::too_large()),
        Err(NoBody::Truncated) => {
            let text = "HTTP request detected as truncated";
            let outcome = environment::unusable(request, "Runtime.TruncatedResponse", text);
            settle(environment, id, TO, outcome, answer::truncated())
        }
    }
}

async fn error(environment: &Shared, id: &str, body: Incoming) -> Answer {
    const TO: &str = "InvocationErrorResponse";
    if let Some(refusal) = refusal(environment, id, TO) {
        return refusal;
    }
    match body::collect(environment, body).await {
        Ok(whole) => settle(environment, id, TO, environment::reported(whole.bytes), answer::accepted()),
        // Settled as well: a runtime that goes on to `next` must not get the same event for ever.
        Err(NoBody::TooLarge) => settle(environment, id, TO, environment::too_large(), answer::too_large()),
        Err(NoBody::Truncated) => answer::truncated(),
    }
}

async fn init_error(environment: &Shared, headers: &HeaderMap, body: Incoming) -> Answer {
    let state = environment.runtime_state();
    if state != "Started" {
        return answer::wrong_state(state, "InitError");
    }
    let body = match body::collect(environment, body).await {
        Ok(whole) => whole.bytes,
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

/// Ends the invocation and gives the answer, unless it ended while its body came.
fn settle(environment: &Shared, id: &str, to: &str, outcome: Outcome, settled: Answer) -> Answer {
    match environment.responded_to(id, outcome) {
        true => settled,
        false => refusal(environment, id, to)
            .unwrap_or_else(|| answer::wrong_state(environment.runtime_state(), to)),
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
