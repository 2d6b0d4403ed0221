//! `hearth reset`: removes everything that Hearth remembers, of a running `up` or of a folder at rest.
//!
//! ```text
//! the folder's lock is free ─▶ taken ─▶ wiped
//!                  is held ──▶ POST /_hearth/reset ─▶ waits until the server has begun anew
//! ```

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use http::Method;
use serde_json::json;

use hearth_world::World;

use crate::cli::Target;
use crate::client::Client;
use crate::commands::{block_on, print};
use crate::data_folder;
use crate::exit::Exit;
use crate::folder_lock::{InUse, Lock};
use crate::privileges::User;
use crate::{folder_names, reset, state};

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth reset
  hearth reset --yes --data ./state
  hearth reset --yes --including-served --data /var/lib/hearth

Functions, packages, logs, roles and keys go; running functions end. What was fetched for runtimes stays, and so does
every file that is not Hearth's. A running server begins anew at the same port, with its seed and scripts. What a
server had elsewhere (--store, --blobs) is not removed: the folder of such a server is refused.";

/// How long a running server may take to begin anew.
const RESET_LIMIT: Duration = Duration::from_secs(60);

/// Between two looks at it.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Options of `hearth reset`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Also a folder of `hearth serve`, whose server must be stopped: its root key is made anew at the next start
    #[arg(long)]
    including_served: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit> {
    let data = arguments.target.data.clone().map_or_else(data_folder::default_path, Ok)?;
    let found = std::fs::metadata(&data);
    let found = found.with_context(|| format!("there is no data folder {}", data.display()))?;
    folder_names::check(&data)?;
    ensure!(data.join("instance").is_file(), "{} is no data folder: no server ever used it", data.display());
    let is_served = data_folder::is_served(&found);
    if is_served && !arguments.including_served {
        bail!("{} belongs to `hearth serve`: add --including-served if that is meant", data.display());
    }
    let is_root = rustix::process::geteuid().is_root();
    // Root does not follow the links that a server without privilege may have left.
    let user = if is_served && is_root { Some(User::of_served(&data)?) } else { None };
    let taken = match &user {
        Some(user) => user.as_user(|| Lock::take(&data)),
        None => Lock::take(&data),
    };
    let lock = match taken {
        Ok(lock) => lock,
        Err(error) if !error.is::<InUse>() => return Err(error),
        Err(_) if is_served => bail!("the server of {} runs: stop it first", data.display()),
        Err(_) => {
            agree(&arguments, &data, "its server begins anew")?;
            block_on(ask(&arguments.target))?;
            return told(&arguments, &data, true);
        }
    };
    let elsewhere = state::elsewhere(&data)?;
    if !elsewhere.is_empty() {
        let (data, options) = (data.display(), elsewhere.join(" and "));
        bail!(
            "{data}: its server had {options}: what lies there is not removed, so nothing is removed here either"
        );
    }
    agree(&arguments, &data, "no server uses it now")?;
    match &user {
        Some(user) => reset::wipe_served(&data, user)?,
        None => reset::wipe(&data)?,
    }
    drop(lock);
    told(&arguments, &data, false)
}

fn told(arguments: &Arguments, data: &Path, running: bool) -> Result<Exit> {
    print(&if arguments.json {
        json!({ "Folder": data, "ServerBeganAnew": running }).to_string()
    } else {
        format!("{}: everything that Hearth remembered is removed", data.display())
    })?;
    Ok(Exit::Done)
}

/// Asks the person, who must be there.
fn agree(arguments: &Arguments, data: &Path, state: &str) -> Result<()> {
    if arguments.yes {
        return Ok(());
    }
    let question = format!("Remove everything that Hearth remembers in {} ({state})?", data.display());
    ensure!(std::io::stdin().is_terminal(), "{question} Nobody is there to ask: add --yes if that is meant");
    eprint!("{question} [y/N] ");
    std::io::stderr().flush().context("ask")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("read the answer")?;
    ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was removed");
    Ok(())
}

/// Lets a running server begin anew, and waits until it has.
async fn ask(target: &Target) -> Result<()> {
    let client = Client::new(target.clone())?;
    let asked = client.own(Method::POST, "/_hearth/reset").await?;
    let before = asked["resets"].as_u64().unwrap_or_default();
    let world = World::real();
    let clock = world.physical();
    let deadline = clock.now().after(RESET_LIMIT);
    loop {
        let left = deadline.since(clock.now());
        ensure!(!left.is_zero(), "the server has not begun anew after {RESET_LIMIT:?}: see what it says");
        // While it begins anew, a connection waits, or is cut.
        match clock.timeout(left, client.own(Method::GET, "/_hearth/health")).await {
            Ok(Ok(health)) if health["resets"].as_u64() > Some(before) => return Ok(()),
            // Its socket listens all the time: nobody has it any more.
            Ok(Err(error)) if error.to_string().contains("Connection refused") => {
                bail!("the server ended while it began anew: see what it says");
            }
            _ => {}
        }
        clock.sleep(LOOK_AGAIN).await;
    }
}
