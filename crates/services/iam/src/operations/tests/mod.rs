//! The service as its callers meet it.

use hearth_aws::model::{Kind, Model, ShapeId};
use hearth_aws::{AllowAll, ApiError, Call, Caller, Code, Document, Services};
use hearth_store::SqliteStore;
use hearth_world::World;

use super::*;

mod account;
mod groups;
mod policies;
mod roles;
mod users;

type Members = Vec<(&'static str, Document)>;

const ACCOUNT: &str = "123456789012";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
const BASIC: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

struct Server {
    services: Services,
    iam: Arc<Iam>,
    store: Arc<SqliteStore>,
    /// Who calls.
    caller: String,
}

impl Server {
    fn start() -> Self {
        let world = World::simulated(1);
        let store = Arc::new(SqliteStore::in_memory(&world).expect("a store"));
        let iam = Iam::open(store.clone(), world);
        let services = Services::new(vec![service(iam.clone())], Arc::new(AllowAll));
        Self { services, iam, store, caller: format!("arn:aws:iam::{ACCOUNT}:root") }
    }

    /// Makes a call that must succeed.
    async fn ok(&self, operation: &'static str, members: impl Into<Members>) -> Document {
        self.call(operation, members).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    async fn call(&self, operation: &'static str, members: impl Into<Members>) -> Result<Document, ApiError> {
        self.call_as(ACCOUNT, operation, members).await
    }

    async fn call_as(
        &self,
        account: &str,
        operation: &'static str,
        members: impl Into<Members>,
    ) -> Result<Document, ApiError> {
        let call = Call {
            account: account.to_owned(),
            region: "us-east-1".into(),
            caller: Caller {
                access_key_id: String::new(),
                arn: self.caller.clone(),
                user_id: String::new(),
                session: None,
            },
            request_id: uuid::Uuid::nil(),
            service: "iam",
            operation,
            host: "127.0.0.1:4566".into(),
            trace_id: None,
        };
        let answer = self.services.answer(call, Document::Structure(members.into())).await?;
        fits(operation, &answer);
        Ok(answer)
    }

    async fn role(&self, name: &str) -> Document {
        member(&self.call("CreateRole", create(name, TRUST)).await.expect("created"), "Role")
    }
}

fn text(text: &str) -> Document {
    Document::String(text.to_owned())
}

fn create(name: &str, trust_policy: &str) -> Members {
    vec![("RoleName", text(name)), ("AssumeRolePolicyDocument", text(trust_policy))]
}

fn named(name: &str) -> Members {
    vec![("RoleName", text(name))]
}

fn attachment(name: &str, policy: &str) -> Members {
    vec![("RoleName", text(name)), ("PolicyArn", text(policy))]
}

fn member(document: &Document, name: &str) -> Document {
    let Document::Structure(members) = document else { panic!("not a structure: {document:?}") };
    members.iter().find(|(member, _)| *member == name).map_or(Document::Null, |(_, value)| value.clone())
}

fn string(document: &Document, name: &str) -> String {
    let Document::String(text) = member(document, name) else { panic!("{name} is no text: {document:?}") };
    text
}

/// Members of the structures of a list.
fn each(document: &Document, list: &str, name: &str) -> Vec<String> {
    let Document::List(items) = member(document, list) else { panic!("{list} is no list: {document:?}") };
    items.iter().map(|item| string(item, name)).collect()
}

/// Texts as members.
fn texts<const N: usize>(members: [(&'static str, &str); N]) -> Members {
    members.map(|(name, value)| (name, text(value))).into()
}

#[track_caller]
fn is_error(answer: Result<Document, ApiError>, code: Code, message: &str) {
    let error = answer.expect_err("an error");
    assert_eq!((error.code, error.message.as_str()), (code, message));
}

/// Every member of an answer is one that the model has.
fn fits(operation: &str, answer: &Document) {
    fn check(model: &Model, shape: ShapeId, document: &Document) {
        match (&model.shape(shape).kind, document) {
            (Kind::Structure(structure), Document::Structure(members)) => {
                for (name, value) in members {
                    let member = structure.members.iter().find(|member| member.name == *name);
                    check(model, member.unwrap_or_else(|| panic!("the model has no {name}")).shape, value);
                }
            }
            (Kind::List { member, .. }, Document::List(items)) => {
                items.iter().for_each(|item| check(model, *member, item));
            }
            _ => {}
        }
    }
    let model = Model::of("iam").expect("in models/");
    if let Some(output) = model.operation(operation).expect("in the model").output {
        check(model, output, answer);
    }
}
