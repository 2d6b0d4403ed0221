//! The calls by which a seed becomes true: those that any client would make.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hearth_world::World;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Place;
use super::seed::{Bucket, Function, LogGroup, Role};
use crate::cli::Target;
use crate::client::{self, Client};

/// Between two looks at a function that is being made.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long a function may take to be made or brought up to date.
const SETTLE_LIMIT: Duration = Duration::from_secs(120);

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A caller of the server that starts.
pub(super) struct Calls<'a> {
    client: Client,
    account: &'a str,
    region: String,
    world: &'a World,
}

/// What a call answered.
struct Answer {
    is_done: bool,
    /// The error's code and text, or the whole of what was answered.
    text: String,
    refusal: Option<anyhow::Error>,
}

impl Answer {
    /// Done, or one of these errors, which say that it is there already.
    fn or(self, known: &[&str]) -> Result<bool> {
        if self.is_done || known.iter().any(|code| self.text.contains(code)) {
            return Ok(self.is_done);
        }
        match self.refusal {
            Some(refusal) => Err(refusal),
            None => bail!("{}", self.text),
        }
    }
}

impl<'a> Calls<'a> {
    pub(super) fn new(place: &'a Place, region: String, world: &'a World) -> Result<Self> {
        let target = Target {
            endpoint: place.endpoint.clone(),
            region: Some(region.clone()),
            account: None,
            ca_file: place.authority.clone(),
            profile: None,
            data: Some(place.data.clone()),
        };
        let client = Client::with_key(target, place.key.clone())?;
        Ok(Self { client, account: &place.account, region, world })
    }

    pub(super) async fn role(&self, role: &Role) -> Result<()> {
        let created = [("RoleName", role.name.as_str()), ("AssumeRolePolicyDocument", TRUST)];
        self.iam("CreateRole", &created).await?.or(&["EntityAlreadyExists"])?;
        for policy in &role.policies {
            let attached = [("RoleName", role.name.as_str()), ("PolicyArn", policy)];
            self.iam("AttachRolePolicy", &attached).await?.or(&[])?;
        }
        Ok(())
    }

    pub(super) async fn bucket(&self, bucket: &Bucket) -> Result<()> {
        let body = if self.region == "us-east-1" {
            String::new()
        } else {
            let place = &self.region;
            format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{place}</LocationConstraint></CreateBucketConfiguration>"
            )
        };
        let path = format!("/{}", encoded(&bucket.name));
        let answer =
            self.call("s3", Method::PUT, &path, &[("content-type", "application/xml")], body).await?;
        answer.or(&["BucketAlreadyOwnedByYou"]).map(drop)
    }

    pub(super) async fn log_group(&self, group: &LogGroup) -> Result<()> {
        let created = json!({ "logGroupName": group.name });
        self.logs("CreateLogGroup", &created).await?.or(&["ResourceAlreadyExistsException"])?;
        if let Some(days) = group.retention_days {
            let kept = json!({ "logGroupName": group.name, "retentionInDays": days });
            self.logs("PutRetentionPolicy", &kept).await?.or(&[])?;
        }
        Ok(())
    }

    pub(super) async fn function(&self, function: &Function, code: &[u8]) -> Result<()> {
        let settings = self.settings(function);
        let zip = STANDARD.encode(code);
        let mut whole = settings.clone();
        whole["FunctionName"] = json!(function.name);
        whole["Code"] = json!({ "ZipFile": zip });
        let created = self.lambda(Method::POST, "", &whole).await?.or(&["ResourceConflictException"])?;
        if created {
            self.settled(function).await?;
        } else {
            // Whatever its last update came to: this one may mend it.
            self.at_rest(function).await?;
            let path = format!("/{}", encoded(&function.name));
            let code = json!({ "ZipFile": zip });
            self.lambda(Method::PUT, &format!("{path}/code"), &code).await?.or(&[])?;
            self.settled(function).await?;
            self.lambda(Method::PUT, &format!("{path}/configuration"), &settings).await?.or(&[])?;
            self.settled(function).await?;
        }
        Ok(())
    }

    /// What CreateFunction and UpdateFunctionConfiguration have in common.
    fn settings(&self, function: &Function) -> Value {
        let account = self.account;
        let role = match &function.role {
            Some(arn) if arn.starts_with("arn:") => arn.clone(),
            Some(name) => format!("arn:aws:iam::{account}:role/{name}"),
            None => format!("arn:aws:iam::{account}:role/seed"),
        };
        let mut settings = json!({
            "Runtime": function.runtime,
            "Handler": function.handler,
            "Role": role,
            "Description": function.description.clone().unwrap_or_default(),
            "Environment": { "Variables": function.environment },
            "Layers": function.layers,
        });
        if let Some(memory) = function.memory {
            settings["MemorySize"] = json!(memory);
        }
        if let Some(timeout) = function.timeout {
            settings["Timeout"] = json!(timeout);
        }
        settings
    }

    /// Waits until the function is what it was last told to be.
    async fn settled(&self, function: &Function) -> Result<()> {
        let now = self.at_rest(function).await?;
        match (now["State"].as_str(), now["LastUpdateStatus"].as_str()) {
            (Some("Active"), Some("Successful") | None) => Ok(()),
            _ => {
                let reason = now["LastUpdateStatusReason"].as_str().or(now["StateReason"].as_str());
                bail!("{}", reason.unwrap_or("it did not become active"))
            }
        }
    }

    /// Waits until nothing is being done with the function, and gives its configuration.
    async fn at_rest(&self, function: &Function) -> Result<Value> {
        let path = format!("/{}/configuration", encoded(&function.name));
        let clock = self.world.physical();
        let deadline = clock.now().after(SETTLE_LIMIT);
        loop {
            let answer = self.lambda(Method::GET, &path, &Value::Null).await?;
            let now: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            answer.or(&[])?;
            if now["State"] != "Pending" && now["LastUpdateStatus"] != "InProgress" {
                return Ok(now);
            }
            if clock.now() >= deadline {
                bail!("it is not active after {SETTLE_LIMIT:?}");
            }
            clock.sleep(LOOK_AGAIN).await;
        }
    }

    async fn lambda(&self, method: Method, path: &str, body: &Value) -> Result<Answer> {
        let path = format!("/2015-03-31/functions{path}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call("lambda", method, &path, &[("content-type", "application/json")], body).await
    }

    async fn logs(&self, operation: &str, body: &Value) -> Result<Answer> {
        let target = format!("Logs_20140328.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        self.call("logs", Method::POST, "/", &headers, body.to_string()).await
    }

    async fn iam(&self, operation: &str, members: &[(&str, &str)]) -> Result<Answer> {
        let mut form = format!("Action={operation}&Version=2010-05-08");
        for (name, value) in members {
            form.push_str(&format!("&{name}={}", encoded(value)));
        }
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.call("iam", Method::POST, "/", &headers, form).await
    }

    async fn call(
        &self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer> {
        let sent = self.client.call(service, method, path, headers, Bytes::from(body)).await?;
        let (head, body) = client::read(sent).await.context("read the answer")?;
        let is_done = head.status.is_success();
        let refusal = (!is_done).then(|| client::refusal(head.status, &head.headers, &body).into());
        let kind = head.headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok());
        let text = String::from_utf8_lossy(&body).into_owned();
        let text = if is_done { text } else { format!("{} {text}", kind.unwrap_or_default()) };
        Ok(Answer { is_done, text, refusal })
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
