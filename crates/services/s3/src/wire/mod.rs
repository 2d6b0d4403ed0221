//! Requests in, answers out: s3s reads and writes the shapes of S3's XML, everything before and after is here.
//!
//! ```text
//! front door ─▶ route (host, path, query) ─▶ body: an object's stays a stream, a document's is read and verified
//!            ─▶ s3s ─▶ operations ─▶ s3s ─▶ headers of S3's, errors in S3's words
//! ```
//!
//! s3s sees no signature: the front door has verified it. Never: lets s3s choose an operation that the route did not.

mod beside;
mod body;
mod everybody;
mod exchange;
mod headers;
mod host;
mod pages;
mod query;
mod render;
mod route;
mod table;

use std::sync::Arc;

use bytes::Bytes;
use hearth_aws::{ApiError, Call, Foreign, Payload, ResponseBody, Routed};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use s3s::S3Request;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::S3;
use crate::error::Failure;
pub(crate) use exchange::Exchange;
use query::Query;
use route::Scope;
#[cfg(test)]
pub(crate) use table::BUILT;
pub(crate) use table::Cx;

/// The service on the wire.
pub(crate) struct Wire {
    s3: Arc<S3>,
    shapes: S3Service,
    /// Memory for documents that are being read.
    room: Arc<Semaphore>,
}

impl Wire {
    pub(crate) fn new(s3: Arc<S3>) -> Arc<Self> {
        Self::answered_by(table::Table(s3.clone()), s3)
    }

    /// The wire with these operations behind it.
    pub(crate) fn answered_by(operations: impl s3s::S3, s3: Arc<S3>) -> Arc<Self> {
        let mut builder = S3ServiceBuilder::new(operations);
        // The route has looked at the name; s3s has rules of its own.
        builder.set_validation(AnyName);
        let shapes = builder.build();
        Arc::new(Self { s3, shapes, room: body::room() })
    }

    async fn call(
        &self,
        call: Call,
        routed: &Routed,
        request: Request<Payload>,
    ) -> Result<Response<ResponseBody>, Failure> {
        let (parts, payload) = request.into_parts();
        let is_object = matches!(routed.operation, "PutObject" | "UploadPart");
        let expected = body::expected(routed.operation, &parts.headers, &payload)?;
        let (payload, bytes, document, _room) = match is_object {
            true => {
                let bytes = payload.bytes;
                (s3s::Body::http_body_unsync(payload), bytes, Bytes::new(), None)
            }
            false => {
                let (document, room) =
                    body::read(&self.s3, &self.room, payload, &expected, routed.operation).await?;
                let bytes = document.len() as u64;
                (s3s::Body::from(document.clone()), Some(bytes), document, room)
            }
        };
        beside::check(&parts.headers, routed.operation, &document)?;
        let exchange = Arc::new(Exchange::new(call, routed.operation, expected, document));
        let request = rewritten(parts, routed, bytes, payload, &exchange)?;
        let answer = self.shapes.call(request).await;
        let answer =
            answer.map_err(|error| Failure::internal(std::io::Error::other(s3s::StdError::from(error))))?;
        if let Some(failure) = exchange.failure() {
            return Err(failure);
        }
        if answer.status().is_client_error() || answer.status().is_server_error() {
            return Err(render::failure_of_shapes(answer).await);
        }
        let mut answer = match routed.operation {
            // What was put, byte for byte.
            "GetBucketPolicy" | "GetObject" => render::stream(answer),
            _ => render::document(answer),
        };
        // The model says 200; the service answers 204.
        if matches!(routed.operation, "PutBucketPolicy" | "PutBucketTagging") {
            *answer.status_mut() = http::StatusCode::NO_CONTENT;
        }
        answer.headers_mut().extend(exchange.headers());
        if let Some(status) = exchange.own_status() {
            *answer.status_mut() = status;
        }
        Ok(answer)
    }
}

/// The request as s3s is to see it: the bucket in the path, no signature, a length.
fn rewritten(
    parts: Parts,
    routed: &Routed,
    bytes: Option<u64>,
    body: s3s::Body,
    exchange: &Arc<Exchange>,
) -> Result<s3s::HttpRequest, Failure> {
    let query = Query::of(&parts)?.without_signature();
    let target = match query.is_empty() {
        true => routed.path.clone(),
        false => format!("{}?{query}", routed.path),
    };
    let invalid = |_| Failure::new(400, "InvalidURI", "Couldn't parse the specified URI.");
    let uri = Uri::try_from(target).map_err(invalid)?;
    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = parts.headers;
    let headers = request.headers_mut();
    for name in [AUTHORIZATION, HOST] {
        headers.remove(name);
    }
    for name in ["x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer", "x-amz-date"] {
        headers.remove(name);
    }
    without_chunks(headers);
    headers::normalise(headers);
    headers.remove(CONTENT_LENGTH);
    if let Some(bytes) = bytes {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    request.extensions_mut().insert(exchange.clone());
    Ok(request)
}

/// `aws-chunked` is how a payload came, not what it is.
fn without_chunks(headers: &mut HeaderMap) {
    let Some(encoding) = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()) else { return };
    if !encoding.to_ascii_lowercase().contains("aws-chunked") {
        return;
    }
    let rest: Vec<&str> =
        encoding.split(',').map(str::trim).filter(|name| !name.eq_ignore_ascii_case("aws-chunked")).collect();
    match (rest.is_empty(), HeaderValue::from_str(&rest.join(","))) {
        (false, Ok(rest)) => headers.insert(CONTENT_ENCODING, rest),
        _ => headers.remove(CONTENT_ENCODING),
    };
}

/// The path with the bucket that the host names in front.
fn path(parts: &Parts, host: &str, names: &[String]) -> String {
    match host::bucket(host, names) {
        Some(bucket) => format!("/{bucket}{}", parts.uri.path()),
        None => parts.uri.path().to_owned(),
    }
}

impl Foreign for Wire {
    fn name(&self) -> &'static str {
        "s3"
    }

    fn operations(&self) -> &[&'static str] {
        table::BUILT
    }

    fn is_host(&self, host: &str, names: &[String]) -> bool {
        host::is_s3(host, names)
    }

    fn route(&self, parts: &Parts, host: &str, names: &[String]) -> Result<Routed, ApiError> {
        let path = path(parts, host, names);
        let found = Scope::of(&path).and_then(|scope| Ok((route::find(parts, &scope)?, scope)));
        let ((operation, action), scope) = found.map_err(exchange::carried)?;
        if !table::BUILT.contains(&operation) {
            return Err(exchange::carried(Failure::not_built(&format!(
                "Operation {operation} of service s3"
            ))));
        }
        Ok(Routed { operation, action, input: scope.input(), path })
    }

    fn answer(
        &self,
        call: Call,
        routed: Routed,
        request: Request<Payload>,
    ) -> hearth_aws::operation::BoxFuture<'_, Response<ResponseBody>> {
        Box::pin(async move {
            let (request_id, is_head) = (call.request_id, request.method() == http::Method::HEAD);
            let mut answer = match self.call(call, &routed, request).await {
                Ok(answer) => answer,
                Err(failure) => render::failure(failure, &routed.path, is_head, request_id),
            };
            render::identify(&mut answer, request_id);
            answer
        })
    }

    fn page<'a>(
        &'a self,
        parts: &'a Parts,
        host: &'a str,
        names: &'a [String],
        request_id: Uuid,
    ) -> hearth_aws::operation::BoxFuture<'a, hearth_aws::foreign::Page> {
        let path = path(parts, host, names);
        Box::pin(async move { self.look_at_page(parts, &path, request_id).await })
    }

    fn everybody<'a>(
        &'a self,
        parts: &'a Parts,
        routed: &'a Routed,
    ) -> hearth_aws::operation::BoxFuture<'a, Result<Option<String>, ApiError>> {
        Box::pin(async move { self.everybody_of(parts, routed).await.map_err(exchange::carried) })
    }

    fn refuse(&self, parts: &Parts, error: &ApiError, request_id: Uuid) -> Response<ResponseBody> {
        let is_head = parts.method == http::Method::HEAD;
        let failure = exchange::carried_by(error);
        let mut answer = render::failure(failure, parts.uri.path(), is_head, request_id);
        render::identify(&mut answer, request_id);
        answer
    }
}

/// Every name: the route has checked it.
struct AnyName;

impl s3s::validation::NameValidation for AnyName {
    fn validate_bucket_name(&self, _: &str) -> bool {
        true
    }
}

/// What an operation learns of its call.
pub(crate) fn exchange<T>(request: &S3Request<T>) -> Result<Arc<Exchange>, Failure> {
    let found = request.extensions.get::<Arc<Exchange>>().cloned();
    found.ok_or_else(|| Failure::internal(std::io::Error::other("a call without its exchange")))
}
