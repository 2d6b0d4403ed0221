//! What the owner wants done at every start: a seed file, then scripts, before the server calls itself ready.
//!
//! ```text
//! server answers ─▶ --seed FILE ─▶ --init DIR/ready.d, by name ─▶ ready
//!                        │                 │ GET /_hearth/ready answers 503 until then
//!                        └── failed: told, and the server goes on, or ends (--init-failure end)
//! ```
//!
//! Both are clients of the listener as any other: what they may do is what their credentials may do.
//!
//! Never: runs anything as the spawner; gives a script credentials of another cloud.

mod folder;
mod readiness;
mod scripts;
mod seed;
mod seed_calls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use hearth_aws::sigv4::SigningKey;
use hearth_world::World;
use tracing::info;

pub use readiness::{Readiness, Stage, Step};

use scripts::Script;
use seed::Seed;

/// What the command line says of it.
#[derive(Args, Clone, Debug)]
#[group(id = "start")]
pub struct Options {
    /// Folder whose ready.d has scripts; they run in the order of their names once the server answers
    #[arg(long, value_name = "DIR")]
    pub init: Option<PathBuf>,
    /// File of functions, roles, buckets and log groups that are made at the start, or brought up to date
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// What the server does when the seed or a script fails
    #[arg(long, value_name = "RULE", value_enum, default_value_t = OnFailure::Continue)]
    pub init_failure: OnFailure,
    /// How long the seed and all scripts may take together, like 30s or 10m
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = crate::cli::duration)]
    pub init_timeout: Duration,
}

/// What a failure at the start means.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It is told, and the server serves
    Continue,
    /// It is told, and the server ends with exit code 1
    End,
}

/// All that is to be done, read and checked before anything is made.
#[derive(Debug, Default)]
pub struct Plan {
    seed: Option<Seed>,
    scripts: Vec<Script>,
}

/// How the server is called at its own start.
#[derive(Clone, Debug)]
pub struct Place {
    /// `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// The authority of an endpoint over TLS that the system does not know.
    pub authority: Option<PathBuf>,
    /// The account that is served.
    pub account: String,
    /// The server's data folder.
    pub data: PathBuf,
    /// With what calls are signed. `None` where anybody may call, or nobody was given a right to.
    pub key: Option<SigningKey>,
    /// Whether any access key is accepted, so that scripts are given one.
    pub any_key: bool,
}

impl Options {
    /// Reads the seed and finds the scripts.
    pub fn plan(&self) -> Result<Plan> {
        let seed = self.seed.as_deref().map(Seed::read).transpose()?;
        let scripts = self.init.as_deref().map(scripts::find).transpose()?.unwrap_or_default();
        Ok(Plan { seed, scripts })
    }
}

impl Plan {
    /// What it does, in order.
    pub fn steps(&self) -> Vec<String> {
        let seed = self.seed.iter().map(|seed| seed.name().to_owned());
        seed.chain(self.scripts.iter().map(|script| script.name().to_owned())).collect()
    }

    /// Does it all; says every failure on stderr as it happens. `Err` when something failed and that ends the server.
    pub async fn run(&self, options: &Options, place: &Place, readiness: &Arc<Readiness>) -> Result<()> {
        let world = World::real();
        let clock = world.physical();
        let deadline = clock.now().after(options.init_timeout);
        let mut failed = 0;
        if let Some(seed) = &self.seed {
            let step = readiness.begin(seed.name());
            let began = Instant::now();
            let left = deadline.since(clock.now());
            let done = match clock.timeout(left, seed.apply(place, &world)).await {
                Ok(done) => done.map_err(|error| format!("{error:#}")),
                Err(_) => Err(too_long(options)),
            };
            failed += end(readiness, step, seed.name(), began, done);
        }
        for script in &self.scripts {
            let step = readiness.begin(script.name());
            let began = Instant::now();
            let left = deadline.since(clock.now());
            let done = clock.timeout(left, script.run(place)).await;
            failed +=
                end(readiness, step, script.name(), began, done.unwrap_or_else(|_| Err(too_long(options))));
        }
        match options.init_failure {
            OnFailure::End if failed > 0 => {
                bail!("{failed} of {} steps at the start failed", self.steps().len())
            }
            _ => Ok(()),
        }
    }
}

fn too_long(options: &Options) -> String {
    format!("not done after {:?}, the time of --init-timeout", options.init_timeout)
}

fn end(readiness: &Readiness, step: usize, name: &str, began: Instant, done: Result<(), String>) -> usize {
    let taken = began.elapsed();
    match done {
        Ok(()) => {
            info!(name, ms = taken.as_millis(), "done at the start");
            readiness.end(step, taken, None);
            0
        }
        Err(reason) => {
            eprintln!("hearth: {name} failed at the start: {reason}");
            readiness.end(step, taken, Some(reason));
            1
        }
    }
}

/// The region of what is done at the start: the environment's, or AWS's first.
fn region() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let named = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    named.unwrap_or_else(|| "us-east-1".to_owned())
}
