//! Invoke: runs a function and answers with its bytes, unchanged.
//!
//! Checked in this order: size, name, existence, what the call asks for, state, event. A function that fails is a
//! successful call: its error is the payload, and a header says so.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hearth_aws::names::{FunctionRef, LATEST};
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_worker::{Call, Response};
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::Lambda;
use crate::error::InvokeError;
use crate::invocation::{self, Found};
use crate::limits::{CLIENT_CONTEXT_BYTES_MAX, INVOKE_PAYLOAD_BYTES_MAX};
use crate::reference::Asked;

pub(crate) struct Invoke;

shape! {
    pub(crate) struct Input {
        function_name: FunctionRef,
        invocation_type: Option<String>,
        log_type: Option<String>,
        client_context: Option<String>,
        durable_execution_name: Option<String>,
        payload: Option<Bytes>,
        qualifier: Option<String>,
        request_id: Option<String>,
        tenant_id: Option<String>,
    }
    pub(crate) struct Output {
        status_code: i64,
        function_error: Option<String>,
        log_result: Option<String>,
        payload: Option<Bytes>,
        executed_version: Option<String>,
        trace_id: Option<String>,
    }
}

impl Operation for Invoke {
    const NAME: &'static str = "Invoke";
    type State = Lambda;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Output, ApiError> {
        Ok(invoke(cx, input).await?)
    }
}

async fn invoke(cx: &Cx<Lambda>, mut input: Input) -> Result<Output, InvokeError> {
    let payload = input.payload.take().unwrap_or_default();
    if payload.len() > INVOKE_PAYLOAD_BYTES_MAX {
        return Err(InvokeError::PayloadTooLarge);
    }
    if input.request_id.as_deref().is_some_and(|id| Uuid::try_parse(id).is_err()) {
        return Err(InvokeError::RequestId);
    }
    let asked = Asked::of(&cx.call, &input.function_name, input.qualifier.take())?;
    let found = invocation::find_settled(cx, &asked).await?;
    refuse_unbuilt(&input)?;
    let client_context = input.client_context.as_deref().map(client_context).transpose()?;
    if input.invocation_type.as_deref() == Some("DryRun") {
        event(payload)?;
        return Ok(Output::dry_run());
    }
    let target = match found {
        Found::Ready(target) => target,
        Found::NotReady(state) => return Err(InvokeError::State(state)),
    };
    let now = cx.world.physical().now();
    let function_arn = asked.owner.function_arn(&asked.name, None);
    let trace_id = invocation::trace_id(cx.call.trace_id.as_deref(), &function_arn, now, cx.world.random());
    let call = Call {
        request_id: cx.call.request_id,
        invoked_arn: asked.arn(),
        payload: event(payload)?,
        client_context,
        trace_id: trace_id.clone(),
        wants_log: input.log_type.as_deref() == Some("Tail"),
    };
    // The function runs to its end also when its caller hangs up, and only then its environment is free again.
    let scheduler = cx.scheduler.clone();
    let run = cx.state().enduring(|_| async move { scheduler.run(&target, call).await });
    Ok(Output::of(run.await?, trace_id))
}

impl Output {
    fn of(response: Response, trace_id: String) -> Self {
        Self {
            status_code: 200,
            // AWS's word for every kind of failure.
            function_error: response.error.map(|_| "Unhandled".to_owned()),
            log_result: response.log.map(|log| BASE64_STANDARD.encode(log)),
            payload: Some(response.payload),
            executed_version: Some(LATEST.to_owned()),
            trace_id: Some(trace_id),
        }
    }

    fn dry_run() -> Self {
        Self {
            status_code: 204,
            function_error: None,
            log_result: None,
            payload: None,
            executed_version: None,
            trace_id: None,
        }
    }
}

fn refuse_unbuilt(input: &Input) -> Result<(), InvokeError> {
    if input.invocation_type.as_deref() == Some("Event") {
        // GAP(async): a 202 is a promise, which needs the durable queue.
        return Err(InvokeError::Parameter("InvocationType Event is not supported by Hearth yet."));
    }
    if input.durable_execution_name.is_some() {
        return Err(InvokeError::Parameter("DurableExecutionName is not supported by Hearth yet."));
    }
    if input.tenant_id.is_some() {
        return Err(InvokeError::Parameter(
            "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your \
             request and try again.",
        ));
    }
    Ok(())
}

/// The event, scanned once for being JSON and never built into a tree. No body is an empty event.
fn event(payload: Bytes) -> Result<Bytes, InvokeError> {
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    let text =
        std::str::from_utf8(&payload).map_err(|error| InvokeError::PayloadNotJson(error.to_string()))?;
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(IgnoredAny) => Ok(payload),
        Err(error) => Err(InvokeError::PayloadNotJson(error.to_string())),
    }
}

/// The decoded text. It becomes a header: line breaks, which JSON has only between its tokens, become spaces.
fn client_context(encoded: &str) -> Result<String, InvokeError> {
    if encoded.len() > CLIENT_CONTEXT_BYTES_MAX {
        return Err(InvokeError::ClientContext(
            "Client context must be at most 3583 bytes of base64-encoded data.",
        ));
    }
    let not_valid =
        || InvokeError::ClientContext("Client context must be a valid Base64-encoded JSON object.");
    let decoded = BASE64_STANDARD.decode(encoded).map_err(|_| not_valid())?;
    let text = String::from_utf8(decoded).map_err(|_| not_valid())?;
    let is_object = text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(&text).is_ok();
    if is_object { Ok(text.replace(['\r', '\n', '\t'], " ")) } else { Err(not_valid()) }
}
