//! The Runtime API's answers, spelled as AWS spells them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;

use crate::channel::RESPONSE_BYTES_MAX;
use crate::environment::Delivery;

pub(super) type Answer = Response<Full<Bytes>>;

pub(super) fn with(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

fn error(status: StatusCode, kind: &str, message: &str) -> Answer {
    // Messages are this file's own and need no escaping.
    with(status, "application/json", format!(r#"{{"errorMessage":"{message}","errorType":"{kind}"}}"#))
}

pub(super) fn pong() -> Answer {
    with(StatusCode::OK, "text/plain; charset=utf-8", "pong")
}

pub(super) fn accepted() -> Answer {
    with(StatusCode::ACCEPTED, "application/json", "{\"status\":\"OK\"}\n")
}

pub(super) fn no_such_path() -> Answer {
    with(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "404 page not found")
}

pub(super) fn wrong_method() -> Answer {
    with(StatusCode::METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", "")
}

/// What Go's `http.Error` answers: the status in words.
pub(super) fn refused(status: StatusCode) -> Answer {
    let text = format!("{}\n", status.canonical_reason().unwrap_or_default());
    let mut answer = with(status, "text/plain; charset=utf-8", text);
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

pub(super) fn wrong_state(from: &str, to: &str) -> Answer {
    let message = format!(
        "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
    );
    error(StatusCode::FORBIDDEN, "InvalidStateTransition", &message)
}

pub(super) fn wrong_request() -> Answer {
    error(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

pub(super) fn wrong_mode() -> Answer {
    error(StatusCode::BAD_REQUEST, "InvalidFunctionResponseMode", "Invalid function response mode")
}

pub(super) fn truncated() -> Answer {
    error(StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", "HTTP request detected as truncated")
}

pub(super) fn too_large() -> Answer {
    let message = format!("Exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes).");
    error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
}

pub(super) fn internal() -> Answer {
    error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "Internal Server Error")
}

/// An invocation, as `next` answers it. A header without a value is left out.
pub(super) fn event(delivery: Delivery) -> Answer {
    let Delivery { call, deadline_ms } = delivery;
    let mut answer = with(StatusCode::OK, "application/json", call.payload);
    let headers = [
        ("lambda-runtime-aws-request-id", call.request_id.hyphenated().to_string()),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", call.invoked_arn),
        ("lambda-runtime-trace-id", call.trace_id),
        ("lambda-runtime-client-context", call.client_context.unwrap_or_default()),
    ];
    for (name, value) in headers {
        // A text that no header can carry (a line break in the client's context) is left out too.
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_bytes(value.as_bytes())) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}
