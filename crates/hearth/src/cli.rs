//! The command line as clap reads it. Every command has its file in `commands/`.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::builder::Resettable;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use hearth_service_lambda::{CREDENTIALS, CREDENTIALS_LEFT};

use crate::commands::{
    backup, completions, config, disk, doctor, env, functions, invoke, logs, man, reset, restore, runtimes,
    serve, up,
};
use crate::exit::EXIT_CODES;
use crate::settings;

/// AWS Lambda on your own machine: unmodified AWS clients, real code, sandboxes without Docker.
#[derive(Debug, Parser)]
#[command(name = "hearth", version, after_help = FIRST_STEPS, after_long_help = FIRST_STEPS)]
pub struct Cli {
    /// What Hearth says of itself on stderr: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL", env = "HEARTH_LOG", default_value = "warn")]
    pub log: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What the command line says, with the settings of a file. Ends the process when it is help or makes no sense.
    pub fn read() -> Result<Self> {
        let command = without_empty_variables(command());
        let read = settings::read(&command, std::env::args_os().collect())?;
        let mut cli = Self::from_arg_matches(&read.matches).unwrap_or_else(|error| error.exit());
        if let Command::Config(config) = &mut cli.command {
            (config.shown, config.read) = (read.shown, read.file);
        }
        Ok(cli)
    }
}

/// Every command with its flags, as help, completions and manual pages tell of them.
pub fn command() -> clap::Command {
    settings::with_settings(Cli::command())
}

/// A variable without text counts as unset, as AWS's clients and most programs have it.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let of_argument = |argument: Arg| match argument.get_env() {
        Some(name) if is_empty(name) => argument.env(Resettable::Reset),
        _ => argument,
    };
    command.mut_args(of_argument).mut_subcommands(without_empty_variables)
}

const FIRST_STEPS: &str = "First steps:
  hearth doctor
  hearth up
  aws --endpoint-url http://127.0.0.1:4566 lambda list-functions";

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve AWS clients on this machine until Ctrl-C
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", up::EXAMPLES))]
    Up(Box<up::Arguments>),
    /// Serve AWS clients over the network: TLS, signatures verified, a user without privilege
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", serve::EXAMPLES))]
    Serve(Box<serve::Arguments>),
    /// Run a function and print what it answers
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", invoke::EXAMPLES))]
    Invoke(invoke::Arguments),
    /// List functions with their runtime, memory, state and environments
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", functions::EXAMPLES))]
    Functions(functions::Arguments),
    /// Show the execution environments of functions
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", env::EXAMPLES))]
    Env(env::Arguments),
    /// Show what a function wrote
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", logs::EXAMPLES))]
    Logs(logs::Arguments),
    /// Say what this machine offers and what is missing
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", doctor::EXAMPLES))]
    Doctor(doctor::Arguments),
    /// List the runtimes of functions and whether this machine has them
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", runtimes::EXAMPLES))]
    Runtimes(runtimes::Arguments),
    /// Say what uses the data folder, and what garbage waits in it
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", disk::EXAMPLES))]
    Disk(disk::Arguments),
    /// Remove everything that Hearth remembers
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", reset::EXAMPLES))]
    Reset(reset::Arguments),
    /// Show every setting of `up` or `serve`, its default, and where its value comes from
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", config::EXAMPLES))]
    Config(config::Arguments),
    /// Print what makes a shell complete hearth's commands
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", completions::EXAMPLES))]
    Completions(completions::Arguments),
    /// Write manual pages to a folder
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", man::EXAMPLES))]
    Man(man::Arguments),
    /// Write everything that Hearth remembers to one file, also while the server runs
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", backup::EXAMPLES))]
    Backup(backup::Arguments),
    /// Make a data folder of a backup
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", restore::EXAMPLES))]
    Restore(restore::Arguments),
    /// Print docs/coverage.md (used by `cargo xtask coverage`)
    #[command(name = "__coverage", hide = true)]
    Coverage,
}

/// Where the server is and as whom it is called.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// Address of the server
    #[arg(long, value_name = "URL", env = "HEARTH_ENDPOINT", default_value = "http://127.0.0.1:4566")]
    pub endpoint: String,
    /// Region of the function [default: $AWS_REGION, $AWS_DEFAULT_REGION, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Account of the function, 12 digits [default: the server's]
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<String>,
    /// Certificate authority of an https:// server, in PEM, beside the system's
    #[arg(long, value_name = "FILE", env = "AWS_CA_BUNDLE")]
    pub ca_file: Option<PathBuf>,
    /// Profile of ~/.aws/credentials to sign with [default: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY]
    #[arg(long, value_name = "NAME", conflicts_with = "account")]
    pub profile: Option<String>,
    /// The server's data folder, whose token opens what is private [default: ~/.local/share/hearth]
    #[arg(long, value_name = "DIR", env = "HEARTH_DATA")]
    pub data: Option<PathBuf>,
}

/// An AWS account: 12 digits.
pub fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_account { Ok(text.to_owned()) } else { Err("an account has 12 digits".to_owned()) }
}

/// `500ms`, `30s`, `2m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u32 = text[..digits].parse().map_err(|_| "a time like 30s, 500ms or 2m".to_owned())?;
    match &text[digits..] {
        "ms" => Ok(Duration::from_millis(number.into())),
        "s" => Ok(Duration::from_secs(number.into())),
        "m" => Ok(Duration::from_secs(60 * u64::from(number))),
        _ => Err("a time like 30s, 500ms or 2m".to_owned()),
    }
}

/// A number with its unit, in seconds: `30s`, `10m`, `2h`, `1d`.
pub fn age(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text} is no age: use 30s, 10m, 2h or 1d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count.checked_mul(seconds).ok_or_else(wrong)
}

/// An age at which credentials are renewed. Those of a role hold for 12 hours at most, as AWS's do.
pub fn credentials_age(text: &str) -> Result<u64, String> {
    let most = (CREDENTIALS - CREDENTIALS_LEFT).as_secs();
    let seconds = age(text)?;
    if seconds > most {
        return Err(format!("{text} is more than {}h", most / 3_600));
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn an_account_has_12_digits() {
        assert!(account("123456789012").is_ok());
        assert!(account("12345678901").is_err());
        assert!(account("12345678901x").is_err());
    }

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "30", "s", "-1s", "1h", "1.5s", "99999999999s", "é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn credentials_are_renewed_before_their_last_hour() {
        assert_eq!(credentials_age("11h"), Ok(39_600));
        assert_eq!(credentials_age("0s"), Ok(0));
        assert_eq!(credentials_age("661m"), Err("661m is more than 11h".to_owned()));
        assert!(credentials_age("11").is_err());
    }

    #[test]
    fn an_age_is_a_number_with_its_unit() {
        assert_eq!(age("30s"), Ok(30));
        assert_eq!(age("2h"), Ok(7_200));
        assert!(age("2").is_err());
        assert!(age("m").is_err());
        assert!(age("-1m").is_err());
        assert!(age("").is_err());
    }
}
