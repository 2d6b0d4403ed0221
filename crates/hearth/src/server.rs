//! A running server: every part made, connected, and ended in order.
//!
//! ```text
//! start  store ─▶ blobs ─▶ sandbox ─▶ worker ─▶ services ─▶ front door ─▶ gate ─▶ listener
//! stop   connections (calls finish) ─▶ worker (environments end) ─▶ services ─▶ function logs ─▶ sandbox, spawner
//!        ─▶ store ─▶ connections it made
//! ```
//!
//! Each row has a task group of its own, because it must outlive those before it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tracing::warn;

use hearth_aws::credentials::Session;
use hearth_aws::sigv4::SigningKey;
use hearth_aws::{AllowAll, Authorise, FrontDoor, InProcess, RootOnly, Services, Sessions};
use hearth_outbound::{Outbound, OutboundDeps, Policy, Roots, SystemResolver};
use hearth_sandbox::{Confinement, Connection, Egress, Spawner};
use hearth_service_iam::Iam;
use hearth_service_lambda::{CREDENTIALS_LEFT, Deprecated, Lambda, LambdaDeps};
use hearth_service_logs::Logs;
use hearth_service_s3::{S3, S3Deps};
use hearth_store::BlobKeeper;
use hearth_worker::sandbox::Launcher;
use hearth_worker::{
    ENVIRONMENTS_MAX, LinuxSandbox, LocalWorker, MEMORY_RESERVE, Places, Worker, WorkerDeps, WorkerOptions,
    sandbox_sockets,
};
use hearth_world::{TaskGroup, World};

use crate::code_source::Packages;
use crate::counts::Counts;
use crate::data_folder::DataFolder;
use crate::front;
use crate::garbage::Garbage;
use crate::gate::{Gate, SandboxEndpoint};
use crate::init::Readiness;
use crate::keys;
use crate::objects::Buckets;
use crate::own::Own;
use crate::quotas;
use crate::reset::Reset;
use crate::services::{self, FunctionLogs};
use crate::state::{self, State};

/// How long environments may take to end once their calls are over.
const WORKER_LIMIT: Duration = Duration::from_secs(5);

/// How long each group of tasks may take to end once it is told to.
const TASKS_LIMIT: Duration = Duration::from_secs(5);

/// How long the spawner may take to give everything back: it has 8 s itself.
const SANDBOX_LIMIT: Duration = Duration::from_secs(12);

/// The port of local AWS stacks, which functions may name without asking their environment.
pub const USUAL_PORT: u16 = 4566;

/// What `hearth up` and `hearth serve` set.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account of access keys that name none.
    pub account: String,
    /// What becomes of functions whose runtime is past AWS's dates, when they are made and when they are changed.
    pub deprecated_runtimes: Deprecated,
    /// Where functions and packages are kept.
    pub state: state::Options,
    /// How long a package stays that no function needs.
    pub garbage_grace: Duration,
    /// How long environments use the same credentials.
    pub credentials_renewal: Duration,
    /// Who may call.
    pub callers: Callers,
    /// Names beside its own addresses that `Host` may have.
    pub hosts: Vec<String>,
    /// How the listener speaks TLS, if it does.
    pub tls: Option<Arc<ServerConfig>>,
    /// What functions reach beside the endpoint.
    pub network: Network,
    /// What the server itself dials for its callers and for its own state.
    pub outbound: Policy,
    /// What accounts may use.
    pub quotas: quotas::Options,
    /// How far the start is.
    pub readiness: Arc<Readiness>,
    /// How the server is told to begin anew, where it can.
    pub reset: Option<Arc<Reset>>,
}

/// Who may call, and what is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// `up`: whoever reaches the listener, with any access key. Roles that nobody created are accepted.
    Anybody,
    /// `serve`: an account's root, with a verified signature. Roles must exist.
    Root,
}

impl Callers {
    /// Whether a caller is who the signature says, and roles are those that were created.
    fn are_verified(self) -> bool {
        self == Self::Root
    }
}

/// What functions reach beside the endpoint.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The internet; `None` is no way out.
    pub egress: Option<Egress>,
    /// Ports of this host's loopback.
    pub host_ports: Vec<u16>,
}

/// See the module.
pub struct Server {
    address: SocketAddr,
    account: String,
    sessions: Arc<Sessions>,
    state: State,
    iam: Arc<Iam>,
    worker: Arc<dyn Worker>,
    world: World,
    connections: TaskGroup,
    work: TaskGroup,
    function_logs: TaskGroup,
    sandboxes: TaskGroup,
    /// Connections that the server made: what else ends may use them.
    dialled: TaskGroup,
}

/// Where functions find the AWS endpoint: at the listener's own port, which is announced, and at the usual one.
fn endpoint_ports(port: u16) -> Vec<u16> {
    if port == USUAL_PORT { vec![port] } else { vec![port, USUAL_PORT] }
}

/// Launches spawners for a data folder: the first before the runtime, others when one died.
pub fn launcher(
    folder: &DataFolder,
    places: u32,
    port: u16,
    network: &Network,
    confinement: Option<Confinement>,
) -> Launcher {
    let options = hearth_sandbox::Options {
        pool: places,
        // The places made ahead have the sockets that every environment asks for.
        listen: sandbox_sockets(&endpoint_ports(port), &network.host_ports),
        egress: network.egress,
        confinement,
        ..hearth_sandbox::Options::new(folder.instance(), folder.join("run"))
    };
    Arc::new(move || Spawner::launch(&options).map_err(|error| chain(&error)))
}

impl Server {
    /// Starts everything; when it returns, the listener is served.
    pub async fn start(
        folder: &DataFolder,
        spawner: Connection,
        launcher: Launcher,
        listener: TcpListener,
        options: Options,
        world: World,
    ) -> Result<Self> {
        let (connections, work, sandboxes) = (TaskGroup::new(), TaskGroup::new(), TaskGroup::new());
        let function_logs = TaskGroup::new();
        let address = listener.local_addr().context("read the listener's address")?;
        let dialled = TaskGroup::new();
        let outbound = || outbound(options.outbound.clone(), &dialled, &world).map(Arc::new);
        let state = State::open(&options.state, folder, &world, &dialled, outbound).await?;
        let (store, blobs) = (state.store(), state.blobs.clone());
        hearth_service_lambda::migrate(&*store).await?;
        let keeper = BlobKeeper::new(store.clone(), blobs.clone(), world.clone(), options.garbage_grace);
        let endpoint = Arc::new(SandboxEndpoint::new(world.physical().clone(), connections.stop_signal()));
        let deps = WorkerDeps {
            code: Arc::new(Packages { blobs, scratch: folder.join("blobs") }),
            endpoint: endpoint.clone(),
            sandbox: Arc::new(LinuxSandbox::new(spawner, launcher, &sandboxes)),
            world: world.clone(),
        };
        let worker_options = worker_options(folder, address.port(), &options.network);
        let worker: Arc<dyn Worker> = Arc::new(LocalWorker::new(deps, worker_options));
        let sessions = Arc::new(keys::sessions(&*store, world.random()).await?);
        let iam = Iam::open(store.clone(), world.clone());
        iam.keep_up(&work);
        let client = Arc::new(InProcess::default());
        let logs = Logs::open(store.clone(), world.clone(), connections.stop_signal(), client.clone());
        let s3 = S3::open(S3Deps { store: store.clone(), blobs: keeper.clone(), world: world.clone() });
        s3.keep_up(&work);
        let lambda = Lambda::open(LambdaDeps {
            store: store.clone(),
            blobs: keeper.clone(),
            worker: worker.clone(),
            world: world.clone(),
            tasks: work.clone(),
            roles: iam.clone(),
            sessions: sessions.clone(),
            logs: Arc::new(FunctionLogs(logs.ingest(&function_logs))),
            objects: Arc::new(Buckets::of(&s3)),
            options: lambda_options(&options),
        });
        let services =
            services::all(&lambda, &iam, &logs, &s3, &sessions, &world, options.callers.are_verified());
        let services = Arc::new(Services::new(services, authorise(options.callers)));
        client.connect(services.clone());
        logs.keep_up(&work);
        let door = door(services, &options, &world, &iam, sessions.clone());
        let garbage = Garbage::start(store.clone(), keeper, worker.clone(), world.clone(), &work);
        let gate = Arc::new(gate(folder, door, &lambda, garbage, &worker, &options));
        endpoint.open(gate.clone());
        front::spawn(listener, options.tls, gate, world.physical().clone(), &connections);
        let account = options.account;
        Ok(Self {
            address,
            account,
            sessions,
            state,
            iam,
            worker,
            world,
            connections,
            work,
            function_logs,
            sandboxes,
            dialled,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Id and secret of the account's root key, at the first start on a store. At every later one nothing.
    pub async fn root_key(&self) -> Result<Option<(String, String)>> {
        self.iam.root_key_once(&self.account).await.context("make the root access key")
    }

    /// Temporary credentials of the account's root, for what the owner wants done at the start.
    pub fn root_session(&self, life: Duration) -> SigningKey {
        let (account, now) = (&self.account, self.world.physical().now());
        let root = format!("arn:aws:iam::{account}:root");
        let session = Session::new(account, root, account.clone(), now, life);
        let made = self.sessions.issue(self.world.random(), &session);
        SigningKey {
            access_key_id: made.access_key_id,
            secret: made.secret_access_key,
            session_token: Some(made.session_token),
        }
    }

    /// Ends everything in order. Running calls have `drain` to finish.
    pub async fn stop(self, drain: Duration) {
        self.connections.stop();
        if let Err(unfinished) = self.connections.join(drain).await {
            warn!(connections = unfinished.0, "running calls are lost");
        }
        self.worker.shutdown(WORKER_LIMIT).await;
        self.work.stop();
        if let Err(unfinished) = self.work.join(TASKS_LIMIT).await {
            warn!(tasks = unfinished.0, "tasks do not end");
        }
        self.function_logs.stop();
        if self.function_logs.join(TASKS_LIMIT).await.is_err() {
            warn!("what functions wrote last is lost: the store takes too long");
        }
        self.sandboxes.stop();
        if self.sandboxes.join(SANDBOX_LIMIT).await.is_err() {
            warn!("the spawner does not end");
        }
        if self.world.physical().timeout(TASKS_LIMIT, self.state.close()).await.is_err() {
            warn!("the store does not close");
        }
        self.dialled.stop();
        if let Err(unfinished) = self.dialled.join(TASKS_LIMIT).await {
            warn!(connections = unfinished.0, "connections to other servers do not end");
        }
    }
}

/// A client for what the server itself dials.
pub fn outbound(policy: Policy, tasks: &TaskGroup, world: &World) -> Result<Outbound> {
    let mut roots = Roots::system();
    if let Some(file) = std::env::var_os("AWS_CA_BUNDLE").filter(|file| !file.is_empty()) {
        roots = roots.and_file(Path::new(&file)).context("AWS_CA_BUNDLE")?;
    }
    Ok(Outbound::new(OutboundDeps {
        policy,
        roots,
        resolver: Arc::new(SystemResolver),
        tasks: tasks.clone(),
        world: world.clone(),
    }))
}

fn worker_options(folder: &DataFolder, port: u16, network: &Network) -> WorkerOptions {
    WorkerOptions {
        data: folder.path().to_owned(),
        endpoint_ports: endpoint_ports(port),
        host_ports: network.host_ports.clone(),
        environments_max: ENVIRONMENTS_MAX,
        memory_reserve: MEMORY_RESERVE,
        places: Places::of_this_process(),
    }
}

fn lambda_options(options: &Options) -> hearth_service_lambda::Options {
    hearth_service_lambda::Options {
        roles_must_exist: options.callers.are_verified(),
        deprecated_runtimes: options.deprecated_runtimes,
        links_over_tls: options.tls.is_some(),
        credentials: options.credentials_renewal + CREDENTIALS_LEFT,
        concurrent_executions: options.quotas.concurrent_executions,
        code_storage_bytes: options.quotas.code_storage,
        account_quotas: options.quotas.by_account(),
        ..hearth_service_lambda::Options::default()
    }
}

fn authorise(callers: Callers) -> Arc<dyn Authorise> {
    match callers {
        Callers::Anybody => Arc::new(AllowAll),
        Callers::Root => Arc::new(RootOnly),
    }
}

fn door(
    services: Arc<Services>,
    options: &Options,
    world: &World,
    iam: &Arc<Iam>,
    sessions: Arc<Sessions>,
) -> FrontDoor {
    let door_options = hearth_aws::Options {
        account: options.account.clone(),
        hosts: options.hosts.clone(),
        accept_unknown_keys: !options.callers.are_verified(),
    };
    FrontDoor::to(services, door_options, world.clone()).with_keys(iam.keys()).with_sessions(sessions)
}

fn gate(
    folder: &DataFolder,
    door: FrontDoor,
    lambda: &Arc<Lambda>,
    garbage: Garbage,
    worker: &Arc<dyn Worker>,
    options: &Options,
) -> Gate {
    let counts = Arc::new(Counts::default());
    Gate {
        door,
        lambda: lambda.clone(),
        own: Own {
            instance: folder.instance().to_owned(),
            token: folder.token().to_owned(),
            garbage,
            counts: counts.clone(),
            worker: worker.clone(),
            readiness: options.readiness.clone(),
            reset: options.reset.clone(),
        },
        counts,
        callers: options.callers,
    }
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
