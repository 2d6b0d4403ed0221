//! Which operation a request means: by the service in the signature's scope or the host, and there by path and
//! method, or by the form's `Action`.

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::{Refusal, defence};
use crate::dispatch::{Served, Services, service_not_built, unknown};
use crate::document::Document;
use crate::error::{ApiError, Code};
use crate::model::routes::Found;
use crate::model::{Model, OperationFacts, Protocol};
use crate::protocols::failure::Speaker;
use crate::protocols::query::{self, Form};
use crate::protocols::{Received, rest_json};
use crate::sigv4::Claim;

/// Where a request goes.
pub(super) enum Target<'s> {
    /// To an operation that the path names.
    Operation(&'s Served, &'static OperationFacts),
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
    let served = services.iter().find(|served| {
        let facts = served.model.facts();
        facts.signing_name == named || facts.endpoint_prefix == named
    });
    let served = served.ok_or_else(|| service_not_built(named))?;
    if let Some(target) = parts.headers.get("x-amz-target") {
        // GAP(protocols): awsJson 1.0 and 1.1 come with the first service that speaks them.
        return Err(unknown(&String::from_utf8_lossy(target.as_bytes())));
    }
    match served.model.facts().protocol {
        Protocol::AwsQuery => Ok(Target::Form { served, any_service: false }),
        Protocol::RestJson1 => find_path(served, parts, parameters)?.ok_or_else(|| unknown(parts.uri.path())),
    }
}

/// The shape of an error about a request that is for no service of ours.
pub(super) fn speaker(parts: &Parts, service: Option<&str>) -> Speaker {
    let is_form = parts.headers.get(CONTENT_TYPE).is_some_and(|found| found.as_bytes().starts_with(FORM));
    Speaker::Nobody(if is_form || service == Some("s3") { Protocol::AwsQuery } else { Protocol::RestJson1 })
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// Without a signature a request is refused, but in the shape of the service it seems to be for.
fn find_unnamed<'s, 'p>(
    services: &'s Services,
    parts: &'p Parts,
    parameters: &mut Vec<&'p str>,
) -> Result<Target<'s>, ApiError> {
    for served in services.iter() {
        if let Some(found) = find_path(served, parts, parameters)? {
            return Ok(found);
        }
    }
    let query = services.iter().find(|served| served.model.facts().protocol == Protocol::AwsQuery);
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
        Some(Found::Operation(at)) => Ok(Some(Target::Operation(served, &served.model.operations()[at]))),
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
    model: &Model,
    operation: &OperationFacts,
) -> Result<(), ApiError> {
    if claim.is_some() || operation.unsigned {
        return Ok(());
    }
    let is_query = model.facts().protocol == Protocol::AwsQuery;
    let text =
        if is_query { "Request is missing Authentication Token" } else { "Missing Authentication Token" };
    Err(ApiError::client(Code::MissingAuthenticationToken, text))
}

impl<'s> Target<'s> {
    pub(super) fn served(&self) -> &'s Served {
        match self {
            Self::Operation(served, _) | Self::Form { served, .. } => served,
        }
    }

    pub(super) fn model(&self) -> &'static Model {
        self.served().model
    }

    /// The operation, where it is known before the body.
    pub(super) fn operation(&self) -> Option<&'static OperationFacts> {
        match self {
            Self::Operation(_, operation) => Some(operation),
            Self::Form { .. } => None,
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
        let named = |error| Refusal { speaker: Speaker::Service(self.model()), error };
        match self {
            Self::Operation(served, operation) => {
                let query = parts.uri.query().unwrap_or_default();
                let received = Received { parameters, query, headers: &parts.headers, body: body.clone() };
                let input = rest_json::read(served.model, operation, &received).map_err(named)?;
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
                let named = |error| Refusal { speaker: Speaker::Service(found.model), error };
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
        facts.protocol == Protocol::AwsQuery && version.is_none_or(|version| version == facts.api_version);
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
