//! `hearth up`: serves AWS clients on this machine until it is told to stop.
//!
//! ```text
//! options ─▶ data folder ─▶ spawner ─▶ runtime ─▶ server ─▶ "ready ..." ─▶ Ctrl-C or SIGTERM ─▶ drain ─▶ end
//! ```
//!
//! Never: starts a thread before the spawner runs; makes anything before its options are checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::net::TcpListener;
use tracing::{info, warn};

use hearth_outbound::Policy;
use hearth_sandbox::{Connection, POOL_DEFAULT};
use hearth_worker::sandbox::Launcher;
use hearth_world::World;

use crate::cli::{account, age, credentials_age};
use crate::commands::running::{self, Ended, Signals, Start, cannot_listen, reachable};
use crate::commands::runtimes::DeprecatedRuntimes;
use crate::data_folder::{self, DataFolder};
use crate::exit::Exit;
use crate::front::{self, is_loopback};
use crate::init::{Place, Plan, Readiness};
use crate::reset::{self, Reset};
use crate::server::{self, Callers, Network, Server};
use crate::{init, network, quotas, settings, state};

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth up
  hearth up --listen 127.0.0.1:0 --ephemeral
  hearth up --data ./state --account 123456789012
  hearth up --init ./init --seed seed.toml
  HEARTH_STORE=postgres://hearth@db/hearth hearth up --blobs /mnt/packages

Every option is also a variable (HEARTH_LISTEN) and a line under [up] in hearth.toml: `hearth config` shows them.

Signals: Ctrl-C or SIGTERM finishes running calls, for 10 s at most; a second one ends at once.";

/// How long running calls may take after the first signal.
const DRAIN: Duration = Duration::from_secs(10);

/// Options of `hearth up`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Address and port; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4566")]
    listen: SocketAddr,
    /// Data folder [default: ~/.local/share/hearth]
    #[arg(long, value_name = "DIR", env = "HEARTH_DATA", conflicts_with = "ephemeral")]
    data: Option<PathBuf>,
    /// Keep everything in a temporary folder and remove it at the end
    #[arg(long)]
    ephemeral: bool,
    /// Account of access keys that are not 12 digits themselves
    #[arg(long, value_name = "ID", default_value = "000000000000", value_parser = account)]
    account: String,
    /// Let --listen name an address that others reach: whoever reaches it can run code here
    #[arg(long)]
    trust_network: bool,
    /// What becomes of functions past AWS's dates for their runtime: when made (the first date), when changed (the second)
    #[arg(long, value_name = "RULE", value_enum, default_value_t = DeprecatedRuntimes::Allow)]
    deprecated_runtimes: DeprecatedRuntimes,
    /// How long a package stays on disk that no function needs: 30s, 10m, 2h, 1d
    #[arg(long, value_name = "AGE", default_value = "15m", value_parser = age)]
    garbage_grace: u64,
    /// Age at which a function's credentials give way to new ones, in new environments: at most 11h, and they hold an
    /// hour longer
    #[arg(long, value_name = "AGE", default_value = "11h", value_parser = credentials_age)]
    credentials_renewal: u64,
    /// Places made ahead for sandboxes: network namespace, user number, control groups, /tmp
    #[arg(long, value_name = "N", default_value_t = POOL_DEFAULT)]
    places: u32,
    #[command(flatten)]
    network: network::Options,
    #[command(flatten)]
    state: state::Options,
    #[command(flatten)]
    quotas: quotas::Options,
    #[command(flatten)]
    init: init::Options,
    #[command(flatten)]
    settings: settings::Options,
}

/// Runs the command.
pub fn run(arguments: Arguments, started: Instant) -> Result<Exit> {
    check(&arguments)?;
    let plan = arguments.init.plan()?;
    let world = World::real();
    // Bound before anything is made: an address in use leaves no trace.
    let listener = std::net::TcpListener::bind(arguments.listen)
        .map_err(|error| cannot_listen(arguments.listen, &error))?;
    listener.set_nonblocking(true).context("prepare the listener")?;
    let folder = open_folder(&arguments, &world)?;
    let port = listener.local_addr().context("read the listener's address")?.port();
    let network = arguments.network.reachable(port)?;
    let launcher = server::launcher(&folder, arguments.places, port, &network, None);
    let spawner = launcher().map_err(anyhow::Error::msg)?;
    // Not before: the spawner and what it starts keep the limits of who started us.
    front::raise_descriptors();
    say_level();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let up = Up { arguments, plan, folder, launcher, network, world };
    let served = runtime.block_on(up.serve(listener, spawner, started));
    // What is still running after the drain must not hold the process up.
    runtime.shutdown_background();
    let closed = up.folder.close();
    served?;
    closed?;
    Ok(Exit::Done)
}

/// What stays from one reset to the next.
struct Up {
    arguments: Arguments,
    plan: Plan,
    folder: DataFolder,
    launcher: Launcher,
    network: Network,
    world: World,
}

impl Up {
    /// Serves until a signal comes; begins anew, with nothing remembered, when that is asked for.
    async fn serve(
        &self,
        mut listener: std::net::TcpListener,
        mut spawner: Connection,
        mut started: Instant,
    ) -> Result<()> {
        let reset = self.arguments.state.is_own().then(Arc::<Reset>::default);
        let mut signals = None;
        loop {
            // The socket listens through a reset: who calls meanwhile waits in its queue.
            listener = match self.once(listener, spawner, started, reset.as_ref(), &mut signals).await? {
                Ended::Reset(Some(listener)) => listener,
                Ended::Reset(None) | Ended::Stopped => return Ok(()),
            };
            started = Instant::now();
            reset::wipe(self.folder.path()).context("remove what is remembered")?;
            // One that comes later is seen by the server that is made now.
            if signals.as_mut().is_some_and(Signals::have_come) {
                return Ok(());
            }
            let launcher = self.launcher.clone();
            let launched = tokio::task::spawn_blocking(move || launcher()).await;
            spawner = launched.context("launch the spawner")?.map_err(anyhow::Error::msg)?;
            if let Some(reset) = &reset {
                reset.done();
            }
        }
    }

    async fn once(
        &self,
        kept: std::net::TcpListener,
        spawner: Connection,
        started: Instant,
        reset: Option<&Arc<Reset>>,
        signals: &mut Option<Signals>,
    ) -> Result<Ended> {
        let listener = kept.try_clone().and_then(TcpListener::from_std);
        let arguments = &self.arguments;
        let readiness = Arc::new(Readiness::new(self.plan.steps()));
        let options = server::Options {
            account: arguments.account.clone(),
            network: self.network.clone(),
            state: arguments.state.clone(),
            garbage_grace: Duration::from_secs(arguments.garbage_grace),
            credentials_renewal: Duration::from_secs(arguments.credentials_renewal),
            callers: Callers::Anybody,
            hosts: Vec::new(),
            tls: None,
            deprecated_runtimes: arguments.deprecated_runtimes.into(),
            // Whoever may call here owns the machine.
            outbound: Policy::open(),
            quotas: arguments.quotas.clone(),
            readiness: readiness.clone(),
            reset: reset.cloned(),
        };
        let (launcher, world) = (self.launcher.clone(), self.world.clone());
        let listener = listener.context("prepare the listener")?;
        let server = Server::start(&self.folder, spawner, launcher, listener, options, world).await?;
        let address = server.address();
        let place = Place {
            endpoint: format!("http://{}", reachable(address)),
            authority: None,
            account: arguments.account.clone(),
            data: self.folder.path().to_owned(),
            key: None,
            any_key: true,
        };
        let ready_line = || format!("ready http://{address} in {} ms", started.elapsed().as_millis());
        let start = Start {
            plan: &self.plan,
            options: &arguments.init,
            place,
            readiness,
            listener: Some(kept),
            ready_line: &ready_line,
        };
        // Not before: while the first server is made, a signal ends the process by itself.
        let signals = match signals {
            Some(signals) => signals,
            None => signals.insert(Signals::new()?),
        };
        // Another spawner is launched when one dies: nothing but a signal ends the server.
        running::serve(server, start, DRAIN, reset.map(Arc::as_ref), signals, std::future::pending()).await
    }
}

fn check(arguments: &Arguments) -> Result<()> {
    arguments.state.check()?;
    if !rustix::process::geteuid().is_root() {
        bail!("sandboxes need root: run hearth as root (rootless sandboxes do not exist yet)");
    }
    if !is_loopback(&arguments.listen) {
        if !arguments.trust_network {
            bail!(
                "{} can be reached from other machines, and whoever reaches it can run code here: \
                 add --trust-network if that is meant",
                arguments.listen
            );
        }
        warn!(address = %arguments.listen, "whoever reaches this address can run code on this machine");
    }
    Ok(())
}

/// Says at which level sandboxes run: full, or without which walls. `hearth doctor` tells the same, at length.
fn say_level() {
    let missing = hearth_sandbox::missing_walls();
    if missing.is_empty() {
        info!(isolation = "full", "sandboxes are ready to be made");
    }
    for check in missing {
        let (wall, detail) = (check.name, check.detail);
        let remedy = check.remedy.unwrap_or_default();
        warn!(isolation = "degraded", wall, detail, remedy, "sandboxes run without it");
    }
}

fn open_folder(arguments: &Arguments, world: &World) -> Result<DataFolder> {
    if arguments.ephemeral {
        for folder in DataFolder::abandoned(world) {
            remove(folder);
        }
        return DataFolder::ephemeral(world);
    }
    let path = arguments.data.clone().map_or_else(data_folder::default_path, Ok)?;
    DataFolder::open(&path, world)
}

/// Removes what a killed ephemeral server left. Only a loss of room, so no reason not to start.
fn remove(folder: DataFolder) {
    let path = folder.path().to_owned();
    let cleaned =
        hearth_sandbox::clean_up(folder.instance(), &folder.join("run")).map_err(anyhow::Error::msg);
    if let Err(error) = cleaned.and_then(|()| folder.close()) {
        warn!(error = format!("{error:#}"), folder = %path.display(), "an abandoned ephemeral folder stays");
    }
}
