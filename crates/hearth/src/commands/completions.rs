//! `hearth completions SHELL`: what makes a shell complete hearth's commands and flags.

use anyhow::Result;
use clap::Args;
use clap_complete::Shell;

use crate::cli;
use crate::commands::print;
use crate::exit::Exit;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth completions bash > /etc/bash_completion.d/hearth
  hearth completions zsh > ~/.zfunc/_hearth     (a folder of $fpath)
  hearth completions fish > ~/.config/fish/completions/hearth.fish";

/// Options of `hearth completions`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut cli::command(), "hearth", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}
