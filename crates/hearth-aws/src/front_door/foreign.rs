//! Requests to a service that reads them itself.

use std::fmt::Display;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use uuid::Uuid;

use super::caller::Known;
use super::route::{self, Target};
use super::{FrontDoor, Origin, ResponseBody, body, defence};
use crate::dispatch::Served;
use crate::error::{ApiError, Code};
use crate::foreign::{Foreign, Page, Payload, Routed};
use crate::sigv4::verify;
use crate::sigv4::{BodyError, ChunkedBody, Claim, Decoder, Link, PayloadForm, Seed};

impl FrontDoor {
    /// The service that reads this request itself, if there is one: by the signature's scope, the host's name, or
    /// because no other service has such a path.
    pub(super) fn foreign(&self, parts: &Parts, origin: &Origin) -> Option<Arc<dyn Foreign>> {
        let mut readers = self.services.iter().filter_map(|served| Some((served, served.service.reader()?)));
        let mut signed_for = |service: &str| {
            let named = |(served, reader): (&Served, &Arc<dyn Foreign>)| {
                (served.model.facts().signing_name == service).then(|| reader.clone())
            };
            readers.find_map(named)
        };
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            // What is wrong with the rest of it is told by the service that it names.
            let mut scope = header.to_str().ok()?.split('/').rev();
            return scope
                .find(|part| part.starts_with("aws4_request"))
                .and(scope.next())
                .and_then(signed_for);
        }
        let query = parts.uri.query().unwrap_or_default();
        match Claim::of(&parts.headers, query) {
            Ok(Some(claim)) => signed_for(claim.scope().service),
            Ok(None) => self.foreign_of_unsigned(parts, origin),
            Err(_) => None,
        }
    }

    fn foreign_of_unsigned(&self, parts: &Parts, origin: &Origin) -> Option<Arc<dyn Foreign>> {
        let reader = self.services.iter().find_map(|served| served.service.reader())?;
        // What is not for us at all is refused in nobody's name.
        defence::check_host(parts, origin, &self.options.hosts).ok()?;
        let host = defence::host(parts).unwrap_or_default();
        let is_meant = matches!(Link::of(parts), Ok(Some(_)) | Err(_))
            || reader.is_host(host, &self.options.hosts)
            || is_unknown(route::find(&self.services, parts, None, &mut Vec::new()));
        is_meant.then(|| reader.clone())
    }

    /// Answers a request in this service's own way.
    pub(super) async fn handle_foreign<B>(
        &self,
        reader: &dyn Foreign,
        parts: Parts,
        body: B,
        origin: &Origin,
        request_id: Uuid,
    ) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let lent = Lent(Arc::new(Mutex::new(Box::pin(body))));
        let mut response = match self.page(reader, &parts, origin, request_id).await {
            Ok(Page::Answer(answer)) => answer,
            Ok(page) => {
                let mut answer = self.told_foreign(reader, &parts, lent.clone(), origin, request_id).await;
                if let Page::Allowed(headers) = page {
                    answer.headers_mut().extend(headers);
                }
                answer
            }
            Err(error) => reader.refuse(&parts, &error, request_id),
        };
        if !body::drain(&self.world, &parts, pin!(lent)).await {
            response.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// What the service says to a page of another site; other requests are unknown to it. Refuses names that are not
    /// ours, and pages that it does not know.
    async fn page(
        &self,
        reader: &dyn Foreign,
        parts: &Parts,
        origin: &Origin,
        request_id: Uuid,
    ) -> Result<Page, ApiError> {
        let hosts = &self.options.hosts;
        defence::check_host(parts, origin, hosts)?;
        if !defence::is_of_a_page(parts) {
            return Ok(Page::Unknown);
        }
        let host = defence::host(parts).unwrap_or_default();
        match reader.page(parts, host, hosts, request_id).await {
            Page::Unknown => defence::check(parts, origin, hosts).map(|()| Page::Unknown),
            known => Ok(known),
        }
    }

    /// The answer to a request without a signature, where that is open to everybody.
    async fn answer_everybody(
        &self,
        reader: &dyn Foreign,
        parts: &Parts,
        routed: Routed,
        origin: &Origin,
        request_id: Uuid,
    ) -> Result<Response<ResponseBody>, ApiError> {
        let Some(account) = reader.everybody(parts, &routed).await? else {
            return Err(ApiError::client(Code::AccessDenied, "Access Denied"));
        };
        let call = Known::nobody(account).call(parts, origin, reader.name(), routed.operation, request_id);
        let request = Request::from_parts(parts.clone(), Payload::of(Bytes::new()));
        Ok(reader.answer(call, routed, request).await)
    }

    /// The answer, or why there is none.
    async fn told_foreign<B>(
        &self,
        reader: &dyn Foreign,
        parts: &Parts,
        body: Lent<B>,
        origin: &Origin,
        request_id: Uuid,
    ) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let answer = self.answer_foreign(reader, parts, body, origin, request_id).await;
        answer.unwrap_or_else(|error| {
            super::log_internal(&error, request_id);
            reader.refuse(parts, &error, request_id)
        })
    }

    async fn answer_foreign<B>(
        &self,
        reader: &dyn Foreign,
        parts: &Parts,
        body: Lent<B>,
        origin: &Origin,
        request_id: Uuid,
    ) -> Result<Response<ResponseBody>, ApiError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let hosts = &self.options.hosts;
        let query = parts.uri.query().unwrap_or_default();
        // A bucket's name is part of the host, unless there is none.
        let host = defence::host(parts).unwrap_or_default();
        let routed = reader.route(parts, host, hosts)?;
        let (known, form, seed) = match Claim::of(&parts.headers, query)? {
            Some(claim) => {
                let form = PayloadForm::of(&claim, parts)?;
                let (known, seed) = self.caller_of_head(parts, &claim, form.name(), origin).await?;
                if seed.is_none() {
                    verify::link(&claim, parts, self.world.physical().now())?;
                }
                (known, form, seed)
            }
            None => {
                let Some(link) = Link::of(parts)? else {
                    return self.answer_everybody(reader, parts, routed, origin, request_id).await;
                };
                (self.caller_of_link(&link, parts, &routed.path, origin).await?, PayloadForm::Unsigned, None)
            }
        };
        let payload = payload(body, parts, form, seed)?;
        let call = known.call(parts, origin, reader.name(), routed.operation, request_id);
        self.services.authorise(&call, routed.action, &routed.input).await?;
        let request = Request::from_parts(parts.clone(), payload);
        Ok(reader.answer(call, routed, request).await)
    }
}

/// Whether no service has such a path.
fn is_unknown(found: Result<Target<'_>, ApiError>) -> bool {
    found.is_err_and(|error| matches!(error.code, Code::UnknownOperation | Code::MethodNotAllowed))
}

fn payload<B>(
    body: Lent<B>,
    parts: &Parts,
    form: PayloadForm<'_>,
    seed: Option<Seed>,
) -> Result<Payload, ApiError>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Display,
{
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    if let PayloadForm::Chunked(form) = form {
        let decoder = Decoder::new(form, seed, &parts.headers)?;
        let expected = decoder.expected();
        let chunked = ChunkedBody::new(body, decoder).map_err(|error| match error {
            BodyError::Line(error) => broken(&error),
            BodyError::Chunk(error) => error.into(),
        });
        let mut payload = Payload::new(UnsyncBoxBody::new(chunked));
        payload.bytes = Some(expected);
        payload.trailer = text("x-amz-trailer").map(|name| name.trim().to_ascii_lowercase());
        return Ok(payload);
    }
    let exact = body.size_hint().exact();
    let mut payload = Payload::new(UnsyncBoxBody::new(body.map_err(|error| broken(&error))));
    payload.bytes = text(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok()).or(exact);
    if let PayloadForm::Whole { announced } = form {
        payload.sha256 = announced.map(str::to_ascii_lowercase);
    }
    Ok(payload)
}

fn broken(error: &dyn Display) -> ApiError {
    tracing::debug!(%error, "a body broke off");
    ApiError::client(
        Code::Modelled("IncompleteBody"),
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}

/// A body that its reader may leave in the middle: what is left is drained, so that the client hears the answer.
struct Lent<B>(Arc<Mutex<Pin<Box<B>>>>);

impl<B> Clone for Lent<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Body> Body for Lent<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}
