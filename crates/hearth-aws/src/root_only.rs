//! Who may call before policies are evaluated: an account's root.
//!
//! Everybody else is refused in the words that AWS has for a caller whose policies allow nothing.

use crate::dispatch::Authorise;
use crate::document::Document;
use crate::error::{ApiError, Code};
use crate::names::{Arn, FunctionRef};
use crate::operation::{BoxFuture, Call};

/// Calls that need no permission on AWS.
const FREE: &[&str] = &["sts:GetCallerIdentity"];

/// Says yes to the account's root and no to all others: `hearth serve` without policies.
// GAP(policies): users, roles and functions may call nothing until their policies are evaluated.
#[derive(Clone, Copy, Debug)]
pub struct RootOnly;

impl Authorise for RootOnly {
    fn authorise<'a>(
        &'a self,
        call: &'a Call,
        action: &'a str,
        input: &'a Document,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        let is_root = call.caller.arn == format!("arn:aws:iam::{}:root", call.account);
        let decided =
            if is_root || FREE.contains(&action) { Ok(()) } else { Err(denied(call, action, input)) };
        Box::pin(std::future::ready(decided))
    }
}

fn denied(call: &Call, action: &str, input: &Document) -> ApiError {
    let (who, resource) = (&call.caller.arn, resource(call, input));
    ApiError::client(
        Code::AccessDenied,
        format!(
            "User: {who} is not authorized to perform: {action} on resource: {resource} \
             because no identity-based policy allows the {action} action"
        ),
    )
}

/// What the call is about, as AWS names it; `*` where it is about nothing that is there already.
fn resource(call: &Call, input: &Document) -> String {
    let text = |name: &str| match input {
        Document::Structure(members) => members.iter().find_map(|(member, value)| match value {
            Document::String(text) if *member == name => Some(text.as_str()),
            _ => None,
        }),
        _ => None,
    };
    let named = match call.service {
        "lambda" => text("FunctionName").and_then(|name| function(call, name)),
        "iam" => text("RoleName").map(|name| format!("role {name}")),
        "s3" => text("Bucket").map(|bucket| match text("Key") {
            Some(key) => format!("\"arn:aws:s3:::{bucket}/{key}\""),
            None => format!("\"arn:aws:s3:::{bucket}\""),
        }),
        "sts" => text("RoleArn").map(str::to_owned),
        _ => None,
    };
    named.unwrap_or_else(|| "*".to_owned())
}

fn function(call: &Call, name: &str) -> Option<String> {
    let named = FunctionRef::parse(name)?;
    let region = named.region().unwrap_or(&call.region);
    let account = named.account().unwrap_or(&call.account);
    let arn: Arn = named.name().arn(region, account, named.qualifier());
    Some(arn.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Caller;

    async fn ask(arn: &str, service: &'static str, action: &str, input: Document) -> Result<(), String> {
        let call = Call {
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            caller: Caller {
                access_key_id: String::new(),
                arn: arn.to_owned(),
                user_id: String::new(),
                session: None,
            },
            request_id: uuid::Uuid::nil(),
            service,
            operation: "Any",
            host: String::new(),
            trace_id: None,
        };
        RootOnly.authorise(&call, action, &input).await.map_err(|error| error.message)
    }

    fn with(name: &'static str, value: &str) -> Document {
        Document::Structure(vec![(name, Document::String(value.to_owned()))])
    }

    #[tokio::test]
    async fn an_accounts_root_may_call_and_nobody_else() {
        let root = "arn:aws:iam::123456789012:root";
        let role = "arn:aws:sts::123456789012:assumed-role/r/f";
        assert_eq!(ask(root, "lambda", "lambda:ListFunctions", Document::Null).await, Ok(()));
        assert_eq!(ask(role, "sts", "sts:GetCallerIdentity", Document::Null).await, Ok(()));
        for stranger in
            [role, "arn:aws:iam::999999999999:root", "arn:aws:iam::123456789012:user/root", "anonymous"]
        {
            assert!(
                ask(stranger, "lambda", "lambda:ListFunctions", Document::Null).await.is_err(),
                "{stranger}"
            );
        }
    }

    #[tokio::test]
    async fn the_refusal_names_caller_action_and_resource() {
        let who = "arn:aws:sts::123456789012:assumed-role/r/f";
        let check = async |service, action: &str, input, resource: &str| {
            let text = format!(
                "User: {who} is not authorized to perform: {action} on resource: {resource} because no \
                 identity-based policy allows the {action} action"
            );
            assert_eq!(ask(who, service, action, input).await, Err(text));
        };
        check("lambda", "lambda:ListFunctions", Document::Null, "*").await;
        let function = "arn:aws:lambda:eu-west-1:123456789012:function:f";
        check("lambda", "lambda:GetFunction", with("FunctionName", "f"), function).await;
        check("lambda", "lambda:GetFunction", with("FunctionName", function), function).await;
        check("lambda", "lambda:InvokeFunction", with("FunctionName", "f:live"), &format!("{function}:live"))
            .await;
        check("iam", "iam:GetRole", with("RoleName", "exec"), "role exec").await;
    }
}
