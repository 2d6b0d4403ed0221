//! The command line's side of a call to the server: one connection, one call.
//!
//! Nothing is signed: `hearth up` takes any access key that it did not make. The account goes in the key's place.

use std::path::PathBuf;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tracing::Span;

use hearth_world::{TaskGroup, TaskKind, World};

use crate::cli::Target;
use crate::data_folder;
use crate::exit::{Exit, Refusal};

/// Answers that are read whole: a response of 6 MB + 100 bytes with its log, and room for more.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The access key of a caller who names no account: the server maps it to its own.
const ANY_KEY: &str = "hearth-command-line";

/// A caller of one server.
#[derive(Debug)]
pub struct Client {
    authority: String,
    region: String,
    access_key: String,
    data: PathBuf,
    tasks: TaskGroup,
}

impl Client {
    /// A caller as the command line's options say.
    pub fn new(target: Target) -> Result<Self> {
        let uri: Uri =
            target.endpoint.parse().with_context(|| format!("{} is not a URL", target.endpoint))?;
        if uri.scheme_str() != Some("http") {
            let text = format!("{}: `hearth up` speaks plain HTTP: use http://HOST:PORT", target.endpoint);
            return Err(Refusal::new(Exit::Unreachable, text).into());
        }
        let authority = uri.authority().context("the endpoint names no host")?;
        let port = authority.port_u16().unwrap_or(80);
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let region =
            target.region.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
        Ok(Self {
            authority: format!("{}:{port}", authority.host()),
            region: region.unwrap_or_else(|| "us-east-1".to_owned()),
            access_key: target.account.unwrap_or_else(|| ANY_KEY.to_owned()),
            data: target.data.map_or_else(data_folder::default_path, Ok)?,
            tasks: TaskGroup::new(),
        })
    }

    /// The region that calls go to.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account that is asked for, if one is.
    pub fn account(&self) -> Option<&str> {
        (self.access_key != ANY_KEY).then_some(self.access_key.as_str())
    }

    /// A call to an AWS service.
    pub async fn call(
        &self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        let date = World::real().physical().now().format("%Y%m%d");
        let scope = format!("{}/{date}/{}/{service}/aws4_request", self.access_key, self.region);
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={:064}", 0);
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend(headers);
        self.send(method, path, &all, body).await
    }

    /// A call to `/_hearth` that reads, with the token of the data folder.
    pub async fn own(&self, path: &str) -> Answer {
        self.own_with(Method::GET, path).await
    }

    /// A call to `/_hearth`, with the token of the data folder.
    pub async fn own_with(&self, method: Method, path: &str) -> Answer {
        let token = data_folder::read_token(&self.data).unwrap_or_default();
        let authorization = format!("Bearer {token}");
        self.send(method, path, &[("authorization", authorization.as_str())], Bytes::new()).await
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let unreachable = |error: &dyn std::fmt::Display| {
            let text = format!(
                "no server answers at http://{}: {error} (start one with `hearth up`)",
                self.authority
            );
            anyhow::Error::from(Refusal::new(Exit::Unreachable, text))
        };
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| unreachable(&error))?;
        stream.set_nodelay(true).context("set TCP_NODELAY")?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| unreachable(&error))?;
        self.tasks.spawn(TaskKind::Service, Span::none(), |_| async move {
            // How the connection ended is told by the request that used it.
            let _ = connection.await;
        });
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.authority);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).context("build the request")?;
        sender.send_request(request).await.map_err(|error| unreachable(&error))
    }
}

/// An answer whose body is still to be read.
pub type Answer = Result<Response<Incoming>>;

/// The whole body of an answer.
pub async fn read(answer: Response<Incoming>) -> Result<(http::response::Parts, Bytes)> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("{error}")).context("read the answer")?;
    Ok((head, body.to_bytes()))
}

/// What the server said when it refused, as one line.
pub fn refusal(status: http::StatusCode, head: &http::HeaderMap, body: &[u8]) -> Refusal {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let header = head.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let code =
        header.or_else(|| json["__type"].as_str()).unwrap_or("error").split(':').next().unwrap_or_default();
    let text = json["message"].as_str().or_else(|| json["Message"].as_str());
    let text = text.map_or_else(|| String::from_utf8_lossy(body).trim().to_owned(), str::to_owned);
    Refusal::new(Exit::Refused, format!("{code} ({}): {text}", status.as_u16()))
}
