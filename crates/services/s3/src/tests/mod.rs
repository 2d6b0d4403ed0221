//! The service behind the front door, without a network: requests in, answers out.

mod bodies;
mod buckets;
mod copies;
mod everybody;
mod hostile;
mod lifecycle;
mod many;
mod objects;
pub(crate) mod protocol;
mod settings;
mod uploads;
mod versions;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hearth_aws::sigv4::{Algorithm, Checksum};
use hearth_aws::{AllowAll, FrontDoor, Options, Origin, Service};
use hearth_store::{BlobKeeper, Blobs, SqliteStore};
use hearth_world::World;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};

use crate::{S3, S3Deps};

/// A service in a folder of its own.
pub(crate) struct Served {
    pub(crate) s3: Arc<S3>,
    door: FrontDoor,
    pub(crate) folder: tempfile::TempDir,
}

/// An answer as a client has it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::in_world(World::real())
    }

    pub(crate) fn in_world(world: World) -> Self {
        Self::answered_by(world, crate::service)
    }

    pub(crate) fn answered_by(world: World, service: impl FnOnce(Arc<S3>) -> Service) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(SqliteStore::open(&folder.path().join("db"), &world).expect("a store"));
        let blobs = Blobs::local(&folder.path().join("blobs")).expect("blobs");
        let blobs = BlobKeeper::new(store.clone(), blobs, world.clone(), Duration::from_secs(3_600));
        let s3 = S3::open(S3Deps { store, blobs, world: world.clone() });
        let options = Options { hosts: vec!["hearth.corp".to_owned()], ..Options::default() };
        let door = FrontDoor::new(vec![service(s3.clone())], options, world, Arc::new(AllowAll));
        Self { s3, door, folder }
    }

    /// A request of the account 000000000000 in us-east-1.
    pub(crate) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let mut request = Request::builder();
        for (name, value) in [("host", "127.0.0.1:4566"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")] {
            if !headers.iter().any(|(given, _)| *given == name) {
                request = request.header(name, value);
            }
        }
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", authorization("test", "us-east-1"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(line, request, body.into()).await
    }

    /// A request with these headers alone.
    pub(crate) async fn send(&self, line: &str, request: http::request::Builder, body: Bytes) -> Answer {
        let (method, target) = line.split_once(' ').expect("a method and a target");
        let request = request.method(method).uri(target).body(Full::new(body)).expect("a request");
        let local: SocketAddr = ([127, 0, 0, 1], 4566).into();
        let peer: SocketAddr = ([127, 0, 0, 1], 50_000).into();
        let response = self.door.handle(request, Origin::Listener { local, peer }).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn bucket(&self, name: &str) {
        self.ask(&format!("PUT /{name}"), &[], "").await.is(200);
    }

    pub(crate) async fn put(&self, target: &str, body: impl Into<Bytes>) -> Answer {
        let answer = self.ask(&format!("PUT {target}"), &[], body).await;
        answer.is(200);
        answer
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask(&format!("GET {target}"), &[], "").await
    }

    /// Fails unless the folder of blobs is soon empty: what a refused body left is removed after its answer was sent.
    pub(crate) async fn leaves_no_file(&self) {
        for _ in 0..1_000 {
            if self.files().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("still there: {:?}", self.files());
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("blobs")).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

pub(crate) fn authorization(key: &str, region: &str) -> String {
    let scope = format!("{key}/20261121/{region}/s3/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={}", "0".repeat(64))
}

impl Answer {
    #[track_caller]
    pub(crate) fn is(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
    }

    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) {
        self.is(status);
        assert_eq!(self.element("Code"), code, "{self:?}");
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first element of this name.
    pub(crate) fn element(&self, name: &str) -> String {
        self.elements(name).into_iter().next().unwrap_or_default()
    }

    /// All elements of this name.
    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let opening = format!("<{name}>");
        let pieces = text.split(&opening).skip(1);
        pieces.map(|piece| piece.split("</").next().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(crate) fn checksum(algorithm: Algorithm, bytes: &[u8]) -> String {
    let mut checksum = Checksum::new(algorithm);
    checksum.update(bytes);
    checksum.value()
}

pub(crate) fn md5(bytes: &[u8]) -> String {
    use md5::Digest as _;
    STANDARD.encode(md5::Md5::digest(bytes))
}

/// Bytes that compress badly and repeat nowhere near.
pub(crate) fn payload(bytes: usize) -> Vec<u8> {
    (0..bytes as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}
