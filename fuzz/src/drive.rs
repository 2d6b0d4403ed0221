//! Runs a target over and over, and makes what it finds small.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::{Path, PathBuf};

use hearth_world::Random;

use crate::mutate::mutate;
use crate::{Target, seeds};

/// Attempts at making a found input smaller.
const SHRINKS_MAX: usize = 20_000;

/// An input that breaks a target.
#[derive(Debug)]
pub struct Found {
    /// The target's name.
    pub target: &'static str,
    /// What it was run from.
    pub seed: u64,
    /// The executions before.
    pub executions: u64,
    /// The input, as small as it was made.
    pub input: Vec<u8>,
}

/// Runs a target over mutated inputs until `is_over` says so, which is asked with the number of executions before
/// each. Gives how many there were.
///
/// # Errors
/// The first input that breaks it.
pub fn run(target: Target, seed: u64, mut is_over: impl FnMut(u64) -> bool) -> Result<u64, Box<Found>> {
    let random = Random::seeded(seed);
    let mut inputs = seeds::of(target.name);
    inputs.extend(hearth_aws::fuzzing::seeds(target.name));
    inputs.extend(kept(target).into_iter().map(|(_, input)| input));
    let mut executions = 0;
    while !is_over(executions) {
        let input = match usize::try_from(executions).ok().and_then(|at| inputs.get(at)) {
            Some(input) => input.clone(),
            None => mutate(&random, &inputs),
        };
        if !holds(target, &input) {
            // The first message is read by a person, those of smaller inputs by nobody.
            let hook = take_hook();
            set_hook(Box::new(|_| {}));
            let input = shrunk(target, input);
            set_hook(hook);
            return Err(Box::new(Found { target: target.name, seed, executions, input }));
        }
        executions += 1;
    }
    Ok(executions)
}

/// Runs a target over the inputs that once broke it.
///
/// # Errors
/// The file that breaks it again.
pub fn replay(target: Target) -> Result<usize, PathBuf> {
    let kept = kept(target);
    match kept.iter().find(|(_, input)| !holds(target, input)) {
        Some((path, _)) => Err(path.clone()),
        None => Ok(kept.len()),
    }
}

fn kept(target: Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target.name);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut kept: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let input = fs::read(&path).ok()?;
            Some((path, input))
        })
        .collect();
    kept.sort();
    kept
}

fn holds(target: Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}

/// Leaves out pieces, from large to small, as long as the target still breaks.
fn shrunk(target: Target, mut input: Vec<u8>) -> Vec<u8> {
    let mut attempts = 0;
    let mut piece = input.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < input.len() && attempts < SHRINKS_MAX {
            attempts += 1;
            let smaller = [&input[..at], &input[(at + piece).min(input.len())..]].concat();
            if holds(target, &smaller) {
                at += piece;
            } else {
                input = smaller;
            }
        }
        piece /= 2;
    }
    input
}
