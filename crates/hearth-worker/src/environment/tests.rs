//! The environment with a simulated sandbox: the HTTP Runtime API on the wire, and what the driver does with ends.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::mpsc as std_mpsc;

use hearth_sandbox::api::Exit;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::runtimes::{Entry, Program, Runtime};
use crate::sandbox::simulated::{Inside, SimulatedSandbox};
use crate::worker::{BoxFuture, CodeDigest, Credentials, FunctionError, Identity, LogFormat, Secret};

mod flood;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct NoEndpoint;

impl Endpoint for NoEndpoint {
    fn serve(&self, _: TcpStream, _: Arc<Revision>) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Version 7 of a function.
pub(super) fn revision() -> Revision {
    let secret = || Secret(String::new());
    let identity = Identity {
        arn: String::new(),
        user_id: String::new(),
        credentials: Credentials {
            access_key_id: String::new(),
            secret_access_key: secret(),
            session_token: secret(),
        },
    };
    Revision {
        id: uuid::Uuid::nil(),
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        function_name: "f".to_owned(),
        version: "7".to_owned(),
        runtime: "provided.al2023".to_owned(),
        handler: "h".to_owned(),
        memory_mb: 128,
        timeout: Duration::from_secs(3),
        ephemeral_mb: 512,
        environment: Secret(BTreeMap::new()),
        code: CodeDigest(String::new()),
        layers: Vec::new(),
        log_group: "/aws/lambda/f".to_owned(),
        log_format: LogFormat::Text,
        identity,
    }
}

fn setup(
    world: &World,
    sandbox: Arc<dyn Sandbox>,
    timeout: Duration,
    init_limit: Duration,
    channel: bool,
) -> Setup {
    let runtime = Arc::new(Runtime {
        identifier: "provided.al2023",
        version: "provided:al2023.v1".to_owned(),
        version_hash: "0".repeat(64),
        mounts: Vec::new(),
        entry: Entry::Program(Program::brought("/var/task/bootstrap")),
        channel,
        managed: false,
        variables: Vec::new(),
        layer_folders: crate::runtimes::LayerFolders::default(),
    });
    Setup {
        revision: Arc::new(Revision { timeout, ..revision() }),
        runtime,
        code: crate::code::Code::at("/nonexistent".into()),
        opt: crate::code::Code::at("/nonexistent".into()),
        sandbox,
        endpoint: Arc::new(NoEndpoint),
        endpoint_ports: Vec::new(),
        host_ports: Vec::new(),
        metadata_token: crate::worker::Secret("token".to_owned()),
        world: world.clone(),
        init_limit,
    }
}

/// An environment that nothing drives.
pub(super) fn core() -> super::core::Core {
    let world = World::real();
    let sandbox = Arc::new(SimulatedSandbox::new("/nonexistent".into(), |_| {}));
    let setup = Arc::new(setup(&world, sandbox, Duration::from_secs(3), INIT_LIMIT, false));
    let (reports, _) = mpsc::channel(1);
    let journal = journal::Journal::new(world, setup.revision.clone(), reports);
    super::core::Core::new(setup, journal)
}

/// An environment, and each sandbox that was started for it.
struct Fixture {
    handle: Handle,
    started: std_mpsc::Receiver<Inside>,
    reports: mpsc::Receiver<Report>,
    world: World,
}

impl Fixture {
    fn new(timeout: Duration, init_limit: Duration) -> Self {
        Self::with(timeout, init_limit, false)
    }

    /// One whose runtime talks over the channel, if it does.
    fn with(timeout: Duration, init_limit: Duration, channel: bool) -> Self {
        let world = World::real();
        let (tell, started) = std_mpsc::channel();
        let sandbox = SimulatedSandbox::new("/nonexistent".into(), move |inside| drop(tell.send(inside)));
        let setup = setup(&world, Arc::new(sandbox), timeout, init_limit, channel);
        let (reports_to, reports) = mpsc::channel(1024);
        let (handle, driver) = Handle::new(Arc::new(setup), reports_to);
        hearth_world::TaskGroup::new().spawn(
            hearth_world::TaskKind::Service,
            tracing::Span::none(),
            |_| async move { driver.run().await },
        );
        Self { handle, started, reports, world }
    }

    fn call(&self, payload: &'static str) -> Call {
        Call {
            request_id: self.world.random().uuid(),
            invoked_arn: "arn:aws:lambda:us-east-1:000000000000:function:f:7".to_owned(),
            payload: payload.into(),
            client_context: Some(r#"{"custom":{}}"#.to_owned()),
            trace_id: "Root=1;Parent=2;Sampled=0".to_owned(),
            wants_log: true,
        }
    }

    /// The sandbox that was started last.
    async fn inside(&self) -> Inside {
        within(async {
            loop {
                match self.started.try_recv() {
                    Ok(inside) => return inside,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        })
        .await
    }

    async fn lines(&mut self, until: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while !lines.iter().any(|line: &String| line.contains(until)) {
            match within(self.reports.recv()).await.expect("the environment lives") {
                Report::Log(batch) => lines.extend(batch.events.into_iter().map(|event| event.message)),
                Report::Closed(_) => {}
            }
        }
        lines
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes milliseconds")
}

/// One request on a connection of its own; the whole answer.
async fn http(address: SocketAddr, request: String) -> String {
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    connection.write_all(request.as_bytes()).await.expect("it is read");
    let mut answer = Vec::new();
    within(connection.read_to_end(&mut answer)).await.expect("an answer");
    String::from_utf8(answer).expect("text").to_lowercase()
}

async fn get(address: SocketAddr, path: &str) -> String {
    http(address, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

async fn post(address: SocketAddr, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n");
    http(address, format!("{head}{headers}\r\n{body}")).await
}

const NEXT: &str = "/2018-06-01/runtime/invocation/next";

#[tokio::test]
async fn a_custom_runtime_is_served_over_http() {
    let fixture = Fixture::new(Duration::from_secs(30), INIT_LIMIT);
    let api = fixture.inside().await.addresses[1];
    assert!(get(api, "/2018-06-01/ping").await.ends_with("\r\n\r\npong"));

    let call = fixture.call(r#"{"n":1}"#);
    let id = call.request_id;
    let runtime = async {
        let event = get(api, NEXT).await;
        assert!(event.starts_with("http/1.1 200") && event.ends_with(r#"{"n":1}"#), "{event}");
        assert!(event.contains(&format!("lambda-runtime-aws-request-id: {id}\r\n")), "{event}");
        assert!(event.contains("lambda-runtime-deadline-ms: "), "{event}");
        assert!(event.contains("lambda-runtime-trace-id: root=1;parent=2;sampled=0\r\n"), "{event}");
        assert!(event.contains("lambda-runtime-client-context: {\"custom\":{}}\r\n"), "{event}");
        assert!(!event.contains("cognito"), "{event}");
        // Asking again gives the same invocation again.
        assert!(get(api, NEXT).await.contains(&id.to_string()));
        let accepted = post(api, &format!("/2018-06-01/runtime/invocation/{id}/response"), "", "done").await;
        assert!(accepted.starts_with("http/1.1 202"), "{accepted}");
        assert!(accepted.ends_with("{\"status\":\"ok\"}\n"), "{accepted}");
        // The invocation is over when the runtime asks for the next one: it waits for ever.
        get(api, NEXT).await
    };
    let response = within(async {
        tokio::select! {
            response = fixture.handle.invoke(call) => response,
            event = runtime => panic!("no other call comes: {event}"),
        }
    });
    let response = response.await.expect("an answer");
    assert_eq!((response.payload, response.error), ("done".into(), None));
    let log = String::from_utf8(response.log.expect("wanted").to_vec()).expect("text");
    assert!(
        log.starts_with(&format!("START RequestId: {id} Version: 7\nEND RequestId: {id}\nREPORT ")),
        "{log}"
    );
}

#[tokio::test]
async fn what_is_not_allowed_now_is_refused_with_the_states_names() {
    let fixture = Fixture::new(Duration::from_secs(30), INIT_LIMIT);
    let api = fixture.inside().await.addresses[0];
    let forbidden = |from: &str, to: &str| {
        format!(r#"{{"errormessage":"state transition from {from} to {to} failed for runtime. error: state transition is not allowed","errortype":"invalidstatetransition"}}"#).to_lowercase()
    };
    let early = post(api, "/2018-06-01/runtime/invocation/x/response", "", "1").await;
    assert!(
        early.starts_with("http/1.1 403") && early.ends_with(&forbidden("Started", "InvocationResponse")),
        "{early}"
    );
    assert!(get(api, "/2018-06-01/nowhere").await.ends_with("404 page not found"));
    assert!(get(api, "/2018-06-01/runtime/init/error").await.starts_with("http/1.1 405"));

    let call = fixture.call("1");
    let id = call.request_id;
    let runtime = async {
        get(api, NEXT).await;
        let wrong = post(api, "/2018-06-01/runtime/invocation/other/response", "", "1").await;
        assert!(wrong.starts_with("http/1.1 400") && wrong.contains("invalidrequestid"), "{wrong}");
        let late = post(api, "/2018-06-01/runtime/init/error", "", "{}").await;
        assert!(late.ends_with(&forbidden("Running", "InitError")), "{late}");
        let path = format!("/2018-06-01/runtime/invocation/{id}/error");
        let accepted = post(api, &path, "", r#"{"errorMessage":"m"}"#).await;
        assert!(accepted.starts_with("http/1.1 202"), "{accepted}");
        let twice = post(api, &path, "", "{}").await;
        assert!(
            twice.ends_with(&forbidden("RuntimeResponseSentState", "InvocationErrorResponse")),
            "{twice}"
        );
        fixture.handle.kill();
    };
    let (response, ()) = within(async { tokio::join!(fixture.handle.invoke(call), runtime) }).await;
    let response = response.expect("an answer");
    assert_eq!(response.payload, r#"{"errorMessage":"m"}"#);
    assert_eq!(response.error, Some(FunctionError::Reported));
}

#[tokio::test]
async fn a_response_above_the_limit_is_413_and_the_caller_is_told() {
    let fixture = Fixture::new(Duration::from_secs(30), INIT_LIMIT);
    let api = fixture.inside().await.addresses[0];
    let call = fixture.call("1");
    let id = call.request_id;
    let runtime = async {
        get(api, NEXT).await;
        let body = "x".repeat(6_291_557);
        let answer = post(api, &format!("/2018-06-01/runtime/invocation/{id}/response"), "", &body).await;
        assert!(answer.starts_with("http/1.1 413"), "{answer}");
        assert!(answer.ends_with(r#"{"errormessage":"exceeded maximum allowed payload size (6291556 bytes).","errortype":"requestentitytoolarge"}"#), "{answer}");
        fixture.handle.kill();
    };
    let (response, ()) = within(async { tokio::join!(fixture.handle.invoke(call), runtime) }).await;
    assert_eq!(response.expect("an answer").error, Some(FunctionError::ResponseTooLarge));
}

#[tokio::test]
async fn an_init_error_is_reported_and_init_runs_again_inside_the_invocation() {
    let mut fixture = Fixture::new(Duration::from_secs(30), INIT_LIMIT);
    let call = fixture.call("1");
    let runtimes = async {
        let kind = "Lambda-Runtime-Function-Error-Type: Runtime.Broken\r\n";
        for _ in 0..2 {
            let inside = fixture.inside().await;
            let path = "/2018-06-01/runtime/init/error";
            let accepted = post(inside.addresses[0], path, kind, r#"{"errorType":"Runtime.Broken"}"#).await;
            assert!(accepted.starts_with("http/1.1 202"), "{accepted}");
        }
    };
    let (response, ()) = within(async { tokio::join!(fixture.handle.invoke(call), runtimes) }).await;
    let response = response.expect("an answer");
    assert_eq!(response.payload, r#"{"errorType":"Runtime.Broken"}"#);
    let lines = fixture.lines("REPORT RequestId").await;
    let reports: Vec<_> = lines.iter().filter(|line| line.starts_with("INIT_REPORT")).collect();
    assert!(reports[0].ends_with("\tPhase: init\tStatus: error\tError Type: Runtime.Broken"), "{lines:?}");
    assert!(reports[1].ends_with("\tPhase: invoke\tStatus: error\tError Type: Runtime.Broken"), "{lines:?}");
}

#[tokio::test]
async fn an_init_that_takes_too_long_is_run_again_and_then_times_out_with_the_function() {
    let mut fixture = Fixture::new(Duration::from_millis(150), Duration::from_millis(100));
    let response = within(fixture.handle.invoke(fixture.call("1"))).await.expect("an answer");
    assert_eq!(response.error, Some(FunctionError::TimedOut));
    let lines = fixture.lines("REPORT RequestId").await;
    assert!(lines[1].ends_with("\tPhase: init\tStatus: timeout"), "{lines:?}");
    assert!(lines[2].ends_with("\tPhase: invoke\tStatus: timeout"), "{lines:?}");
    assert!(lines.last().is_some_and(|line| line.ends_with("\tStatus: timeout")), "{lines:?}");
}

#[tokio::test]
async fn calls_wait_for_an_environment_that_is_busy_and_all_are_answered() {
    let fixture = Fixture::new(Duration::from_secs(30), INIT_LIMIT);
    let api = fixture.inside().await.addresses[0];
    let runtime = async {
        for _ in 0..3 {
            let event = get(api, NEXT).await;
            let id = event.split("lambda-runtime-aws-request-id: ").nth(1).and_then(|rest| rest.get(..36));
            let id = id.expect("an id").to_owned();
            let body = event.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned();
            post(api, &format!("/2018-06-01/runtime/invocation/{id}/response"), "", &body).await;
        }
        fixture.handle.stop(Reason::Spindown);
        fixture.handle.kill();
    };
    let calls = ["1", "2", "3"].map(|payload| fixture.handle.invoke(fixture.call(payload)));
    let (responses, ()) =
        within(async { tokio::join!(futures_util::future::join_all(calls), runtime) }).await;
    let payloads: Vec<_> =
        responses.into_iter().map(|response| response.expect("an answer").payload).collect();
    assert_eq!(payloads, ["1", "2", "3"]);
}

#[tokio::test]
async fn an_environment_whose_spawner_died_answers_and_closes() {
    let mut fixture = Fixture::new(Duration::from_secs(30), INIT_LIMIT);
    let mut inside = fixture.inside().await;
    let call = fixture.call("1");
    let id = call.request_id;
    let runtime = async {
        get(inside.addresses[0], NEXT).await;
        inside.output.write_all(b"one\rrecord\nunfinished").expect("the pipe is open");
        inside.end.with_the_spawner();
    };
    let (response, ()) = within(async { tokio::join!(fixture.handle.invoke(call), runtime) }).await;
    let response = response.expect("an answer");
    assert_eq!(
        response.payload,
        format!(
            r#"{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {id} Error: Runtime exited with error: signal: killed"}}"#
        )
    );
    let lines = fixture.lines("REPORT RequestId").await;
    assert!(
        lines.contains(&"one\nrecord".to_owned()) && lines.contains(&"unfinished".to_owned()),
        "{lines:?}"
    );
    let late = within(fixture.handle.invoke(fixture.call("1"))).await;
    assert!(matches!(late, Err(Failure::Gone)));
}

#[tokio::test]
async fn a_memory_fault_while_starting_is_a_timeout() {
    let fixture = Fixture::new(Duration::from_millis(200), INIT_LIMIT);
    let call = fixture.call("1");
    let faults = async {
        for _ in 0..2 {
            fixture.inside().await.end.with(Exit::Signal(11), false);
        }
    };
    let (response, ()) = within(async { tokio::join!(fixture.handle.invoke(call), faults) }).await;
    assert_eq!(response.expect("an answer").error, Some(FunctionError::TimedOut));
}
