//! `hearth config`: every setting of `up` or `serve` with its value, its default, and where the value comes from.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli;
use crate::commands::{print, serve, up};
use crate::exit::Exit;
use crate::settings::{self, Setting};
use crate::table::table;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth config
  hearth config --json serve
  hearth config up --listen 127.0.0.1:0     (as `hearth up` would have it with this flag)
  hearth config --toml > hearth.toml        (a file to start from: all defaults, as comments)

A flag counts more than a variable, a variable more than hearth.toml, and that more than the default.";

/// Options of `hearth config`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print a hearth.toml with every setting and its default, as comments
    #[arg(long, conflicts_with = "json")]
    toml: bool,
    /// File of settings [default: hearth.toml here, else ~/.config/hearth/hearth.toml]
    #[arg(long = "config", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(subcommand)]
    of: Option<Of>,
    /// What was read.
    #[arg(skip)]
    pub(crate) shown: Vec<Setting>,
    /// From where.
    #[arg(skip)]
    pub(crate) read: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
enum Of {
    /// Settings of `hearth up`, with flags as one would give them to it; the default
    Up(Box<up::Arguments>),
    /// Settings of `hearth serve`
    Serve(Box<serve::Arguments>),
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit> {
    let Arguments { json, toml, of, shown, read, .. } = arguments;
    let command = match of {
        Some(Of::Serve(_)) => "serve",
        Some(Of::Up(_)) | None => "up",
    };
    print(&match (json, toml) {
        (_, true) => settings::template(&cli::command()).trim_end().to_owned(),
        (true, _) => as_json(command, read.as_ref(), shown),
        _ => for_people(command, read.as_ref(), shown),
    })?;
    Ok(Exit::Done)
}

fn as_json(command: &str, file: Option<&PathBuf>, shown: &[Setting]) -> String {
    let one = |setting: &Setting| {
        json!({
            "Name": setting.name,
            "Value": setting.values,
            "Default": setting.default,
            "Source": setting.source,
            "Place": setting.place,
        })
    };
    json!({ "Command": command, "File": file, "Settings": shown.iter().map(one).collect::<Vec<_>>() })
        .to_string()
}

fn for_people(command: &str, file: Option<&PathBuf>, shown: &[Setting]) -> String {
    let joined = |values: &[String]| if values.is_empty() { "-".to_owned() } else { values.join(",") };
    let row = |setting: &Setting| {
        let place = setting.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let from = format!("{}{place}", setting.source);
        vec![setting.name.clone(), joined(&setting.values), joined(&setting.default), from]
    };
    let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
    let file = settings::file_line(file);
    format!("hearth {command}: {file}\n\n{}", table(&["SETTING", "VALUE", "DEFAULT", "FROM"], &rows))
}
