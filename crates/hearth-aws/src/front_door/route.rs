//! Which operation a request means: by the service in the signature's scope or the host, and there by a header, by
//! path and method, or by the form's `Action`.

use std::borrow::Cow;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;

use super::{Refusal, defence};
use crate::dispatch::{Served, Services, service_not_built, unknown};
use crate::document::Document;
use crate::error::{ApiError, Code};
use crate::model::routes::Found;
use crate::model::{Model, OperationFacts, Protocol};
use crate::protocols::failure::Speaker;
use crate::protocols::query::{self, Form};
use crate::protocols::{self, Received, aws_json, rpc_v2_cbor};
use crate::sigv4::Claim;

/// Where a request goes.
pub(super) enum Target<'s> {
    /// To an operation that the path or a header names.
    Operation(&'s Served, Protocol, &'static OperationFacts),
    /// To one that the form names.
    Form {
        /// The service, or the one in whose words an error is told.
        served: &'s Served,
        /// Neither signature nor host name a service: the action does.
        any_service: bool,
    },
}

/// Finds the target; for a path also its raw parameters.
pub(super) fn find<'s, 'p>(
    services: &'s Services,
    parts: &'p Parts,
    service: Option<&str>,
    parameters: &mut Vec<&'p str>,
) -> Result<Target<'s>, ApiError> {
    let named = service.or_else(|| defence::host(parts).and_then(service_of_host));
    let Some(named) = named else { return find_unnamed(services, parts, parameters) };
    // Several services may share a name in signatures: DynamoDB and its streams do.
    let of_name = || {
        services.iter().filter(|served| {
            let facts = served.model.facts();
            facts.signing_name == named || facts.endpoint_prefix == named
        })
    };
    let served = of_name().next().ok_or_else(|| service_not_built(named))?;
    if let Some(call) = Rpc::of(parts) {
        let found = of_name().find_map(|served| call.find(served)).ok_or_else(|| call.unknown())?;
        return call.is_readable(parts).map(|()| found);
    }
    match served.model {
        model if model.speaks(Protocol::RestJson1) => {
            find_path(served, parts, parameters)?.ok_or_else(|| unknown(parts.uri.path()))
        }
        model if model.speaks(Protocol::AwsQuery) => Ok(Target::Form { served, any_service: false }),
        model if model.speaks(Protocol::RestXml) => Err(service_not_built(named)),
        _ => Err(unknown("")),
    }
}

/// The protocol of an answer to a request that is for no service of ours.
pub(super) fn speaker(parts: &Parts, service: Option<&str>) -> Speaker {
    let content = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    Speaker::Nobody(match Rpc::of(parts) {
        Some(Rpc::Cbor { .. }) => Protocol::RpcV2Cbor,
        Some(Rpc::Json { .. }) if content.starts_with(b"application/x-amz-json-1.1") => Protocol::AwsJson11,
        Some(Rpc::Json { .. }) => Protocol::AwsJson10,
        None if content.starts_with(FORM) || service == Some("s3") => Protocol::AwsQuery,
        None => Protocol::RestJson1,
    })
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// A request whose operation stands in a header or in a path that is the same for every service.
enum Rpc<'p> {
    /// `X-Amz-Target: DynamoDB_20120810.GetItem`.
    Json { target: Cow<'p, str> },
    /// `/service/GraniteServiceVersion20100801/operation/PutMetricData`.
    Cbor { path: &'p str },
}

impl<'p> Rpc<'p> {
    fn of(parts: &'p Parts) -> Option<Self> {
        if parts.headers.get(rpc_v2_cbor::PROTOCOL) == Some(&rpc_v2_cbor::NAME) {
            return Some(Self::Cbor { path: parts.uri.path() });
        }
        let target = parts.headers.get(aws_json::TARGET)?;
        Some(Self::Json { target: String::from_utf8_lossy(target.as_bytes()) })
    }

    fn find<'s>(&self, served: &'s Served) -> Option<Target<'s>> {
        let model = served.model;
        let (protocol, prefix, name) = match self {
            Self::Json { target } => {
                let (prefix, name) = target.split_once('.')?;
                let json = [Protocol::AwsJson10, Protocol::AwsJson11];
                (json.into_iter().find(|protocol| model.speaks(*protocol))?, prefix, name)
            }
            Self::Cbor { path } => {
                let (service, name) = rpc_v2_cbor::names_of(path)?;
                (Protocol::RpcV2Cbor, service, name)
            }
        };
        let is_meant = model.speaks(protocol) && model.facts().target_prefix == Some(prefix);
        let operation = model.operation(name).filter(|_| is_meant)?;
        Some(Target::Operation(served, protocol, operation))
    }

    fn unknown(&self) -> ApiError {
        unknown(match self {
            Self::Json { target } => target,
            Self::Cbor { path } => path,
        })
    }

    /// Whether the content type is the protocol's; a request without a body needs none.
    fn is_readable(&self, parts: &Parts) -> Result<(), ApiError> {
        let Some(content) = parts.headers.get(CONTENT_TYPE) else { return Ok(()) };
        let is_readable = match self {
            // Integrations of API Gateway send plain JSON.
            Self::Json { .. } => {
                content.as_bytes().starts_with(aws_json::CONTENT)
                    || content.as_bytes().starts_with(b"application/json")
            }
            Self::Cbor { .. } => content.as_bytes().starts_with(b"application/cbor"),
        };
        is_readable.then_some(()).ok_or_else(|| {
            let content = String::from_utf8_lossy(content.as_bytes());
            ApiError::client(Code::UnsupportedMediaType, format!("Unsupported content type {content:?}"))
        })
    }
}

/// Without a signature a request is refused, but in the shape of the service it seems to be for.
fn find_unnamed<'s, 'p>(
    services: &'s Services,
    parts: &'p Parts,
    parameters: &mut Vec<&'p str>,
) -> Result<Target<'s>, ApiError> {
    if let Some(call) = Rpc::of(parts) {
        return services.iter().find_map(|served| call.find(served)).ok_or_else(|| call.unknown());
    }
    for served in services.iter() {
        if let Some(found) = find_path(served, parts, parameters)? {
            return Ok(found);
        }
    }
    let query = services.iter().find(|served| served.model.speaks(Protocol::AwsQuery));
    match query.filter(|_| parts.uri.path() == "/") {
        Some(served) => Ok(Target::Form { served, any_service: true }),
        None => Err(unknown(parts.uri.path())),
    }
}

fn find_path<'s, 'p>(
    served: &'s Served,
    parts: &'p Parts,
    parameters: &mut Vec<&'p str>,
) -> Result<Option<Target<'s>>, ApiError> {
    parameters.clear();
    let query = parts.uri.query().unwrap_or_default();
    match served.model.routes().find(parts.method.as_str(), parts.uri.path(), query, parameters) {
        None => Ok(None),
        Some(Found::Operation(at)) => {
            Ok(Some(Target::Operation(served, Protocol::RestJson1, &served.model.operations()[at])))
        }
        Some(Found::OtherMethod) => {
            let text = format!("Method {} is not allowed at {}", parts.method, parts.uri.path());
            Err(ApiError::client(Code::MethodNotAllowed, text))
        }
    }
}

/// `lambda` of `lambda.eu-west-1.amazonaws.com`.
fn service_of_host(host: &str) -> Option<&str> {
    defence::is_aws_name(host).then(|| host.split('.').next()).flatten()
}

/// Every call carries a signature, except what AWS itself serves without.
pub(super) fn require_signature(
    claim: Option<&Claim<'_>>,
    protocol: Protocol,
    operation: &OperationFacts,
) -> Result<(), ApiError> {
    if claim.is_some() || operation.unsigned {
        return Ok(());
    }
    let text = match protocol {
        Protocol::AwsQuery => "Request is missing Authentication Token",
        _ => "Missing Authentication Token",
    };
    Err(ApiError::client(Code::MissingAuthenticationToken, text))
}

impl<'s> Target<'s> {
    pub(super) fn served(&self) -> &'s Served {
        match self {
            Self::Operation(served, ..) | Self::Form { served, .. } => served,
        }
    }

    pub(super) fn model(&self) -> &'static Model {
        self.served().model
    }

    /// The operation, where it is known before the body.
    pub(super) fn operation(&self) -> Option<&'static OperationFacts> {
        match self {
            Self::Operation(_, _, operation) => Some(operation),
            Self::Form { .. } => None,
        }
    }

    /// How the request and its answer look.
    pub(super) fn protocol(&self) -> Protocol {
        match self {
            Self::Operation(_, protocol, _) => *protocol,
            Self::Form { .. } => Protocol::AwsQuery,
        }
    }

    /// The operation and its input.
    pub(super) fn read(
        &self,
        services: &Services,
        parts: &Parts,
        parameters: &[&str],
        body: &Bytes,
    ) -> Result<(&'static Model, &'static OperationFacts, Document), Refusal> {
        let speaker = |model| Speaker::Service(model, self.protocol());
        let named = |error| Refusal { speaker: speaker(self.model()), error };
        match self {
            Self::Operation(served, protocol, operation) => {
                let query = parts.uri.query().unwrap_or_default();
                let received = Received { parameters, query, headers: &parts.headers, body: body.clone() };
                let input = protocols::read(served.model, *protocol, operation, &received).map_err(named)?;
                Ok((served.model, operation, input))
            }
            Self::Form { served, any_service } => {
                let in_query = parts.method == Method::GET || body.is_empty();
                let raw = if in_query {
                    Ok(parts.uri.query().unwrap_or_default())
                } else {
                    std::str::from_utf8(body)
                };
                let raw = raw.map_err(|error| named(ApiError::client(Code::Serialization, error)))?;
                let form = Form::parse(raw).map_err(named)?;
                let action = form.get("Action").unwrap_or_default();
                let version = form.get("Version");
                let (found, operation) = match any_service {
                    false => served.model.operation(action).map(|operation| (*served, operation)),
                    true => services.iter().find_map(|served| action_of(served, action, version)),
                }
                .ok_or_else(|| named(no_action(action, version)))?;
                let named = |error| Refusal { speaker: speaker(found.model), error };
                found.built(operation).map_err(named)?;
                Ok((found.model, operation, query::read(found.model, operation, &form).map_err(named)?))
            }
        }
    }
}

fn action_of<'s>(
    served: &'s Served,
    action: &str,
    version: Option<&str>,
) -> Option<(&'s Served, &'static OperationFacts)> {
    let facts = served.model.facts();
    let is_meant =
        served.model.speaks(Protocol::AwsQuery) && version.is_none_or(|version| version == facts.api_version);
    Some((served, served.model.operation(action).filter(|_| is_meant)?))
}

fn no_action(action: &str, version: Option<&str>) -> ApiError {
    let text = match (action, version) {
        ("", _) => "Missing Action".to_owned(),
        (action, version) => {
            format!(
                "Could not find operation {action} for version {}",
                version.unwrap_or("NO_VERSION_SPECIFIED")
            )
        }
    };
    ApiError::client(Code::UnknownOperation, text)
}
