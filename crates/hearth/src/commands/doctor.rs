//! `hearth doctor`: what this machine offers for sandboxes and runtimes, and what is missing.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use hearth_sandbox::Check;

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
    let fit = checks.iter().all(|check| check.ok);
    if arguments.json {
        print(&as_json(&checks, fit))?;
    } else {
        print(&for_people(&checks, fit))?;
    }
    Ok(if fit { Exit::Done } else { Exit::Failed })
}

fn interpreters() -> Check {
    let all = runtimes::all(None);
    let found: Vec<&str> = all.iter().filter(|it| it.problem.is_none()).map(|it| it.identifier).collect();
    let detail = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    let remedy = "install a Python between 3.9 and 3.13".to_owned();
    Check {
        name: "runtimes",
        ok: !found.is_empty(),
        detail,
        remedy: Some(remedy).filter(|_| found.is_empty()),
    }
}

fn as_json(checks: &[Check], fit: bool) -> String {
    let entry = |check: &Check| json!({ "Name": check.name, "Ok": check.ok, "Detail": check.detail, "Remedy": check.remedy });
    json!({ "Level": level(fit), "Checks": checks.iter().map(entry).collect::<Vec<_>>() }).to_string()
}

fn for_people(checks: &[Check], fit: bool) -> String {
    let line = |check: &Check| {
        let mark = if check.ok { "ok     " } else { "MISSING" };
        let remedy = check.remedy.as_ref().filter(|_| !check.ok).map(|remedy| format!(" ({remedy})"));
        format!("{mark} {:<14} {}{}\n", check.name, check.detail, remedy.unwrap_or_default())
    };
    let lines: String = checks.iter().map(line).collect();
    format!("{lines}isolation: {}", level(fit))
}

/// The level of isolation that `hearth up` would have here.
fn level(fit: bool) -> &'static str {
    if fit { "full" } else { "none" }
}
