//! `hearth env list`: the execution environments that are there now.

use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use hearth_world::{Timestamp, World};
use http::Method;
use serde_json::Value;

use crate::cli::Target;
use crate::client::Client;
use crate::commands::{block_on, print};
use crate::exit::Exit;
use crate::table::{size, span, table};

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth env list
  hearth env list --json
  hearth env list --data /var/lib/hearth --endpoint https://lambda.example.com:4566

PROCESS and USER are numbers of the server's machine; MEMORY is what the environment's processes hold now.";

/// Options of `hearth env`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List them, oldest first
    #[command(after_help = EXAMPLES)]
    List(List),
}

/// Options of `hearth env list`.
#[derive(Args, Debug)]
struct List {
    /// Print one JSON array, sizes in bytes
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit> {
    let Command::List(List { json, target }) = arguments.command;
    let client = Client::new(target)?;
    let answer = block_on(client.own(Method::GET, "/_hearth/environments"))?;
    let environments = answer["environments"].as_array().map(Vec::as_slice).unwrap_or_default();
    if json {
        print(&Value::from(environments).to_string())?;
        return Ok(Exit::Done);
    }
    let now = World::real().physical().now();
    let rows: Vec<Vec<String>> = environments.iter().map(|environment| row(environment, now)).collect();
    let headings =
        ["ID", "FUNCTION", "VERSION", "STATE", "AGE", "CALLS", "MEMORY", "PEAK", "LIMIT", "PROCESS", "USER"];
    print(&if rows.is_empty() {
        "no environments: the first call of a function makes one".to_owned()
    } else {
        table(&headings, &rows)
    })?;
    Ok(Exit::Done)
}

fn row(environment: &Value, now: Timestamp) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let text = |name: &str| or_dash(environment[name].as_str().map(str::to_owned));
    let number = |name: &str| or_dash(environment[name].as_u64().map(|number| number.to_string()));
    let bytes = |name: &str| or_dash(environment[name].as_u64().map(size));
    let started = environment["startedMillis"].as_i64().map(Timestamp::from_millis);
    let age = started.map_or(Duration::ZERO, |started| now.since(started));
    vec![
        number("id"),
        text("function"),
        text("version"),
        text("state"),
        span(age.as_secs()),
        number("invocations"),
        bytes("memoryBytes"),
        bytes("memoryPeakBytes"),
        bytes("memoryLimitBytes"),
        number("process"),
        number("user"),
    ]
}
