//! One suite over both clients: the services in this process, and the same services behind a socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tracing::Span;

use hearth_outbound::{Outbound, OutboundDeps, Policy, Roots, SystemResolver};
use hearth_world::{TaskGroup, TaskKind, World};

use super::*;
use crate::dispatch::AllowAll;
use crate::error::Code;
use crate::front_door::toys::services;
use crate::front_door::{FrontDoor, Key, Options, Origin};
use crate::operation::Caller;
use crate::sigv4::SigningKey;

const ACCOUNT: &str = "123456789012";
const SECRET: &str = "a secret of forty characters, more or less";

fn caller() -> Caller {
    Caller {
        access_key_id: "AKIAREMOTE".to_owned(),
        arn: format!("arn:aws:iam::{ACCOUNT}:root"),
        user_id: ACCOUNT.to_owned(),
        session: None,
    }
}

fn in_process() -> Arc<dyn Client> {
    let client = InProcess::default();
    client.connect(Arc::new(Services::new(services(), Arc::new(AllowAll))));
    Arc::new(client)
}

/// A Hearth behind a socket, which takes this one key, and a client of it.
async fn remote(tasks: &TaskGroup, secret: &str) -> Arc<dyn Client> {
    let world = World::real();
    let key = Key {
        secret: SECRET.to_owned(),
        session_token: None,
        expires: None,
        account: ACCOUNT.to_owned(),
        caller: caller(),
    };
    let keys = std::collections::HashMap::from([("AKIAREMOTE".to_owned(), key)]);
    let options = Options { accept_unknown_keys: false, ..Options::default() };
    let door =
        FrontDoor::new(services(), options, world.clone(), Arc::new(AllowAll)).with_keys(Arc::new(keys));
    let door = Arc::new(door);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let local = listener.local_addr().expect("bound");
    let group = tasks.clone();
    tasks.spawn(TaskKind::Service, Span::none(), move |stop| async move {
        while let Some(Ok((stream, peer))) = stop.or(listener.accept()).await {
            let door = door.clone();
            group.spawn(TaskKind::Request, Span::none(), move |_| async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let door = door.clone();
                    async move {
                        Ok::<_, std::convert::Infallible>(
                            door.handle(request, Origin::Listener { local, peer }).await,
                        )
                    }
                });
                let served = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                let _ = served.await;
            });
        }
    });
    client_of(local, secret, tasks)
}

fn client_of(local: SocketAddr, secret: &str, tasks: &TaskGroup) -> Arc<dyn Client> {
    let world = World::real();
    let outbound = Outbound::new(OutboundDeps {
        policy: Policy::open(),
        roots: Roots::none(),
        resolver: Arc::new(SystemResolver),
        tasks: tasks.clone(),
        world: world.clone(),
    });
    let key =
        SigningKey { access_key_id: "AKIAREMOTE".to_owned(), secret: secret.to_owned(), session_token: None };
    let endpoint = Endpoint { url: format!("http://{local}").parse().expect("a URL"), key };
    Arc::new(Remote::new(Arc::new(outbound), endpoint, world))
}

fn call(service: &'static str, operation: &'static str) -> Call {
    Call {
        account: ACCOUNT.to_owned(),
        region: "eu-west-1".to_owned(),
        caller: caller(),
        request_id: uuid::Uuid::nil(),
        service,
        operation,
        host: "here.localhost".to_owned(),
        trace_id: None,
    }
}

fn text(value: &str) -> Document {
    Document::String(value.to_owned())
}

fn member<'d>(document: &'d Document, name: &str) -> &'d Document {
    let Document::Structure(members) = document else { panic!("{document:?} is no structure") };
    members.iter().find(|(found, _)| *found == name).map_or(&Document::Null, |(_, value)| value)
}

/// Runs a case with both.
async fn both<F: Future<Output = ()>>(case: impl Fn(Arc<dyn Client>) -> F) {
    let tasks = TaskGroup::new();
    case(in_process()).await;
    case(remote(&tasks, SECRET).await).await;
}

#[tokio::test]
async fn a_call_in_rest_json_answers_its_output() {
    both(|client| async move {
        let input = Document::Structure(vec![
            ("FunctionName", text("thumbnail")),
            ("Qualifier", text("live")),
            ("Payload", Document::Blob(Bytes::from_static(b"{\"a\":1}"))),
        ]);
        let output = client.call(call("lambda", "Invoke"), input).await.expect("an answer");
        assert_eq!(member(&output, "StatusCode"), &Document::Integer(200));
        assert_eq!(member(&output, "ExecutedVersion"), &text("live"));
        assert_eq!(member(&output, "Payload"), &Document::Blob(Bytes::from_static(b"{\"a\":1}")));
    })
    .await;
}

#[tokio::test]
async fn a_call_in_the_query_protocol_answers_its_output() {
    both(|client| async move {
        let tag = |key, value| Document::Structure(vec![("Key", text(key)), ("Value", text(value))]);
        let tags = Document::List(vec![tag("stage", "test +=@ /é"), tag("empty", "")]);
        let policy = text("{}");
        let members =
            vec![("RoleName", text("exec")), ("AssumeRolePolicyDocument", policy), ("Tags", tags.clone())];
        let output =
            client.call(call("iam", "CreateRole"), Document::Structure(members)).await.expect("an answer");
        let role = member(&output, "Role");
        assert_eq!(member(role, "Arn"), &text("arn:aws:iam::000000000000:role/exec"));
        assert_eq!(member(role, "Tags"), &tags);
        assert!(matches!(member(role, "CreateDate"), Document::Timestamp(_)));
        let identity = client.call(call("sts", "GetCallerIdentity"), Document::Structure(vec![])).await;
        let identity = identity.expect("an answer");
        assert_eq!(member(&identity, "Arn"), &text(&format!("arn:aws:iam::{ACCOUNT}:root")));
        assert_eq!(member(&identity, "Account"), &text(ACCOUNT));
    })
    .await;
}

#[tokio::test]
async fn a_call_in_aws_json_answers_its_output() {
    both(|client| async move {
        let input = Document::Structure(vec![("QueueUrl", text("http://q/1"))]);
        let output = client.call(call("sqs", "GetQueueAttributes"), input).await.expect("an answer");
        let attributes = Document::Map(vec![("DelaySeconds".to_owned(), text("0"))]);
        assert_eq!(member(&output, "Attributes"), &attributes);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_the_same_error() {
    both(|client| async move {
        let check = async |service, operation, input: Vec<(&'static str, Document)>, code, message: &str| {
            let answer = client.call(call(service, operation), Document::Structure(input)).await;
            let error = answer.expect_err("refused");
            assert_eq!((error.code, error.message.as_str()), (code, message));
            error
        };
        let missing = "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:f";
        let named = vec![("FunctionName", text("f"))];
        check("lambda", "GetFunctionConfiguration", named, Code::ResourceNotFound, missing).await;
        let named = vec![("RoleName", text("exec"))];
        check("iam", "GetRole", named, Code::NoSuchEntity, "The role with name exec cannot be found.").await;
        let gone = Code::Modelled("QueueDoesNotExist");
        let named = vec![("QueueName", text("gone"))];
        check("sqs", "GetQueueUrl", named, gone, "The specified queue does not exist.").await;
        let busy = vec![("FunctionName", text("busy"))];
        let error = check("lambda", "Invoke", busy, Code::TooManyRequests, "Rate Exceeded.").await;
        let reason = ("Reason", text("ReservedFunctionConcurrentInvocationLimitExceeded"));
        assert!(error.members.contains(&reason), "{:?}", error.members);
        assert!(error.members.contains(&("retryAfterSeconds", text("1"))), "{:?}", error.members);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_secret_is_refused_by_the_other_side() {
    let tasks = TaskGroup::new();
    let client = remote(&tasks, "another secret").await;
    let error = client.call(call("sts", "GetCallerIdentity"), Document::Structure(vec![])).await;
    assert_eq!(error.expect_err("the signature is wrong").code, Code::InvalidSignature);
}

/// A server that answers with these, one a connection, and counts.
async fn answering(answers: Vec<&'static str>, tasks: &TaskGroup) -> (Arc<dyn Client>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let local = listener.local_addr().expect("bound");
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    tasks.spawn(TaskKind::Service, Span::none(), move |stop| async move {
        let mut answers = answers.into_iter();
        while let Some(Ok((mut stream, _))) = stop.or(listener.accept()).await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let answer = answers.next().unwrap_or_default();
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (client_of(local, SECRET, tasks), seen)
}

#[tokio::test]
async fn a_call_that_may_succeed_later_is_made_at_most_three_times() {
    const BROKEN: &str = "HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const THROTTLED: &str = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 34\r\n\r\n\
                             {\"__type\":\"x#ThrottlingException\"}";
    const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 31\r\n\r\n\
                           {\"__type\":\"QueueDoesNotExist\"} ";
    const DONE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    let check = async |answers: &[&'static str], attempts: usize, succeeds: bool| {
        let tasks = TaskGroup::new();
        let (client, seen) = answering(answers.to_vec(), &tasks).await;
        let input = Document::Structure(vec![("QueueUrl", text("http://q/1"))]);
        let outcome = client.call(call("sqs", "DeleteQueue"), input).await;
        assert_eq!((seen.load(Ordering::SeqCst), outcome.is_ok()), (attempts, succeeds), "{outcome:?}");
    };
    check(&[DONE], 1, true).await;
    check(&[BROKEN, THROTTLED, DONE], 3, true).await;
    check(&[BROKEN, "", BROKEN, DONE], 3, false).await;
    check(&[REFUSED, DONE], 1, false).await;
}
