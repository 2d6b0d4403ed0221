//! Every chore of the repository, in Rust: `cargo xtask <chore>`.
//!
//! Never: is part of the product; is needed to build it.

mod arrows;
mod check;
mod coverage;
mod gaps;
mod licences;
mod metadata;
mod models;
mod sizes;
mod snapshot;
mod sources;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Holds the house: format, lints, sizes, arrows, licences, generated files.
    Check {
        /// Only these checks, by name.
        names: Vec<String>,
    },
    /// Writes docs/coverage.md: which operations of the models are built.
    Coverage,
    /// Lists the known gaps: comments that begin with `GAP(topic):`.
    Gaps,
    /// Writes tests/upgrade/NAME.tar.gz: a data folder of this release, which later ones must open.
    Snapshot {
        /// The release, or the commit: what the file is called.
        name: String,
    },
    /// Writes models/*.json from the pinned release of botocore.
    Models,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Check { names } => check::run(&names),
        Chore::Coverage => coverage::write(),
        Chore::Gaps => gaps::run(),
        Chore::Snapshot { name } => snapshot::write(&name),
        Chore::Models => models::run(),
    };
    report(outcome)
}

fn report(outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
