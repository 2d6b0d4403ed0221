//! The worker of this machine.
//!
//! Never: starts an environment after it was told to shut down; forgets one whose processes live.

use std::collections::HashMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hearth_world::{TaskGroup, TaskKind, World};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tracing::{debug, info_span, warn};

use crate::code::{Code, CodeCache};
use crate::environment::{Handle, INIT_LIMIT, Setup};
use crate::room;
use crate::runtimes::{Places, Runtimes};
use crate::sandbox::Sandbox;
use crate::worker::{
    BoxFuture, Call, CodeDigest, CodeError, CodeSource, Endpoint, EnvironmentId, EnvironmentStatus, Failure,
    PrepareError, Reason, Report, Response, Revision, Secret, StartError, Worker,
};

/// Batches and notices that wait for whoever takes the reports. Each batch has up to 64 KB, or one 256 KB line.
const REPORTS_MAX: usize = 512;
/// After the time to drain is over, the killed environments' processes end within so long.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// What the worker needs from outside.
pub struct WorkerDeps {
    /// Packages by digest.
    pub code: Arc<dyn CodeSource>,
    /// The AWS endpoint inside every sandbox.
    pub endpoint: Arc<dyn Endpoint>,
    /// Makes sandboxes.
    pub sandbox: Arc<dyn Sandbox>,
    /// Time and randomness.
    pub world: World,
}

/// How the worker is set up.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Unpacked code and compiled bootstraps lie below.
    pub data: PathBuf,
    /// Ports of 127.0.0.1 inside at which the endpoint is served: every port that the server listens on. The first
    /// one is announced in `AWS_ENDPOINT_URL`. At most 4, for each costs every environment a descriptor.
    pub endpoint_ports: Vec<u16>,
    /// Ports of this host's loopback that functions may reach at 127.0.0.1: a developer's database. At most 4.
    pub host_ports: Vec<u16>,
    /// Environments at once.
    pub environments_max: usize,
    /// Memory in bytes that a new environment must leave available on the host: [`crate::MEMORY_RESERVE`].
    pub memory_reserve: u64,
    /// Where interpreters are looked for.
    pub places: Places,
}

/// 1,000 environments with 15 descriptors each fit into the usual 20,000.
pub const ENVIRONMENTS_MAX: usize = 1000;
/// See [`WorkerOptions::endpoint_ports`].
const ENDPOINT_PORTS_MAX: usize = 4;
/// See [`WorkerOptions::host_ports`].
pub const HOST_PORTS_MAX: usize = 4;

/// See the module.
pub struct LocalWorker {
    inner: Arc<Inner>,
    reports: Mutex<Option<mpsc::Receiver<Report>>>,
}

struct Inner {
    deps: WorkerDeps,
    options: WorkerOptions,
    code: CodeCache,
    runtimes: Runtimes,
    environments: Mutex<HashMap<EnvironmentId, Handle>>,
    next: AtomicU64,
    stopping: AtomicBool,
    reports: mpsc::Sender<Report>,
    tasks: TaskGroup,
}

impl LocalWorker {
    /// A worker without environments. Must be made inside the async runtime that it is used in.
    pub fn new(deps: WorkerDeps, mut options: WorkerOptions) -> Self {
        options.endpoint_ports.truncate(ENDPOINT_PORTS_MAX);
        options.host_ports.truncate(HOST_PORTS_MAX);
        let (reports, receiver) = mpsc::channel(REPORTS_MAX);
        let code = CodeCache::new(options.data.join("code"), deps.code.clone(), deps.sandbox.clone());
        let runtimes = Runtimes::new(options.places.clone(), options.data.join("runtimes"));
        let inner = Inner {
            deps,
            options,
            code,
            runtimes,
            environments: Mutex::default(),
            next: AtomicU64::new(1),
            stopping: AtomicBool::new(false),
            reports,
            tasks: TaskGroup::new(),
        };
        Self { inner: Arc::new(inner), reports: Mutex::new(Some(receiver)) }
    }

    /// The runtimes of this host.
    pub fn runtimes(&self) -> &Runtimes {
        &self.inner.runtimes
    }

    fn handle(&self, id: EnvironmentId) -> Option<Handle> {
        self.inner.environments.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

impl Inner {
    async fn start(self: &Arc<Self>, revision: Arc<Revision>) -> Result<EnvironmentId, StartError> {
        let runtime = self.runtimes.prepare(&revision.runtime, &*self.deps.sandbox).await;
        let runtime = runtime.map_err(StartError::RuntimeMissing)?;
        let prepared = self.code.get(&revision.code).await;
        let code = prepared.map_err(|error| broken(&revision.code, &error))?;
        let opt = match revision.layers.as_slice() {
            [] => Code::at(self.empty_directory()),
            layers => {
                let prepared = self.code.layers(layers).await;
                prepared.map_err(|error| broken(&layers[0], &error))?
            }
        };
        let setup = Arc::new(Setup {
            revision,
            runtime,
            code,
            opt,
            sandbox: self.deps.sandbox.clone(),
            endpoint: self.deps.endpoint.clone(),
            endpoint_ports: self.options.endpoint_ports.clone(),
            host_ports: self.options.host_ports.clone(),
            // As AWS's: a UUID.
            metadata_token: Secret(self.deps.world.random().uuid().to_string()),
            world: self.deps.world.clone(),
            init_limit: INIT_LIMIT,
        });
        self.run(setup)
    }

    /// Enters the environment and begins its init.
    fn run(self: &Arc<Self>, setup: Arc<Setup>) -> Result<EnvironmentId, StartError> {
        if !room::is_there(self.options.memory_reserve) {
            return Err(StartError::HostFull);
        }
        let mut environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: after a shutdown has looked at the environments none is added.
        if self.stopping.load(Ordering::SeqCst) {
            return Err(StartError::ShuttingDown);
        }
        if environments.len() >= self.options.environments_max {
            return Err(StartError::HostFull);
        }
        let id = EnvironmentId(self.next.fetch_add(1, Ordering::Relaxed));
        let span = info_span!("environment", environment = id.0, function = %setup.revision.function_name);
        let (handle, driver) = Handle::new(setup, self.reports.clone());
        environments.insert(id, handle);
        drop(environments);
        let inner = self.clone();
        self.tasks.spawn(TaskKind::Service, span, move |stop| async move {
            // Ends by itself: shutting down stops or kills every environment.
            driver.run().await;
            inner.environments.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            if let Err(TrySendError::Full(notice)) = inner.reports.try_send(Report::Closed(id)) {
                // Logs may be dropped, this not; but a server that stops waits for nobody who does not listen.
                stop.or(inner.reports.send(notice)).await;
            }
        });
        Ok(id)
    }

    fn empty_directory(&self) -> PathBuf {
        let empty = self.options.data.join("empty");
        if !empty.is_dir() {
            let made = std::fs::create_dir_all(&empty);
            // A sandbox's user has to read it, whatever this process's umask is.
            let made = made.and_then(|()| std::fs::set_permissions(&empty, Permissions::from_mode(0o755)));
            if let Err(error) = made {
                warn!(%error, "the empty directory for /opt could not be made");
            }
        }
        empty
    }

    fn each(&self, act: impl Fn(&Handle)) {
        let all: Vec<Handle> =
            self.environments.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        all.iter().for_each(act);
    }
}

fn broken(code: &CodeDigest, error: &PrepareError) -> StartError {
    StartError::Code(CodeError { code: code.clone(), reason: error.to_string() })
}

impl Worker for LocalWorker {
    fn prepare(&self, code: CodeDigest) -> BoxFuture<'_, Result<u64, PrepareError>> {
        Box::pin(async move { Ok(self.inner.code.get(&code).await?.bytes) })
    }

    fn forget(&self, code: CodeDigest) -> BoxFuture<'_, Result<bool, String>> {
        Box::pin(async move { self.inner.code.forget(&code).await.map_err(|error| error.to_string()) })
    }

    fn kept(&self) -> BoxFuture<'_, Result<Vec<CodeDigest>, String>> {
        Box::pin(async move { self.inner.code.kept().await.map_err(|error| error.to_string()) })
    }

    fn supports(&self, runtime: &str) -> Result<(), String> {
        self.inner.runtimes.supports(runtime)
    }

    fn runtime_version(&self, runtime: &str) -> Option<String> {
        self.inner.runtimes.version(runtime)
    }

    fn warm_up(&self, runtime: &str) -> BoxFuture<'_, ()> {
        let runtime = runtime.to_owned();
        Box::pin(async move {
            if let Err(reason) = self.inner.runtimes.prepare(&runtime, &*self.inner.deps.sandbox).await {
                debug!(runtime, reason, "a runtime was not made ready");
            }
        })
    }

    fn start(&self, revision: Arc<Revision>) -> BoxFuture<'_, Result<EnvironmentId, StartError>> {
        Box::pin(self.inner.start(revision))
    }

    fn invoke(&self, id: EnvironmentId, call: Call) -> BoxFuture<'_, Result<Response, Failure>> {
        match self.handle(id) {
            Some(handle) => Box::pin(async move { handle.invoke(call).await }),
            None => Box::pin(std::future::ready(Err(Failure::Gone))),
        }
    }

    fn stop(&self, id: EnvironmentId, why: Reason) {
        if let Some(handle) = self.handle(id) {
            handle.stop(why);
        }
    }

    fn environments(&self) -> Vec<EnvironmentStatus> {
        let environments = self.inner.environments.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<(EnvironmentId, Handle)> =
            environments.iter().map(|(id, handle)| (*id, handle.clone())).collect();
        drop(environments);
        all.sort_by_key(|(id, _)| *id);
        all.into_iter().map(|(id, handle)| handle.status(id)).collect()
    }

    fn reports(&self) -> Option<mpsc::Receiver<Report>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn shutdown(&self, limit: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.inner.stopping.store(true, Ordering::SeqCst);
            self.inner.each(|handle| handle.stop(Reason::Shutdown));
            self.inner.tasks.stop();
            if self.inner.tasks.join(limit).await.is_ok() {
                return;
            }
            self.inner.each(Handle::kill);
            if let Err(unfinished) = self.inner.tasks.join(KILL_WAIT).await {
                let left: Vec<_> = self.environments().iter().map(|left| (left.id.0, left.state)).collect();
                warn!(environments = unfinished.0, ?left, "some environments did not end in time");
            }
        })
    }
}
