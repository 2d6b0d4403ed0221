//! `hearth runtimes`: which runtimes functions may have, and where this machine has them.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use hearth_worker::{Places, RuntimeStatus, Runtimes};

use crate::commands::print;
use crate::exit::Exit;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth runtimes
  hearth runtimes --json";

/// Options of `hearth runtimes`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// A runtime and whether it can be used.
pub(crate) struct Entry {
    /// As AWS spells it: `python3.12`.
    pub(crate) name: String,
    /// The interpreter, or why there is none.
    pub(crate) found: Result<String, String>,
}

/// Every runtime that Hearth can run, on a machine that has it.
pub(crate) fn all() -> Vec<Entry> {
    // Looking writes nothing, so the folder for what is prepared is never made.
    let runtimes = Runtimes::new(Places::of_this_process(), PathBuf::new());
    runtimes.list().into_iter().map(Entry::from).collect()
}

impl From<RuntimeStatus> for Entry {
    fn from(status: RuntimeStatus) -> Self {
        let found = match (status.problem, status.path) {
            (Some(problem), _) => Err(problem),
            (None, Some(path)) => Ok(path.display().to_string()),
            (None, None) => Ok("the function's own bootstrap".to_owned()),
        };
        Self { name: status.identifier.to_owned(), found }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit> {
    let entries = all();
    if arguments.json {
        print(&as_json(&entries))?;
    } else {
        print(&for_people(&entries))?;
    }
    Ok(Exit::Done)
}

fn as_json(entries: &[Entry]) -> String {
    let entry = |entry: &Entry| {
        let (program, reason) = (entry.found.as_ref().ok(), entry.found.as_ref().err());
        json!({ "Runtime": entry.name, "Available": program.is_some(), "Program": program, "Reason": reason })
    };
    serde_json::Value::from_iter(entries.iter().map(entry)).to_string()
}

fn for_people(entries: &[Entry]) -> String {
    let line = |entry: &Entry| match &entry.found {
        Ok(program) => format!("{:<15} {program}", entry.name),
        Err(reason) => format!("{:<15} - {reason}", entry.name),
    };
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}
