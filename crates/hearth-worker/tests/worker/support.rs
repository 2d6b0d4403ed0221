//! A worker with a spawner of its own, functions written inline, and their logs.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hearth_sandbox::{Options, Spawner};
use hearth_worker::sandbox::Launcher;
use hearth_worker::{
    BoxFuture, Call, CodeDigest, CodeError, CodeSource, Credentials, ENVIRONMENTS_MAX, Endpoint,
    EnvironmentId, Failure, Identity, LinuxSandbox, LocalWorker, LogBatch, LogFormat, Places, Report,
    Response, Revision, Secret, Worker, WorkerDeps, WorkerOptions,
};
use hearth_world::{TaskGroup, World};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The endpoint's port inside.
pub(crate) const ENDPOINT_PORT: u16 = 4566;

/// See the module.
pub(crate) struct Host {
    pub(crate) worker: LocalWorker,
    pub(crate) reports: mpsc::Receiver<Report>,
    pub(crate) runtime: &'static str,
    world: World,
    packages: Arc<Packages>,
    sandboxes: TaskGroup,
    spawner_process: u32,
    _data: tempfile::TempDir,
}

/// What a function is, but for its code.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) handler: &'static str,
    pub(crate) memory_mb: u32,
    pub(crate) timeout: Duration,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            handler: "app.handler",
            memory_mb: 128,
            timeout: Duration::from_secs(30),
            variables: BTreeMap::new(),
        }
    }
}

/// The program that the spawner is, built beside the tests.
fn spawner_program() -> PathBuf {
    let tests = std::env::current_exe().expect("the test program's path");
    let target = tests.parent().and_then(|deps| deps.parent()).expect("target/debug");
    target.join("examples/worker_spawner")
}

impl Host {
    /// `None` where sandboxes cannot be made: not root.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with_reserve(0).await
    }

    /// As `start`, with so many bytes of memory that must stay available.
    pub(crate) async fn start_with_reserve(memory_reserve: u64) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: sandboxes need root");
            return None;
        }
        let data = tempfile::tempdir().expect("a directory");
        let world = World::real();
        let instance = format!("worker-test-{}", world.random().hex::<4>());
        let options = Options {
            program: Some(spawner_program()),
            pool: 0,
            ..Options::new(instance, data.path().join("run"))
        };
        let connection = Spawner::launch(&options).expect("a spawner");
        let spawner_process = connection.process_id();
        let launcher: Launcher =
            Arc::new(move || Spawner::launch(&options).map_err(|error| error.to_string()));
        let sandboxes = TaskGroup::new();
        let sandbox = Arc::new(LinuxSandbox::new(connection, launcher, &sandboxes));
        let packages =
            Arc::new(Packages { directory: data.path().join("packages"), known: Mutex::default() });
        std::fs::create_dir_all(&packages.directory).expect("a directory");
        let deps =
            WorkerDeps { code: packages.clone(), endpoint: Arc::new(Pong), sandbox, world: world.clone() };
        let options = WorkerOptions {
            data: data.path().join("data"),
            endpoint_ports: vec![ENDPOINT_PORT],
            host_ports: Vec::new(),
            environments_max: ENVIRONMENTS_MAX,
            memory_reserve,
            places: Places::of_this_process(),
        };
        let worker = LocalWorker::new(deps, options);
        let runtime = worker.runtimes().newest_python().expect("a Python on this host");
        let reports = worker.reports().expect("not taken yet");
        Some(Self { worker, reports, runtime, world, packages, sandboxes, spawner_process, _data: data })
    }

    /// A function of one file, `app.py`.
    pub(crate) fn function(&self, code: &str, settings: Settings) -> Arc<Revision> {
        self.function_of(&[("app.py", code)], settings)
    }

    /// A function of Node.js, the newest there is.
    pub(crate) fn node(&self, files: &[(&str, &str)], settings: Settings) -> Arc<Revision> {
        let revision = self.function_of(files, settings);
        let runtime = self.worker.runtimes().newest_node().expect("a Node.js on this host");
        Arc::new(Revision { runtime: runtime.to_owned(), ..(*revision).clone() })
    }

    /// The same function with layers.
    pub(crate) fn with_layers(&self, revision: Arc<Revision>, layers: &[&[(&str, &str)]]) -> Arc<Revision> {
        let layers = layers.iter().map(|files| self.packages.add(files)).collect();
        Arc::new(Revision { layers, ..(*revision).clone() })
    }

    /// A function that brings its own runtime.
    pub(crate) fn provided(&self, files: &[(&str, &str)], layers: &[&[(&str, &str)]]) -> Arc<Revision> {
        let revision = self.function_of(files, Settings::default());
        let layers = layers.iter().map(|files| self.packages.add(files)).collect();
        Arc::new(Revision { runtime: "provided.al2023".to_owned(), layers, ..(*revision).clone() })
    }

    /// A function of several files.
    pub(crate) fn function_of(&self, files: &[(&str, &str)], settings: Settings) -> Arc<Revision> {
        let secret = |text: &str| Secret(text.to_owned());
        Arc::new(Revision {
            id: self.world.random().uuid(),
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            function_name: "f".to_owned(),
            version: "$LATEST".to_owned(),
            runtime: self.runtime.to_owned(),
            handler: settings.handler.to_owned(),
            memory_mb: settings.memory_mb,
            timeout: settings.timeout,
            ephemeral_mb: 512,
            environment: Secret(settings.variables),
            code: self.packages.add(files),
            layers: Vec::new(),
            log_group: "/aws/lambda/f".to_owned(),
            log_format: LogFormat::Text,
            identity: Identity {
                arn: "arn:aws:sts::000000000000:assumed-role/r/f".to_owned(),
                user_id: "AROAEXAMPLE:f".to_owned(),
                credentials: Credentials {
                    access_key_id: "ASIAEXAMPLE".to_owned(),
                    secret_access_key: secret("secret"),
                    session_token: secret("token"),
                },
            },
        })
    }

    pub(crate) fn call(&self, payload: impl Into<bytes::Bytes>) -> Call {
        Call {
            request_id: self.world.random().uuid(),
            invoked_arn: "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
            payload: payload.into(),
            client_context: None,
            trace_id: "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0".to_owned(),
            wants_log: true,
        }
    }

    pub(crate) async fn begin(&self, revision: Arc<Revision>) -> EnvironmentId {
        within(self.worker.start(revision)).await.expect("an environment")
    }

    pub(crate) async fn invoke(&self, id: EnvironmentId, call: Call) -> Result<Response, Failure> {
        within(self.worker.invoke(id, call)).await
    }

    /// One call in a new environment.
    pub(crate) async fn run(&self, code: &str, settings: Settings) -> Outcome {
        let id = self.begin(self.function(code, settings)).await;
        self.outcome(id, "{}").await
    }

    pub(crate) async fn outcome(&self, id: EnvironmentId, payload: &'static str) -> Outcome {
        let call = self.call(payload);
        let request = call.request_id.to_string();
        let response = self.invoke(id, call).await.expect("an answer");
        Outcome::new(response, request)
    }

    /// All log events so far, up to one that holds `last`.
    pub(crate) async fn log_until(&mut self, last: &str) -> Vec<String> {
        log_until(&mut self.reports, last).await
    }

    pub(crate) async fn closed(&mut self, id: EnvironmentId) {
        loop {
            if let Report::Closed(closed) = within(self.reports.recv()).await.expect("the worker lives")
                && closed == id
            {
                return;
            }
        }
    }

    pub(crate) fn kill_spawner(&self) {
        let process = i32::try_from(self.spawner_process).ok().and_then(rustix::process::Pid::from_raw);
        let process = process.expect("a process number");
        rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("it lives");
    }

    pub(crate) async fn end(self) {
        self.worker.shutdown(Duration::from_secs(10)).await;
        self.sandboxes.stop();
        self.sandboxes.join(PATIENCE).await.expect("the spawner ends");
    }
}

/// An answer, as tests look at it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) payload: String,
    pub(crate) failed: bool,
    pub(crate) log: String,
    pub(crate) request: String,
}

impl Outcome {
    fn new(response: Response, request: String) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            payload: text(&response.payload),
            failed: response.error.is_some(),
            log: text(&response.log.unwrap_or_default()),
            request,
        }
    }

    /// The payload with this invocation's id as `ID`.
    #[track_caller]
    pub(crate) fn fails_with(&self, payload: &str) {
        assert_eq!(self.payload.replace(&self.request, "ID"), payload, "log: {}", self.log);
        assert!(self.failed);
    }

    #[track_caller]
    pub(crate) fn answers(&self, payload: &str) {
        assert_eq!((self.payload.as_str(), self.failed), (payload, false), "log: {}", self.log);
    }

    /// The log's lines with this invocation's id as `ID`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.replace(&self.request, "ID").lines().map(str::to_owned).collect()
    }

    /// The REPORT line.
    pub(crate) fn report(&self) -> String {
        self.lines().into_iter().find(|line| line.starts_with("REPORT")).expect("a REPORT line")
    }

    pub(crate) fn max_memory_mb(&self) -> u32 {
        let report = self.report();
        let field = report.split('\t').find_map(|field| field.strip_prefix("Max Memory Used: "));
        field.and_then(|field| field.strip_suffix(" MB")?.parse().ok()).expect("a figure")
    }
}

/// All log events of these reports, up to one that holds `last`.
pub(crate) async fn log_until(reports: &mut mpsc::Receiver<Report>, last: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while !lines.iter().any(|line: &String| line.contains(last)) {
        match within(reports.recv()).await.expect("the worker lives") {
            Report::Log(LogBatch { events, .. }) => {
                lines.extend(events.into_iter().map(|event| event.message))
            }
            Report::Closed(_) => {}
        }
    }
    lines
}

/// The future, or a failure of the test.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes seconds at most")
}

/// Packages as files, by digest.
struct Packages {
    directory: PathBuf,
    known: Mutex<HashMap<CodeDigest, PathBuf>>,
}

impl Packages {
    fn add(&self, files: &[(&str, &str)]) -> CodeDigest {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, text) in files {
            let mode = if text.starts_with("#!") || text.starts_with('\0') { 0o755 } else { 0o644 };
            let options = zip::write::SimpleFileOptions::default().unix_permissions(mode);
            archive.start_file(*name, options).expect("an entry");
            archive.write_all(text.as_bytes()).expect("its text");
        }
        let archive = archive.finish().expect("an archive").into_inner();
        let digest = CodeDigest(hex::encode(Sha256::digest(&archive)));
        let path = self.directory.join(&digest.0);
        std::fs::write(&path, archive).expect("a file");
        self.known.lock().expect("no test panics with it").insert(digest.clone(), path);
        digest
    }
}

impl CodeSource for Packages {
    fn package(&self, code: CodeDigest) -> BoxFuture<'_, Result<File, CodeError>> {
        let path = self.known.lock().expect("no test panics with it").get(&code).cloned();
        let file = path.and_then(|path| File::open(path).ok());
        let missing = CodeError { code, reason: "unknown".to_owned() };
        Box::pin(std::future::ready(file.ok_or(missing)))
    }
}

/// An endpoint that tells every caller whose environment it is.
struct Pong;

impl Endpoint for Pong {
    fn serve(&self, mut connection: TcpStream, revision: Arc<Revision>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut greeting = [0; 5];
            connection.read_exact(&mut greeting).await.ok();
            connection.write_all(revision.identity.arn.as_bytes()).await.ok();
        })
    }
}
