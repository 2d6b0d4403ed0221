//! The service as its callers meet it.

use std::sync::Arc;
use std::time::Duration;

use hearth_aws::model::{Kind, Model, ShapeId};
use hearth_aws::{AllowAll, ApiError, Call, Caller, Code, Document, Services};
use hearth_store::{Key, SqliteStore, Store, StoreError, transact_read};
use hearth_world::{TaskGroup, Timestamp, World, within};

use crate::{Batch, Logs, service};

mod events;
mod functions;
mod groups;
mod metric_filters;
mod subscriptions;

use subscriptions::Functions;

type Members = Vec<(&'static str, Document)>;

const ACCOUNT: &str = "123456789012";

struct Server {
    services: Services,
    functions: Arc<Functions>,
    logs: Arc<Logs>,
    store: Arc<SqliteStore>,
    world: World,
    tasks: TaskGroup,
}

impl Server {
    fn start() -> Self {
        let world = World::simulated(1);
        let store = Arc::new(SqliteStore::in_memory(&world).expect("a store"));
        let tasks = TaskGroup::new();
        let functions = Arc::new(Functions::default());
        let logs = Logs::open(store.clone(), world.clone(), tasks.stop_signal(), functions.clone());
        let services = Services::new(vec![service(logs.clone())], Arc::new(AllowAll));
        Self { services, functions, logs, store, world, tasks }
    }

    /// A server with a group `g` and a stream `s`.
    async fn with_stream() -> Self {
        let server = Self::start();
        server.ok("CreateLogGroup", texts([("logGroupName", "g")])).await;
        server.stream("s").await;
        server
    }

    async fn stream(&self, name: &str) {
        self.ok("CreateLogStream", texts([("logGroupName", "g"), ("logStreamName", name)])).await;
    }

    fn now(&self) -> i64 {
        self.world.domain().now().as_millis()
    }

    async fn put(&self, stream: &str, events: impl IntoIterator<Item = (i64, String)>) -> Document {
        self.ok("PutLogEvents", put(stream, events)).await
    }

    /// Makes a call that must succeed.
    async fn ok(&self, operation: &'static str, members: impl Into<Members>) -> Document {
        self.call(operation, members).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    async fn call(&self, operation: &'static str, members: impl Into<Members>) -> Result<Document, ApiError> {
        let call = Call {
            account: ACCOUNT.to_owned(),
            region: "eu-west-1".into(),
            caller: Caller {
                access_key_id: String::new(),
                arn: String::new(),
                user_id: String::new(),
                session: None,
            },
            request_id: uuid::Uuid::nil(),
            service: "logs",
            operation,
            host: "127.0.0.1:4566".into(),
            trace_id: None,
        };
        let answer = self.services.answer(call, Document::Structure(members.into())).await?;
        fits(operation, &answer);
        Ok(answer)
    }

    /// How many keys the store has of this service's.
    async fn keys(&self) -> usize {
        self.count(&[
            "logs/group",
            "logs/stream",
            "logs/stream-last",
            "logs/index",
            "logs/stream-index",
            "logs/batch",
            "logs/subscriptions",
            "logs/outbox",
            "logs/metric-filter",
        ])
        .await
    }

    /// How many keys there are in some spaces.
    async fn count(&self, spaces: &'static [&'static str]) -> usize {
        let count = transact_read::<_, StoreError, _>(&*self.store, move |tx| {
            let mut count = 0;
            for space in spaces {
                tx.scan(Key::of(space).children(), hearth_store::Order::Ascending, 100_000, &mut |_, _| {
                    count += 1;
                    std::ops::ControlFlow::Continue(())
                })?;
            }
            Ok(count)
        });
        count.await.expect("readable")
    }

    /// Waits until the store has so many keys.
    async fn until_keys(&self, wanted: usize) {
        let mut changes = self.store.watch(Key::of("logs/index"));
        let come = async {
            while self.keys().await != wanted {
                let _ = tokio::time::timeout(Duration::from_millis(20), changes.changed()).await;
            }
        };
        within(&format!("{wanted} keys in the store"), come).await;
    }

    /// Waits until so many timers wait, claimed ones included.
    async fn until_waiting(&self, wanted: usize) {
        within(&format!("{wanted} timers"), async {
            while self.count(&["system/timer"]).await != wanted {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    async fn filter(&self, members: impl Into<Members>) -> Vec<String> {
        let mut members: Members = members.into();
        members.push(("logGroupName", text("g")));
        messages(&self.ok("FilterLogEvents", members).await)
    }
}

fn put(stream: &str, events: impl IntoIterator<Item = (i64, String)>) -> Members {
    let event = |(time, message)| {
        Document::Structure(vec![
            ("timestamp", Document::Integer(time)),
            ("message", Document::String(message)),
        ])
    };
    let events = events.into_iter().map(event).collect();
    vec![("logGroupName", text("g")), ("logStreamName", text(stream)), ("logEvents", Document::List(events))]
}

fn text(text: &str) -> Document {
    Document::String(text.to_owned())
}

fn texts<const N: usize>(members: [(&'static str, &str); N]) -> Members {
    members.map(|(name, value)| (name, text(value))).into()
}

fn integer(document: &Document, name: &str) -> i64 {
    let Document::Integer(number) = member(document, name) else {
        panic!("{name} is no number: {document:?}")
    };
    number
}

fn member(document: &Document, name: &str) -> Document {
    let Document::Structure(members) = document else { panic!("not a structure: {document:?}") };
    members.iter().find(|(member, _)| *member == name).map_or(Document::Null, |(_, value)| value.clone())
}

fn string(document: &Document, name: &str) -> String {
    let Document::String(text) = member(document, name) else { panic!("{name} is no text: {document:?}") };
    text
}

fn items(document: &Document, list: &str) -> Vec<Document> {
    let Document::List(items) = member(document, list) else { panic!("{list} is no list: {document:?}") };
    items
}

/// Members of the structures of a list.
fn each(document: &Document, list: &str, name: &str) -> Vec<String> {
    items(document, list).iter().map(|item| string(item, name)).collect()
}

fn messages(document: &Document) -> Vec<String> {
    each(document, "events", "message")
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
    let model = Model::of("logs").expect("in models/");
    if let Some(output) = model.operation(operation).expect("in the model").output {
        check(model, output, answer);
    }
}
