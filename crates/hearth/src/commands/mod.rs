//! The commands, a file each: arguments, examples for the help, and what it does.

pub mod backup;
pub mod completions;
pub mod config;
pub mod coverage;
pub mod disk;
pub mod doctor;
pub mod env;
pub mod functions;
pub mod invoke;
pub mod logs;
pub mod man;
pub mod reset;
pub mod restore;
mod running;
pub mod runtimes;
pub mod serve;
pub mod up;

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};

use crate::cli::{Cli, Command};
use crate::exit::Exit;

/// Does what the command line asks.
pub fn run(cli: Cli, started: std::time::Instant) -> Result<Exit> {
    match cli.command {
        Command::Up(arguments) => up::run(*arguments, started),
        Command::Serve(arguments) => serve::run(*arguments, started),
        Command::Invoke(arguments) => invoke::run(arguments),
        Command::Functions(arguments) => functions::run(arguments),
        Command::Env(arguments) => env::run(arguments),
        Command::Reset(arguments) => reset::run(arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
        Command::Logs(arguments) => logs::run(arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Runtimes(arguments) => runtimes::run(&arguments),
        Command::Disk(arguments) => disk::run(arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Coverage => coverage::run(),
    }
}

/// Runs a short-lived command's future on one thread.
fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("start the runtime")?.block_on(future)
}

/// Prints a command's result on a line of its own. Who reads no further (`| head -1`) has enough.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("print the result"),
    }
}
