//! `hearth doctor`: what this machine offers for sandboxes and runtimes, and what is missing.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use hearth_sandbox::{Check, Level};

use crate::commands::{print, runtimes};
use crate::exit::Exit;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth doctor
  hearth doctor --json";

/// Options of `hearth doctor`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit> {
    let mut checks = hearth_sandbox::doctor();
    checks.push(interpreters());
    let level = Level::of(&checks);
    if arguments.json {
        print(&as_json(&checks, level))?;
    } else {
        print(&for_people(&checks, level))?;
    }
    Ok(if level == Level::None { Exit::Failed } else { Exit::Done })
}

/// What keeps this machine from full isolation, each with a remedy; empty when nothing does.
pub fn missing_for_full() -> Vec<Check> {
    hearth_sandbox::missing_for_full()
}

fn interpreters() -> Check {
    let all = runtimes::all(None);
    let found: Vec<&str> = all.iter().filter(|it| it.problem.is_none()).map(|it| it.identifier).collect();
    let detail = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    let remedy = "install a Python between 3.9 and 3.13".to_owned();
    Check {
        name: "runtimes",
        ok: !found.is_empty(),
        needed: true,
        detail,
        remedy: Some(remedy).filter(|_| found.is_empty()),
    }
}

fn as_json(checks: &[Check], level: Level) -> String {
    let entry = |check: &Check| json!({ "Name": check.name, "Ok": check.ok, "Needed": check.needed, "Detail": check.detail, "Remedy": check.remedy });
    json!({ "Level": level.name(), "Checks": checks.iter().map(entry).collect::<Vec<_>>() }).to_string()
}

fn for_people(checks: &[Check], level: Level) -> String {
    let line = |check: &Check| {
        let mark = match (check.ok, check.needed) {
            (true, _) => "ok     ",
            (false, true) => "MISSING",
            (false, false) => "LACKING",
        };
        let remedy = check.remedy.as_ref().filter(|_| !check.ok).map(|remedy| format!(" ({remedy})"));
        format!("{mark} {:<14} {}{}\n", check.name, check.detail, remedy.unwrap_or_default())
    };
    let lines: String = checks.iter().map(line).collect();
    format!("{lines}isolation: {}", level.name())
}
