//! `hearth man DIR`: manual pages, one for the program and one for each command.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::cli;
use crate::commands::print;
use crate::exit::Exit;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth man /usr/local/share/man/man1
  hearth man ./man1 && man ./man1/hearth-up.1";

/// Options of `hearth man`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder to write to; made when it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
    let pages = clap_mangen::generate_to(cli::command(), folder);
    pages.with_context(|| format!("write the manual's pages to {}", folder.display()))?;
    print(&format!("{}: hearth.1 and a page for each command", folder.display()))?;
    Ok(Exit::Done)
}
