//! The service as its callers meet it: operations in, answers and the worker's orders out.

mod create;
mod delete;
mod failures;
mod invoke;
mod layers;
mod nothing;
mod objects;
mod read;
mod settings;
mod tags;
mod update;
mod worker;

use std::sync::Arc;

use bytes::Bytes;
use hearth_aws::credentials::{NoRoles, Sessions};
use hearth_aws::model::{Kind, Model, ShapeId};
use hearth_aws::{AllowAll, ApiError, Call, Caller, Code, Document, Services};
use hearth_store::{BlobKeeper, Blobs, SqliteStore, Store};
use hearth_worker::LogBatch;
use hearth_world::{TaskGroup, World, within};
use tempfile::TempDir;
use worker::FakeWorker;

use crate::{Lambda, LambdaDeps, LogSink, Options, service};

type Members = Vec<(&'static str, Document)>;
type Answer = Result<Document, ApiError>;

const ACCOUNT: &str = "123456789012";
/// How long packages without a function stay.
const GRACE: std::time::Duration = std::time::Duration::from_secs(600);
const ROLE: &str = "arn:aws:iam::123456789012:role/exec";

/// A service with a worker that does as it is told. A restart keeps the store and the packages.
struct Server {
    lambda: Arc<Lambda>,
    services: Services,
    worker: Arc<FakeWorker>,
    world: World,
    store: Arc<dyn Store>,
    blobs: Blobs,
    tasks: TaskGroup,
    objects: Arc<objects::FakeObjects>,
    written: tokio::sync::mpsc::UnboundedReceiver<LogBatch>,
    _folder: Arc<TempDir>,
}

/// Hands on what functions write.
struct Written(tokio::sync::mpsc::UnboundedSender<LogBatch>);

impl LogSink for Written {
    fn write(&self, batch: LogBatch) {
        let _ = self.0.send(batch);
    }
}

impl Server {
    fn start() -> Self {
        Self::start_with(Options::default(), FakeWorker::new())
    }

    fn start_with(options: Options, worker: FakeWorker) -> Self {
        let world = World::simulated(1);
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let blobs = Blobs::local(&folder.path().join("blobs")).expect("blobs");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory(&world).expect("a store"));
        Self::over(store, blobs, world, folder, options, worker)
    }

    fn over(
        store: Arc<dyn Store>,
        blobs: Blobs,
        world: World,
        folder: Arc<TempDir>,
        options: Options,
        worker: FakeWorker,
    ) -> Self {
        let (worker, tasks) = (Arc::new(worker), TaskGroup::new());
        let objects = Arc::new(objects::FakeObjects::default());
        let (write, written) = tokio::sync::mpsc::unbounded_channel();
        let deps = LambdaDeps {
            store: store.clone(),
            blobs: BlobKeeper::new(store.clone(), blobs.clone(), world.clone(), GRACE),
            worker: worker.clone(),
            world: world.clone(),
            tasks: tasks.clone(),
            roles: Arc::new(NoRoles),
            sessions: Arc::new(Sessions::new([1; 32])),
            logs: Arc::new(Written(write)),
            objects: objects.clone(),
            options: Options { architecture: "x86_64", ..options },
        };
        let lambda = Lambda::open(deps);
        let services = Services::new(vec![service(lambda.clone())], Arc::new(AllowAll));
        Self { services, lambda, worker, world, store, blobs, tasks, objects, written, _folder: folder }
    }

    /// Another run of the server on the same data.
    fn restart(self, worker: FakeWorker) -> Self {
        self.tasks.stop();
        Self::over(self.store, self.blobs, self.world, self._folder, Options::default(), worker)
    }

    async fn call(&self, operation: &'static str, members: impl Into<Members>) -> Answer {
        self.call_as(ACCOUNT, operation, members).await
    }

    async fn call_as(&self, account: &str, operation: &'static str, members: impl Into<Members>) -> Answer {
        let answer =
            self.services.answer(call(account, operation), Document::Structure(members.into())).await?;
        fits(operation, &answer);
        Ok(answer)
    }

    /// Creates a function and waits until it is Active.
    async fn function(&self, name: &str) {
        self.call("CreateFunction", create_request(name)).await.expect("created");
        assert_eq!(self.settled(name).await, "Active");
    }

    /// Waits until a function is no longer Pending, and says what it is.
    async fn settled(&self, name: &str) -> String {
        let mut changes = self.store.watch(hearth_store::Key::of("lambda/function"));
        within("the function is no longer Pending", async {
            loop {
                let configuration =
                    self.call("GetFunctionConfiguration", named(name)).await.expect("it exists");
                match string(&configuration, "State").as_str() {
                    "Pending" => changes.changed().await,
                    state => return state.to_owned(),
                }
            }
        })
        .await
    }

    /// Waits until an update is over, and says how it went.
    async fn updated(&self, name: &str) -> String {
        let mut changes = self.store.watch(hearth_store::Key::of("lambda/function"));
        within("the update is over", async {
            loop {
                let configuration =
                    self.call("GetFunctionConfiguration", named(name)).await.expect("it exists");
                match string(&configuration, "LastUpdateStatus").as_str() {
                    "InProgress" => changes.changed().await,
                    status => return status.to_owned(),
                }
            }
        })
        .await
    }

    /// Waits until no task runs but the two that always do.
    async fn quiet(&self) {
        within("no task runs but those that always do", async {
            while self.tasks.running() > 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn invoke(&self, name: &str, payload: &'static str) -> Answer {
        self.call("Invoke", invoke_request(name, payload)).await
    }
}

pub(crate) fn call(account: &str, operation: &'static str) -> Call {
    Call {
        account: account.to_owned(),
        region: "eu-west-1".into(),
        caller: Caller {
            access_key_id: "AKIA".into(),
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: account.to_owned(),
            session: None,
        },
        request_id: uuid::Uuid::from_u128(42),
        service: "lambda",
        operation,
        host: "127.0.0.1:4566".into(),
        trace_id: None,
    }
}

fn text(text: &str) -> Document {
    Document::String(text.to_owned())
}

fn named(name: &str) -> Members {
    vec![("FunctionName", text(name))]
}

fn qualified(name: &str, qualifier: &str) -> Members {
    vec![("FunctionName", text(name)), ("Qualifier", text(qualifier))]
}

fn create_request(name: &str) -> Members {
    vec![
        ("FunctionName", text(name)),
        ("Runtime", text("python3.12")),
        ("Role", text(ROLE)),
        ("Handler", text("app.handler")),
        ("Code", Document::Structure(vec![("ZipFile", Document::Blob(Bytes::from_static(b"a zip")))])),
    ]
}

/// The same request with one member changed.
fn with(mut members: Members, member: &'static str, value: Document) -> Members {
    members.retain(|(name, _)| *name != member);
    members.push((member, value));
    members
}

fn invoke_request(name: &str, payload: &'static str) -> Members {
    with(named(name), "Payload", Document::Blob(Bytes::from_static(payload.as_bytes())))
}

/// A member of a structure, `Null` when it is not there.
fn member(document: &Document, name: &str) -> Document {
    let Document::Structure(members) = document else { panic!("not a structure: {document:?}") };
    members.iter().find(|(member, _)| *member == name).map_or(Document::Null, |(_, value)| value.clone())
}

fn string(document: &Document, name: &str) -> String {
    match member(document, name) {
        Document::String(text) => text,
        other => panic!("{name} is {other:?}"),
    }
}

/// Names of the members that an answer has.
fn present(document: &Document) -> Vec<&'static str> {
    let Document::Structure(members) = document else { panic!("not a structure: {document:?}") };
    members.iter().filter(|(_, value)| *value != Document::Null).map(|(name, _)| *name).collect()
}

#[track_caller]
fn is_error(answer: Answer, code: Code, message: &str) {
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
    let model = Model::of("lambda").expect("in models/");
    match model.operation(operation).expect("in the model").output {
        Some(shape) => check(model, shape, answer),
        None => assert_eq!(*answer, Document::Structure(Vec::new())),
    }
}
