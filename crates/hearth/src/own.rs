//! `/_hearth`: what Hearth says of itself, beside AWS's APIs.
//!
//! | path | who | answer |
//! |---|---|---|
//! | `/_hearth/health` | anybody whom the front door admits | status, version, instance, counts |
//! | `/_hearth/ready` | the same; what the steps of the start are, with the token | 503 until the start is over, then 200 |
//! | `/_hearth/environments` | who has the data folder's token | the execution environments that are there now |
//! | `POST /_hearth/garbage` | who has the data folder's token | lets garbage go now; how many blobs stay, in use |
//! | `POST /_hearth/reset` | the same, of `hearth up` | 202, and then everything is removed and begins anew |
//!
//! Never: exists in a sandbox; changes anything without the token.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use hearth_aws::ResponseBody;

use hearth_worker::{EnvironmentStatus, Worker};

use crate::counts::Counts;
use crate::garbage::Garbage;
use crate::init::Readiness;
use crate::reset::Reset;

/// A response's body: AWS's answers and ours alike.
pub type Body = ResponseBody;

/// Where all of it begins.
const PREFIX: &str = "/_hearth";

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
    /// Whose environments are shown.
    pub worker: Arc<dyn Worker>,
    /// How far the start is.
    pub readiness: Arc<Readiness>,
    /// How the server begins anew; `None` where it does not.
    pub reset: Option<Arc<Reset>>,
}

impl Own {
    /// Whether a path is ours and no AWS service's.
    pub fn owns(path: &str) -> bool {
        path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Answers a request that the front door has admitted.
    pub async fn answer(&self, parts: &Parts) -> Response<Body> {
        let path: Vec<&str> = parts.uri.path()[PREFIX.len()..].split('/').skip(1).collect();
        let is_post = matches!(path.as_slice(), ["garbage" | "reset"]);
        let wanted = if is_post { Method::POST } else { Method::GET };
        if parts.method != wanted && wanted == Method::POST {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "only POST is answered here");
        }
        if parts.method != wanted {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here");
        }
        match path.as_slice() {
            ["health"] => self.health(),
            ["ready"] => self.ready(parts),
            ["garbage" | "reset" | "environments"] if !self.has_token(parts) => refuse(
                StatusCode::FORBIDDEN,
                "the token of the data folder is needed: Authorization: Bearer TOKEN",
            ),
            ["garbage"] => self.free().await,
            ["environments"] => self.environments().await,
            ["reset"] => self.begin_anew(),
            _ => refuse(
                StatusCode::NOT_FOUND,
                "there is nothing here: ask for /_hearth/health or /_hearth/ready",
            ),
        }
    }

    fn health(&self) -> Response<Body> {
        let body = json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "instance": self.instance,
            "requests": self.counts.requests(),
            "connections": self.counts.connections(),
            "resets": self.reset.as_ref().map_or(0, |reset| reset.count()),
        });
        whole(StatusCode::OK, &body)
    }

    fn ready(&self, parts: &Parts) -> Response<Body> {
        let is_ready = self.readiness.is_ready();
        let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        whole(status, &self.readiness.as_json(self.has_token(parts)))
    }

    async fn environments(&self) -> Response<Body> {
        let worker = self.worker.clone();
        // Reads files of the host, for each of them.
        let read = tokio::task::spawn_blocking(move || worker.environments()).await;
        let environments: Vec<Value> = read.unwrap_or_default().iter().map(environment).collect();
        whole(StatusCode::OK, &json!({ "environments": environments }))
    }

    fn begin_anew(&self) -> Response<Body> {
        match &self.reset {
            Some(reset) => {
                let count = reset.count();
                reset.ask();
                whole(StatusCode::ACCEPTED, &json!({ "resets": count }))
            }
            None => refuse(
                StatusCode::CONFLICT,
                "this server does not remove its state while it runs: `hearth serve`, and servers with --store or \
                 --blobs, are stopped first",
            ),
        }
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

fn environment(status: &EnvironmentStatus) -> Value {
    let revision = &status.revision;
    json!({
        "id": status.id.0,
        "account": revision.account,
        "region": revision.region,
        "function": revision.function_name,
        "version": revision.version,
        "runtime": revision.runtime,
        "state": status.state,
        "startedMillis": status.started.as_millis(),
        "started": status.started.rfc3339_millis(),
        "invocations": status.invocations,
        "memoryLimitBytes": u64::from(revision.memory_mb) << 20,
        "memoryBytes": status.memory_bytes,
        "memoryPeakBytes": status.memory_peak_bytes,
        "process": status.process,
        "user": status.user,
    })
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
