//! `hearth serve`: serves AWS clients over the network until it is told to stop.
//!
//! ```text
//! root   options ─▶ isolation ─▶ user ─▶ certificate's files ─▶ port ─▶ data folder ─▶ spawner, confined
//! user   ─▶ no privilege ─▶ runtime ─▶ server ─▶ root's key, once ─▶ "ready ..." ─▶ SIGTERM ─▶ drain ─▶ end
//! ```
//!
//! Never: reads the network as root; starts with less than full isolation; prints root's key twice.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use hearth_outbound::{Network, Policy};
use hearth_sandbox::{Confinement, Connection, POOL_DEFAULT};
use hearth_worker::sandbox::Launcher;
use hearth_worker::{Places, Runtimes};
use hearth_world::{TaskGroup, Timestamp, World};

use crate::cli::{account, age, credentials_age, duration};
use crate::commands::running::{self, Signals, Start, cannot_listen, reachable};
use crate::commands::runtimes::DeprecatedRuntimes;
use crate::data_folder::DataFolder;
use crate::exit::Exit;
use crate::front::{self, is_loopback};
use crate::init::{Place, Plan, Readiness};
use crate::privileges::User;
use crate::served_folder;
use crate::server::{self, Callers, Server};
use crate::tls::{self, AUTHORITY_FILE, Certificate};
use crate::{init, network, quotas, settings, state};

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth serve --host lambda.example.com
  hearth serve --host lambda.example.com --tls-cert chain.pem --tls-key key.pem --listen 0.0.0.0:443
  hearth serve --no-tls --listen 127.0.0.1:4566     (behind a proxy on this machine)

Every option is also a variable (HEARTH_LISTEN) and a line under [serve] in hearth.toml: `hearth config serve`
shows them. The first start prints the root access key of the account, once.
Signals: SIGTERM or Ctrl-C finishes running calls, for as long as --drain; a second one ends at once.
SIGHUP reads the certificate's files again.";

/// Where the data folder is when nobody says: the server's user must reach it.
const DATA: &str = "/var/lib/hearth";

/// What a caller is told who is neither root nor asks who he is.
const NOTE: &str = "policies are not evaluated yet: only the root access key may call";

/// Options of `hearth serve`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Address and port; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:4566")]
    listen: SocketAddr,
    /// Data folder; everything on the way to it must be open to --user
    #[arg(long, value_name = "DIR", env = "HEARTH_DATA", default_value = DATA)]
    data: PathBuf,
    /// User that the server runs as, by name or number [default: hearth, else a number of the data folder's own]
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The account that is served
    #[arg(long, value_name = "ID", default_value = "000000000000", value_parser = account)]
    account: String,
    /// Name or address by which clients call this server; may be given more than once
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Certificate in PEM, with those it is signed by [default: one by an authority of the server's own]
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key in PEM; --user must be able to read it
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Plain HTTP, on loopback alone: something else on this machine speaks TLS
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    no_tls: bool,
    /// How long running calls may take after the first signal, like 30s or 2m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    drain: Duration,
    /// How long a package stays on disk that no function needs: 30s, 10m, 2h, 1d
    #[arg(long, value_name = "AGE", default_value = "15m", value_parser = age)]
    garbage_grace: u64,
    /// Age at which a function's credentials give way to new ones, in new environments: at most 11h, and they hold an
    /// hour longer
    #[arg(long, value_name = "AGE", default_value = "11h", value_parser = credentials_age)]
    credentials_renewal: u64,
    /// What becomes of functions past AWS's dates for their runtime: when made (the first date), when changed (the second)
    #[arg(long, value_name = "RULE", value_enum, default_value_t = DeprecatedRuntimes::Allow)]
    deprecated_runtimes: DeprecatedRuntimes,
    /// Places made ahead for sandboxes: network namespace, user number, control groups, /tmp
    #[arg(long, value_name = "N", default_value_t = POOL_DEFAULT)]
    places: u32,
    /// Network whose addresses the server itself may dial (a store of packages, endpoints that callers name) although
    /// they are not public, like 10.1.0.0/16; may be given more than once
    #[arg(long, value_name = "CIDR")]
    allow_outbound: Vec<Network>,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: network::Options,
    #[command(flatten)]
    state: state::Options,
    #[command(flatten)]
    quotas: quotas::Options,
    #[command(flatten)]
    init: init::Options,
    /// Give the seed and the scripts of --init temporary keys of the account's root, good for --init-timeout
    #[arg(long)]
    init_as_root: bool,
    #[command(flatten)]
    settings: settings::Options,
}

/// What is made as root.
struct Prepared {
    folder: DataFolder,
    user: User,
    certificate: Option<Arc<Certificate>>,
    listener: std::net::TcpListener,
    spawner: Connection,
    network: server::Network,
}

/// Runs the command.
pub fn run(arguments: Arguments, started: Instant) -> Result<Exit> {
    check(&arguments)?;
    let world = World::real();
    let prepared = prepare(&arguments, &world)?;
    // With the rights of who will run it: what that user cannot read is told now.
    let plan = prepared.user.as_user(|| arguments.init.plan())?;

    // Not before: the spawner and what it starts keep the limits of who started us.
    front::raise_descriptors();
    prepared.user.become_it()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let served = runtime.block_on(serve(arguments, prepared, &plan, world, started));
    // What is still running after the drain must not hold the process up.
    runtime.shutdown_background();
    served?;
    Ok(Exit::Done)
}

fn check(arguments: &Arguments) -> Result<()> {
    arguments.state.check()?;
    if !rustix::process::geteuid().is_root() {
        bail!("start it as root: it makes the sandboxes' spawner, then runs as --user without privilege");
    }
    if arguments.init.seed.is_some() && !arguments.init_as_root {
        bail!("--seed makes things, and only the account's root may: add --init-as-root if that is meant");
    }
    if arguments.tls_cert.is_some() != arguments.tls_key.is_some() {
        bail!("--tls-cert and --tls-key go together: name both");
    }
    if arguments.no_tls && !is_loopback(&arguments.listen) {
        bail!(
            "{} can be reached from other machines: without TLS the server listens on loopback alone \
             (--listen 127.0.0.1:PORT)",
            arguments.listen
        );
    }
    let missing = hearth_sandbox::missing_for_full();
    if missing.is_empty() {
        return Ok(());
    }
    let mut text = String::from("the isolation of this machine is not full:");
    for check in &missing {
        let remedy = check.remedy.as_deref().unwrap_or("see `hearth doctor`");
        let _ = write!(text, " {}: {} ({remedy});", check.name, check.detail);
    }
    bail!("{}", text.trim_end_matches(';'))
}

/// All that takes root, in an order in which what is wrong is told before anything is open to others.
fn prepare(arguments: &Arguments, world: &World) -> Result<Prepared> {
    let now = world.physical().now();
    let (folder, user, listener) =
        served_folder::open(&arguments.data, arguments.user.as_deref(), world, |user| {
            if let Some(files) = files(arguments) {
                certificate_of(files, user, now)?;
            }
            std::net::TcpListener::bind(arguments.listen)
                .map_err(|error| cannot_listen(arguments.listen, &error))
        })?;
    let source = source(arguments, &folder);
    let certificate = source.map(|source| certificate_of(source, &user, now)).transpose()?;
    listener.set_nonblocking(true).context("prepare the listener")?;
    let port = listener.local_addr().context("read the listener's address")?.port();
    // Interpreters that the server's user cannot find are none to it.
    let runtimes = Runtimes::new(Places::of_this_process(), folder.join("runtimes"));
    let sources = user.as_user(|| Ok(runtimes.sources()))?;
    let confinement = Confinement { folder: folder.path().to_owned(), sources };
    let network = arguments.network.reachable(port)?;
    let launch = server::launcher(&folder, arguments.places, port, &network, Some(confinement));
    let spawner = launch().map_err(anyhow::Error::msg)?;
    Ok(Prepared { folder, user, certificate, listener, spawner, network })
}

fn certificate_of(source: tls::Source, user: &User, now: Timestamp) -> Result<Arc<Certificate>> {
    user.as_user(|| Certificate::new(source, now))
        .with_context(|| format!("TLS cannot be spoken (what is read is read as user {})", user.uid()))
}

/// The operator's own certificate.
fn files(arguments: &Arguments) -> Option<tls::Source> {
    let (certificate, key) = arguments.tls_cert.clone().zip(arguments.tls_key.clone())?;
    Some(tls::Source::Files { certificate, key })
}

fn source(arguments: &Arguments, folder: &DataFolder) -> Option<tls::Source> {
    if arguments.no_tls {
        return None;
    }
    if let Some(files) = files(arguments) {
        return Some(files);
    }
    let mut names =
        vec!["localhost".to_owned(), "*.localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(host_name());
    if !arguments.listen.ip().is_unspecified() {
        names.push(arguments.listen.ip().to_canonical().to_string());
    }
    names.extend(arguments.hosts.iter().cloned());
    names.sort();
    names.dedup();
    Some(tls::Source::Own { folder: folder.join("tls"), names })
}

/// What this machine calls itself, if that is a name.
fn host_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

async fn serve(
    arguments: Arguments,
    prepared: Prepared,
    plan: &Plan,
    world: World,
    started: Instant,
) -> Result<()> {
    let Prepared { folder, certificate, listener, spawner, network, .. } = prepared;
    let listener = TcpListener::from_std(listener).context("prepare the listener")?;
    let died = Arc::new(Notify::new());
    let mut hosts = arguments.hosts.clone();
    hosts.extend(host_name());
    let readiness = Arc::new(Readiness::new(plan.steps()));
    let options = server::Options {
        quotas: arguments.quotas.clone(),
        readiness: readiness.clone(),
        reset: None,
        account: arguments.account.clone(),
        state: arguments.state.clone(),
        garbage_grace: Duration::from_secs(arguments.garbage_grace),
        credentials_renewal: Duration::from_secs(arguments.credentials_renewal),
        network,
        callers: Callers::Root,
        hosts,
        tls: certificate.as_ref().map(Certificate::server).transpose()?,
        deprecated_runtimes: arguments.deprecated_runtimes.into(),
        outbound: Policy::public(arguments.allow_outbound.clone()),
    };
    let server =
        Server::start(&folder, spawner, no_launcher(died.clone()), listener, options, world.clone()).await?;
    let tasks = TaskGroup::new();
    if let Some(certificate) = &certificate {
        tls::keep_fresh(certificate.clone(), &world, &tasks)?;
    }
    if let Some((id, secret)) = server.root_key().await? {
        running::announce(&key_line(&arguments, &id, &secret))?;
    }
    let authority = certificate.filter(|certificate| certificate.is_own());
    let authority = authority.map(|_| folder.join("tls").join(AUTHORITY_FILE));
    let scheme = if arguments.no_tls { "http" } else { "https" };
    let endpoint = format!("{scheme}://{}", server.address());
    let ready = || ready_lines(&arguments, &endpoint, authority.as_deref(), started.elapsed());
    let place = place(&arguments, &server, &folder, authority.clone());
    let start =
        Start { plan, options: &arguments.init, place, readiness, listener: None, ready_line: &ready };
    let lost = async move {
        died.notified().await;
        anyhow::anyhow!("the spawner died, and this process may not start another one: start it again")
    };
    let mut signals = Signals::new()?;
    let served = running::serve(server, start, arguments.drain, None, &mut signals, lost).await;
    tasks.stop();
    served.map(drop)
}

/// How the server is called at its own start: by a name of its certificate, with root's rights only when that was said.
fn place(arguments: &Arguments, server: &Server, folder: &DataFolder, authority: Option<PathBuf>) -> Place {
    let address = reachable(server.address());
    let scheme = if arguments.no_tls { "http" } else { "https" };
    let named = arguments.hosts.first().filter(|_| !arguments.no_tls && authority.is_none());
    let endpoint = match named {
        Some(name) => format!("{scheme}://{name}:{}", address.port()),
        None => format!("{scheme}://{address}"),
    };
    // An operator's certificate may be signed by an authority that only the operator's programs know.
    let bundle = || std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from);
    Place {
        endpoint,
        authority: authority.or_else(bundle),
        account: arguments.account.clone(),
        data: folder.path().to_owned(),
        key: arguments.init_as_root.then(|| server.root_session(arguments.init.init_timeout)),
        any_key: false,
    }
}

/// The process has no privilege left to launch a spawner with: it says so and ends.
fn no_launcher(died: Arc<Notify>) -> Launcher {
    Arc::new(move || {
        died.notify_one();
        Err("this process gave its privilege up".to_owned())
    })
}

fn key_line(arguments: &Arguments, id: &str, secret: &str) -> String {
    if arguments.json {
        let key = json!({ "Account": arguments.account, "AccessKeyId": id, "SecretAccessKey": secret });
        return json!({ "RootAccessKey": key }).to_string();
    }
    format!("root access key of account {}, shown this once: {id} {secret}", arguments.account)
}

fn ready_lines(
    arguments: &Arguments,
    endpoint: &str,
    authority: Option<&std::path::Path>,
    taken: Duration,
) -> String {
    let millis = taken.as_millis();
    if arguments.json {
        let authority = authority.map(|path| path.display().to_string());
        let ready = json!({ "Endpoint": endpoint, "CertificateAuthority": authority, "Milliseconds": millis, "Note": NOTE });
        return json!({ "Ready": ready }).to_string();
    }
    let trust = authority.map(|path| format!("clients trust {} (AWS_CA_BUNDLE)\n", path.display()));
    format!("note: {NOTE}\n{}ready {endpoint} in {millis} ms", trust.unwrap_or_default())
}
