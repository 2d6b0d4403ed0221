//! A store that speaks as much S3 as blobs need, and fails as it is told to.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hearth_world::{TaskGroup, TaskKind};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The bucket that there is.
pub(super) const BUCKET: &str = "packages";
/// The key that may use it.
pub(super) const KEY: &str = "AKIATEST";
/// Bytes of a part that is not the last.
const PART_BYTES_LEAST: usize = 5_242_880;
/// Names in one answer of a listing.
const PAGE: usize = 3;
/// When everything was written.
const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

/// What goes wrong, for as many requests as `times` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// This status instead of an answer.
    Status(u16),
    /// One bit of an object's bytes is another.
    WrongBytes,
    /// The connection ends before the answer.
    Closed,
}

/// See the module.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) objects: Mutex<BTreeMap<String, Bytes>>,
    uploads: Mutex<BTreeMap<String, BTreeMap<u32, Bytes>>>,
    fault: Mutex<Option<Fault>>,
    times: AtomicU32,
    /// Uploads in parts ever begun.
    begun: AtomicUsize,
    /// While true, nothing is answered.
    holding: watch::Sender<bool>,
    held: AtomicUsize,
    pub(super) requests: AtomicUsize,
    pub(super) connections: AtomicUsize,
}

impl Fake {
    /// Serves at a port of loopback for as long as the group's tasks run.
    pub(super) async fn serve(tasks: &TaskGroup) -> (Arc<Self>, String) {
        let fake = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (served, group) = (fake.clone(), tasks.clone());
        tasks.spawn(TaskKind::Service, tracing::Span::none(), move |stop| async move {
            while let Some(Ok((stream, _))) = stop.or(listener.accept()).await {
                let fake = served.clone();
                fake.connections.fetch_add(1, Ordering::SeqCst);
                group.spawn(TaskKind::Request, tracing::Span::none(), move |stop| async move {
                    let service = service_fn(move |request| fake.clone().answer(request));
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service);
                    // A client that goes away, or a fault that was ordered.
                    let _ = stop.or(connection).await;
                });
            }
        });
        (fake, endpoint)
    }

    pub(super) fn fail(&self, fault: Fault, times: u32) {
        *self.fault.lock().unwrap() = Some(fault);
        self.times.store(times, Ordering::SeqCst);
    }

    /// Answers nothing until it is told otherwise.
    pub(super) fn hold(&self, holding: bool) {
        self.holding.send_replace(holding);
    }

    /// Requests that came while nothing was answered.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
        let mut holding = self.holding.subscribe();
        if *holding.borrow() {
            self.held.fetch_add(1, Ordering::SeqCst);
            holding.wait_for(|holding| !holding).await.map_err(|_| Broken)?;
        }
        let left = self.times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let fault = left.ok().and_then(|_| *self.fault.lock().unwrap());
        match fault {
            Some(Fault::Closed) => return Err(Broken),
            Some(Fault::Status(status)) => return Ok(refused(status, "SlowDown")),
            Some(Fault::WrongBytes) | None => {}
        }
        let Some(key) = head.uri.path().strip_prefix(&format!("/{BUCKET}")) else {
            return Ok(refused(404, "NoSuchBucket"));
        };
        if !header(&head, "authorization").starts_with(&format!("AWS4-HMAC-SHA256 Credential={KEY}/")) {
            return Ok(refused(403, "InvalidAccessKeyId"));
        }
        if header(&head, "x-amz-content-sha256") != hex::encode(Sha256::digest(&body)) {
            return Ok(refused(400, "XAmzContentSHA256Mismatch"));
        }
        let answer = self.bucket(&head, key.trim_start_matches('/'), body);
        Ok(if fault == Some(Fault::WrongBytes) { flipped(answer).await } else { answer })
    }

    fn bucket(&self, head: &Parts, key: &str, body: Bytes) -> Response<Full<Bytes>> {
        let (method, query) = (&head.method, &Query::of(head.uri.query()));
        let (copied, range) = (header(head, "x-amz-copy-source"), header(head, "range"));
        let mut objects = self.objects.lock().unwrap();
        let upload = query.get("uploadId").unwrap_or_default().to_owned();
        let mut uploads = self.uploads.lock().unwrap();
        match *method {
            Method::GET if key.is_empty() => list(&objects, query),
            Method::GET | Method::HEAD => match objects.get(key) {
                Some(bytes) if *method == Method::HEAD => object(bytes.len(), Bytes::new()),
                Some(bytes) => ranged(bytes, range),
                None => refused(404, "NoSuchKey"),
            },
            Method::PUT if !upload.is_empty() => {
                let Some(parts) = uploads.get_mut(&upload) else { return refused(404, "NoSuchUpload") };
                parts.insert(query.get("partNumber").and_then(|number| number.parse().ok()).unwrap(), body);
                object(0, Bytes::new())
            }
            Method::PUT if !copied.is_empty() => {
                let from =
                    copied.trim_start_matches('/').strip_prefix(&format!("{BUCKET}/")).unwrap_or_default();
                let Some(bytes) = objects.get(from).cloned() else { return refused(404, "NoSuchKey") };
                objects.insert(key.to_owned(), bytes);
                xml("<CopyObjectResult><ETag>\"1\"</ETag></CopyObjectResult>".into())
            }
            Method::PUT => {
                objects.insert(key.to_owned(), body);
                object(0, Bytes::new())
            }
            Method::POST if query.get("uploads").is_some() => {
                let id = format!("upload-{}", self.begun.fetch_add(1, Ordering::SeqCst));
                uploads.insert(id.clone(), BTreeMap::new());
                xml(format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ))
            }
            Method::POST => {
                let Some(parts) = uploads.remove(&upload) else { return refused(404, "NoSuchUpload") };
                let small = parts.values().rev().skip(1).any(|part| part.len() < PART_BYTES_LEAST);
                if parts.is_empty() || small {
                    return refused(400, "EntityTooSmall");
                }
                objects.insert(key.to_owned(), parts.into_values().collect::<Vec<_>>().concat().into());
                xml("<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>"
                    .into())
            }
            Method::DELETE if !upload.is_empty() => {
                uploads.remove(&upload);
                empty(204)
            }
            Method::DELETE => {
                objects.remove(key);
                empty(204)
            }
            _ => refused(405, "MethodNotAllowed"),
        }
    }

    /// Uploads in parts ever begun.
    pub(super) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Uploads in parts that are neither complete nor given up.
    pub(super) fn uploads(&self) -> usize {
        self.uploads.lock().unwrap().len()
    }
}

fn header<'h>(head: &'h Parts, name: &str) -> &'h str {
    head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Ends a connection.
#[derive(Debug, thiserror::Error)]
#[error("broken")]
pub(super) struct Broken;

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

struct Query(BTreeMap<String, String>);

impl Query {
    fn of(query: Option<&str>) -> Self {
        let pairs =
            query.unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.replace("%2F", "/"))).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

fn list(objects: &BTreeMap<String, Bytes>, query: &Query) -> Response<Full<Bytes>> {
    let (prefix, after) =
        (query.get("prefix").unwrap_or_default(), query.get("continuation-token").unwrap_or_default());
    let mut found = objects.iter().filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
    let page: Vec<_> = found.by_ref().take(PAGE).collect();
    let more = found.next().is_some();
    let contents = page.iter().map(|(key, bytes)| {
        let size = bytes.len();
        format!("<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"1\"</ETag><Size>{size}</Size></Contents>")
    });
    let contents: String = contents.collect();
    let token = page
        .last()
        .filter(|_| more)
        .map(|(key, _)| format!("<NextContinuationToken>{key}</NextContinuationToken>"));
    xml(format!(
        "<ListBucketResult><IsTruncated>{more}</IsTruncated>{contents}{}</ListBucketResult>",
        token.unwrap_or_default()
    ))
}

fn object(length: usize, bytes: Bytes) -> Response<Full<Bytes>> {
    let head = Response::builder().header("etag", "\"1\"").header("last-modified", DATE);
    head.header("content-length", length).body(Full::new(bytes)).unwrap()
}

/// The whole of an object, or `bytes=FIRST-LAST` of it.
fn ranged(bytes: &Bytes, range: &str) -> Response<Full<Bytes>> {
    let ends = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let Some((first, last)) = ends else { return object(bytes.len(), bytes.clone()) };
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let mut answer = object(last + 1 - first, bytes.slice(first..=last));
    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    let told = format!("bytes {first}-{last}/{}", bytes.len());
    answer.headers_mut().insert("content-range", told.parse().unwrap());
    answer
}

fn xml(text: String) -> Response<Full<Bytes>> {
    Response::builder().header("content-type", "application/xml").body(Full::new(text.into())).unwrap()
}

fn refused(status: u16, code: &str) -> Response<Full<Bytes>> {
    let mut answer = xml(format!("<Error><Code>{code}</Code><Message>refused</Message></Error>"));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}

fn empty(status: u16) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::default()).unwrap()
}

async fn flipped(answer: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let (head, body) = answer.into_parts();
    let mut bytes = body.collect().await.unwrap().to_bytes().to_vec();
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    Response::from_parts(head, Full::new(bytes.into()))
}
