//! `/_hearth`: what Hearth says of itself, beside AWS's APIs.
//!
//! | path | who | answer |
//! |---|---|---|
//! | `/_hearth/health` | anybody whom the front door admits | status, version, instance, counts |
//! | `POST /_hearth/garbage` | who has the data folder's token | lets garbage go now; how many blobs stay, in use |
//!
//! Never: exists in a sandbox; changes anything without the token.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::json;

use hearth_aws::ResponseBody;

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
    /// Packages that no function needs.
    pub garbage: Garbage,
    /// What the server is doing now.
    pub counts: Arc<Counts>,
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
            ["garbage"] if !self.has_token(parts) => refuse(
                StatusCode::FORBIDDEN,
                "the token of the data folder is needed: Authorization: Bearer TOKEN",
            ),
            ["garbage"] => self.free().await,
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
