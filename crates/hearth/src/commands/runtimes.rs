//! `hearth runtimes`: which runtimes functions may have, and where this machine has them. `setup` fetches what AWS's
//! runtimes carry beside the interpreter.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use hearth_service_lambda::Deprecated;
use hearth_worker::{Places, RuntimeStatus, Runtimes, SdkOutcome, SdkSetup, SdkStatus, set_up};

use crate::commands::print;
use crate::exit::Exit;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth runtimes
  hearth runtimes --json
  hearth runtimes setup";

/// How often the sign of life turns.
const TICK: Duration = Duration::from_millis(120);

/// Options of `hearth runtimes`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    /// Where the SDKs lie [default: runtimes in the default data folder]
    #[arg(long, global = true, value_name = "DIR", env = "HEARTH_RUNTIMES")]
    runtimes: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Fetch the AWS SDKs that functions find without packing them: boto3, the clients of @aws-sdk. Uses pip and npm
    /// once; functions then need no network for them
    Setup,
}

/// What becomes of functions whose runtime is past AWS's dates: when they are made, and when they are changed.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum DeprecatedRuntimes {
    /// They are made and changed
    Allow,
    /// Both are refused as AWS does, each from its date on
    Refuse,
}

impl From<DeprecatedRuntimes> for Deprecated {
    fn from(rule: DeprecatedRuntimes) -> Self {
        match rule {
            DeprecatedRuntimes::Allow => Self::Allow,
            DeprecatedRuntimes::Refuse => Self::Refuse,
        }
    }
}

/// Every runtime that Hearth can run, with where this machine has it.
pub(crate) fn all(sdks: Option<PathBuf>) -> Vec<RuntimeStatus> {
    // Looking writes nothing, so the folder for what is prepared is never made.
    Runtimes::new(places(sdks), PathBuf::new()).list()
}

fn places(sdks: Option<PathBuf>) -> Places {
    let places = Places::of_this_process();
    Places { sdks: sdks.or(places.sdks), ..places }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit> {
    let sdks = arguments.runtimes.clone().map(std::path::absolute).transpose().context("read --runtimes")?;
    match arguments.command {
        Some(Command::Setup) => setup(sdks, arguments.json),
        None => {
            let all = all(sdks);
            print(&if arguments.json { as_json(&all) } else { for_people(&all) })?;
            Ok(Exit::Done)
        }
    }
}

fn setup(sdks: Option<PathBuf>, json: bool) -> Result<Exit> {
    let places = places(sdks);
    let folder = places.sdks.clone();
    let folder = folder.context("neither XDG_DATA_HOME nor HOME is set: name the folder with --runtimes")?;
    let bar = std::io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
        let bar = ProgressBar::new_spinner();
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(TICK);
        bar
    });
    let mut tell = |text: &str| match &bar {
        Some(bar) => bar.set_message(text.to_owned()),
        None => eprintln!("{text}"),
    };
    let done = set_up(&places, &folder, &mut tell);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let done = done?;
    let lines: Vec<String> = done.iter().map(told).collect();
    print(&if json { setup_as_json(&done) } else { lines.join("\n") })?;
    let failed = done.iter().any(|it| matches!(it.outcome, SdkOutcome::Failed(_)));
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn told(done: &SdkSetup) -> String {
    let (title, folder) = (&done.title, done.folder.display());
    let what = match &done.outcome {
        SdkOutcome::Ready => format!("{title} is there: {folder}"),
        SdkOutcome::Installed => format!("{title} is installed: {folder}"),
        SdkOutcome::NotWanted => format!("{title}: no interpreter of this machine wants it"),
        SdkOutcome::Failed(reason) => format!("{title} is MISSING: {reason}"),
    };
    format!("{:<7} {what}", done.name)
}

fn setup_as_json(done: &[SdkSetup]) -> String {
    let entry = |done: &SdkSetup| {
        let (outcome, reason) = match &done.outcome {
            SdkOutcome::Ready => ("Ready", None),
            SdkOutcome::Installed => ("Installed", None),
            SdkOutcome::NotWanted => ("NotWanted", None),
            SdkOutcome::Failed(reason) => ("Failed", Some(reason)),
        };
        json!({ "Language": done.name, "Sdk": done.title, "Folder": done.folder, "Outcome": outcome, "Reason": reason })
    };
    serde_json::Value::from_iter(done.iter().map(entry)).to_string()
}

/// The interpreter, or that the function brings its own.
fn program(status: &RuntimeStatus) -> Option<String> {
    let program = status.path.as_ref().map(|path| path.display().to_string());
    let available = status.problem.is_none();
    available.then(|| program.unwrap_or_else(|| "the function's own bootstrap".to_owned()))
}

fn as_json(all: &[RuntimeStatus]) -> String {
    let sdk = |sdk: &SdkStatus| json!({ "Package": sdk.package, "Version": sdk.version, "Ready": sdk.ready });
    let entry = |status: &RuntimeStatus| {
        json!({
            "Runtime": status.identifier,
            "Available": status.problem.is_none(),
            "Source": status.source,
            "Program": program(status),
            "Version": status.version,
            "Sdk": status.sdk.as_ref().map(sdk),
            "Reason": status.problem,
        })
    };
    serde_json::Value::from_iter(all.iter().map(entry)).to_string()
}

fn for_people(all: &[RuntimeStatus]) -> String {
    let mut text = String::new();
    let mut without_sdk = false;
    for status in all {
        let name = status.identifier;
        // Writing to a String cannot fail.
        let _ = match (program(status), &status.problem) {
            (Some(program), _) => {
                let sdk = status.sdk.as_ref().map(|sdk| {
                    without_sdk |= !sdk.ready;
                    let there = if sdk.ready { "" } else { " MISSING" };
                    format!("{} {}{there}", sdk.package, sdk.version)
                });
                let (source, version) =
                    (status.source.unwrap_or("-"), status.version.as_deref().unwrap_or("-"));
                writeln!(
                    text,
                    "{name:<15} {source:<8} {version:<9} {:<24} {program}",
                    sdk.unwrap_or_else(|| "-".into())
                )
            }
            (None, problem) => writeln!(text, "{name:<15} - {}", problem.as_deref().unwrap_or("unknown")),
        };
    }
    if without_sdk {
        text.push_str("\nFunctions find the AWS SDKs that are MISSING after: hearth runtimes setup\n");
    }
    text.trim_end().to_owned()
}
