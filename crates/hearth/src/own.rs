//! `/_hearth`: what Hearth says of itself, beside AWS's APIs.
//!
//! | path | who | answer |
//! |---|---|---|
//! | `/_hearth/health` | anybody whom the front door admits | status, version, instance, counts |
//! | `POST /_hearth/garbage` | who has the data folder's token | lets garbage go now; how many blobs stay, in use |
//! | `/_hearth/logs/REGION/FUNCTION` | who has the data folder's token | log events, one JSON object a line |
//!
//! Never: exists in a sandbox; shows what a function wrote without the token.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use percent_encoding::percent_decode_str;
use serde_json::json;

use hearth_aws::ResponseBody;
use hearth_service_lambda::{LogLine, Logs};
use hearth_world::{Stop, Timestamp};

use crate::counts::Counts;
use crate::garbage::Garbage;

/// A response's body: AWS's answers and ours alike.
pub type Body = ResponseBody;

/// Where all of it begins.
const PREFIX: &str = "/_hearth/";

/// Answers `/_hearth`.
pub struct Own {
    /// The instance's name.
    pub instance: String,
    /// What a caller must show to read what is private.
    pub token: String,
    /// The account of a caller who names none.
    pub account: String,
    /// Packages that no function needs.
    pub garbage: Garbage,
    /// What functions write.
    pub logs: Arc<Logs>,
    /// What the server is doing now.
    pub counts: Arc<Counts>,
    /// Ends the streams of those who follow.
    pub stop: Stop,
}

impl Own {
    /// Whether a path is ours and no AWS service's.
    pub fn owns(path: &str) -> bool {
        path.starts_with(PREFIX)
    }

    /// Answers a request that the front door has admitted.
    pub async fn answer(&self, parts: &Parts) -> Response<Body> {
        let path: Vec<&str> = parts.uri.path()[PREFIX.len()..].split('/').collect();
        let wanted = if path == ["garbage"] { Method::POST } else { Method::GET };
        if parts.method != wanted && wanted == Method::POST {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "only POST is answered here");
        }
        if parts.method != wanted {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here");
        }
        match path.as_slice() {
            ["health"] => self.health(),
            ["logs", ..] | ["garbage"] if !self.has_token(parts) => refuse(
                StatusCode::FORBIDDEN,
                "the token of the data folder is needed: Authorization: Bearer TOKEN",
            ),
            ["garbage"] => self.free().await,
            ["logs", region, function] => self.logs(region, function, parts.uri.query().unwrap_or_default()),
            _ => refuse(StatusCode::NOT_FOUND, "there is nothing here"),
        }
    }

    fn health(&self) -> Response<Body> {
        let body = json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "instance": self.instance,
            "requests": self.counts.requests(),
            "connections": self.counts.connections(),
        });
        whole(StatusCode::OK, &body)
    }

    async fn free(&self) -> Response<Body> {
        match self.garbage.free().await {
            Ok(waiting) => whole(StatusCode::OK, &json!({ "waiting": waiting })),
            Err(error) => {
                tracing::error!(%error, "garbage could not be told to go");
                refuse(StatusCode::INTERNAL_SERVER_ERROR, "the store failed")
            }
        }
    }

    fn has_token(&self, parts: &Parts) -> bool {
        let shown = parts.headers.get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        let shown = shown.strip_prefix(b"Bearer ").unwrap_or_default();
        let wanted = self.token.as_bytes();
        // Compared to the end, so that the time taken says nothing about where they differ.
        shown.len() == wanted.len() && shown.iter().zip(wanted).fold(0, |all, (a, b)| all | (a ^ b)) == 0
    }

    fn logs(&self, region: &str, function: &str, query: &str) -> Response<Body> {
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
        };
        let since = match parameter("since").map(|text| text.parse::<i64>()) {
            None => 0,
            Some(Ok(millis)) => millis,
            Some(Err(_)) => return refuse(StatusCode::BAD_REQUEST, "since is a time in ms since 1970"),
        };
        let follow = parameter("follow").is_some_and(|text| text == "true");
        let account = parameter("account").unwrap_or_else(|| self.account.clone());
        let group = format!("/aws/lambda/{}", decoded(function));
        let tail = self.logs.tail(&account, &decoded(region), &group, Timestamp::from_millis(since), follow);
        let lines = stream::unfold((tail, self.stop.clone()), |(mut tail, stop)| async move {
            let lines = stop.or(tail.next()).await.flatten()?;
            Some((Ok::<_, Infallible>(Frame::data(as_json_lines(&lines))), (tail, stop)))
        });
        let mut response = Response::new(StreamBody::new(lines).boxed_unsync());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        response
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn as_json_lines(lines: &[LogLine]) -> Bytes {
    let mut text = String::new();
    for line in lines {
        let event =
            json!({ "timestamp": line.time.as_millis(), "stream": &*line.stream, "message": line.message });
        text.push_str(&event.to_string());
        text.push('\n');
    }
    text.into()
}

fn refuse(status: StatusCode, text: &str) -> Response<Body> {
    whole(status, &json!({ "message": text }))
}

fn whole(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
