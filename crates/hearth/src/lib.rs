//! The program: command line, listener, and the one place where the parts meet.
//!
//! ```text
//! main ─▶ cli ─▶ commands ─▶ up ─▶ server: data_folder, store, spawner, worker, services ─▶ front ─▶ gate
//! ```
//!
//! Never: starts a thread before the spawner; holds what a service, the worker or the wire should know.

pub mod archive;
pub mod cli;
pub mod client;
pub mod client_keys;
pub mod code_source;
pub mod commands;
pub mod counts;
pub mod data_folder;
pub mod exit;
pub mod folder_lock;
pub mod folder_names;
pub mod front;
pub mod garbage;
pub mod gate;
pub mod greeting;
pub mod init;
pub mod keys;
pub mod logging;
pub mod network;
pub mod objects;
pub mod own;
pub mod privileges;
pub mod quotas;
#[cfg(test)]
mod reference;
pub mod reset;
pub mod served_folder;
pub mod server;
pub mod services;
pub mod settings;
pub mod state;
pub mod table;
pub mod text_file;
pub mod tls;

use std::process::ExitCode;
use std::time::Instant;

pub use hearth_sandbox::SPAWNER_ARGUMENT;
pub use hearth_sandbox::spawner::main as spawner;

use crate::cli::Cli;
use crate::exit::{Exit, Refusal};

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let started = Instant::now();
    let done = Cli::read().and_then(|cli| {
        logging::start(&cli.log)?;
        commands::run(cli, started)
    });
    match done {
        Ok(exit) => exit.into(),
        Err(error) => complain(&error),
    }
}

/// One line for a person, with every cause.
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("hearth: {error:#}");
    error.downcast_ref::<Refusal>().map_or(Exit::Failed, |refusal| refusal.exit).into()
}
