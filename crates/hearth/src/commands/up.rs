//! `hearth up`: serves AWS clients on this machine until it is told to stop.
//!
//! ```text
//! options ─▶ data folder ─▶ spawner ─▶ runtime ─▶ server ─▶ "ready ..." ─▶ Ctrl-C or SIGTERM ─▶ drain ─▶ end
//! ```
//!
//! Never: starts a thread before the spawner runs; makes anything before its options are checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::net::TcpListener;
use tracing::warn;

use hearth_outbound::Policy;
use hearth_sandbox::POOL_DEFAULT;
use hearth_world::World;

use crate::cli::{account, age};
use crate::commands::running;
use crate::commands::runtimes::DeprecatedRuntimes;
use crate::data_folder::{self, DataFolder};
use crate::exit::Exit;
use crate::front::{self, is_loopback};
use crate::server::{self, Callers, Server};
use crate::{network, state};

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth up
  hearth up --listen 127.0.0.1:0 --ephemeral
  hearth up --data ./state --account 123456789012
  HEARTH_STORE=postgres://hearth@db/hearth hearth up --blobs /mnt/packages

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
    /// What becomes of new functions whose runtime is past AWS's date for new functions
    #[arg(long, value_name = "RULE", value_enum, default_value_t = DeprecatedRuntimes::Allow)]
    deprecated_runtimes: DeprecatedRuntimes,
    /// How long a package stays on disk that no function needs: 30s, 10m, 2h, 1d
    #[arg(long, value_name = "AGE", default_value = "15m", value_parser = age)]
    garbage_grace: u64,
    /// Places made ahead for sandboxes: network namespace, user number, control groups, /tmp
    #[arg(long, value_name = "N", default_value_t = POOL_DEFAULT)]
    places: u32,
    /// Environments started ahead of their first call; not built yet, so only 0
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=0))]
    pool: u32,
    #[command(flatten)]
    network: network::Options,
    #[command(flatten)]
    state: state::Options,
}

/// Runs the command.
pub fn run(arguments: Arguments, started: Instant) -> Result<Exit> {
    check(&arguments)?;
    let world = World::real();
    // Bound before anything is made: an address in use leaves no trace.
    let listener = std::net::TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    listener.set_nonblocking(true).context("prepare the listener")?;
    let folder = open_folder(&arguments, &world)?;
    let port = listener.local_addr().context("read the listener's address")?.port();
    let network = arguments.network.reachable(port)?;
    let launcher = server::launcher(&folder, arguments.places, port, &network, None);
    let spawner = launcher().map_err(anyhow::Error::msg)?;
    // Not before: the spawner and what it starts keep the limits of who started us.
    front::raise_descriptors();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let served = runtime.block_on(async {
        let listener = TcpListener::from_std(listener).context("prepare the listener")?;
        let options = server::Options {
            account: arguments.account,
            network,
            state: arguments.state,
            garbage_grace: Duration::from_secs(arguments.garbage_grace),
            callers: Callers::Anybody,
            hosts: Vec::new(),
            tls: None,
            deprecated_runtimes: arguments.deprecated_runtimes.into(),
            // Whoever may call here owns the machine.
            outbound: Policy::open(),
        };
        let server = Server::start(&folder, spawner, launcher, listener, options, world).await?;
        let ready = format!("ready http://{} in {} ms", server.address(), started.elapsed().as_millis());
        // Another spawner is launched when one dies: nothing but a signal ends the server.
        running::serve(server, &ready, DRAIN, std::future::pending()).await
    });
    // What is still running after the drain must not hold the process up.
    runtime.shutdown_background();
    let closed = folder.close();
    served?;
    closed?;
    Ok(Exit::Done)
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
