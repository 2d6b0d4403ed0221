//! Calls of the Lambda service: as any client, with the same checks.

use bytes::Bytes;
use hearth_aws::{ApiError, Call, Caller, Code, Document};

use super::Subscription;
use crate::Logs;
use crate::keys::Owner;

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    Failed,
    NoRoom(String),
    NotThere(String),
}

/// Calls the function and waits for its end.
// GAP(async): an asynchronous call, which Lambda keeps and repeats itself, would end the wait at once.
pub(super) async fn call(logs: &Logs, owner: &Owner, filter: &Subscription, payload: Bytes) -> Outcome {
    let input = Document::Structure(vec![
        ("FunctionName", Document::String(filter.destination.clone())),
        ("Payload", Document::Blob(payload)),
    ]);
    match logs.client.call(to_lambda(logs, owner, "Invoke"), input).await {
        Ok(answer) if has_failed(&answer) => Outcome::Failed,
        Ok(_) => Outcome::Delivered,
        Err(error) if matches!(error.code, Code::ResourceNotFound | Code::AccessDenied) => {
            Outcome::NotThere(error.message)
        }
        Err(error) => Outcome::NoRoom(error.message),
    }
}

fn has_failed(answer: &Document) -> bool {
    let Document::Structure(members) = answer else { return true };
    members.iter().any(|(name, value)| *name == "FunctionError" && *value != Document::Null)
}

/// A call of this service to Lambda, in the name of the group's owner.
// GAP(policies): the function's own policy is not asked whether logs.amazonaws.com may invoke it.
fn to_lambda(logs: &Logs, owner: &Owner, operation: &'static str) -> Call {
    let caller = Caller {
        access_key_id: String::new(),
        arn: format!("arn:aws:iam::{}:root", owner.account),
        user_id: owner.account.clone(),
        session: None,
    };
    Call {
        account: owner.account.clone(),
        region: owner.region.clone(),
        caller,
        request_id: logs.world.random().uuid(),
        service: "lambda",
        operation,
        host: String::new(),
        trace_id: None,
    }
}

/// Why a function that PutSubscriptionFilter names is not taken, or the group that it writes into.
pub(crate) async fn log_group_of(logs: &Logs, owner: &Owner, function: &str) -> Result<String, ApiError> {
    let input = Document::Structure(vec![("FunctionName", Document::String(function.to_owned()))]);
    let answer = logs.client.call(to_lambda(logs, owner, "GetFunctionConfiguration"), input).await?;
    let group = member(&answer, "LoggingConfig").and_then(|logging| member(logging, "LogGroup"));
    Ok(match group {
        Some(Document::String(name)) => name.clone(),
        _ => String::new(),
    })
}

fn member<'d>(document: &'d Document, name: &str) -> Option<&'d Document> {
    let Document::Structure(members) = document else { return None };
    members.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}
