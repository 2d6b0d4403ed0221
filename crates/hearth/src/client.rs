//! The command line's side of a call to the server: one connection, one call.
//!
//! With credentials a call is signed, which `hearth serve` demands. Without, nothing is: `hearth up` takes any access
//! key that it did not make, and the account goes in the key's place.

use std::error::Error as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use hearth_aws::sigv4::{self, SigningKey};
use hearth_outbound::{Outbound, OutboundDeps, OutboundError, Policy, Roots, SystemResolver};
use hearth_world::{TaskGroup, World};

use crate::cli::Target;
use crate::client_keys;
use crate::data_folder;
use crate::exit::{Exit, Refusal};

/// Answers that are read whole: a response of 6 MB + 100 bytes with its log, and room for more.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The access key of a caller who names no account: the server maps it to its own.
const ANY_KEY: &str = "hearth-command-line";

/// A caller of one server.
#[derive(Debug)]
pub struct Client {
    endpoint: Uri,
    region: String,
    account: Option<String>,
    key: Option<SigningKey>,
    data: PathBuf,
    outbound: Outbound,
    world: World,
}

impl Client {
    /// A caller as the command line's options say.
    pub fn new(target: Target) -> Result<Self> {
        // An account is asked for in the key's place: only `up` takes that.
        let key = match target.account {
            Some(_) => None,
            None => client_keys::signing_key(target.profile.as_deref())?,
        };
        Self::with_key(target, key)
    }

    /// A caller who signs with this key, or with none.
    pub fn with_key(target: Target, key: Option<SigningKey>) -> Result<Self> {
        let endpoint: Uri =
            target.endpoint.parse().with_context(|| format!("{} is not a URL", target.endpoint))?;
        let has_scheme = matches!(endpoint.scheme_str(), Some("http" | "https"));
        if !has_scheme || endpoint.authority().is_none() {
            let text = format!("{}: use http://HOST:PORT or https://HOST:PORT", target.endpoint);
            return Err(Refusal::new(Exit::Unreachable, text).into());
        }
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let region =
            target.region.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
        let is_tls = endpoint.scheme_str() == Some("https");
        let roots = if is_tls { Roots::system() } else { Roots::none() };
        let roots = match target.ca_file.filter(|_| is_tls) {
            Some(file) => roots.and_file(&file)?,
            None => roots,
        };
        let world = World::real();
        let outbound = Outbound::new(OutboundDeps {
            // The person at the command line says whom to call.
            policy: Policy::open(),
            roots,
            resolver: Arc::new(SystemResolver),
            tasks: TaskGroup::new(),
            world: world.clone(),
        });
        Ok(Self {
            endpoint,
            region: region.unwrap_or_else(|| "us-east-1".to_owned()),
            account: target.account,
            key,
            data: target.data.map_or_else(data_folder::default_path, Ok)?,
            outbound,
            world,
        })
    }

    /// The region that calls go to.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account that is asked for, if one is.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
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
        let (mut head, body) = self.request(method, path, headers, body)?.into_parts();
        let now = self.world.physical().now();
        let digest = sigv4::body_sha256(&body);
        if service == "s3" {
            // S3 asks for it, verified signature or not.
            head.headers.insert("x-amz-content-sha256", HeaderValue::try_from(digest.as_str())?);
        }
        if let Some(key) = &self.key {
            sigv4::sign(&mut head, &digest, key, &self.region, service, now).context("sign the request")?;
        } else {
            let (key, date) = (self.account.as_deref().unwrap_or(ANY_KEY), now.format("%Y%m%d"));
            let scope = format!("{key}/{date}/{}/{service}/aws4_request", self.region);
            let claim =
                format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={:064}", 0);
            let claim = HeaderValue::try_from(claim).context("put the region into a header")?;
            head.headers.insert(header::AUTHORIZATION, claim);
        }
        self.send(Request::from_parts(head, body)).await
    }

    /// Where the server is.
    pub fn endpoint(&self) -> String {
        self.endpoint.to_string().trim_end_matches('/').to_owned()
    }

    /// A question to `/_hearth` that only the owner of the data folder may ask, answered in JSON.
    pub async fn own(&self, method: Method, path: &str) -> Result<serde_json::Value> {
        let (head, body) = read(self.own_with(method, path).await?).await?;
        match head.status {
            status if status.is_success() => serde_json::from_slice(&body).context("read the answer"),
            http::StatusCode::FORBIDDEN if body.starts_with(b"{\"message\":\"the token") => {
                let text = format!(
                    "the server at {} does not have the data folder {}: name its folder with --data",
                    self.endpoint(),
                    self.data.display()
                );
                Err(Refusal::new(Exit::Refused, text).into())
            }
            status => Err(refusal(status, &head.headers, &body).into()),
        }
    }

    /// A call to `/_hearth`, with the token of the data folder.
    pub async fn own_with(&self, method: Method, path: &str) -> Answer {
        let token = data_folder::read_token(&self.data).unwrap_or_default();
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        self.send(self.request(method, path, &headers, Bytes::new())?).await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Request<Bytes>> {
        let (scheme, authority) = (self.endpoint.scheme_str(), self.endpoint.authority());
        let (scheme, authority) = scheme.zip(authority).context("the endpoint names no host")?;
        let mut request = Request::builder().method(method).uri(format!("{scheme}://{authority}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body).context("build the request")
    }

    async fn send(&self, request: Request<Bytes>) -> Answer {
        let unreachable = |error: OutboundError| {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            let endpoint = self.endpoint.to_string();
            let endpoint = endpoint.trim_end_matches('/');
            let text =
                format!("no server answers at {endpoint}: {cause} ({})", advice(&self.endpoint, &cause));
            anyhow::Error::from(Refusal::new(Exit::Unreachable, text))
        };
        let requester = self.outbound.open(request.uri()).await.map_err(unreachable)?;
        requester.send(request).await.map_err(unreachable)
    }
}

/// What to do when nobody answers.
fn advice(endpoint: &Uri, cause: &str) -> &'static str {
    match endpoint.scheme_str() {
        _ if cause.contains("Connection refused") => {
            "start one with `hearth up`, or name another one with --endpoint"
        }
        _ if cause.contains("InvalidContentType") => "it speaks plain HTTP: call it as http://",
        Some("http") => "if it is a server of `hearth serve`, call it as https://",
        _ => {
            "https:// takes the server's authority in AWS_CA_BUNDLE or --ca-file, and a name of its certificate"
        }
    }
}

/// What to do after a refusal that a newcomer meets.
fn advice_on(code: &str, text: &str) -> &'static str {
    match code {
        "ResourceNotFoundException" if text.contains("log group") => {
            " (a function's log group is there after its first call; `hearth functions` lists functions)"
        }
        "MissingAuthenticationTokenException" | "UnrecognizedClientException" | "InvalidClientTokenId" => {
            " (a server of `hearth serve` answers to the keys it made: set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or name a profile with --profile)"
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            " (AWS_SECRET_ACCESS_KEY is not the one that belongs to AWS_ACCESS_KEY_ID)"
        }
        "ResourceConflictException" => " (`hearth functions` tells its state, and why)",
        "ResourceNotFoundException" => {
            " (`hearth functions` lists what is there; --region and --account look elsewhere)"
        }
        _ => "",
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
    Refusal::new(Exit::Refused, format!("{code} ({}): {text}{}", status.as_u16(), advice_on(code, &text)))
}
