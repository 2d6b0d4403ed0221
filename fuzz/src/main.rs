//! Runs targets for as long as it is told: `cargo run -p hearth-fuzz -- [TARGET...] --seconds 60`.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use hearth_fuzz::{Target, find, run, targets};
use hearth_world::Random;

/// Feeds mutated input to every reader of foreign bytes.
#[derive(Parser)]
#[command(name = "hearth-fuzz")]
struct Arguments {
    /// Only these targets.
    names: Vec<String>,
    /// Seconds for each.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Where randomness starts; another one each time when it is not given.
    #[arg(long)]
    seed: Option<u64>,
}

/// Between two looks at the clock.
const EXECUTIONS_A_LOOK: u64 = 64;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chosen: Option<Vec<Target>> = match arguments.names.as_slice() {
        [] => Some(targets()),
        names => names.iter().map(|name| find(name)).collect(),
    };
    let Some(chosen) = chosen else {
        let names: Vec<_> = targets().iter().map(|target| target.name).collect();
        eprintln!("no such target; there are: {}", names.join(" "));
        return ExitCode::FAILURE;
    };
    let seed = arguments.seed.unwrap_or_else(|| u64::from_le_bytes(Random::kernel().bytes()));
    let mut is_whole = true;
    for target in chosen {
        is_whole &= one(target, seed, Duration::from_secs(arguments.seconds));
    }
    if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(target: Target, seed: u64, time: Duration) -> bool {
    let begun = Instant::now();
    let is_over = |executions: u64| executions.is_multiple_of(EXECUTIONS_A_LOOK) && begun.elapsed() >= time;
    match run(target, seed, is_over) {
        Ok(executions) => {
            println!("{:18} {executions:>12} executions, seed {seed}", target.name);
            true
        }
        Err(found) => {
            let folder =
                std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(found.target);
            let path = folder.join(format!("{seed:016x}-{}", found.executions));
            let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &found.input));
            println!(
                "{:18} breaks after {} executions, seed {seed}: {:?}\n{:18} kept in {} ({kept:?})",
                found.target,
                found.executions,
                String::from_utf8_lossy(&found.input),
                "",
                path.display()
            );
            false
        }
    }
}
