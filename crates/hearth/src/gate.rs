//! Which part of Hearth answers a request: AWS's services, a package's link, `/_hearth`, or a greeting.
//!
//! ```text
//! listener ─▶ admit (Host, Origin) ─▶ /_hearth/...        Own
//!                                  ─▶ a bare GET /        a greeting
//!                                  ─▶ /awslambda-...      Lambda: the package of a signed link
//!          ─▶ everything else      ─▶                     FrontDoor
//! sandbox  ─▶ everything                                  FrontDoor, as the function's role
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpStream;
use tracing::{debug, error};
use uuid::Uuid;

use hearth_aws::{Caller, FrontDoor, Origin, SandboxCaller};
use hearth_service_lambda::{Lambda, PackageError};
use hearth_worker::{BoxFuture, Endpoint, Revision};
use hearth_world::{Clock, Stop};

use crate::counts::Counts;
use crate::front::{self, Asked, Guest, Handler};
use crate::greeting;
use crate::own::{Body, Own};
use crate::server::Callers;

/// Everything that can answer.
pub struct Gate {
    /// AWS's services.
    pub door: FrontDoor,
    /// For the links of GetFunction.
    pub lambda: Arc<Lambda>,
    /// For `/_hearth`.
    pub own: Own,
    /// What is being answered now.
    pub counts: Arc<Counts>,
    /// Who may call: a greeting tells which keys that takes.
    pub callers: Callers,
}

impl Gate {
    /// Answers the requests of the server's own listener.
    pub fn handler(self: &Arc<Self>, local: SocketAddr, peer: SocketAddr) -> Handler {
        let gate = self.clone();
        Arc::new(move |request| {
            let (gate, origin) = (gate.clone(), Origin::Listener { local, peer });
            Box::pin(async move {
                let _counted = gate.counts.request();
                gate.answer(request, origin).await
            })
        })
    }

    async fn answer(&self, request: Request<Asked>, origin: Origin) -> Response<Body> {
        let path = request.uri().path();
        if Own::owns(path) {
            let (parts, _) = request.into_parts();
            return match self.door.admit(&parts, &origin) {
                Ok(()) => self.own.answer(&parts).await,
                Err(refusal) => *refusal,
            };
        }
        if matches!(*request.method(), Method::GET | Method::HEAD) && Lambda::is_package_path(path) {
            let (parts, _) = request.into_parts();
            return match self.door.admit(&parts, &origin) {
                Ok(()) => self.package(parts.uri.path_and_query().map_or("", |whole| whole.as_str())).await,
                Err(refusal) => *refusal,
            };
        }
        if path == "/" && matches!(*request.method(), Method::GET | Method::HEAD) {
            return self.root(request, origin).await;
        }
        self.door.handle(request, origin).await
    }

    /// `/` is where several of AWS's protocols send everything, and what a person asks for first.
    async fn root(&self, request: Request<Asked>, origin: Origin) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if !self.door.is_bare(&parts, &origin) {
            return self.door.handle(Request::from_parts(parts, body), origin).await;
        }
        match self.door.admit(&parts, &origin) {
            Ok(()) => {
                let authority = parts.uri.authority().map(http::uri::Authority::as_str);
                greeting::answer(self.callers, &parts.headers, authority)
            }
            Err(refusal) => *refusal,
        }
    }

    async fn package(&self, path_and_query: &str) -> Response<Body> {
        let (status, body) = match self.lambda.package(path_and_query).await {
            Ok(bytes) => (StatusCode::OK, bytes),
            Err(refused @ (PackageError::Denied | PackageError::Expired)) => {
                (StatusCode::FORBIDDEN, Bytes::from(refused.to_string()))
            }
            Err(failed @ PackageError::Blob(_)) => {
                error!(error = ?failed, "a package is not readable");
                (StatusCode::NOT_FOUND, Bytes::from_static(b"the package is not there"))
            }
        };
        let mut response = Response::new(Full::new(body).boxed_unsync());
        *response.status_mut() = status;
        if status == StatusCode::OK {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
        }
        response
    }
}

/// The AWS endpoint inside sandboxes. Made before the services, which need the worker, which needs it.
pub struct SandboxEndpoint {
    gate: OnceLock<Arc<Gate>>,
    /// Who calls, by revision: all connections of one share its limits.
    callers: Mutex<HashMap<Uuid, Weak<SandboxCaller>>>,
    clock: Clock,
    stop: Stop,
}

impl SandboxEndpoint {
    /// An endpoint that answers nobody yet.
    pub fn new(clock: Clock, stop: Stop) -> Self {
        Self { gate: OnceLock::new(), callers: Mutex::default(), clock, stop }
    }

    fn caller(&self, revision: &Revision, host: String) -> Arc<SandboxCaller> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = callers.get(&revision.id).and_then(Weak::upgrade) {
            return known;
        }
        callers.retain(|_, known| known.strong_count() > 0);
        let made = Arc::new(caller(revision, host));
        callers.insert(revision.id, Arc::downgrade(&made));
        made
    }

    /// From now on connections are answered. Only the first time counts.
    pub fn open(&self, gate: Arc<Gate>) {
        let _ = self.gate.set(gate);
    }
}

impl Endpoint for SandboxEndpoint {
    fn serve(&self, connection: TcpStream, revision: Arc<Revision>) -> BoxFuture<'static, ()> {
        let Some(gate) = self.gate.get().cloned() else {
            return Box::pin(std::future::ready(()));
        };
        let (clock, stop) = (self.clock.clone(), self.stop.clone());
        let host = connection.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
        let caller = self.caller(&revision, host);
        Box::pin(async move {
            if let Err(error) = connection.set_nodelay(true) {
                debug!(%error, "TCP_NODELAY is not set");
            }
            let counted = gate.counts.connection();
            let origin = Origin::Sandbox(caller);
            let handler: Handler = Arc::new(move |request| {
                let (gate, origin) = (gate.clone(), origin.clone());
                Box::pin(async move { gate.door.handle(request, origin).await })
            });
            let guest = Guest::alone(clock.clone());
            front::serve(connection, handler, &guest, &clock, &stop).await;
            drop(counted);
        })
    }
}

/// The function's role is who calls, whatever its requests say.
fn caller(revision: &Revision, host: String) -> SandboxCaller {
    let caller = Caller {
        access_key_id: revision.identity.credentials.access_key_id.clone(),
        arn: revision.identity.arn.clone(),
        user_id: revision.identity.user_id.clone(),
        session: None,
    };
    SandboxCaller::new(revision.account.clone(), caller, host)
}
