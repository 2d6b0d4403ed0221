//! A running server: every part made, connected, and ended in order.
//!
//! ```text
//! start  store ─▶ blobs ─▶ sandbox ─▶ worker ─▶ services ─▶ front door ─▶ gate ─▶ listener
//! stop   connections (calls finish) ─▶ worker (environments end) ─▶ services ─▶ sandbox, spawner ─▶ store
//! ```
//!
//! Each row has a task group of its own, because it must outlive those before it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tracing::warn;

use hearth_aws::{AllowAll, FrontDoor};
use hearth_sandbox::{Connection, Spawner};
use hearth_service_iam::Iam;
use hearth_service_lambda::{Deprecated, Lambda, LambdaDeps};
use hearth_store::{Blobs, SqliteStore};
use hearth_worker::sandbox::Launcher;
use hearth_worker::{
    ENVIRONMENTS_MAX, LinuxSandbox, LocalWorker, Places, Worker, WorkerDeps, WorkerOptions, sandbox_sockets,
};
use hearth_world::{TaskGroup, World};

use crate::code_source::LocalCode;
use crate::counts::Counts;
use crate::data_folder::DataFolder;
use crate::front;
use crate::gate::{Gate, SandboxEndpoint};
use crate::keys::RoleSessions;
use crate::own::Own;
use crate::services;

/// How long environments may take to end once their calls are over.
const WORKER_LIMIT: Duration = Duration::from_secs(5);

/// How long each group of tasks may take to end once it is told to.
const TASKS_LIMIT: Duration = Duration::from_secs(5);

/// How long the spawner may take to give everything back: it has 8 s itself.
const SANDBOX_LIMIT: Duration = Duration::from_secs(12);

/// The port of local AWS stacks, which functions may name without asking their environment.
const USUAL_PORT: u16 = 4566;

/// What `hearth up` sets.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account of access keys that name none.
    pub account: String,
    /// What becomes of new functions whose runtime is past AWS's date.
    pub deprecated_runtimes: Deprecated,
}

/// See the module.
pub struct Server {
    address: SocketAddr,
    store: Arc<SqliteStore>,
    worker: Arc<dyn Worker>,
    world: World,
    connections: TaskGroup,
    work: TaskGroup,
    sandboxes: TaskGroup,
}

/// Where functions find the AWS endpoint: at the listener's own port, which is announced, and at the usual one.
fn endpoint_ports(port: u16) -> Vec<u16> {
    if port == USUAL_PORT { vec![port] } else { vec![port, USUAL_PORT] }
}

/// Launches spawners for a data folder: the first before the runtime, others when one died.
pub fn launcher(folder: &DataFolder, places: u32, port: u16) -> Launcher {
    let options = hearth_sandbox::Options {
        pool: places,
        // The places made ahead have the sockets that every environment asks for.
        listen: sandbox_sockets(&endpoint_ports(port)),
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
        let address = listener.local_addr().context("read the listener's address")?;
        let store = Arc::new(SqliteStore::open(&folder.join("hearth.db"), &world)?);
        let blobs = Blobs::local(&folder.join("blobs"))?;
        let endpoint = Arc::new(SandboxEndpoint::new(world.physical().clone(), connections.stop_signal()));
        let deps = WorkerDeps {
            code: Arc::new(LocalCode(blobs.clone())),
            endpoint: endpoint.clone(),
            sandbox: Arc::new(LinuxSandbox::new(spawner, launcher, &sandboxes)),
            world: world.clone(),
        };
        let worker_options = WorkerOptions {
            data: folder.path().to_owned(),
            endpoint_ports: endpoint_ports(address.port()),
            environments_max: ENVIRONMENTS_MAX,
            places: Places::of_this_process(),
        };
        let worker: Arc<dyn Worker> = Arc::new(LocalWorker::new(deps, worker_options));
        let lambda = Lambda::open(LambdaDeps {
            store: store.clone(),
            blobs,
            worker: worker.clone(),
            world: world.clone(),
            tasks: work.clone(),
            options: hearth_service_lambda::Options {
                deprecated_runtimes: options.deprecated_runtimes,
                ..Default::default()
            },
        });
        let iam = Iam::open(store.clone(), world.clone());
        let gate = Arc::new(gate(folder, &options, &world, &connections, &lambda, &iam));
        endpoint.open(gate.clone());
        front::spawn(listener, gate, world.physical().clone(), &connections);
        Ok(Self { address, store, worker, world, connections, work, sandboxes })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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
        self.sandboxes.stop();
        if self.sandboxes.join(SANDBOX_LIMIT).await.is_err() {
            warn!("the spawner does not end");
        }
        if self.world.physical().timeout(TASKS_LIMIT, self.store.close()).await.is_err() {
            warn!("the store does not close");
        }
    }
}

fn gate(
    folder: &DataFolder,
    options: &Options,
    world: &World,
    connections: &TaskGroup,
    lambda: &Arc<Lambda>,
    iam: &Arc<Iam>,
) -> Gate {
    let counts = Arc::new(Counts::default());
    let door_options = hearth_aws::Options { account: options.account.clone(), ..Default::default() };
    Gate {
        door: FrontDoor::new(services::all(lambda, iam), door_options, world.clone(), Arc::new(AllowAll))
            .with_keys(Arc::new(RoleSessions(lambda.clone()))),
        lambda: lambda.clone(),
        own: Own {
            instance: folder.instance().to_owned(),
            token: folder.token().to_owned(),
            account: options.account.clone(),
            logs: lambda.logs().clone(),
            counts: counts.clone(),
            stop: connections.stop_signal(),
        },
        counts,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
