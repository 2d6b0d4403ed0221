//! Web pages of other sites: a bucket's CORS rules let them in, and nothing else does.
//!
//! Codes and texts as recorded from S3. Never: lets a page in that no rule names.

use hearth_aws::foreign::Page;
use hearth_store::transact_read;
use http::header::{ORIGIN, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use http_body_util::{BodyExt, Empty};
use s3s::dto::CORSConfiguration;
use uuid::Uuid;

use super::route::Scope;
use super::{Wire, render};
use crate::buckets;
use crate::config::cors::{self, Allowed, Asked};
use crate::config::kept;
use crate::error::Failure;

/// What the bucket of a request says about pages.
enum Rules {
    NoBucket,
    None,
    Some(CORSConfiguration),
}

impl Wire {
    /// What a page may do with this request, whose path begins with its bucket.
    pub(super) async fn look_at_page(&self, parts: &Parts, path: &str, request_id: Uuid) -> Page {
        if parts.method != Method::OPTIONS {
            return self
                .allowed(parts, path)
                .await
                .map_or(Page::Unknown, |allowed| Page::Allowed(headers(&allowed)));
        }
        let mut answer = match self.preflight(parts, path).await {
            Ok(allowed) => {
                let mut answer = Response::new(Empty::new().boxed_unsync());
                *answer.headers_mut() = headers(&allowed);
                answer.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from_static("0"));
                answer
            }
            Err(failure) => render::failure(failure, path, false, request_id),
        };
        render::identify(&mut answer, request_id);
        Page::Answer(answer)
    }

    /// A store that fails lets no page in.
    async fn allowed(&self, parts: &Parts, path: &str) -> Option<Allowed> {
        let origin = text(parts, ORIGIN.as_str())?;
        let Ok(Rules::Some(config)) = self.rules(path).await else { return None };
        let headers = text(parts, "access-control-request-headers");
        cors::allow(&config, &Asked { origin, method: parts.method.as_str(), headers })
    }

    async fn preflight(&self, parts: &Parts, path: &str) -> Result<Allowed, Failure> {
        let Some(origin) = text(parts, ORIGIN.as_str()) else {
            let message = "Insufficient information. Origin request header needed.";
            return Err(Failure::new(400, "BadRequest", message));
        };
        let method = text(parts, "access-control-request-method");
        let forbidden = |message: &str, kind: &str| {
            let failure = Failure::new(403, "AccessForbidden", format!("CORSResponse: {message}"));
            failure.with("Method", method.unwrap_or("OPTIONS")).with("ResourceType", kind)
        };
        let config = match self.rules(path).await? {
            Rules::NoBucket => return Err(forbidden("Bucket not found", "BUCKET")),
            Rules::None => return Err(forbidden("CORS is not enabled for this bucket.", "BUCKET")),
            Rules::Some(config) => config,
        };
        let Some(method) = method else {
            return Err(Failure::new(400, "BadRequest", "Invalid Access-Control-Request-Method: null"));
        };
        let headers = text(parts, "access-control-request-headers");
        cors::allow(&config, &Asked { origin, method, headers }).ok_or_else(|| {
            let kind = if matches!(Scope::of(path), Ok(Scope::Object(..))) { "OBJECT" } else { "BUCKET" };
            forbidden(
                "This CORS request is not allowed. This is usually because the evalution of Origin, request method / \
                 Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's \
                 CORS spec.",
                kind,
            )
        })
    }

    async fn rules(&self, path: &str) -> Result<Rules, Failure> {
        let (Scope::Bucket(name) | Scope::Object(name, _)) = Scope::of(path)? else {
            return Ok(Rules::NoBucket);
        };
        let look = move |tx: &mut dyn hearth_store::Tx| -> Result<Rules, Failure> {
            let Some(bucket) = buckets::find(tx, &name)? else { return Ok(Rules::NoBucket) };
            Ok(kept::cors(tx, bucket.number)?.map_or(Rules::None, Rules::Some))
        };
        transact_read(&*self.s3.store, look).await
    }
}

fn text<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    parts.headers.get(name)?.to_str().ok()
}

fn headers(allowed: &Allowed) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(VARY, HeaderValue::from_static(cors::VARY));
    for (name, value) in &allowed.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}
