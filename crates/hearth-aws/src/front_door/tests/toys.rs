//! Toy operations, and a way to send a request as a client would.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hearth_world::World;
use http::Request;
use http_body_util::{BodyExt, Full};

use crate::dispatch::AllowAll;
use crate::document::Document;
use crate::error::{ApiError, Code};
use crate::front_door::{FrontDoor, Options, Origin};
use crate::operation::{Cx, Operation, Service};
use crate::shape;

shape! {
    pub struct Nothing {}

    pub struct InvokeInput {
        function_name: String,
        payload: Option<Bytes>,
        qualifier: Option<String>,
    }

    pub struct InvokeOutput {
        status_code: i64,
        executed_version: Option<String>,
        payload: Option<Bytes>,
        trace_id: Option<String>,
    }

    pub struct FunctionInput {
        function_name: String,
    }

    pub struct CreateInput {
        function_name: String,
        role: String,
        memory_size: Option<i64>,
        runtime: Option<String>,
        tags: Option<BTreeMap<String, String>>,
        code: Code_,
    }

    pub struct Code_ {
        zip_file: Option<Bytes>,
    }

    pub struct Configuration {
        function_name: String,
        memory_size: Option<i64>,
        code_size: i64,
        description: Option<String>,
        runtime: Option<String>,
    }

    pub struct UntagInput {
        resource: String,
        tag_keys: Vec<String>,
    }

    pub struct RoleInput {
        role_name: String,
        tags: Option<Vec<Tag>>,
    }

    pub struct Tag {
        key: String,
        value: String,
    }

    pub struct RoleOutput {
        role: Role,
    }

    pub struct Role {
        path: String,
        role_name: String,
        role_id: String,
        arn: String,
        create_date: Document,
        tags: Option<Vec<Tag>>,
    }

    pub struct QueueInput {
        queue_name: String,
    }

    pub struct QueueOutput {
        queue_url: String,
    }

    pub struct SendInput {
        queue_url: String,
        message_attributes: Option<BTreeMap<String, Attribute>>,
    }

    pub struct Attribute {
        data_type: String,
        string_value: Option<String>,
    }

    pub struct AttributesOutput {
        attributes: BTreeMap<String, String>,
    }

    pub struct DashboardInput {
        dashboard_name: String,
    }

    pub struct DashboardOutput {
        dashboard_name: String,
    }

    pub struct IdentityOutput {
        user_id: String,
        account: String,
        arn: String,
    }
}

macro_rules! toy {
    ($name:ident($cx:ident, $input:ident: $from:ty) -> $to:ty $body:block) => {
        pub(super) struct $name;

        impl Operation for $name {
            const NAME: &'static str = stringify!($name);
            type State = ();
            type Input = $from;
            type Output = $to;

            async fn call($cx: &Cx<()>, $input: $from) -> Result<$to, ApiError> {
                $body
            }
        }
    };
}

toy!(Invoke(cx, input: InvokeInput) -> InvokeOutput {
    if input.function_name == "busy" {
        let reason = Document::String("ReservedFunctionConcurrentInvocationLimitExceeded".to_owned());
        let retry = Document::String("1".to_owned());
        let error = ApiError::client(Code::TooManyRequests, "Rate Exceeded.");
        return Err(error.with("Reason", reason).with("retryAfterSeconds", retry));
    }
    assert_ne!(input.function_name, "panics", "announced: a test of panics");
    let version = input.qualifier.unwrap_or_else(|| "$LATEST".to_owned());
    let trace_id = cx.call.trace_id.clone();
    Ok(InvokeOutput { status_code: 200, executed_version: Some(version), payload: input.payload, trace_id })
});

toy!(GetFunctionConfiguration(cx, input: FunctionInput) -> Configuration {
    let (region, account, name) = (&cx.call.region, &cx.call.account, input.function_name);
    let text = format!("Function not found: arn:aws:lambda:{region}:{account}:function:{name}");
    Err(ApiError::client(Code::ResourceNotFound, text))
});

toy!(CreateFunction(_cx, input: CreateInput) -> Configuration {
    Ok(Configuration {
        function_name: input.function_name,
        memory_size: input.memory_size,
        code_size: i64::try_from(input.code.zip_file.map_or(0, |code| code.len())).expect("small"),
        description: None,
        runtime: input.runtime,
    })
});

toy!(DeleteFunction(_cx, _input: FunctionInput) -> Nothing { Ok(Nothing {}) });

toy!(UntagResource(_cx, input: UntagInput) -> Nothing {
    let text = format!("{} {:?}", input.resource, input.tag_keys);
    Err(ApiError::client(Code::InvalidParameterValue, text).without_type())
});

toy!(ListFunctions(_cx, _input: Nothing) -> Nothing {
    Err(ApiError::internal(std::io::Error::other("the disk is gone")))
});

toy!(CreateRole(_cx, input: RoleInput) -> RoleOutput {
    Ok(RoleOutput {
        role: Role {
            path: "/".to_owned(),
            arn: format!("arn:aws:iam::000000000000:role/{}", input.role_name),
            role_name: input.role_name,
            role_id: "AROA".to_owned(),
            create_date: Document::Timestamp(1_764_037_614_123_000),
            tags: input.tags,
        },
    })
});

toy!(GetRole(_cx, input: RoleInput) -> RoleOutput {
    let text = format!("The role with name {} cannot be found.", input.role_name);
    Err(ApiError::client(Code::NoSuchEntity, text))
});

toy!(GetCallerIdentity(cx, _input: Nothing) -> IdentityOutput {
    let caller = cx.call.caller.clone();
    Ok(IdentityOutput { user_id: caller.user_id, account: cx.call.account.clone(), arn: caller.arn })
});

toy!(GetQueueUrl(cx, input: QueueInput) -> QueueOutput {
    if input.queue_name == "gone" {
        return Err(ApiError::client(Code::Modelled("QueueDoesNotExist"), "The specified queue does not exist."));
    }
    Ok(QueueOutput { queue_url: format!("http://{}/{}", cx.call.host, input.queue_name) })
});

toy!(SendMessage(_cx, input: SendInput) -> Nothing {
    let attributes = input.message_attributes.unwrap_or_default().into_iter();
    let attributes: Vec<_> =
        attributes.map(|(name, value)| (name, value.data_type, value.string_value)).collect();
    let text = format!("{} {attributes:?}", input.queue_url);
    Err(ApiError::client(Code::Modelled("InvalidMessageContents"), text))
});

toy!(GetQueueAttributes(_cx, _input: Nothing) -> AttributesOutput {
    Ok(AttributesOutput { attributes: BTreeMap::from([("DelaySeconds".to_owned(), "0".to_owned())]) })
});

toy!(DeleteQueue(_cx, _input: Nothing) -> Nothing { Ok(Nothing {}) });

toy!(CreateLogGroup(_cx, _input: Nothing) -> Nothing { Ok(Nothing {}) });

toy!(GetDashboard(_cx, input: DashboardInput) -> DashboardOutput {
    if input.dashboard_name == "gone" {
        return Err(ApiError::client(Code::Modelled("DashboardNotFoundError"), "No such dashboard."));
    }
    Ok(DashboardOutput { dashboard_name: input.dashboard_name })
});

pub(crate) fn services() -> Vec<Service> {
    let state = Arc::new(());
    let lambda = Service::new("lambda").with::<Invoke>(&state).with::<GetFunctionConfiguration>(&state);
    let lambda =
        lambda.with::<CreateFunction>(&state).with::<DeleteFunction>(&state).with::<UntagResource>(&state);
    let lambda = lambda.with::<ListFunctions>(&state);
    let iam = Service::new("iam").with::<CreateRole>(&state).with::<GetRole>(&state);
    let sqs = Service::new("sqs").with::<GetQueueUrl>(&state).with::<SendMessage>(&state);
    let sqs = sqs.with::<GetQueueAttributes>(&state).with::<DeleteQueue>(&state);
    let logs = Service::new("logs").with::<CreateLogGroup>(&state);
    let cloudwatch = Service::new("cloudwatch").with::<GetDashboard>(&state);
    vec![lambda, iam, Service::new("sts").with::<GetCallerIdentity>(&state), sqs, logs, cloudwatch]
}

pub(super) fn door() -> FrontDoor {
    FrontDoor::new(services(), Options::default(), World::simulated(1), Arc::new(AllowAll))
}

pub(super) fn listener() -> Origin {
    let address = |text: &str| text.parse().expect("an address");
    Origin::Listener { local: address("127.0.0.1:4566"), peer: address("127.0.0.1:50000") }
}

/// A request under construction. It is signed (not truly: `up` accepts any key it did not make).
pub(super) struct Sent {
    request: http::request::Builder,
    body: Bytes,
    signed_for: Option<&'static str>,
    has_host: bool,
}

pub(super) fn lambda(method: &str, target: &str) -> Sent {
    let request = Request::builder().method(method).uri(target);
    Sent { request, body: Bytes::new(), signed_for: Some("lambda"), has_host: false }
}

pub(super) fn form(service: &'static str, form: &'static str) -> Sent {
    let sent = Sent { signed_for: Some(service), ..lambda("POST", "/") };
    sent.header("content-type", "application/x-www-form-urlencoded").body(form)
}

/// A call in awsJson: `json("sqs", "1.0", "AmazonSQS.GetQueueUrl", "{}")`.
pub(super) fn json(service: &'static str, version: &str, target: &str, body: &'static str) -> Sent {
    let sent = Sent { signed_for: Some(service), ..lambda("POST", "/") };
    let content = format!("application/x-amz-json-{version}");
    sent.header("content-type", &content).header("x-amz-target", target).body(body)
}

/// A call to CloudWatch in rpcv2Cbor.
pub(super) fn cbor(operation: &str, body: &'static [u8]) -> Sent {
    let path = format!("/service/GraniteServiceVersion20100801/operation/{operation}");
    let sent = Sent { signed_for: Some("monitoring"), ..lambda("POST", &path) };
    sent.header("content-type", "application/cbor").header("smithy-protocol", "rpc-v2-cbor").body(body)
}

pub(super) fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKID/20251125/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
    )
}

impl Sent {
    pub(super) fn header(self, name: &str, value: &str) -> Self {
        let has_host = self.has_host || name == "host";
        Self { request: self.request.header(name, value), has_host, ..self }
    }

    pub(super) fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    pub(super) fn signed_for(self, service: &'static str) -> Self {
        Self { signed_for: Some(service), ..self }
    }

    pub(super) fn unsigned(self) -> Self {
        Self { signed_for: None, ..self }
    }

    pub(super) fn request(self) -> Request<Full<Bytes>> {
        let mut request = self.request;
        if let Some(service) = self.signed_for {
            request = request.header("authorization", authorization(service));
        }
        if !self.has_host {
            request = request.header("host", "127.0.0.1:4566");
        }
        request.body(Full::new(self.body)).expect("a good request")
    }

    pub(super) async fn to(self, door: &FrontDoor) -> String {
        self.from(door, listener()).await
    }

    pub(super) async fn send(self) -> String {
        self.to(&door()).await
    }

    /// The whole answer: status, headers in order of their names, body. The request id is checked and replaced.
    pub(super) async fn from(self, door: &FrontDoor, origin: Origin) -> String {
        let response = door.handle(self.request(), origin).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("in memory").to_bytes();
        let id = parts
            .headers
            .get("x-amzn-requestid")
            .expect("on every answer")
            .to_str()
            .expect("text")
            .to_owned();
        uuid::Uuid::parse_str(&id).expect("a UUID");
        let headers: BTreeMap<&str, &str> = parts
            .headers
            .iter()
            .filter(|(name, _)| *name != "x-amzn-requestid")
            .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
            .collect();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let body = String::from_utf8_lossy(&body).replace(&id, "ID");
        format!("{}\n{headers}\n{body}", parts.status.as_u16())
    }
}
