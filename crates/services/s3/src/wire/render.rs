//! Answers: S3's headers on all of them, and its XML for what failed.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use hearth_aws::ResponseBody;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, SERVER};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use sha2::{Digest, Sha256};
use tracing::error;
use uuid::Uuid;

use super::route::Scope;
use crate::error::Failure;

/// The answer of s3s with its body as the listener wants it. A body that fails ends early.
pub(super) fn stream(answer: s3s::HttpResponse) -> Response<ResponseBody> {
    let (parts, body) = answer.into_parts();
    let body = match body.bytes() {
        Some(bytes) => Full::new(bytes).boxed_unsync(),
        None => {
            let frames = body.take_while(|piece| std::future::ready(piece.is_ok()));
            StreamBody::new(
                frames.filter_map(|piece| std::future::ready(piece.ok().map(|bytes| Ok(Frame::data(bytes))))),
            )
            .boxed_unsync()
        }
    };
    Response::from_parts(parts, body)
}

/// An answer that is a document. A carriage return in it is written as a reference, which s3s does not do: a reader
/// makes a line feed of a bare one, and keys have any character.
pub(super) fn document(answer: s3s::HttpResponse) -> Response<ResponseBody> {
    let (mut parts, body) = answer.into_parts();
    let Some(bytes) = body.bytes().filter(|bytes| bytes.contains(&b'\r')) else {
        return stream(s3s::HttpResponse::from_parts(parts, body));
    };
    let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == b'\r').collect();
    let bytes = Bytes::from(pieces.join(CARRIAGE_RETURN.as_bytes()));
    if parts.headers.contains_key(CONTENT_LENGTH) {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    Response::from_parts(parts, Full::new(bytes).boxed_unsync())
}

const CARRIAGE_RETURN: &str = "&#13;";

/// What s3s itself found wrong: its code and text, in our XML.
pub(super) async fn failure_of_shapes(answer: s3s::HttpResponse) -> Failure {
    let (parts, body) = answer.into_parts();
    let text = BodyExt::collect(body).await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    let code = element("Code").unwrap_or("InternalError");
    let known = KNOWN.iter().find(|(known, _)| *known == code);
    let (code, usual) = known.copied().unwrap_or(("InvalidRequest", "Invalid Request"));
    let message = element("Message").map(unescaped).filter(|text| !text.is_empty());
    let message = message.unwrap_or_else(|| usual.to_owned());
    Failure::new(parts.status.as_u16(), code, message)
}

/// What s3s says of requests, with S3's texts.
const KNOWN: &[(&str, &str)] = &[
    ("InvalidArgument", "Invalid Argument"),
    ("InvalidRange", "The requested range is not satisfiable"),
    ("InvalidRequest", "Invalid Request"),
    ("InvalidURI", "Couldn't parse the specified URI."),
    ("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"),
    (
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    ),
    ("MethodNotAllowed", "The specified method is not allowed against this resource."),
    ("MissingContentLength", "You must provide the Content-Length HTTP header."),
    ("NotImplemented", "A header you provided implies functionality that is not implemented"),
    ("InternalError", "We encountered an internal error. Please try again."),
];

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

/// The answer to a call that failed.
pub(super) fn failure(
    failure: Failure,
    path: &str,
    is_head: bool,
    request_id: Uuid,
) -> Response<ResponseBody> {
    if failure.status.is_server_error()
        && let Some(cause) = &failure.source
    {
        let mut chain = cause.to_string();
        let mut next = cause.source();
        while let Some(cause) = next {
            let _ = write!(chain, ": {cause}");
            next = cause.source();
        }
        error!(%request_id, error = chain, "a call failed by a fault of ours");
    }
    let is_empty = is_head || failure.status == StatusCode::NOT_MODIFIED;
    let body = if is_empty { Bytes::new() } else { told(&failure, path, request_id).into() };
    let length = body.len();
    let mut answer = Response::new(Full::new(body).boxed_unsync());
    *answer.status_mut() = failure.status;
    for (name, value) in failure.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    }
    if !is_empty {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    answer
}

fn told(failure: &Failure, path: &str, request_id: Uuid) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    element(&mut out, "Code", failure.code);
    element(&mut out, "Message", &failure.message);
    for (name, value) in &failure.members {
        element(&mut out, name, value);
    }
    // Some say what they are about; the others name the resource.
    if failure.members.is_empty()
        && let Ok(Scope::Bucket(_) | Scope::Object(..)) = Scope::of(path)
    {
        let resource = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        element(&mut out, "Resource", &resource);
    }
    let (request, host) = ids(request_id);
    element(&mut out, "RequestId", &request);
    element(&mut out, "HostId", &host);
    out.push_str("</Error>");
    out
}

fn element(out: &mut String, name: &str, text: &str) {
    let _ = write!(out, "<{name}>");
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str(CARRIAGE_RETURN),
            // No character of XML 1.0, escaped or not.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    let _ = write!(out, "</{name}>");
}

/// The headers that every answer of S3's has.
pub(super) fn identify(answer: &mut Response<ResponseBody>, request_id: Uuid) {
    let (request, host) = ids(request_id);
    for (name, value) in [("x-amz-request-id", request), ("x-amz-id-2", host)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer.headers_mut().insert(SERVER, HeaderValue::from_static("AmazonS3"));
}

/// The two ids of a call in S3's form: 16 characters, and 64 bytes in base64.
fn ids(request_id: Uuid) -> (String, String) {
    let request = hex::encode_upper(&request_id.as_bytes()[..8]);
    let digest = Sha256::digest(request_id.as_bytes());
    let host = [digest.as_slice(), request_id.as_bytes(), &digest[..9]].concat();
    (request, STANDARD.encode(host))
}
