//! Where the settings of `up` and `serve` come from: flags, the environment, a file, defaults, in this order.
//!
//! ```text
//! command line, read once ─▶ which command, which file ─▶ file checked by the flags it stands for
//!        ─▶ what no flag and no variable says becomes the flag's default ─▶ command line, read again
//! ```
//!
//! A setting is a flag of `up` or `serve`: the file's name for it is the flag's, so that no list beside the flags can
//! become untrue.
//!
//! Never: a setting of the file that is not acted on; a file of somebody else's that happened to lie in the folder.

mod file;
mod names;
mod shown;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};

pub use file::File;
pub use shown::{Setting, file_line, template};

/// The commands whose flags are settings.
pub const COMMANDS: [&str; 2] = ["up", "serve"];

/// The command that shows them; it has both as its own.
const CONFIG: &str = "config";

/// Flags that are no settings of the file: it cannot name itself, and quotas of accounts have a table of their own.
const NOT_IN_FILE: [&str; 2] = ["config", ACCOUNT_QUOTA];

/// What `[quotas.ACCOUNT]` stands for.
const ACCOUNT_QUOTA: &str = "account-quota";

/// The one setting that stands at the program, not at its commands.
const LOG: &str = "log";

/// Options about the file.
#[derive(Args, Clone, Debug)]
#[group(id = "settings")]
pub struct Options {
    /// File of settings [default: hearth.toml here, else ~/.config/hearth/hearth.toml; `hearth config` shows it]
    #[arg(long, value_name = "FILE", env = "HEARTH_CONFIG")]
    pub config: Option<PathBuf>,
}

/// The program's commands with every flag of `up` and `serve` as a setting: it has a variable, and a switch can also
/// be switched off.
pub fn with_settings(command: Command) -> Command {
    let is_one = |command: &Command| COMMANDS.contains(&command.get_name());
    let of_settings =
        move |command: Command| if is_one(&command) { command.mut_args(as_setting) } else { command };
    command.mut_subcommands(|command| match command.get_name() {
        CONFIG => command.mut_subcommands(of_settings),
        _ => of_settings(command),
    })
}

fn as_setting(argument: Arg) -> Arg {
    let Some(long) = argument.get_long().map(str::to_owned) else { return argument };
    let named = argument.get_env().is_some();
    let variable = format!("HEARTH_{}", long.to_uppercase().replace('-', "_"));
    let argument = if named { argument } else { argument.env(variable) };
    match argument.get_action() {
        ArgAction::SetTrue => argument
            .action(ArgAction::Set)
            .value_name("BOOL")
            .value_parser(BoolishValueParser::new())
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .default_value("false")
            .hide_default_value(true)
            .hide_possible_values(true),
        ArgAction::Append => argument.value_delimiter(','),
        _ => argument,
    }
}

/// What the command line says, with a file of settings where the command has any.
#[derive(Debug)]
pub struct Read {
    /// To be read as [`crate::cli::Cli`].
    pub matches: ArgMatches,
    /// What `hearth config` shows.
    pub shown: Vec<Setting>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// Reads the command line. Ends the process when that is help or makes no sense.
pub fn read(command: &Command, mut arguments: Vec<OsString>) -> Result<Read> {
    let mut first = command.clone().get_matches_from(&arguments);
    if first.subcommand().is_some_and(|(name, config)| name == CONFIG && config.subcommand().is_none()) {
        arguments.push(COMMANDS[0].into());
        first = command.clone().get_matches_from(&arguments);
    }
    let (path, of_command) = innermost(&first);
    let Some(name) = path.last().copied().filter(|name| COMMANDS.contains(name)) else {
        return Ok(Read { matches: first, shown: Vec::new(), file: None });
    };
    let named = |matches: &ArgMatches, id: &str| matches.try_get_one::<PathBuf>(id).ok().flatten().cloned();
    let outer = first.subcommand().and_then(|(_, matches)| named(matches, "file"));
    let Some(file) = File::find(named(of_command, "config").or(outer))? else {
        let shown = shown::settings(command, &path, of_command, None);
        return Ok(Read { shown, matches: first, file: None });
    };
    let given = file.check(command)?;
    let wanted = given.of(name, of_command, command)?;
    let changed = wanted.iter().fold(command.clone(), |command, setting| {
        let (key, values) = (setting.key.clone(), setting.values.clone());
        let with_default = |argument: Arg| argument.default_values(values);
        if key == LOG {
            return command.mut_arg(LOG, with_default);
        }
        at(command, &path, |command| {
            let id = command.get_arguments().find(|it| it.get_long() == Some(&key));
            let id = id.expect("the file was checked by these flags").get_id().clone();
            command.mut_arg(id, with_default)
        })
    });
    let matches = changed.clone().get_matches_from(&arguments);
    let (_, of_command) = innermost(&matches);
    let shown = shown::settings(command, &path, of_command, Some((&file, &wanted)));
    Ok(Read { shown, file: Some(file.path().to_owned()), matches })
}

/// The commands that were named, and what the last one was given.
fn innermost(matches: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let (mut path, mut inner) = (Vec::new(), matches);
    while let Some((name, below)) = inner.subcommand() {
        path.push(name);
        inner = below;
    }
    (path, inner)
}

/// Changes the command at this path.
fn at(command: Command, path: &[&str], change: impl FnOnce(Command) -> Command) -> Command {
    match path {
        [] => change(command),
        [name] => command.mut_subcommand(name, change),
        [first, second, ..] => {
            command.mut_subcommand(first, |command| command.mut_subcommand(second, change))
        }
    }
}

/// The command at this path.
fn found<'c>(command: &'c Command, path: &[&str]) -> Option<&'c Command> {
    path.iter().try_fold(command, |command, name| command.find_subcommand(name))
}

/// Whether a person said it: on the command line or in the environment.
fn is_said(matches: &ArgMatches, id: &str) -> bool {
    matches!(matches.value_source(id), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

#[cfg(test)]
mod tests;
